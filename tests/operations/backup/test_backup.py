"""Backup, loss of everything, restore: the same pages and counts; and what is refused."""

import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
import redis as redis_client
from django.core.management import CommandError, call_command

from operations.backup import archive, postgres_client, restore
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


def signed(**changes: object) -> bytes:
    """A manifest whose own checksum is right, whatever it says."""
    body = {
        "format": archive.FORMAT,
        "parts": {},
        "rows": {"students": 0},
        "migrations": ["lms.0001_initial"],
        "postgresql": 18,
        "waiting_entries": 0,
        "created_at": "2026-01-01T00:00:00+00:00",
        **changes,
    }
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return json.dumps({"sha256": digest, "manifest": body}).encode()


def hostile(file: Path, *members: tuple[str, bytes] | tarfile.TarInfo, **changes: object) -> Path:
    """A tar of ours with these members, each named in the manifest with its right checksum."""
    contents = [each for each in members if isinstance(each, tuple)]
    parts = {name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)} for name, data in contents}
    with tarfile.open(file, "w") as tar:
        for each in [*members, (archive.MANIFEST, signed(**{"parts": parts, **changes}))]:
            if isinstance(each, tarfile.TarInfo):
                tar.addfile(each)
            else:
                info = tarfile.TarInfo(each[0])
                info.size = len(each[1])
                tar.addfile(info, io.BytesIO(each[1]))
    return file


def special(name: str, kind: bytes, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def sparse() -> tarfile.TarInfo:
    """Ten bytes of header that unfold to a petabyte of zeros."""
    info = tarfile.TarInfo("media/zeros")
    info.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(10**15), "GNU.sparse.realsize": str(10**15)}
    return info


