"""A rolling upgrade: the release before and this one on one database and one Valkey; no event is lost or doubled."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import httpx
import psycopg
import pytest

from operations.local import programs
from operations.local.embedded_valkey import free_port
from operations.local.processes import Program
from tests.events.conftest import event
from tests.live import LiveSystem
from tests.servers import ROOT, Running, wait_until

# The release before; move it when a release is made. Its requirements must be those of this copy's environment.
BEFORE = "8e3bc01a5d6391ade29a8693f4c6f486cb59c9a0"
POSTS = 20


@pytest.fixture(scope="module")
def older(tmp_path_factory) -> Path:
    """The files of the release before."""
    directory = tmp_path_factory.mktemp("older")
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", BEFORE], capture_output=True, check=False)
    if archive.returncode:
        pytest.skip(f"no git history with {BEFORE[:8]}, the release before")
    subprocess.run(["tar", "-x", "-C", str(directory)], input=archive.stdout, check=True)
    return directory


def of_older(program: Program, older: Path, system: LiveSystem) -> Running:
    path = f"{older}:{program.environment['PYTHONPATH'].partition(':')[2]}"
    environment = {**program.environment, **system.environment, "PYTHONPATH": path, "PART": f"older-{program.name}"}
    argv = (sys.executable, *(word.replace(str(ROOT), str(older)) for word in program.argv[1:]))
    program = dataclasses.replace(program, argv=argv, environment=environment)
    return Running(program=program, log=system.directory / f"older-{program.name}.log")


def rows(system: LiveSystem) -> tuple[int, int]:
    with psycopg.connect(system.database_url) as link:
        found = link.execute("SELECT count(*), count(DISTINCT event_id) FROM cell_executions").fetchone()
    assert found is not None
    return int(found[0]), int(found[1])


def test_both_releases_at_once(older, start_live_system):
    system = start_live_system(workers=1, RATE_LIMITS="0", EVENT_SHARDS="2", API_REQUIRE_AUTH="0")
    port, posted = free_port(), 0
    older_url = f"http://127.0.0.1:{port}"
    web = of_older(programs.web(host="127.0.0.1", port=port), older, system)
    worker = of_older(programs.worker(9), older, system)
    cron = of_older(programs.cron(), older, system)

    def post(url: str) -> None:
        nonlocal posted
        for number in range(POSTS):
            records = [event(emailAddress=f"student{number}@example.com") for _ in range(3)]
            assert httpx.post(f"{url}/api/v1/events", json=records, timeout=30).status_code == 202
            posted += len(records)

    def pages_answer() -> None:
        for url in (older_url, system.url):
            for path in ("/login/", "/api/v1/students", "/api/v1/dashboard/overview"):
                assert httpx.get(f"{url}{path}", timeout=30).status_code == 200, (url, path)

    def all_stored() -> bool:
        return rows(system) == (posted, posted)

    try:
        for each in (web, cron):
            each.start()
        wait_until(lambda: answers(older_url), seconds=60, what=f"an answer of the release before\n{web.tail()}")
        # What the older web takes, the new worker stores.
        post(older_url)
        wait_until(all_stored, what="the rows of the older web's events by the new worker")
        pages_answer()
        # Both workers and both crons at once: a shard is read by one of them.
        worker.start()
        post(older_url)
        post(system.url)
        wait_until(all_stored, what="the rows of both webs' events")
        # What the new web takes, the older worker stores.
        system.running_workers[0].stop()
        post(system.url)
        wait_until(all_stored, what="the rows of the new web's events by the older worker")
        pages_answer()
    finally:
        for each in (web, worker, cron):
            each.stop()
        system.stop()


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v1/health/simple", timeout=2).status_code < 500
    except httpx.HTTPError:
        return False
