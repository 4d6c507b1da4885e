"""The queue on disk: what is recorded stays here until the product has it.

One SQLite file for each process, so that no two processes wait for one another, in a folder of the student. A process
holds its file with an exclusive lock of SQLite; a file that can be locked by another belongs to a process that is gone,
and is adopted by the next that starts. Homes are often on NFS, where a write-ahead log is unsafe; so the journal is
truncated and every commit synced.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, TypeVar

from .contract import iso
from .queue_file import holds_anything, is_young, new_file, open_file, open_orphan, orphans, places, remove
from .store import Gone, Item, Row, Store, text_of, without_output

MAX_HELD = 1000  # in memory while the disk is full

T = TypeVar("T")
log = logging.getLogger(__name__)


class Outbox:
    """The queue of this process. Threads may share it. Raises sqlite3.Error where the file cannot be made or read.

    While the file cannot be written, what comes is held in memory and sent from there, and what was sent is remembered
    until it can be taken out.
    """

    def __init__(self, path: str, db: sqlite3.Connection | None = None) -> None:
        """Open or make the file `path`, unless `db` is it; `:memory:` where there is no place for one."""
        self.path = path
        self.is_durable = path != ":memory:"
        self._lock = threading.RLock()
        self.changed = threading.Condition(self._lock)
        self._held: list[Item] = []
        self._gone: Gone = {}  # what is not in the file any more once that can be written
        self._lost = 0  # of what was held
        self.store = Store(db or open_file(path))

    @classmethod
    def in_folder(cls, folder: Path) -> Outbox:
        """Make a new file as `made_in` does, and adopt what was left there."""
        outbox = cls.made_in(folder)
        outbox.adopt_all(folder)
        return outbox

    @classmethod
    def made_in(cls, folder: Path) -> Outbox:
        """Make a new file in `folder`, else in one of this machine, else in memory."""
        for place in places(folder):
            try:
                return cls(*new_file(place))
            except (OSError, sqlite3.Error) as error:
                log.warning("Cell Monitor cannot keep its queue in %s: %s", place, error)
        return cls(":memory:")

    # Writing

    def add(self, items: Sequence[Item]) -> bool:
        """Keep events; True once they are on disk. Where that cannot be written they are held in memory."""
        with self._lock:
            replaced = {item.kind for item in items if item.replaces}
            held = [item for item in self._held if item.kind not in replaced]
            waiting = list({item.event["eventId"]: item for item in [*held, *items]}.values())
            if not waiting:
                return True
            try:
                self._write(lambda: self.store.insert(waiting))
            except sqlite3.Error:
                self._held = waiting[-MAX_HELD:]
                self._lost += len(waiting) - len(self._held)
            else:
                self._held = []
            self.changed.notify_all()
            return not self._held

    def delivered(self, rows: Iterable[Row]) -> None:
        """Take out what the product has, and remember the last 200 as they left."""
        self._take_out({row.event["eventId"]: (row, None) for row in rows})

    def refused(self, rows: Iterable[tuple[Row, str]]) -> None:
        """Take out what the product refused, with its reasons."""
        self._take_out({row.event["eventId"]: (row, reason) for row, reason in rows})

    def _take_out(self, gone: Gone) -> None:
        with self._lock:
            self._gone.update(gone)
            self._held = [item for item in self._held if item.event["eventId"] not in gone]
            with contextlib.suppress(sqlite3.Error):  # on a full disk: with the next that can be written
                self._write(lambda: None)

    def cut(self, row: Row) -> bool:
        """Take the output out of an event that is too large; False if there is none left. Raises sqlite3.Error."""
        with self._lock:
            seq = row.seq
            if seq is None:  # held in memory
                row.event, had = without_output(row.event)
                held = [
                    item.event if item.event["eventId"] != row.event["eventId"] else row.event for item in self._held
                ]
                self._held = [replace(item, event=event) for item, event in zip(self._held, held)]
                return had
            return self._write(lambda: self.store.cut(seq))

    def touch(self) -> None:
        """Note that this process lives, for the end of its session, and write what was held."""
        with contextlib.suppress(sqlite3.Error):
            self.put("seen_at", time.time())
        if self._held:
            self.add([])

    def clear(self) -> None:
        """Forget everything, because the student said so."""
        with self._lock:
            self._held, self._gone = [], {}
            self._write(self.store.clear)

    def close(self) -> None:
        """Close the file, and remove it if nothing waits in it."""
        with self._lock:
            is_empty = False
            with contextlib.suppress(sqlite3.Error):
                is_empty = self.is_durable and not self._held and not holds_anything(self.store.db)
            self.store.db.close()
            if is_empty:
                remove(Path(self.path))

    # Reading

    def batch(self, max_events: int, max_bytes: int) -> list[Row]:
        """Return the oldest events that wait: at most `max_events`, and `max_bytes` unless the first is larger."""
        with self._lock:
            rows: list[Row] = []
            total = 0
            for row in itertools.chain(self._stored(max_events + len(self._gone)), map(_held_row, self._held)):
                if row.event["eventId"] in self._gone:
                    continue
                total += row.size
                if len(rows) == max_events or (rows and total > max_bytes):
                    break
                rows.append(row)
            return rows

    def _stored(self, limit: int) -> Iterator[Row]:
        """Return the oldest items of the file; none if it cannot be read: the next process finds them."""
        with contextlib.suppress(sqlite3.Error):
            yield from self.store.oldest(limit)

    def has_urgent(self) -> bool:
        """Tell whether something waits that a person waits for."""
        with self._lock:
            if any(item.is_urgent for item in self._held):
                return True
            with contextlib.suppress(sqlite3.Error):
                return any(event_id not in self._gone for event_id in self.store.urgent(len(self._gone) + 1))
            return False

    def status(self) -> dict[str, Any]:
        """Return {waiting, bytes, dropped, refused, oldest, is_durable}."""
        with self._lock:
            try:
                refused, oldest, dropped = self.store.numbers()
                is_readable = True
            except sqlite3.Error:
                refused, oldest, dropped, is_readable = 0, None, 0, False
            return {
                "waiting": self.waiting,
                "bytes": self.store.bytes,
                "dropped": dropped + self._lost,
                "refused": refused,
                "oldest": iso(oldest) if oldest else None,
                "is_durable": self.is_durable and is_readable and not self._held,
            }

    @property
    def waiting(self) -> int:
        with self._lock:
            gone = sum(row.seq is not None for row, _reason in self._gone.values())
            return max(0, int(self.store.count) - gone) + len(self._held)

    def sent(self) -> list[dict[str, Any]]:
        """Return the last 200 events as they left, newest first: {sent_at, event}."""
        with self._lock:
            return self.store.sent()

    def refusals(self) -> list[dict[str, Any]]:
        """Return what was refused, newest first: {refused_at, reason, event}."""
        with self._lock:
            rows = self.store.db.execute(
                "SELECT refused_at, reason, body FROM refused ORDER BY refused_at DESC"
            ).fetchall()
        return [{"refused_at": iso(at), "reason": reason, "event": json.loads(body)} for at, reason, body in rows]

    def get(self, key: str, default: Any = None) -> Any:
        with self._lock:
            return self.store.get(key, default)

    def put(self, key: str, value: Any) -> None:
        with self._lock:
            self._write(lambda: self.store.put(key, value))

    # Adoption

    def adopt_all(self, folder: Path) -> int:
        """Adopt what was left where `made_in` makes files; return how many events came."""
        return sum(self.adopt(place) for place in places(folder))

    def adopt(self, place: Path) -> int:
        """Take over the files of processes that are gone; return how many events came with them.

        Killed in the middle, this is done again by the next process: an event has one id, so it is not doubled.
        """
        adopted = 0
        for path in orphans(place, self.path):
            orphan = open_orphan(path)
            if orphan is None:
                continue
            try:
                with self._lock:
                    is_empty = not holds_anything(orphan)
                    if not is_empty:
                        adopted += self._write(partial(self.store.take_over, orphan))
            except sqlite3.Error:
                orphan.close()
                continue
            orphan.close()
            if self.is_durable and (not is_empty or not is_young(path)):  # else it may be about to be locked
                remove(path)
        return adopted

    def _write(self, work: Callable[[], T]) -> T:
        """Do `work` in one transaction, after what could not be taken out before. Raises sqlite3.Error."""

        def all_of_it() -> T:
            self.store.take_out(self._gone)
            if self._lost:
                self.store.add_dropped(self._lost)
            return work()

        result = self.store.write(all_of_it)
        self._gone, self._lost = {}, 0
        return result


def _held_row(item: Item) -> Row:
    return Row(None, item.event, item.kind, 0.0, item.clock_epoch, len(text_of(item.event)))
