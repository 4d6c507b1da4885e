"""What a process loads at its start: nothing heavy that it may not need, and nothing that the collector then walks."""

import os
import subprocess
import sys

from tests.servers import ROOT

# Building nbformat's validator makes a grammar (1.3 s of processor); the others draw and compare notebooks.
HEAVY = {"nbformat", "jsonschema", "nbconvert", "nbdime"}
# What others load where it is installed, and what few requests need: together 24 MiB of a web process, 12 of a worker.
UNNEEDED = {"requests", "urllib3", "charset_normalizer", "jinja2", "pygments", "greenlet", "PIL", "lms.rosters.letters"}
UNNEEDED |= {"cryptography.hazmat", "yaml", "django.test", "rest_framework.test", "unittest"}
OF_WORKERS = {"psutil"}
# Of a worker: it serves no pages, checks no tokens and draws nothing. (`rest_framework` alone is an application.)
OF_WEB = {"classroom.urls", "config.urls", "rest_framework.views", "rest_framework_simplejwt", "drf_spectacular.views"}
OF_WEB |= {"django.test", "unittest", "import_export.admin", "influxdb_client", "pandas", "reactivex", "uvicorn"}
LOAD = """
import sys
import config.asgi
from django.urls import resolve
resolve("/api/v1/submissions")
print(*sys.modules)
"""
WORKER = """
import sys
from config import command_line
from operations.local import gc_tuning

def print_modules():  # where the command would begin to work
    print(*(name for name, module in sys.modules.items() if module is not None))
    print(sum(module is None for module in sys.modules.values()))
    raise SystemExit

gc_tuning.freeze_loaded_objects = print_modules
command_line.run(["manage.py", "work"])
"""
CRON = """
import sys
from config import command_line
from operations.management.commands import rqcron

def print_modules(*args, **options):
    import events.worker.periodic
    print(*sys.modules)
    raise SystemExit

rqcron.Command.handle = print_modules
command_line.run(["manage.py", "rqcron", "events.worker.periodic"])
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
DOCUMENT = """
import config.asgi
from django.http import HttpRequest
from django.urls import resolve
from lms.api.schema_views import document

print(len(document()["paths"]))
request = HttpRequest()
request.method, request.META["HTTP_HOST"] = "GET", "localhost"
print(resolve("/api/v1/docs").func(request).render().status_code)
"""


def output_of(code: str) -> str:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_heavy_libraries_are_loaded_when_they_are_needed():
    loaded = set(output_of(LOAD).split())
    assert (HEAVY | UNNEEDED | OF_WORKERS) & loaded == set()
    assert {"channels_redis.pubsub", "jwt.algorithms"} - loaded == set()


def test_a_worker_holds_no_page_and_no_library_of_pages():
    loaded, hidden = output_of(WORKER).splitlines()
    assert (HEAVY | UNNEEDED | OF_WEB) & set(loaded.split()) == set()
    assert {"channels_redis.pubsub", "events.processing.pipeline"} - set(loaded.split()) == set()
    assert hidden == "0"


def test_cron_holds_no_page():
    assert (HEAVY | OF_WEB) & set(output_of(CRON).split()) == set()


def test_what_was_hidden_at_the_start_can_be_used_afterwards():
    used = "import requests, jinja2, pygments.lexers; print(requests.get, jinja2.Environment, pygments.lexers)\n"
    used += "import yaml; from cryptography.fernet import Fernet; print(yaml.dump, Fernet)\n"
    used += "from django.test import Client, signals; print(Client, signals.template_rendered)\n"
    used += "from rest_framework.test import APIClient; print(APIClient)"
    assert output_of(f"import config.asgi\n{used}").count("\n") == 4


def test_the_openapi_document_and_its_page_can_be_made_afterwards():
    document, status = output_of(DOCUMENT).splitlines()
    assert int(document) > 50
    assert status == "200"


def test_the_collector_does_not_walk_what_stays():
    """Nor do the first requests load what it would then walk: the pages are there when the process begins."""
    frozen, left, after = map(int, output_of(WALKED).split())
    assert frozen > 100_000
    assert left < 1_000
    assert after < 10_000
