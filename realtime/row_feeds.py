"""Send changed rows to dashboards: buffer and encode them once for all that see the same groups.

Rows are absolute state. A dashboard that has not read its previous frames is behind: the newest row of each student is
buffered for it alone, so it receives fewer frames, never old ones.
"""

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Protocol

from realtime.messages import encode, name_of
from realtime.row_buffer import Changed, RowBuffer
from realtime.rows import LastRun, StudentRow, cell_execution, progress_update

# After a frame nothing is sent for PAUSE_FACTOR times as long as it took to make and write it, so that under load
# frames have more rows, and the process at least three quarters of its time for everything else. In seconds.
MIN_PAUSE, PAUSE_FACTOR, MAX_PAUSE = 0.05, 3.0, 1.0
# Seconds that the first rows after a silence wait: a batch's notices go out before its rows, which come by another way.
GATHER = 0.01
# `cell_execution` repeats what the row says; beyond so many a frame they are left out.
MAX_RUNS = 20


class RowSubscriber(Protocol):
    """The part of a dashboard's socket that a feed uses."""

    accepted: bool
    with_runs: bool  # whether it receives `cell_execution`

    @property
    def is_read(self) -> bool:
        """Whether all its frames are written."""
        ...

    def adapt(self, name: str, text: str) -> str: ...

    def send_text(self, text: str) -> None: ...


class _Frames:
    """The frames of some changed rows: all rows in one, then one for each run. Encoded once for each kind of socket."""

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._texts: dict[tuple[type, bool], list[str]] = {}

    def send(self, subscriber: RowSubscriber) -> None:
        key = type(subscriber), subscriber.with_runs
        if key not in self._texts:
            self._texts[key] = self._encode(subscriber)
        for text in self._texts[key]:
            subscriber.send_text(text)

    def _encode(self, subscriber: RowSubscriber) -> list[str]:
        rows, runs = self._changed
        counted = [cell_execution(row, runs[row["studentId"]]) for row in rows if row["studentId"] in runs]
        frames = [progress_update(rows), *(counted[:MAX_RUNS] if subscriber.with_runs else [])]
        return [subscriber.adapt(name_of(frame), encode(frame)) for frame in frames]


class RowFeed:
    """The rows of some groups, for the dashboards that see just these groups."""

    def __init__(self) -> None:
        self.subscribers: set[RowSubscriber] = set()
        self._changed = RowBuffer()
        self._behind: dict[RowSubscriber, RowBuffer] = {}

    @property
    def is_waiting(self) -> bool:
        return bool(self._changed or self._behind)

    def add(self, rows: Iterable[StudentRow]) -> None:
        self._changed.add(rows)

    def add_runs(self, runs: Iterable[tuple[int, LastRun]]) -> None:
        self._changed.add_runs(runs)

    def remove(self, subscriber: RowSubscriber) -> None:
        self.subscribers.discard(subscriber)
        self._behind.pop(subscriber, None)

    def send(self) -> None:
        """Send what has changed to everybody who has read the previous frames."""
        changed = self._changed.take()
        frames = _Frames(changed)
        for subscriber in self.subscribers:
            if not subscriber.accepted:
                continue
            if subscriber not in self._behind and subscriber.is_read:
                if changed.rows:
                    frames.send(subscriber)
                continue
            own = self._behind.setdefault(subscriber, RowBuffer())
            own.add(changed.rows)
            own.add_runs(changed.runs)
            if subscriber.is_read:
                del self._behind[subscriber]
                if own:
                    _Frames(own.take()).send(subscriber)


class RowFeeds:
    """The feeds of this process, by the groups that they consist of.

    A member of the channel layer (`realtime.fanout`) receives the rows of all groups once for the process. Used from
    one event loop, so it needs no locks.
    """

    def __init__(self) -> None:
        self._feeds: dict[frozenset[str], RowFeed] = {}
        self._arrived = asyncio.Event()

    def add_subscriber(self, subscriber: RowSubscriber, names: Iterable[str]) -> None:
        """Let a subscriber receive the rows of these groups from now on."""
        self._feeds.setdefault(frozenset(names), RowFeed()).subscribers.add(subscriber)

    def remove_subscriber(self, subscriber: RowSubscriber) -> None:
        for names, feed in list(self._feeds.items()):
            feed.remove(subscriber)
            if not feed.subscribers:
                del self._feeds[names]

    @property
    def groups(self) -> set[str]:
        """Return the groups whose rows are needed."""
        return {name for names in self._feeds for name in names}

    def receive(self, message: dict[str, Any]) -> None:
        """Take a message with rows or runs from the channel layer."""
        for names, feed in self._feeds.items():
            if message["group"] in names:
                if message["type"] == "rows":
                    feed.add(message["rows"])
                    self._arrived.set()
                else:
                    feed.add_runs(message["runs"])

    async def repeat(self) -> None:
        """Send changed rows as they arrive: the first nearly at once, later ones after a pause."""
        while True:
            if not any(feed.is_waiting for feed in self._feeds.values()):
                await self._arrived.wait()
                await asyncio.sleep(GATHER)
            self._arrived.clear()
            begun = time.monotonic()
            for feed in list(self._feeds.values()):
                feed.send()
            await asyncio.sleep(0)
            await asyncio.sleep(0)  # the sockets' writers have run, and whoever waited for the loop
            took = time.monotonic() - begun
            await asyncio.sleep(min(max(MIN_PAUSE, PAUSE_FACTOR * took), MAX_PAUSE))
