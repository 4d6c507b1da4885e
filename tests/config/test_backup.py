"""Backup, loss of everything, restore: the same pages and counts; and what is refused."""

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis as redis_client

from config import archive
from tests.events.conftest import event, failing
from tests.live import LiveSystem, manage
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


@pytest.fixture(scope="module")
def copy(start_live_system) -> Iterator[Copy]:
    made = Copy(start_live_system(workers=1))
    yield made
    made.system.stop()


@pytest.fixture(scope="module")
def backed_up(copy, tmp_path_factory) -> Path:
    """A backup made while two events wait, because no worker runs. `before` is what the pages and tables said."""
    directory = tmp_path_factory.mktemp("backups")
    copy.stop_workers()
    copy.before = (copy.pages(), copy.counts(), copy.pictures())
    assert httpx.post(f"{copy.system.url}/api/v1/events", json=[event(), event()]).status_code == 202
    said = copy.system.manage("backup", f"--to={directory}")
    [file] = directory.iterdir()
    assert str(file) in said
    return file


def test_after_the_loss_of_everything_the_pages_and_counts_are_the_same(copy, backed_up):
    """And the events that waited are stored: one disaster for all of it, because each takes a minute of processor."""
    pages, counts, pictures = copy.before
    assert pictures == [b"a picture"]
    copy.stop()
    copy.lose_everything()
    said = copy.system.manage("restore", str(backed_up))
    assert "is brought back" in said
    assert "1 waiting entries" in said
    assert copy.counts() == counts
    assert copy.pictures() == pictures
    copy.start(workers=0)
    assert copy.pages() == pages
    copy.system.start_worker()
    copy.wait_for_rows("cell_executions", 5)
    # Sequences and triggers came back as well.
    assert httpx.post(f"{copy.system.url}/api/v1/events", json=[event()]).status_code == 202
    copy.wait_for_rows("cell_executions", 6)
    with psycopg.connect(copy.system.database_url) as connection:
        connection.execute(
            "INSERT INTO audit_logs (occurred_at, actor_type, action, outcome, details)"
            " VALUES (now(), 'system', 'x', 'success', '{}')"
        )
        with pytest.raises(psycopg.Error, match="append-only"):
            connection.execute("DELETE FROM audit_logs")
        connection.rollback()


def test_what_is_there_is_replaced_only_by_force(copy, backed_up):
    copy.stop()
    before = copy.counts()
    assert "--force" in copy.refused("restore", str(backed_up))
    assert copy.counts() == before
    (copy.media / "maps" / "later.jpg").write_bytes(b"later")
    copy.system.manage("restore", str(backed_up), "--force")
    assert copy.counts()["cell_executions"] == 3
    assert not (copy.media / "maps" / "later.jpg").exists()


def test_a_script_that_fails_leaves_the_database_as_it_was(copy, backed_up, tmp_path):
    copy.stop()
    before = copy.counts()
    with psycopg.connect(copy.system.database_url) as holder:
        holder.execute("SELECT 1 FROM students")
        said = copy.refused("restore", str(backed_up), "--force")
    assert "connections use" in said
    assert copy.counts() == before


@pytest.mark.parametrize("what", ["byte", "cut", "part", "other"])
def test_a_file_that_is_not_what_was_written_is_refused(backed_up, tmp_path, what):
    file = tmp_path / "bad.tar"
    content = bytearray(backed_up.read_bytes())
    if what == "byte":
        content[len(content) // 2] ^= 1
    elif what == "cut":
        del content[len(content) * 2 // 3 :]
    file.write_bytes({"other": b"no backup"}.get(what, bytes(content)))
    if what == "part":
        with tarfile.open(file, "a") as tar:
            tar.addfile(tarfile.TarInfo("media/../../evil"))
    with pytest.raises(archive.Damaged):
        archive.verify(file)


def test_a_backup_of_a_newer_version_is_refused(copy, backed_up, tmp_path):
    manifest = archive.verify(backed_up)
    with archive.writing(tmp_path / "newer.tar") as writer:
        writer.add_bytes(archive.DUMP, b"")
        writer.finish({**manifest, "migrations": [*manifest["migrations"], "lms.9999_later"]})
    before = copy.counts()
    assert "newer version" in copy.refused("restore", str(tmp_path / "newer.tar"), "--force")
    assert copy.counts() == before


def test_a_damaged_file_is_said_by_the_command(copy, tmp_path):
    (tmp_path / "bad.tar").write_bytes(b"no backup")
    assert "is damaged" in copy.refused("restore", str(tmp_path / "bad.tar"))


def test_the_file_is_its_owners_and_holds_no_secret(backed_up, copy):
    assert backed_up.stat().st_mode & 0o777 == 0o600
    with tarfile.open(backed_up) as tar:
        said = json.loads(tar.extractfile(archive.SETTINGS).read())
        names = tar.getnames()
    assert "SECRET_KEY" not in said
    password = re.search(r"redis://:([^@]+)@", copy.system.redis_url)[1]
    assert password not in json.dumps(said)
    assert said["REDIS_URL"].startswith("redis://:…@")
    assert [name for name in names if name.startswith("media/maps/")]
    assert "is whole" in copy.system.manage("restore", str(backed_up), "--check")


def test_only_the_newest_are_kept(copy, tmp_path):
    for day in (1, 2, 3):
        (tmp_path / f"cellmonitor-2026010{day}T000000Z.tar").touch()
    copy.system.manage("backup", f"--to={tmp_path}", "--keep=2")
    kept = sorted(file.name for file in tmp_path.iterdir())
    assert len(kept) == 2
    assert kept[0] == "cellmonitor-20260103T000000Z.tar"


def test_a_backup_that_fails_leaves_no_file(copy, tmp_path):
    environment = {**copy.system.environment, "PG_PROGRAMS": "/nowhere"}
    with pytest.raises(AssertionError, match="PG_PROGRAMS"):
        manage("backup", f"--to={tmp_path}", environment=environment)
    assert list(tmp_path.iterdir()) == []
