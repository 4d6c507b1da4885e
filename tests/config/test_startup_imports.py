"""What a process loads at its start: nothing heavy that it may not need, and nothing that the collector then walks."""

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
WALKED = """
import gc
import config.asgi
frozen, left = gc.get_freeze_count(), len(gc.get_objects())
from django.urls import resolve
resolve("/api/v1/submissions")
resolve("/classes/1/")
print(frozen, left, len(gc.get_objects()))
"""


def output_of(code: str) -> str:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_heavy_libraries_are_loaded_when_they_are_needed():
    assert HEAVY & set(output_of(LOAD).split()) == set()


def test_the_collector_does_not_walk_what_stays():
    """Nor do the first requests load what it would then walk: the pages are there when the process begins."""
    frozen, left, after = map(int, output_of(WALKED).split())
    assert frozen > 100_000
    assert left < 1_000
    assert after < 10_000
