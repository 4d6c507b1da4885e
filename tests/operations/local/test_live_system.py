"""The live system itself: what it promises to the tests that stand on it."""

from collections.abc import Iterator

import httpx
import psycopg
import pytest
import redis
from django.conf import settings

from tests.events.conftest import event
from tests.live import LiveSystem
from tests.servers import wait_until


@pytest.fixture(scope="module")
def live_system(start_live_system) -> Iterator[LiveSystem]:
    """Of its own: processes of it are killed."""
    made = start_live_system()
    yield made
    made.stop()


def test_it_is_a_system_of_its_own(live_system: LiveSystem) -> None:
    assert httpx.get(f"{live_system.url}/api/v1/health/simple").status_code < 500
    assert live_system.redis_url != settings.REDIS_URL
    with psycopg.connect(live_system.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM instructors").fetchone() == (0,)
        (name,) = connection.execute("SELECT current_database()").fetchone() or ("",)
    assert name not in settings.DATABASES["default"]["NAME"]


def test_redis_comes_back_with_its_data(live_system: LiveSystem) -> None:
    with redis.Redis.from_url(live_system.redis_url) as client:
        client.set("kept", "1")
        live_system.restart_redis()
        assert client.get("kept") == b"1"
        live_system.redis.kill()
        with pytest.raises(redis.ConnectionError):
            client.ping()
        live_system.redis.start()
        assert client.get("kept") == b"1"


def test_workers_can_be_killed_and_added(live_system: LiveSystem) -> None:
    first, second = live_system.workers
    live_system.kill_worker(0)
    assert live_system.workers == [second]
    assert first.returncode == -9
    live_system.start_worker()
    assert len(live_system.workers) == 2


def test_the_next_module_finds_it_empty_and_at_work(live_system: LiveSystem) -> None:
    def runs() -> int:
        with psycopg.connect(live_system.database_url) as connection:
            (number,) = connection.execute("SELECT count(*) FROM cell_executions").fetchone() or (0,)
        return number

    for _ in range(2):
        assert httpx.post(f"{live_system.url}/api/v1/events", json=[event()]).status_code == 202
        wait_until(lambda: runs() == 1, what="the run")
        live_system.clear()
        assert runs() == 0
    with redis.Redis.from_url(live_system.redis_url) as client:
        written_again = (*LiveSystem.OF_PROCESSES, b"workers", b"measures:")  # by the processes, every few seconds
        assert [key for key in client.scan_iter() if not key.startswith(written_again)] == []


def test_a_command_runs_against_it(live_system: LiveSystem) -> None:
    asked = "from django.conf import settings; print(settings.DATABASES['default']['NAME'])"
    assert live_system.manage("shell", "--no-imports", "-c", asked).strip() in live_system.database_url
