"""A misspelt environment variable is refused by name, with the setting that was meant; variables of other programs are
let alone."""

import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.setting_names import refuse_misspelt, setting_names
from tests.servers import ROOT


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RETENTION_EVENT_DAYS", "RETENTION_EVENTS_DAYS"),
        ("RETENTION_EVENTS_DAY", "RETENTION_EVENTS_DAYS"),
        ("RETENTION_EVENTS__DAYS", "RETENTION_EVENTS_DAYS"),
        ("RETENTION_AUDITLOG_DAYS", "RETENTION_AUDIT_DAYS"),
        ("retention_events_days", "RETENTION_EVENTS_DAYS"),
        ("ALLOWED_HOST", "ALLOWED_HOSTS"),
        ("EVENT_REQUIRE_KEY", "EVENTS_REQUIRE_KEY"),
        ("API_REQUIRES_AUTH", "API_REQUIRE_AUTH"),
        ("CLASS_CODE_FAILURE", "CLASS_CODE_FAILURES"),
        ("DATBASE_URL", "DATABASE_URL"),
    ],
)
def test_a_misspelt_name_says_which_one_was_meant(name: str, meant: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=rf"There is no setting {name}\. Did you mean {meant}\?"):
        refuse_misspelt([name])


def test_a_name_that_can_only_be_ours_is_refused_without_a_guess() -> None:
    with pytest.raises(ImproperlyConfigured, match="RETENTION_ZZZZZZZZZZZZZZZZZZZZZZ_DAYS"):
        refuse_misspelt(["RETENTION_ZZZZZZZZZZZZZZZZZZZZZZ_DAYS"])


def test_settings_and_variables_of_other_programs_are_let_alone() -> None:
    refuse_misspelt(setting_names())
    refuse_misspelt(os.environ)
    others = """PATH HOME LANG LC_ALL TERM PWD USER HOSTNAME LOGNAME VIRTUAL_ENV PYTHONPATH DJANGO_SETTINGS_MODULE PART
        PGPASSWORD POSTGRES_PASSWORD_FILE POSTGRES_INITDB_ARGS REDIS_SERVICE_HOST REDIS_PORT_6379_TCP_ADDR LOGLEVEL
        POSTGRES_SERVICE_HOST KUBERNETES_SERVICE_HOST KUBERNETES_PORT DATABASE_HOST SECRET HTTP_PROXY NO_PROXY
        EMAIL_BACKEND JUPYTERHUB_API_URL AWS_SECRET_ACCESS_KEY WEB_CONCURRENCY UVICORN_PORT DEMO_PASSWORD WEB_URL"""
    refuse_misspelt(others.split())


def test_a_command_says_it_in_one_sentence() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, "RETENTION_EVENT_DAYS": "90"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "Did you mean RETENTION_EVENTS_DAYS?" in done.stderr
