"""The queue on disk: what is recorded stays here until the product has it.

One SQLite file for each process, so that no two processes wait for one another, in a folder of the student. A process
holds its file with an exclusive lock of SQLite; a file that can be locked by another belongs to a process that is gone,
and is adopted by the next that starts. Homes are often on NFS, where a write-ahead log is unsafe; so the journal is
truncated and every commit synced.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Callable, TypeVar

from .contract import Event, iso

MAX_EVENTS = 20_000
MAX_BYTES = 100 * 1024 * 1024
TIGHT = 0.8  # of these, from where starts and outputs are dropped
MAX_AGE_SECONDS = 25 * 86_400  # the product replaces times older than 30 days
KEPT_SENT = 200
KEPT_REFUSED = 1000
YOUNG_SECONDS = 60
UNWRITTEN = 1000  # kept in memory while the disk is full

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

T = TypeVar("T")


@dataclass
class Item:
    """One event to keep. What is `unfinished` under `opens` is sent by the next process if nothing ever `closes` it."""

    event: Event
    kind: str
    is_urgent: bool = False
    clock_epoch: int | None = None
    opens: str | None = None
    unfinished: Event | None = None
    closes: str | None = None
    replaces: bool = False  # events of this kind that still wait


@dataclass
class Row:
    """One event that waits."""

    seq: int
    event: Event
    kind: str
    added_at: float
    clock_epoch: int | None
    size: int


class Outbox:
    """The queue of this process. Threads may share it. Raises sqlite3.Error where the file cannot be made or read."""

    def __init__(self, path: str) -> None:
        """Open or make the file `path`; `:memory:` where there is no place for one."""
        self.path = path
        self.is_durable = path != ":memory:"
        self._lock = threading.RLock()
        self.changed = threading.Condition(self._lock)
        self._unwritten: list[Item] = []
        self._db = _open(path)
        self._count, self._bytes = self._db.execute("SELECT count(*), coalesce(sum(size), 0) FROM outbox").fetchone()

    @classmethod
    def in_folder(cls, folder: Path) -> Outbox:
        """Make a new file in `folder` and adopt what processes that are gone left there. Falls back to memory."""
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            outbox = cls(str(folder / f"{uuid.uuid4()}.sqlite3"))
        except (OSError, sqlite3.Error):
            return cls(":memory:")
        outbox.adopt(folder)
        return outbox

    # Writing

    def add(self, items: Sequence[Item]) -> bool:
        """Keep events; True once they are on disk. On a full disk they wait in memory for the next call."""
        with self._lock:
            items = [*self._unwritten, *items]
            if not items:
                return True
            try:
                self._write(lambda: self._insert(items))
            except sqlite3.Error:
                self._unwritten = items[-UNWRITTEN:]
                return False
            self._unwritten = []
            self.changed.notify_all()
            return True

    def _insert(self, items: Sequence[Item]) -> None:
        now = time.time()
        for item in items:
            if item.replaces:
                self._delete("kind = ?", item.kind)
            if item.opens and item.unfinished:
                self._db.execute(
                    "INSERT OR REPLACE INTO unfinished VALUES (?, ?)", (item.opens, _text(item.unfinished))
                )
            if item.closes:
                self._db.execute("DELETE FROM unfinished WHERE key = ?", (item.closes,))
            body = _text(item.event)
            size = len(body.encode())
            inserted = self._db.execute(
                "INSERT OR IGNORE INTO outbox (event_id, kind, added_at, clock_epoch, is_urgent, size, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (item.event["eventId"], item.kind, now, item.clock_epoch, item.is_urgent, size, body),
            ).rowcount
            self._count += inserted
            self._bytes += size * inserted
        self._put("seen_at", now)
        self._keep_to_limits(now)

    def delivered(self, rows: Iterable[Row]) -> None:
        """Take out what the product has, and remember the last 200 as they left."""
        with self._lock:
            self._write(lambda: self._delivered(list(rows)))

    def _delivered(self, rows: list[Row]) -> None:
        now = time.time()
        for row in rows:
            self._delete("seq = ?", row.seq)
            self._db.execute("INSERT INTO sent (sent_at, body) VALUES (?, ?)", (now, _text(row.event)))
        self._db.execute("DELETE FROM sent WHERE seq <= (SELECT max(seq) FROM sent) - ?", (KEPT_SENT,))

    def refused(self, rows: Iterable[tuple[Row, str]]) -> None:
        """Take out what the product refused, with its reasons."""
        with self._lock:
            self._write(lambda: self._refused(list(rows)))

    def _refused(self, rows: list[tuple[Row, str]]) -> None:
        now = time.time()
        for row, reason in rows:
            self._delete("seq = ?", row.seq)
            values = (row.event["eventId"], now, reason[:500], _text(row.event))
            self._db.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", values)
        self._db.execute(
            "DELETE FROM refused WHERE event_id IN"
            " (SELECT event_id FROM refused ORDER BY refused_at DESC LIMIT -1 OFFSET ?)",
            (KEPT_REFUSED,),
        )

    def cut(self, row: Row) -> bool:
        """Take the output out of an event that is too large; False if there is none left."""
        with self._lock:
            return self._write(lambda: self._cut(row.seq))

    def touch(self) -> None:
        """Note that this process lives, for the end of its session."""
        self.put("seen_at", time.time())

    def clear(self) -> None:
        """Forget everything, because the student said so."""
        with self._lock:
            self._write(self._clear)

    def _clear(self) -> None:
        for table in ("outbox", "unfinished", "sent", "refused", "kv"):
            self._db.execute(f"DELETE FROM {table}")  # noqa: S608
        self._count = self._bytes = 0

    def close(self) -> None:
        """Close the file, and remove it if nothing waits in it."""
        with self._lock:
            is_empty = self.is_durable and not self._unwritten and not _holds_anything(self._db)
            self._db.close()
            if is_empty:
                _remove(Path(self.path))

    # Reading

    def batch(self, max_events: int, max_bytes: int) -> list[Row]:
        """Return the oldest events that wait: at most `max_events`, and `max_bytes` unless the first is larger."""
        with self._lock:
            cursor = self._db.execute(
                "SELECT seq, body, kind, added_at, clock_epoch, size FROM outbox ORDER BY seq LIMIT ?", (max_events,)
            )
            rows: list[Row] = []
            total = 0
            for seq, body, kind, added_at, epoch, size in cursor:
                total += size
                if rows and total > max_bytes:
                    break
                rows.append(Row(seq, json.loads(body), kind, added_at, epoch, size))
            return rows

    def has_urgent(self) -> bool:
        """Tell whether something waits that a person waits for."""
        with self._lock:
            return self._db.execute("SELECT 1 FROM outbox WHERE is_urgent LIMIT 1").fetchone() is not None

    def status(self) -> dict[str, Any]:
        """Return {waiting, bytes, dropped, refused, oldest, is_durable}."""
        with self._lock:
            refused = self._db.execute("SELECT count(*) FROM refused").fetchone()[0]
            oldest = self._db.execute("SELECT min(added_at) FROM outbox").fetchone()[0]
            return {
                "waiting": self._count + len(self._unwritten),
                "bytes": self._bytes,
                "dropped": int(self._get("dropped", 0)),
                "refused": refused,
                "oldest": iso(oldest) if oldest else None,
                "is_durable": self.is_durable and not self._unwritten,
            }

    @property
    def waiting(self) -> int:
        return int(self._count)

    def sent(self) -> list[dict[str, Any]]:
        """Return the last 200 events as they left, newest first: {sent_at, event}."""
        with self._lock:
            rows = self._db.execute("SELECT sent_at, body FROM sent ORDER BY seq DESC").fetchall()
        return [{"sent_at": iso(at), "event": json.loads(body)} for at, body in rows]

    def refusals(self) -> list[dict[str, Any]]:
        """Return what was refused, newest first: {refused_at, reason, event}."""
        with self._lock:
            rows = self._db.execute("SELECT refused_at, reason, body FROM refused ORDER BY refused_at DESC").fetchall()
        return [{"refused_at": iso(at), "reason": reason, "event": json.loads(body)} for at, reason, body in rows]

    def get(self, key: str, default: Any = None) -> Any:
        with self._lock:
            return self._get(key, default)

    def put(self, key: str, value: Any) -> None:
        with self._lock:
            self._write(lambda: self._put(key, value))

    # Adoption

    def adopt(self, folder: Path) -> int:
        """Take over the files of processes that are gone; return how many events came with them.

        Killed in the middle, this is done again by the next process: an event has one id, so it is not doubled.
        """
        adopted = 0
        for path in sorted(folder.glob("*.sqlite3"), key=_modified):
            if str(path) == self.path:
                continue
            try:
                orphan = _open(str(path), timeout=0)
            except sqlite3.OperationalError:
                continue  # in use, or not ours to read
            except sqlite3.DatabaseError:
                path.replace(path.with_suffix(".damaged"))
                continue
            try:
                with self._lock:
                    is_empty = not _holds_anything(orphan)
                    if not is_empty:
                        adopted += self._write(partial(self._take_over, orphan))
            except sqlite3.Error:
                orphan.close()
                continue
            orphan.close()
            if not is_empty or time.time() - _modified(path) > YOUNG_SECONDS:  # else it may be about to be locked
                _remove(path)
        return adopted

    def _take_over(self, orphan: sqlite3.Connection) -> int:
        before = self._count
        now = time.time()
        rows = list(
            orphan.execute("SELECT event_id, kind, added_at, is_urgent, is_cut, size, body FROM outbox ORDER BY seq")
        )
        seen_at = dict(orphan.execute("SELECT key, value FROM kv")).get("seen_at")
        for _key, body in orphan.execute("SELECT key, body FROM unfinished").fetchall():
            event = json.loads(body)
            if event["eventType"] == "session_end" and seen_at:
                event["eventTime"] = iso(float(seen_at))
            text = _text(event)
            rows.append((event["eventId"], event["eventType"], now, 0, 1, len(text.encode()), text))
        for event_id, kind, added_at, is_urgent, is_cut, size, body in rows:
            inserted = self._db.execute(
                "INSERT OR IGNORE INTO outbox (event_id, kind, added_at, is_urgent, is_cut, size, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (event_id, kind, added_at, is_urgent, is_cut, size, body),
            ).rowcount
            self._count += inserted
            self._bytes += size * inserted
        self._db.executemany(
            "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?)", orphan.execute("SELECT * FROM refused")
        )
        self._db.executemany(
            "INSERT INTO sent (sent_at, body) VALUES (?, ?)",
            orphan.execute("SELECT sent_at, body FROM sent ORDER BY seq"),
        )
        for key, value in orphan.execute("SELECT key, value FROM kv").fetchall():
            if key == "dropped":
                self._put(key, int(value) + int(self._get(key, 0)))
            elif key != "seen_at":
                self._put(key, json.loads(value))
        self._keep_to_limits(now)
        return int(self._count - before)

    # Limits

    def _keep_to_limits(self, now: float) -> None:
        """Drop what is too old or too much: from 80 % on starts and outputs of the oldest, at the limit the oldest."""
        dropped = self._delete(
            "seq IN (SELECT seq FROM outbox ORDER BY seq LIMIT 100) AND added_at < ?", now - MAX_AGE_SECONDS
        )
        if self._count > MAX_EVENTS * TIGHT or self._bytes > MAX_BYTES * TIGHT:
            dropped += self._drop_oldest("kind = 'start'", TIGHT)
            while self._bytes > MAX_BYTES * TIGHT:
                found = self._db.execute("SELECT min(seq) FROM outbox WHERE NOT is_cut").fetchone()[0]
                if found is None:
                    break
                self._cut(found)
        dropped += self._drop_oldest("1", 1.0)
        if dropped:
            self._put("dropped", int(self._get("dropped", 0)) + dropped)

    def _drop_oldest(self, condition: str, share: float) -> int:
        dropped = 0
        while self._count > MAX_EVENTS * share or self._bytes > MAX_BYTES * share:
            deleted = self._delete(f"seq = (SELECT min(seq) FROM outbox WHERE {condition})")  # noqa: S608
            if not deleted:
                break
            dropped += deleted
        return dropped

    def _cut(self, seq: int) -> bool:
        found = self._db.execute("SELECT body, size FROM outbox WHERE seq = ?", (seq,)).fetchone()
        if found is None:
            return False
        event = json.loads(found[0])
        metadata = dict(event.get("metadata") or {})
        had = [event.pop("result", None), metadata.pop("traceback", None), metadata.pop("outputTypes", None)]
        had.append(event.pop("code", None) if not any(had) else None)
        event["metadata"] = {**metadata, "outputDropped": True}
        text = _text(event)
        size = len(text.encode())
        self._db.execute("UPDATE outbox SET body = ?, size = ?, is_cut = 1 WHERE seq = ?", (text, size, seq))
        self._bytes += size - found[1]
        return any(had)

    # SQL

    def _delete(self, condition: str, *values: Any) -> int:
        count, size = self._db.execute(
            f"SELECT count(*), coalesce(sum(size), 0) FROM outbox WHERE {condition}",  # noqa: S608
            values,
        ).fetchone()
        if count:
            self._db.execute(f"DELETE FROM outbox WHERE {condition}", values)  # noqa: S608
            self._count -= count
            self._bytes -= size
        return int(count)

    def _get(self, key: str, default: Any) -> Any:
        found = self._db.execute("SELECT value FROM kv WHERE key = ?", (key,)).fetchone()
        return default if found is None else json.loads(found[0])

    def _put(self, key: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (key, json.dumps(value)))

    def _write(self, work: Callable[[], T]) -> T:
        """Do `work` in one transaction; counts follow what was committed."""
        before = (self._count, self._bytes)
        try:
            self._db.execute("BEGIN IMMEDIATE")
            result = work()
            self._db.execute("COMMIT")
        except BaseException:
            self._count, self._bytes = before
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        return result


def _holds_anything(db: sqlite3.Connection) -> bool:
    tables = ("outbox", "unfinished", "sent", "refused", "kv WHERE key = 'drafts' AND value <> '{}'")
    return any(db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() for table in tables)  # noqa: S608


def _open(path: str, timeout: float = 5) -> sqlite3.Connection:
    """Open a file with an exclusive lock that lasts. Raises sqlite3.OperationalError while another process has it."""
    if path != ":memory:" and not os.path.exists(path):  # closing a file that is open already would end its locks
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA locking_mode=EXCLUSIVE")
        db.execute("PRAGMA journal_mode=TRUNCATE")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA temp_store=MEMORY")
        db.execute("BEGIN IMMEDIATE")
        for statement in _SCHEMA.split(";\n"):
            db.execute(statement)
        db.execute("COMMIT")
        # Locks are taken with the first write, and kept.
        db.execute("BEGIN EXCLUSIVE")
        db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _text(event: Event) -> str:
    """Return JSON that every store can hold: without halves of surrogate pairs."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _remove(path: Path) -> None:
    for name in (path, Path(f"{path}-journal")):
        try:
            name.unlink()
        except OSError:
            continue
