"""A start on a disk that is full, or cannot be written to: one sentence, and no server was started."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from operations.local import disk_space
from operations.local.embedded_valkey import free_port
from tests.operations.local.test_up import environment
from tests.servers import ROOT


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MiB, which only root can make."""
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if made.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


def up(data_dir: Path) -> str:
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "up"],
        env=environment(DATA_DIR=str(data_dir), PORT=str(free_port())),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "postgres" not in done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def fill(disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (disk / "rest").write_bytes(bytes(9 * 1024**2))


def test_a_full_disk_is_said_before_anything_starts(small_disk: Path):
    assert "is full: " in (said := up(small_disk / "data"))
    assert "at least 160 are needed" in said
    (small_disk / "data" / "secret_key").unlink()
    fill(small_disk)
    assert "where no file can be kept (No space left on device)" in up(small_disk / "data")


def test_a_disk_that_cannot_be_written_to_is_said(small_disk: Path):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    assert "where no file can be kept (Read-only file system)" in up(small_disk)


def test_a_database_that_is_there_needs_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    disk_space.refuse_full_disk(tmp_path)
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    monkeypatch.setattr(disk_space, "NEW_DATABASE", free * 2)
    with pytest.raises(ImproperlyConfigured, match="Make room"):
        disk_space.refuse_full_disk(tmp_path)
    (tmp_path / "postgres").mkdir()
    disk_space.refuse_full_disk(tmp_path)
