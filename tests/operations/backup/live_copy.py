"""A live system with a class in it, which is backed up, lost and brought back."""

import re
from pathlib import Path

import httpx
import psycopg
import pytest
import redis as redis_client

from tests.events.conftest import event, failing
from tests.live import LiveSystem
from tests.servers import wait_until

MAKE = """
from instructors.models import Instructor
from lms.models import Class, ClassroomMap, StudentClass, Student
from lms.maps import replace_map
from django.utils import timezone
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY
me = Instructor.objects.create_user("taro@example.com", "correct horse", name="Taro", role="admin")
room = Class.objects.create(class_code="PY", name="Python 入門", instructor=me)
for student in Student.objects.all():
    StudentClass.objects.create(student=student, class_ref=room)
replace_map(class_id=room.pk, picture=b"a picture", uploaded_by=me.email, now=timezone.now())
login = SessionStore()
login[SESSION_KEY], login[HASH_SESSION_KEY] = str(me.pk), me.get_session_auth_hash()
login[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
login.create()
print(room.pk, login.session_key)
"""
PAGES = ["/", "/classes/{id}/", "/classes/{id}/room/", "/api/v1/dashboard/overview", "/api/v1/students"]


class Copy:
    """A live system with a class in it, as somebody sees it who is logged in."""

    def __init__(self, system: LiveSystem) -> None:
        self.system = system
        records = [event(), failing(cellId="cell-2"), event("help"), event(emailAddress="ren@example.com")]
        assert httpx.post(f"{system.url}/api/v1/events", json=records).status_code == 202
        self.wait_for_rows("cell_executions", 3)
        self.class_id, self.login = system.manage("shell", "--no-imports", "-c", MAKE).split()
        self.media = Path(system.environment["DATA_DIR"]) / "media"

    def wait_for_rows(self, table: str, number: int) -> None:
        wait_until(lambda: self.counts().get(table) == number, what=f"{number} rows in {table}")

    def counts(self) -> dict[str, int]:
        with psycopg.connect(self.system.database_url) as connection:
            tables = [name for (name,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            )]  # fmt: skip
            return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}

    def pages(self) -> list[str]:
        """What the pages say, without what differs between two looks at the same page."""
        found = []
        with httpx.Client(base_url=self.system.url, cookies={f"sessionid{self.system.suffix}": self.login}) as client:
            for path in PAGES:
                answer = client.get(path.format(id=self.class_id))
                assert answer.status_code == 200, (path, answer.status_code)
                text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"|<time.*?</time>', "", answer.text)
                # A minute later somebody active is idle, and five minutes later the chart begins with another bucket.
                text = re.sub(r'"(lastActivity|status)":"[^"]*"|"totalActive":\d+|"activityChart":\[.*?\]', "", text)
                found.append(re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00)|\d+ *(秒|分|seconds?|minutes?)", "", text))
        return found

    def pictures(self) -> list[bytes]:
        return sorted(file.read_bytes() for file in self.media.rglob("*.jpg"))

    def stop(self) -> None:
        self.system.web.stop()
        self.system.cron.stop()
        self.stop_workers()

    def stop_workers(self) -> None:
        for worker in self.system.running_workers:
            worker.stop()
        self.system.running_workers.clear()

    def start(self, *, workers: int) -> None:
        self.system.start(workers=workers)

    def lose_everything(self) -> None:
        with psycopg.connect(self.system.database_url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        with redis_client.Redis.from_url(self.system.redis_url) as client:
            client.flushall()
        for file in self.media.rglob("*.jpg"):
            file.unlink()

    def refused(self, *arguments: str) -> str:
        with pytest.raises(AssertionError) as caught:
            self.system.manage(*arguments)
        return str(caught.value)
