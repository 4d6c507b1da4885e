"""With DEBUG=0: `check --deploy` has nothing to say, and no cookie travels in the clear or is read by scripts."""

import json
import os
import subprocess

import pytest

from tests import forked
from tests.servers import setting_names

SHOW = """
import json
from django.conf import settings
names = ["SESSION", "CSRF", "LANGUAGE"]
flags = {n: [getattr(settings, f"{n}_COOKIE_{f}") for f in ("SECURE", "HTTPONLY", "SAMESITE")] for n in names}
print(json.dumps(flags))
"""


def manage(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name not in setting_names()}
    settings = {"DEBUG": "0", "SECRET_KEY": "k9!" * 20 + "abcdefgh", "DATABASE_URL": "postgresql:///unused"}
    return forked.python("manage.py", *arguments, environment={**kept, **settings, **environment})


@pytest.fixture
def data_dir(tmp_path) -> str:
    return str(tmp_path)


def test_the_deployment_check_is_clean(data_dir):
    done = manage("check", "--deploy", "--fail-level=WARNING", ALLOWED_HOSTS="example.org", DATA_DIR=data_dir)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_cookies_are_for_https_and_for_the_server_alone(data_dir):
    done = manage("shell", "--no-imports", "--command", SHOW, ALLOWED_HOSTS="example.org", DATA_DIR=data_dir)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        name: [True, True, "Lax"] for name in ("SESSION", "CSRF", "LANGUAGE")
    }


@pytest.mark.parametrize("hosts", ["*", "example.org,*", ".example.org"])
def test_no_stranger_chooses_where_a_mailed_link_leads(data_dir, hosts):
    mail = {"EMAIL_HOST": "mail.example.org", "EMAIL_FROM": "lessons@example.org"}
    done = manage("check", ALLOWED_HOSTS=hosts, DATA_DIR=data_dir, **mail)
    assert done.returncode == 1
    assert "name the hosts of this server one by one" in done.stderr
    assert manage("check", ALLOWED_HOSTS="example.org", DATA_DIR=data_dir, **mail).returncode == 0
