"""Reports are read from a replica while that is near enough, and from the primary while it lags or is away."""

import os
import time

import httpx
import psycopg
import pytest

from operations.local.embedded_valkey import Valkey, free_port
from tests import migrated as migrated_database
from tests.faults.test_failover import Pair, pair  # noqa: F401
from tests.live import LiveSystem
from tests.servers import RedisServer, wait_until

MAX_LAG = 8
MAKE = """
from instructors.models import Instructor
from lms.models import Class
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
me = Instructor.objects.create_user("taro@example.com", "correct horse", name="Taro", role="admin")
room = Class.objects.create(class_code="PY", name="Python", instructor=me)
login = SessionStore()
login[SESSION_KEY], login[HASH_SESSION_KEY] = str(me.pk), me.get_session_auth_hash()
login[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
login.create()
print(room.pk, login.session_key)
"""
ENROL = """
from lms.models import Class, Student, StudentClass
student = Student.objects.create(email="{0}@example.com", name="{0}")
StudentClass.objects.create(student=student, class_ref=Class.objects.get())
"""


@pytest.mark.skipif(os.uname().sysname != "Linux", reason="only Linux has all of 127.0.0.0/8 on loopback")
def test_figures_come_from_a_replica_that_is_near_enough(migrated, pair: Pair):  # noqa: F811
    redis = RedisServer(valkey=Valkey(data_dir=pair.directory / "valkey"))
    environment = {"DATABASE_URL": address(pair, 0), "REDIS_URL": redis.url, "DATA_DIR": str(pair.directory),
                   "RATE_LIMITS": "0", "LOG_REQUESTS": "0", "DATABASE_REPLICA_URL": address(pair, 1),
                   "DATABASE_REPLICA_MAX_LAG": str(MAX_LAG)}  # fmt: skip
    migrated_database.fill_again(pair.primary.url)
    system = LiveSystem(directory=pair.directory, environment=environment, redis=redis, port=free_port())
    system.start(workers=0)
    try:
        class_id, login = system.manage("shell", "--no-imports", "-c", MAKE).split()
        link = psycopg.connect(pair.replica.url_of("postgres"), autocommit=True)

        def get(path: str) -> httpx.Response:
            cookies = {f"sessionid{system.suffix}": login}
            answer = httpx.get(f"{system.url}/classes/{class_id}/{path}", cookies=cookies, timeout=30)
            assert answer.status_code == 200, answer.text
            return answer

        def enrolled() -> tuple[bool, bool, str | None]:
            """Whether two students are in the gradebook, and what it says of its age."""
            answer = get("assignments/gradebook.csv")
            return "ann" in answer.text, "ben" in answer.text, answer.headers.get("X-Figures-As-Of")

        system.manage("shell", "--no-imports", "-c", ENROL.format("ann"))
        wait_until(lambda: enrolled()[0] and enrolled()[2], what="the figures of the replica")
        page = get("assignments/gradebook/")
        assert "Figures as of" in page.text
        assert "Figures as of" not in get("setup/").text
        # A replica that lags, but not by much: what it shows is older, and says so.
        link.execute("SELECT pg_wal_replay_pause()")
        paused = time.monotonic()
        system.manage("shell", "--no-imports", "-c", ENROL.format("ben"))
        ann, ben, as_of = enrolled()
        if time.monotonic() - paused < MAX_LAG - 1:
            assert (ann, ben) == (True, False)
            assert as_of
        # One that lags more is not asked.
        wait_until(lambda: enrolled() == (True, True, None), what="the figures of the primary")
        link.execute("SELECT pg_wal_replay_resume()")
        wait_until(lambda: enrolled()[2], what="the replica again")
        assert enrolled()[:2] == (True, True)
        # The export was recorded on the primary, although its rows came from the replica.
        with psycopg.connect(pair.primary.url_of("cellmonitor")) as primary:
            [exports] = primary.execute("SELECT count(*) FROM audit_logs WHERE action = 'grades_export'").fetchone()
        assert exports > 3
        # One that is gone is left out.
        link.close()
        with psycopg.connect(pair.primary.url_of("postgres"), autocommit=True) as primary:
            primary.execute("ALTER SYSTEM SET synchronous_standby_names = ''")  # else every commit waits for it
            primary.execute("SELECT pg_reload_conf()")
        pair.running[1].kill()
        assert enrolled() == (True, True, None)
    finally:
        system.stop()


def address(pair: Pair, number: int) -> str:  # noqa: F811
    return f"postgresql://postgres@{pair.addresses[number]}/cellmonitor"
