"""DATABASE_URL: one server of PostgreSQL, or several of which one takes writes."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import ConnectionHandler

from classroom.system import health
from config.outages import READ_ONLY, reason_of
from config.settings.database import settings_of
from operations.backup import postgres_client


@pytest.fixture
def silent() -> Iterator[str]:
    """An address on which connections are neither taken nor refused, as of a machine that is gone."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):  # more than may wait: from now on nothing is answered
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield str(server.getsockname()[1])


def beside(silent: str) -> str:
    """An address of two servers: that one first, then the tests' own."""
    database = connection.settings_dict
    return (
        f"postgresql://{database['USER']}@/{database['NAME']}"
        f"?host=127.0.0.1,{database['HOST']}&port={silent},{database['PORT'] or 5432}"
    )


def test_one_server() -> None:
    found = settings_of("postgresql://me:p%40ss@db.example.org:5433/classes?sslmode=require", pool=0)
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example.org", "5433", "classes")
    assert (found["USER"], found["PASSWORD"]) == ("me", "p@ss")
    assert found["OPTIONS"]["sslmode"] == "require"
    assert found["OPTIONS"]["tcp_user_timeout"] == "15000"
    assert "target_session_attrs" not in found["OPTIONS"]
    assert "pool" not in found["OPTIONS"]


def test_several_servers_mean_the_one_that_takes_writes() -> None:
    found = settings_of("postgresql://me@a.example.org:5432,b.example.org:5433/classes", pool=5)
    assert (found["HOST"], found["PORT"]) == ("a.example.org,b.example.org", "5432,5433")
    assert found["OPTIONS"]["target_session_attrs"] == "read-write"
    assert found["OPTIONS"]["connect_timeout"] == "2"
    assert found["OPTIONS"]["pool"]["max_size"] == 5


def test_what_the_address_says_wins() -> None:
    url = "postgresql://a,b/classes?target_session_attrs=any&connect_timeout=9&tcp_user_timeout=1"
    options = settings_of(url, pool=0)["OPTIONS"]
    assert (options["target_session_attrs"], options["connect_timeout"], options["tcp_user_timeout"]) == (
        "any",
        "9",
        "1",
    )


def test_a_socket_needs_none_of_it() -> None:
    found = settings_of("postgresql://postgres@/cellmonitor?host=/run/postgres", pool=0)
    assert found["HOST"] == "/run/postgres"
    assert set(found["OPTIONS"]) == {"server_side_binding"}


@pytest.mark.django_db
def test_a_server_that_is_gone_costs_two_seconds(silent) -> None:
    link = ConnectionHandler({"default": settings_of(beside(silent), pool=0)})["default"]
    begun = time.monotonic()
    try:
        with link.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)
    finally:
        link.close()
    assert 1.0 < time.monotonic() - begun < 60.0, "without a limit it is two minutes"


@pytest.mark.django_db
def test_health_asks_the_other_one_too(silent, monkeypatch) -> None:
    found = settings_of(beside(silent), pool=0)
    for name in ("HOST", "PORT", "OPTIONS"):
        monkeypatch.setitem(connection.settings_dict, name, found[name])
    assert asyncio.run(health.is_ready())


@pytest.mark.django_db
def test_the_client_programs_are_given_the_same_address(monkeypatch, silent) -> None:
    found = settings_of(beside(silent), pool=3)
    for name in ("HOST", "PORT", "OPTIONS"):
        monkeypatch.setitem(connection.settings_dict, name, found[name])
    assert postgres_client.run("psql", "-Atc", "SHOW transaction_read_only").strip() == "off"


@pytest.mark.django_db
def test_a_server_that_takes_no_changes_is_an_outage() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(InternalError) as caught, transaction.atomic():
            cursor.execute("CREATE TABLE t ()")
    assert reason_of(caught.value) == READ_ONLY
    assert reason_of(InternalError("a bug")) is None
