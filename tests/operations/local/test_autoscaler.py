"""How many workers there are, and that none stays stuck: real processes, real Valkey."""

import dataclasses
import io
import os
import signal
import sys
import time

import httpx
import psycopg
import pytest

from events.queue import heartbeats, stream
from operations.local import autoscaler, programs
from operations.local.autoscaler import GROW_AFTER, SHRINK_AFTER, Autoscaler, Scale
from operations.local.processes import Program
from operations.local.supervisor import Supervisor
from tests.events.conftest import event

SLEEPER = "import time; time.sleep(60)"


# --- The rule -------------------------------------------------------------------------------------------------------


def run(scale: Scale, ages: list[float], *, present: int = 1) -> list[int]:
    """The number after each second with such an age."""
    found = []
    for second, age in enumerate(ages):
        present = scale.wanted(present=present, age=age, now=float(second))
        found.append(present)
    return found


def test_it_grows_by_one_for_as_long_as_events_wait():
    assert run(Scale(minimum=1, maximum=3), [5.0] * 10) == [1, 1, 1, 2, 2, 2, 3, 3, 3, 3]


def test_a_moment_is_no_reason_to_grow():
    assert set(run(Scale(minimum=1, maximum=3), [5.0, 5.0, 0.1] * 10)) == {1}


def test_it_shrinks_slowly_and_one_at_a_time():
    numbers = run(Scale(minimum=1, maximum=3), [0.0] * 125, present=3)
    assert [numbers.index(2), numbers.index(1)] == [SHRINK_AFTER, 2 * SHRINK_AFTER]


def test_between_the_two_nothing_changes():
    assert set(run(Scale(minimum=1, maximum=3), [1.0] * 200, present=2)) == {2}


def test_the_bounds_hold():
    assert run(Scale(minimum=2, maximum=2), [9.0] * 20, present=2) == [2] * 20
    assert run(Scale(minimum=2, maximum=4), [0.0], present=0) == [2]
    assert GROW_AFTER < SHRINK_AFTER


# --- The processes --------------------------------------------------------------------------------------------------


@pytest.fixture
def supervisor():
    made = Supervisor(output=io.StringIO())
    yield made
    made.stop()


def turn(supervisor: Supervisor, force: Autoscaler, until, *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline, supervisor.output.getvalue()
        supervisor.pump(0.02)
        force.poll()


def test_it_starts_more_and_ends_them_again(supervisor, redis, monkeypatch):
    for name, value in {"POLL_INTERVAL": 0.02, "GROW_AFTER": 0.1, "SHRINK_AFTER": 0.2}.items():
        monkeypatch.setattr(autoscaler, name, value)

    def program(number: int) -> Program:
        return Program(name=f"worker-{number}", rank=3, argv=(sys.executable, "-c", SLEEPER))

    force = Autoscaler(supervisor=supervisor, minimum=1, maximum=3, program=program)
    force.start()
    redis.sadd(stream.SHARDS_KEY, 0)
    redis.xadd(stream.stream_key(0, "low"), {"b": "x"}, id="1-1")  # waits since 1970
    turn(supervisor, force, lambda: len(force.children) == 3, seconds=5)
    assert [child.program.name for child in force.children] == ["worker-1", "worker-2", "worker-3"]
    assert all(child.alive for child in force.children)
    redis.delete(stream.stream_key(0, "low"))
    turn(supervisor, force, lambda: len(force.children) == 1, seconds=5)
    turn(supervisor, force, lambda: len(supervisor.children) == 1, seconds=5)
    said = supervisor.output.getvalue()
    assert "3 workers from now on" in said
    assert "events wait no longer: 1 workers" in said
    assert "starting it again" not in said


def test_while_redis_is_away_nobody_is_taken_for_stuck(supervisor, redis_server, monkeypatch, settings):
    settings.WORKER_STALLED = 1
    monkeypatch.setattr(autoscaler, "POLL_INTERVAL", 0.02)
    force = Autoscaler(supervisor=supervisor, minimum=1, maximum=1)
    force.seen[1] = autoscaler.Seen("t", time.monotonic())
    redis_server.kill()
    before = force.seen[1].at
    force.polled_at = time.monotonic() - 30
    force.poll()
    assert force.seen[1].at >= before + 30


def test_a_stuck_worker_is_replaced_and_what_it_held_is_carried(supervisor, start_live_system, settings):
    system = start_live_system(workers=0)
    system.cron.start()  # it requeues the shard that the killed worker held
    settings.REDIS_URL = system.redis_url
    settings.WORKER_STALLED = 2
    heartbeats._redis.cache_clear()

    def program(number: int) -> Program:
        made = programs.worker(number)
        return dataclasses.replace(made, environment={**made.environment, **system.environment})

    def post(count: int) -> None:
        records = [event() for _ in range(count)]
        assert httpx.post(f"{system.url}/api/v1/events", json=records).status_code == 202

    def stored() -> int:
        with psycopg.connect(system.database_url) as connection:
            (number,) = connection.execute("SELECT count(*) FROM cell_executions").fetchone() or (0,)
        return int(number)

    force = Autoscaler(supervisor=supervisor, minimum=1, maximum=1, program=program)
    force.start()
    try:
        post(1)
        turn(supervisor, force, lambda: stored() == 1, seconds=20)
        turn(supervisor, force, lambda: len(heartbeats.heartbeats()) == 1, seconds=5)
        [beat] = heartbeats.heartbeats()
        child = force.children[0]
        assert child.process is not None
        assert beat["pid"] == child.process.pid
        post(5)  # a drain lingers on the shard, so the lease is held
        os.kill(beat["pid"], signal.SIGSTOP)
        post(5)
        turn(supervisor, force, lambda: stored() == 11, seconds=30)
        said = supervisor.output.getvalue()
        assert "worker-1 is stuck" in said
        assert "worker-1 ended by SIGKILL; starting it again" in said
    finally:
        supervisor.stop()
        system.stop()
        heartbeats._redis.cache_clear()
