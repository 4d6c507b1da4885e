"""What every process and every command of `manage.py` must not load at its start: each costs more than all the rest."""

import os
import subprocess
import sys

from tests.servers import ROOT

# Building nbformat's validator makes a grammar (1.3 s of processor); the others draw and compare notebooks.
HEAVY = {"nbformat", "jsonschema", "nbconvert", "nbdime"}
LOAD = """
import sys
import config.asgi
from django.urls import resolve
resolve("/api/v1/submissions")
print(*sys.modules)
"""


def test_heavy_libraries_are_loaded_when_they_are_needed():
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stdout.split()) == set()