PARTS = [(archive.DUMP, b"PGDMP"), (archive.STREAMS, b"")]
HOSTILE: dict[str, tuple[list[object], dict[str, object], str]] = {
    "a way out": ([*PARTS, ("media/../../evil", b"x")], {}, "no place in a backup"),
    "an absolute way out": ([*PARTS, ("/tmp/evil", b"x")], {}, "no place in a backup"),
    "a folder's own name": ([*PARTS, ("media/.", b"x")], {}, "no place in a backup"),
    "a file that is none of ours": ([*PARTS, ("evil.sh", b"x")], {}, "no place in a backup"),
    "a name that no folder has": ([*PARTS, ("media/" + "n" * 300, b"x")], {}, "no place in a backup"),
    "a link": ([*PARTS, special("media/link", tarfile.SYMTYPE, "/etc/passwd")], {}, "no place in a backup"),
    "a link to nowhere": ([*PARTS, special("database.dump", tarfile.LNKTYPE, "gone")], {}, "no place in a backup"),
    "a device": ([*PARTS, special("media/null", tarfile.CHRTYPE)], {}, "no place in a backup"),
    "a pipe": ([*PARTS, special("media/pipe", tarfile.FIFOTYPE)], {}, "no place in a backup"),
    "a folder": ([*PARTS, special("media/maps", tarfile.DIRTYPE)], {}, "no place in a backup"),
    "a petabyte of zeros": ([*PARTS, sparse()], {}, "no place in a backup"),
    "a part twice": ([*PARTS, PARTS[0]], {}, "is there twice"),
    "a file that is a folder": ([*PARTS, ("media/a", b""), ("media/a/b", b"")], {}, "is a file and a folder"),
    "no database": ([PARTS[1]], {}, "missing"),
    "parts that are none": (PARTS, {"parts": [1, 2]}, "parts cannot be understood"),
    "rows that are none": (PARTS, {"rows": None}, "rows cannot be understood"),
    "SQL for a table": (PARTS, {"rows": {"a; DROP TABLE x": 1}}, "rows cannot be understood"),
    "migrations that are none": (PARTS, {"migrations": "all"}, "migrations cannot be understood"),
    "a version that is none": (PARTS, {"postgresql": "x"}, "postgresql cannot be understood"),
    "another format": (PARTS, {"format": {"a": 1}}, "its format is"),
    "nothing but a manifest": ([], {}, "missing"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_file_is_refused_whatever_its_checksums_say(tmp_path, what):
    members, changes, words = HOSTILE[what]
    file = hostile(tmp_path / "bad.tar", *members, **changes)
    with pytest.raises(CommandError, match=rf"bad\.tar is damaged: .*{words}.*\. Nothing was changed\.$"):
        call_command("restore", str(file), "--check")


def with_manifest(content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        info = tarfile.TarInfo(archive.MANIFEST)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def header(**fields: bytes) -> bytes:
    """A member's header that tarfile itself would not write, with a right checksum."""
    block = bytearray(tarfile.TarInfo("database.dump").tobuf(tarfile.USTAR_FORMAT))
    places = {"size": 124, "type": 156}
    for name, value in fields.items():
        block[places[name] : places[name] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


BYTES = {
    "nothing": b"",
    "zeros": b"\0" * 10240,
    "rubbish": bytes(range(256)) * 100,
    "a gzip": gzip.compress(b"x" * 10_000),
    "a zip": b"PK\x03\x04" + b"\0" * 1000,
    "plain SQL": b"DROP TABLE students;\n" * 1000,
    "JSON without an end": with_manifest(b'{"manifest": '),
    "JSON that is no object": with_manifest(b"[1, 2]"),
    "JSON without a bottom": with_manifest(b"[" * 100_000),
    "a manifest that is no object": with_manifest(
        json.dumps({"manifest": [], "sha256": hashlib.sha256(b"[]").hexdigest()}).encode()
    ),
    "a member of eight exabytes": header(size=b"\x80\0\0\0" + b"\x7f" * 8) + b"\0" * 1024,
    "a size below nothing": header(size=b"\xff" * 12) + b"\0" * 1024,
    "a number that is none": header(size=b"not a size!!") + b"\0" * 1024,
    "a header of pax that is none": header(type=b"x", size=b"00000000010\0") + b"99 size=x\n".ljust(512, b"\0"),
}


@pytest.mark.parametrize("what", BYTES)
def test_any_bytes_are_refused_in_a_sentence(tmp_path, what):
    (tmp_path / "bad.tar").write_bytes(BYTES[what])
    with pytest.raises(CommandError, match=r"bad\.tar is damaged: .*\. Nothing was changed\.$"):
        call_command("restore", str(tmp_path / "bad.tar"), "--check")


def test_a_backup_of_an_older_release_has_the_streams_by_their_older_name(tmp_path):
    file = hostile(tmp_path / "older.tar", PARTS[0], (archive.OLDER_STREAMS, b'[3, "high", "W10="]\n'))
    with tarfile.open(file) as tar:
        assert "river.jsonl" in tar.getnames()
    manifest = archive.verify(file)
    archive.refuse_incomplete(manifest)
    assert list(restore._waiting_rows(file, manifest)) == [(3, "high", b"[]")]


def test_a_backup_cut_anywhere_is_refused(backed_up, tmp_path):
    content = backed_up.read_bytes()
    for place in (511, 512, 5000, len(content) // 2, len(content) - 10_240, content.rindex(b'"sha256"')):
        (tmp_path / "cut.tar").write_bytes(content[:place])
        with pytest.raises(archive.Damaged):
            archive.verify(tmp_path / "cut.tar")


def parts_of(backed_up: Path) -> tuple[dict[str, object], bytes, bytes]:
    with tarfile.open(backed_up) as tar:
        return archive.verify(backed_up), *(tar.extractfile(name).read() for name in (archive.DUMP, archive.STREAMS))


def foreign_dump(copy: Copy, tmp_path: Path, tables: list[str]) -> bytes:
    """Another program's database, as pg_dump writes it."""
    address = re.sub(r"/live_\d+\?", "/another?", copy.system.database_url)
    with psycopg.connect(copy.system.database_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS another")
        connection.execute("CREATE DATABASE another")
    with psycopg.connect(address) as connection:
        for table in tables:
            connection.execute(f"CREATE TABLE {table} (app text DEFAULT 'x', name text DEFAULT 'y')")
    programs = postgres_client.directory()
    command = [programs / "pg_dump", f"--dbname={address}", "--format=custom", f"--file={tmp_path / 'dump'}"]
    subprocess.run(command, check=True)
    return (tmp_path / "dump").read_bytes()


def test_what_is_no_backup_of_this_product_changes_nothing(copy, backed_up, tmp_path):
    """Its checksums are right, and its manifest is a true one's: the database in it, or what waited, is not."""
    copy.stop()
    manifest, dump, streams = parts_of(backed_up)
    true = {name: manifest[name] for name in ("rows", "migrations", "postgresql", "waiting_entries", "created_at")}
    ours = ["django_migrations", "instructors", "students", "classes", "audit_logs"]
    before, pictures = copy.counts(), copy.pictures()
    cases = {
        "no dump": ([(archive.DUMP, b"PGDMP" + b"x" * 100), (archive.STREAMS, streams)], true, "cannot be read"),
        "plain SQL": (
            [(archive.DUMP, b"DROP TABLE students;\n"), (archive.STREAMS, streams)], true, "cannot be read",
        ),
        "half a dump": (
            [(archive.DUMP, dump[: len(dump) // 2]), (archive.STREAMS, streams)], true, "Nothing was changed",
        ),
        "another program's": (
            [(archive.DUMP, foreign_dump(copy, tmp_path, ["wp_posts"])), (archive.STREAMS, streams)], true,
            "none of this product's",
        ),
        "another program's with our names": (
            [(archive.DUMP, foreign_dump(copy, tmp_path, [*ours, "wp_posts"])), (archive.STREAMS, streams)],
            {**true, "rows": dict.fromkeys(ours, 0)},
            "the tables differ from the backup's list: wp_posts",
        ),
        "fewer rows than it says": (
            [(archive.DUMP, dump), (archive.STREAMS, streams)],
            {**true, "rows": {**true["rows"], "students": 99}},
            "differs from the backup's count: students",
        ),
        "other migrations than it says": (
            [(archive.DUMP, dump), (archive.STREAMS, streams)], {**true, "migrations": ["lms.0001_initial"]},
            "the restored migrations differ",
        ),
        "no entry of the stream": (
            [(archive.DUMP, dump), (archive.STREAMS, b'[0, "high", "not base64!"]\n')], true,
            "is no entry of the stream",
        ),
        "no line of the stream": ([(archive.DUMP, dump), (archive.STREAMS, b"{]\n")], true, "cannot be understood"),
        "no priority": ([(archive.DUMP, dump), (archive.STREAMS, b'[0, "x", ""]\n')], true, "no entry of the stream"),
    }  # fmt: skip
    for name, (members, changes, words) in cases.items():
        file = hostile(tmp_path / "bad.tar", *members, **changes)
        said = copy.refused("restore", str(file), "--force")
        assert words in said, (name, said)
        assert "Traceback" not in said, name
        [sentence] = [line for line in said.splitlines() if line.startswith("CommandError: ")]
        assert "Nothing was changed" in sentence, name
        assert (copy.counts(), copy.pictures()) == (before, pictures), name
        assert not list(tmp_path.glob(".restore-*")), name


def test_a_dump_that_unfolds_to_more_than_the_disk_is_refused(copy, backed_up, tmp_path):
    """pg_restore may write no more than it was told."""
    (tmp_path / "dump").write_bytes(parts_of(backed_up)[1])
    with pytest.raises(postgres_client.ProgramFailed):
        postgres_client.run_locally(
            "pg_restore", f"--file={tmp_path / 'script'}", str(tmp_path / "dump"), max_bytes=20_000
        )
    assert (tmp_path / "script").stat().st_size <= 20_000


@pytest.mark.parametrize(("place", "words"), [("gone", "is no folder: make it first"), ("file", "is no folder")])
def test_where_no_backup_can_be_put(tmp_path, place, words):
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=words):
        call_command("backup", f"--to={tmp_path / place}")


def test_a_folder_that_cannot_be_written_to(tmp_path, monkeypatch):
    """Root may write everywhere, so the system's answer is given in its place."""
    monkeypatch.setattr(os, "access", lambda path, what: False)
    with pytest.raises(CommandError, match=r"cannot be written to by this user: .* --to"):
        call_command("backup", f"--to={tmp_path}")


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
