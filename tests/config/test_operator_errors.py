"""An operator's mistakes and outages, with the real commands: a sentence, exit code 1, no traceback, no secret.

That a command says so when it starts from nothing too is for tests/operations/local/test_up.py.
"""

import errno
import os
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError

from config.operator_errors import sentence_of
from tests import forked
from tests.servers import ROOT, setting_names

ACCOUNT = ["create_instructor", "--email", "a@b.example", "--password-stdin"]
NO_PORT = "127.0.0.1:1"


def manage(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    without = {*setting_names(), "DJANGO_SETTINGS_MODULE"}
    environment = {name: value for name, value in os.environ.items() if name not in without} | settings
    return forked.python(str(ROOT / "manage.py"), *arguments, environment=environment, stdin="long enough\n")


def refused(data_dir, *arguments: str, **settings: str) -> str:
    done = manage(*arguments, **{"DATA_DIR": str(data_dir), **settings})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "secret-of-mine" not in done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize("command", [ACCOUNT, ["migrate"], ["prune"], ["seed_demo"], ["export_account", "a@b.example"]])
def test_without_postgresql_a_command_says_what_to_start(tmp_path, command):
    assert "PostgreSQL does not run" in (said := refused(tmp_path, *command))
    assert "`manage.py up`" in said


def test_a_server_that_does_not_answer_is_named_without_its_password(tmp_path):
    url = f"postgresql://me:secret-of-mine@{NO_PORT}/x"
    said = refused(tmp_path, *ACCOUNT, DATABASE_URL=url)
    assert said == f"PostgreSQL does not answer at {NO_PORT}: Connection refused. Start it, or check DATABASE_URL.\n"


def test_a_database_that_does_not_exist_is_named(tmp_path):
    parts = connection.settings_dict
    said = refused(tmp_path, *ACCOUNT, DATABASE_URL=f"postgresql://{parts['USER']}@/nothing?host={parts['HOST']}")
    assert 'database "nothing" does not exist' in said
    assert "check DATABASE_URL" in said


def test_sentinels_that_do_not_answer_are_named(tmp_path):
    said = refused(tmp_path, "rqstats", REDIS_URL=f"redis+sentinel://:secret-of-mine@{NO_PORT},127.0.0.1:2/lessons/0")
    assert said.startswith(f"No sentinel answers at {NO_PORT}, 127.0.0.1:2. Check REDIS_URL")


def test_without_redis_a_command_says_what_to_start(tmp_path):
    assert "Redis or Valkey does not run" in refused(tmp_path, "rqstats")
    said = refused(tmp_path, "rqstats", REDIS_URL=f"redis://:secret-of-mine@{NO_PORT}/0")
    assert said == f"Redis does not answer at {NO_PORT}: Connection refused. Start it, or check REDIS_URL.\n"


def test_the_traceback_is_there_for_whoever_asks(tmp_path):
    done = manage("migrate", "--traceback", DATA_DIR=str(tmp_path))
    assert "Traceback" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"PORT": "abc"}, "PORT is 'abc'"),
        ({"DEBUG": "0"}, "SECRET_KEY must be set"),
        ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL is 'LOUD'"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT is 'xml'"),
        ({"TIME_ZONE": "Nowhere"}, "like Asia/Tokyo"),
        ({"TIME_ZONE": "../../etc/passwd"}, "like Asia/Tokyo"),
        ({"ALGORITHM": "none"}, "HS256, HS384, HS512"),
        ({"DATABASE_URL": "mysql://me:secret-of-mine@host/x"}, "DATABASE_URL is no address of a PostgreSQL"),
        ({"DATABASE_URL": "postgresql://me:secret-of-mine@host:port/x"}, "DATABASE_URL is no address of a PostgreSQL"),
        ({"DATABASE_URL": "postgresql://me:secret-of-mine%@host/x"}, "written as %40"),
        ({"REDIS_URL": "http://:secret-of-mine@host"}, "REDIS_URL is no address of a Redis"),
        ({"REDIS_URL": "redis://:secret-of-mine@host:port/0"}, "REDIS_URL is no address of a Redis"),
        ({"REDIS_URL": "redis+sentinel://:secret-of-mine@host:26379"}, "names no master after the sentinels"),
        ({"REDIS_URL": "redis+sentinel://:secret-of-mine@host:port/m/0"}, "REDIS_URL is no address of a Redis"),
        ({"REDIS_URL": "redis+sentinel://:secret-of-mine@host/m/first"}, "a database that is no number"),
        ({"REDIS_URL": "redis+cluster://:secret-of-mine@host:6379"}, "REDIS_URL is a Cluster, which rq cannot use"),
        ({"EVENTS_REDIS_URL": "redis+cluster://:secret-of-mine@host/2"}, "EVENTS_REDIS_URL is no address"),
        ({"ALLOWED_HOSTS": "https://lessons.example.org"}, "host names alone"),
        ({"ALLOWED_HOSTS": "lessons.example.org:443"}, "host names alone"),
        ({"BACKEND_CORS_ORIGINS": "hub.example.org"}, "origins like https://hub.example.org"),
        ({"BACKEND_CORS_ORIGINS": "https://hub.example.org/lab"}, "no path"),
        ({"INFLUXDB_URL": "influx"}, "an address like http://host:8086"),
        ({"INFLUXDB_URL": "http://influx:8086"}, "INFLUXDB_TOKEN is not: set both, or neither"),
        ({"PROMETHEUS_MULTIPROC_DIR": "/nowhere"}, "a folder that exists"),
        ({"WORKERS": "4", "WORKERS_MAX": "2"}, "WORKERS_MAX is '2'"),
        ({"DATABASE_REPLICA_URL": "mysql://me:secret-of-mine@host/x"}, "DATABASE_REPLICA_URL is no address of a"),
        ({"SESSION_IDLE_MINUTES": "99999999999"}, "at least 1 and at most 52596000"),
        ({"ACCESS_TOKEN_EXPIRE_MINUTES": "99999999999"}, "at least 1 and at most 52596000"),
        ({"RETENTION_EVENTS_DAYS": "999999999"}, "0 or at least 30 and at most 36525"),
    ],
    ids=str,
)
def test_a_wrong_setting_is_named_by_every_command(tmp_path, settings, said):
    assert said in refused(tmp_path, "check", **settings)


