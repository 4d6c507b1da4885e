"""A running copy hears much of somebody through every door, erases them, and then nothing in its whole data folder,
read byte by byte, holds the name or the address: tables, write-ahead log, append-only file, uploads, logs."""

import json
import shutil
import signal
import tempfile
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote

import httpx
import psycopg
import pytest
import redis
from psycopg import sql

from operations.local.embedded_valkey import free_port
from tests import forked
from tests.events.conftest import event
from tests.migrated import furnish
from tests.operations.local.test_up import Up, environment, launch
from tests.operations.privacy.student_data import EMAIL, LONGER, NAME, NICKNAME
from tests.operations.privacy.text_search import keys_naming
from tests.servers import wait_until

TOGETHER = NAME.replace(" ", "")
TOLD = [EMAIL, NAME, TOGETHER, NICKNAME]
LEAVE_TRACES = """
import django; django.setup()

from tests.operations.privacy.student_data import leave_traces
from tests.events.conftest import EventPipeline
leave_traces(EventPipeline())
"""


@cache
def forms() -> list[bytes]:
    """As files may hold them, in lower case."""
    found = set()
    for word in TOLD:
        found |= {word, json.dumps(word)[1:-1], quote(word), quote(word, safe="@"), str(word.encode())[2:-1]}
    return sorted({form.lower().encode() for form in found} | {NAME.encode("utf-16-le"), TOGETHER.encode("utf-16-le")})


def files_naming(directory: Path) -> dict[str, list[str]]:
    """Files by what they hold, their names included; packed ones (zlib) are unpacked as well. Who is called nearly the
    same is somebody else."""
    found: dict[str, list[str]] = {}
    for file in sorted(directory.rglob("*")):
        if not file.is_file() or file.is_symlink():
            continue
        try:
            content = file.read_bytes()
        except FileNotFoundError:  # of a server at work
            continue
        if file.suffix == ".djcache":
            content += zlib.decompress(content[content.index(b"x\x9c") :])
        content = (str(file).encode() + b"\n" + content).lower().replace(LONGER.encode(), b"")
        if held := [form.decode(errors="replace") for form in forms() if form in content]:
            found[str(file.relative_to(directory))] = held
    return found


def rows_naming(url: str) -> list[str]:
    """What search over bytes cannot see: texts that PostgreSQL packed."""
    found = []
    with psycopg.connect(url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        assert len(tables) > 40
        for (table,) in [*tables, ("pg_stats",)]:
            rows = connection.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table)))
            for (row,) in rows:
                said = row.lower().replace(LONGER, "")
                found += [f"{table}: {row[:300]}" for form in forms() if form.decode(errors="replace") in said]
    return found


@pytest.fixture(scope="module")
def up(migrated: str) -> Iterator[Up]:
    """In a directory of its own: pytest closes its to PostgreSQL's user whenever another run begins."""
    directory = Path(tempfile.mkdtemp(prefix="cellmonitor-erased-")).resolve()
    furnish(directory / "data")
    up = launch(directory / "data", port=free_port())
    try:
        wait_until(lambda: up.said("Ctrl-C stops all of it"), seconds=120, what="the announcement")
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            up.process.wait(60)
        shutil.rmtree(directory, ignore_errors=True)


def manage(up: Up, *arguments: str) -> str:
    settings = environment(DATA_DIR=str(up.data_dir), DJANGO_SETTINGS_MODULE="config.settings")
    done = forked.python(*arguments, environment=settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def say_much(up: Up) -> None:
    """Through the doors of programs. Some answer with a refusal, which is a trace as well."""
    said = f"{NAME} <{EMAIL}> {quote(EMAIL)} {json.dumps(TOGETHER)}\n"
    mine = [event(eventId=f"mine-{n}", code=said * 20, result=said * 200) for n in range(40)]
    theirs = [
        event(eventId=f"theirs-{n}", emailAddress=f"s{n}@example.com", userName=f"S {n}", code=f"# {said}print({n})")
        for n in range(40)
    ]
    api = f"{up.url}/api/v1"
    with httpx.Client(timeout=60) as client:
        for batch in (mine, theirs):
            assert client.post(f"{api}/events", json=batch).status_code == 202
        client.post(f"{api}/events", json=[event(eventType="", eventId="no-event")])
        client.post(f"{api}/auth/login", json={"email": EMAIL, "password": "correct horse"})
        client.post(f"{api}/auth/login", data={"username": EMAIL, "password": "correct horse"})
        queued = [event(eventId="queued"), {"emailAddress": EMAIL, "code": said}]
        client.post(f"{api}/offline/queue", json={"events": queued, "force_queue": True})
        client.post(f"{api}/test/events/t-2", json=[event(eventId="test", code=said)])
        client.get(f"{api}/students/{quote(EMAIL)}")
        client.get(f"{api}/submissions", params={"email": EMAIL})
    with psycopg.connect(up.services()["DATABASE_URL"]) as connection:
        wait_until(lambda: _stored(connection) >= 80, seconds=120, what="all runs in PostgreSQL")


def _stored(connection: "psycopg.Connection[tuple[int]]") -> int:
    [number] = connection.execute("SELECT count(*) FROM cell_executions WHERE event_id ~ '^(mine|theirs)-'").fetchone()
    connection.rollback()
    return number


def test_nothing_in_the_whole_data_folder_holds_the_person(up: Up) -> None:
    manage(up, "-c", LEAVE_TRACES)
    say_much(up)
    with psycopg.connect(up.services()["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ANALYZE")
        connection.execute("CHECKPOINT")
    before = files_naming(up.data_dir)
    places = {"/".join(Path(name).parts[:2]) for name in before}
    assert places >= {"postgres/base", "postgres/pg_wal", "valkey/appendonlydir"}, places
    assert rows_naming(up.services()["DATABASE_URL"])

    said = manage(up, "manage.py", "forget_student", EMAIL, "--yes", "--also", NICKNAME)

    assert rows_naming(up.services()["DATABASE_URL"]) == []
    with redis.Redis.from_url(up.services()["REDIS_URL"]) as client:
        assert keys_naming(client, *TOLD) == []
        assert client.info("persistence")["aof_last_bgrewrite_status"] == "ok"
    assert files_naming(up.data_dir) == {}, said
    log = up.log.read_text().lower()
    assert [form for form in forms() if form.decode(errors="replace") in log] == []
    with psycopg.connect(up.services()["DATABASE_URL"]) as connection:
        [kept] = connection.execute(
            """SELECT count(*) FROM cell_executions
               WHERE event_id ~ '^theirs-' AND code_content LIKE '# forgotten-%print(%'"""
        ).fetchone()
    assert kept == 40
