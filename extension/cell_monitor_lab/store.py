"""What a queue's file holds, in transactions: events in order and within limits, what was sent and refused."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Optional, TypeVar

from .contract import Event, iso

MAX_EVENTS = 20_000
MAX_BYTES = 100 * 1024 * 1024
TIGHT = 0.8  # of these, from where starts and outputs are dropped
MAX_AGE_SECONDS = 25 * 86_400  # the product replaces times older than 30 days
KEPT_SENT = 200
KEPT_REFUSED = 1000

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

    seq: int | None  # none in memory
    event: Event
    kind: str
    added_at: float
    clock_epoch: int | None
    size: int


Gone = dict[str, tuple[Row, Optional[str]]]  # by event id: delivered, or refused for a reason


class Store:
    """Not for several threads at once. What changes it is called inside of `write`; all of it raises sqlite3.Error."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self.db = db
        self.count, self.bytes = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM outbox").fetchone()

    def delete(self, condition: str, *values: Any) -> int:
        count, size = self.db.execute(
            f"SELECT count(*), coalesce(sum(size), 0) FROM outbox WHERE {condition}",  # noqa: S608
            values,
        ).fetchone()
        if count:
            self.db.execute(f"DELETE FROM outbox WHERE {condition}", values)  # noqa: S608
            self.count -= count
            self.bytes -= size
        return int(count)

    def get(self, key: str, default: Any) -> Any:
        found = self.db.execute("SELECT value FROM kv WHERE key = ?", (key,)).fetchone()
        return default if found is None else json.loads(found[0])

    def put(self, key: str, value: Any) -> None:
        self.db.execute("INSERT OR REPLACE INTO kv VALUES (?, ?)", (key, json.dumps(value)))

    def write(self, work: Callable[[], T]) -> T:
        """Do `work` in one transaction; counts follow what was committed."""
        before = (self.count, self.bytes)
        try:
            self.db.execute("BEGIN IMMEDIATE")
            result = work()
            self.db.execute("COMMIT")
        except BaseException:
            self.count, self.bytes = before
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise
        return result

    # Reading

    def oldest(self, limit: int) -> Iterator[Row]:
        """Return the oldest events."""
        found = self.db.execute(
            "SELECT seq, body, kind, added_at, clock_epoch, size FROM outbox ORDER BY seq LIMIT ?", (limit,)
        )
        for seq, body, *rest in found:
            yield Row(seq, json.loads(body), *rest)

    def urgent(self, limit: int) -> list[str]:
        """Return the ids of events that a person waits for."""
        found = self.db.execute("SELECT event_id FROM outbox WHERE is_urgent LIMIT ?", (limit,))
        return [event_id for (event_id,) in found]

    def numbers(self) -> tuple[int, float | None, int]:
        """Return how many were refused, since when the oldest waits, and how many were dropped."""
        refused = self.db.execute("SELECT count(*) FROM refused").fetchone()[0]
        oldest = self.db.execute("SELECT min(added_at) FROM outbox").fetchone()[0]
        return refused, oldest, int(self.get("dropped", 0))

    def sent(self) -> list[dict[str, Any]]:
        """Return the last 200 events as they left, newest first: {sent_at, event}."""
        rows = self.db.execute("SELECT sent_at, body FROM sent ORDER BY seq DESC")
        return [{"sent_at": iso(at), "event": json.loads(body)} for at, body in rows]

    def refusals(self) -> list[dict[str, Any]]:
        """Return what was refused, newest first: {refused_at, reason, event}."""
        rows = self.db.execute("SELECT refused_at, reason, body FROM refused ORDER BY refused_at DESC")
        return [{"refused_at": iso(at), "reason": reason, "event": json.loads(body)} for at, reason, body in rows]

    # Events

    def insert(self, items: Sequence[Item]) -> None:
        """Add events, and drop what is too much then."""
        now = time.time()
        for item in items:
            if item.replaces:
                self.delete("kind = ?", item.kind)
            if item.opens and item.unfinished:
                self.db.execute(
                    "INSERT OR REPLACE INTO unfinished VALUES (?, ?)", (item.opens, text_of(item.unfinished))
                )
            if item.closes:
                self.db.execute("DELETE FROM unfinished WHERE key = ?", (item.closes,))
            body = text_of(item.event)
            size = len(body.encode())
            inserted = self.db.execute(
                "INSERT OR IGNORE INTO outbox (event_id, kind, added_at, clock_epoch, is_urgent, size, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (item.event["eventId"], item.kind, now, item.clock_epoch, item.is_urgent, size, body),
            ).rowcount
            self.count += inserted
            self.bytes += size * inserted
        self.put("seen_at", now)
        self._keep_to_limits(now)

    def take_out(self, gone: Gone) -> None:
        """Take out what was delivered or refused; remember the last 200 as they left."""
        if not gone:
            return
        now = time.time()
        for event_id, (row, reason) in gone.items():
            self.delete("event_id = ?", event_id)
            if reason is None:
                self.db.execute("INSERT INTO sent (sent_at, body) VALUES (?, ?)", (now, text_of(row.event)))
            else:
                values = (event_id, now, reason[:500], text_of(row.event))
                self.db.execute("INSERT OR REPLACE INTO refused VALUES (?, ?, ?, ?)", values)
        self.db.execute("DELETE FROM sent WHERE seq <= (SELECT max(seq) FROM sent) - ?", (KEPT_SENT,))
        self.db.execute(
            "DELETE FROM refused WHERE event_id IN"
            " (SELECT event_id FROM refused ORDER BY refused_at DESC LIMIT -1 OFFSET ?)",
            (KEPT_REFUSED,),
        )

    def clear(self) -> None:
        """Forget everything."""
        for table in ("outbox", "unfinished", "sent", "refused", "kv"):
            self.db.execute(f"DELETE FROM {table}")  # noqa: S608
        self.count = self.bytes = 0

    def take_over(self, orphan: sqlite3.Connection) -> int:
        """Add what the file of another process holds; return how many events came."""
        before = self.count
        now = time.time()
        rows = list(
            orphan.execute("SELECT event_id, kind, added_at, is_urgent, is_cut, size, body FROM outbox ORDER BY seq")
        )
        seen_at = dict(orphan.execute("SELECT key, value FROM kv")).get("seen_at")
        for _key, body in orphan.execute("SELECT key, body FROM unfinished").fetchall():
            event = json.loads(body)
            if event["eventType"] == "session_end" and seen_at:
                event["eventTime"] = iso(float(seen_at))
            text = text_of(event)
            rows.append((event["eventId"], event["eventType"], now, 0, 1, len(text.encode()), text))
        for event_id, kind, added_at, is_urgent, is_cut, size, body in rows:
            inserted = self.db.execute(
                "INSERT OR IGNORE INTO outbox (event_id, kind, added_at, is_urgent, is_cut, size, body)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (event_id, kind, added_at, is_urgent, is_cut, size, body),
            ).rowcount
            self.count += inserted
            self.bytes += size * inserted
        self.db.executemany(
            "INSERT OR IGNORE INTO refused VALUES (?, ?, ?, ?)", orphan.execute("SELECT * FROM refused")
        )
        self.db.executemany(
            "INSERT INTO sent (sent_at, body) VALUES (?, ?)",
            orphan.execute("SELECT sent_at, body FROM sent ORDER BY seq"),
        )
        for key, value in orphan.execute("SELECT key, value FROM kv").fetchall():
            if key == "dropped":
                self.put(key, int(value) + int(self.get(key, 0)))
            elif key != "seen_at":
                self.put(key, json.loads(value))
        self._keep_to_limits(now)
        return int(self.count - before)

    # Limits

    def _keep_to_limits(self, now: float) -> None:
        """Drop what is too old or too much: from 80 % on starts and outputs of the oldest, at the limit the oldest.

        Only what an earlier process left may be too old: what this one recorded only looks so where its clock was set,
        and is sent with its right time.
        """
        dropped = self.delete(
            "seq IN (SELECT seq FROM outbox ORDER BY seq LIMIT 100) AND clock_epoch IS NULL AND added_at < ?",
            now - MAX_AGE_SECONDS,
        )
        if self.count > MAX_EVENTS * TIGHT or self.bytes > MAX_BYTES * TIGHT:
            dropped += self._drop_oldest("kind = 'start'", TIGHT)
            while self.bytes > MAX_BYTES * TIGHT:
                found = self.db.execute("SELECT min(seq) FROM outbox WHERE NOT is_cut").fetchone()[0]
                if found is None:
                    break
                self.cut(found)
        dropped += self._drop_oldest("1", 1.0)
        if dropped:
            self.add_dropped(dropped)

    def add_dropped(self, number: int) -> None:
        """Count events that were given up."""
        self.put("dropped", int(self.get("dropped", 0)) + number)

    def _drop_oldest(self, condition: str, share: float) -> int:
        dropped = 0
        while self.count > MAX_EVENTS * share or self.bytes > MAX_BYTES * share:
            deleted = self.delete(f"seq = (SELECT min(seq) FROM outbox WHERE {condition})")  # noqa: S608
            if not deleted:
                break
            dropped += deleted
        return dropped

    def cut(self, seq: int) -> bool:
        """Take the output out of an event; False if there is none left."""
        found = self.db.execute("SELECT body, size FROM outbox WHERE seq = ?", (seq,)).fetchone()
        if found is None:
            return False
        event, had = without_output(json.loads(found[0]))
        text = text_of(event)
        size = len(text.encode())
        self.db.execute("UPDATE outbox SET body = ?, size = ?, is_cut = 1 WHERE seq = ?", (text, size, seq))
        self.bytes += size - found[1]
        return had


def without_output(event: Event) -> tuple[Event, bool]:
    """Return an event without its output, else without its code, and whether it had either."""
    event = dict(event)
    metadata = dict(event.get("metadata") or {})
    had = [event.pop("result", None), metadata.pop("traceback", None), metadata.pop("outputTypes", None)]
    had.append(event.pop("code", None) if not any(had) else None)
    return {**event, "metadata": {**metadata, "outputDropped": True}}, any(had)


def text_of(event: Event) -> str:
    """Return JSON that every store can hold: without halves of surrogate pairs."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()
