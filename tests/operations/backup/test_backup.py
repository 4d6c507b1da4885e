"""Backup, loss of everything, restore: the same pages and counts."""

import json
import os
import re
import tarfile

import httpx
import psycopg
import pytest
from django.core.management import CommandError, call_command

from operations.backup import archive, restore
from tests.events.conftest import event
from tests.live import manage
from tests.operations.backup.backup_files import PARTS, hostile


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


def test_a_backup_of_an_older_release_has_the_streams_by_their_older_name(tmp_path):
    file = hostile(tmp_path / "older.tar", PARTS[0], (archive.OLDER_STREAMS, b'[3, "high", "W10="]\n'))
    with tarfile.open(file) as tar:
        assert "river.jsonl" in tar.getnames()
    manifest = archive.verify(file)
    archive.refuse_incomplete(manifest)
    assert list(restore._waiting_rows(file, manifest)) == [(3, "high", b"[]")]


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
