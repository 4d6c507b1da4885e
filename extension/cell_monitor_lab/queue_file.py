"""The SQLite file of a queue: where it may lie, how it is locked, and what is in it."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
import tempfile
import time
import uuid
from pathlib import Path

YOUNG_SECONDS = 60

_SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,          -- start, end, or the type of an event that is no run
    added_at REAL NOT NULL,
    clock_epoch INTEGER,         -- of this process's clock; null where another process wrote it
    is_urgent INTEGER NOT NULL,
    is_cut INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS outbox_kind ON outbox (kind, seq);
CREATE INDEX IF NOT EXISTS outbox_urgent ON outbox (seq) WHERE is_urgent;
CREATE INDEX IF NOT EXISTS outbox_uncut ON outbox (seq) WHERE NOT is_cut;
CREATE TABLE IF NOT EXISTS unfinished (key TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS sent (seq INTEGER PRIMARY KEY AUTOINCREMENT, sent_at REAL NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS refused (
    event_id TEXT PRIMARY KEY, refused_at REAL NOT NULL, reason TEXT NOT NULL, body TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS kv (key TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


def places(folder: Path) -> list[Path]:
    """Return the folders in which a queue may lie, the best first.

    A home on a network may refuse locks, be full or be read-only; then a folder of this machine is better than memory.
    """
    whose = f"{os.getuid() if hasattr(os, 'getuid') else ''}-{hashlib.sha256(bytes(folder)).hexdigest()[:8]}"
    return [folder, Path(tempfile.gettempdir()) / f"cell-monitor-{whose}"]


def new_file(place: Path) -> tuple[str, sqlite3.Connection]:
    """Make a file in a folder and lock it. Raises OSError, sqlite3.Error."""
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not _is_ours(place):
        raise PermissionError(f"{place} is not the student's alone")
    path = str(place / f"{uuid.uuid4()}.sqlite3")
    try:
        return path, open_file(path)
    except sqlite3.Error:
        remove(Path(path))
        raise


def open_file(path: str, timeout: float = 5) -> sqlite3.Connection:
    """Open a file with an exclusive lock that lasts. Raises sqlite3.OperationalError while another process has it."""
    is_new = path != ":memory:" and not os.path.exists(path)  # closing a file that is open already would end its locks
    if is_new:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        # A new file holds nothing that a journal could save, and on a busy disk each write to one takes a tenth of a
        # second, in which Jupyter's server does not start.
        db.execute(f"PRAGMA journal_mode={'MEMORY' if is_new else 'TRUNCATE'}")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
        db.execute("COMMIT")
        db.execute("PRAGMA journal_mode=TRUNCATE")
        # Locks are taken with the first write, and kept.
        db.execute("BEGIN EXCLUSIVE")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def orphans(place: Path, own: str) -> list[Path]:
    """Return the queues of a folder but `own`, the oldest first. Other processes may have them open."""
    try:
        found = sorted(place.glob("*.sqlite3"), key=_modified) if _is_ours(place) else []
    except OSError:
        return []
    return [path for path in found if str(path) != own]


def open_orphan(path: Path) -> sqlite3.Connection | None:
    """Open the file of a process that is gone; None where one has it or it is damaged, which sets it aside."""
    try:
        return open_file(str(path), timeout=0)
    except (OSError, sqlite3.OperationalError):
        return None
    except sqlite3.DatabaseError:
        with contextlib.suppress(OSError):  # a read-only home: it stays
            path.replace(path.with_suffix(".damaged"))
        return None


def is_young(path: Path) -> bool:
    """Tell whether a file may just have been made, and is about to be locked."""
    return time.time() - _modified(path) <= YOUNG_SECONDS


def holds_anything(db: sqlite3.Connection) -> bool:
    """Tell whether anything in a file is worth keeping."""
    tables = ("outbox", "unfinished", "sent", "refused", "kv WHERE key = 'drafts' AND value <> '{}'")
    return any(db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in tables)  # noqa: S608


def remove(path: Path) -> None:
    """Remove a file and its journal."""
    for name in (path, Path(f"{path}-journal")):
        try:
            name.unlink()
        except OSError:
            continue


def _is_ours(place: Path) -> bool:
    """Tell whether a folder is the student's alone. In the folder of temporary files another user may have made it."""
    found = place.lstat()
    if not hasattr(os, "getuid") or place.parent != Path(tempfile.gettempdir()):
        return True
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