def test_what_is_right_is_taken(tmp_path):
    done = manage(
        "shell", "--no-imports", "-c", "from django.conf import settings as s; print(s.LOG_LEVEL, s.ALLOWED_HOSTS)",
        DATA_DIR=str(tmp_path), LOG_LEVEL="warning", ALLOWED_HOSTS='["[::1]", ".example.org", "*"]',
        BACKEND_CORS_ORIGINS="https://hub.example.org,http://localhost:*,*", TIME_ZONE="Europe/Berlin",
    )  # fmt: skip
    assert done.stdout.strip() == "WARNING ['[::1]', '.example.org', '*']", done.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"HTTPS": "1"}, "Set BEHIND_PROXY=1"),
        ({"DEBUG": "0", "SECRET_KEY": "k9!" * 20}, "ALLOWED_HOSTS must name"),
        ({"HOST": "192.0.2.7"}, "HOST must be an address of this machine"),
        ({"MEDIA_ROOT": __file__}, "where no uploads can be kept"),
    ],
    ids=str,
)
def test_up_refuses_what_could_only_fail_later(tmp_path, settings, said):
    assert said in refused(tmp_path, "up", **settings)


def test_a_web_server_says_what_is_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "config.asgi:application", "--port", "0"],
        env={**os.environ, "DEBUG": "0", "SECRET_KEY": "", "DATA_DIR": str(tmp_path)},
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "SECRET_KEY must be set" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "The disk is full (/data/x): make room"),
        (errno.EROFS, "may not write or read /data/x"),
        (errno.EACCES, "may not write or read /data/x"),
        (errno.ENOENT, "/data/x cannot be opened"),
    ],
)
def test_trouble_with_a_file_names_it(number, said):
    assert said in (sentence_of(OSError(number, os.strerror(number), "/data/x")) or "")


def test_bytes_that_are_no_text_are_said():
    with pytest.raises(UnicodeEncodeError) as caught:
        os.fsdecode(b"a\xff").encode()
    assert "no UTF-8" in (sentence_of(caught.value) or "")


@pytest.mark.parametrize(("option", "most"), [("email", 255), ("name", 255), ("role", 50)])
def test_an_account_with_a_text_that_is_too_long_is_refused(option, most, django_user_model):
    given = {"email": "a@b.example", option: "x" * 400}
    if option == "email":
        given = {"email": f"{'x' * 60}@{'.'.join(['y' * 60] * 4)}.example"}
    with pytest.raises(CommandError, match=rf"--{option} has \d+ characters; at most {most}"):
        call_command("create_instructor", password_stdin=True, **given)


@pytest.mark.parametrize("command", ["password_link", "first_account_link"])
def test_a_link_begins_with_an_address_of_a_server(command):
    arguments = ["--url", "javascript:alert(1)", *(["--email", "a@b.example"] if command == "password_link" else [])]
    with pytest.raises(CommandError, match="must look like http"):
        call_command(command, *arguments)


def test_a_bug_is_not_hidden():
    for error in (ValueError("x"), KeyError("x"), OSError(errno.EIO, "broken"), DatabaseError("x")):
        assert sentence_of(error) is None


def test_a_database_of_another_version_is_said(db):
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT * FROM no_table_of_ours")
    assert "`manage.py migrate`" in (sentence_of(caught.value) or "")
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELEC")
    assert sentence_of(caught.value) is None
