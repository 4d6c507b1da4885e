"""Who in this process waits for news of a student: long polls and the sockets of students' devices.

Registering is an entry in memory: 200 students who wait cost neither a thread nor a message to Redis. One member of the
channel layer in each process (`classroom.sockets.inbox_delivery`) hears that there is news and wakes those concerned,
who read it from PostgreSQL. Used from one event loop, so it needs no locks.
"""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager


class Watcher:
    """One that waits for news of a student in a class."""

    def __init__(self, student_id: int, class_id: int) -> None:
        self.student_id, self.class_id = student_id, class_id
        self.is_ending = False  # the server stops
        self.news = asyncio.Event()


class WatcherRegistry:
    def __init__(self) -> None:
        self.all: set[Watcher] = set()

    @contextmanager
    def watch(self, student_id: int, class_id: int) -> Iterator[Watcher]:
        """Register a watcher for the length of the block."""
        watcher = Watcher(student_id, class_id)
        self.all.add(watcher)
        try:
            yield watcher
        finally:
            self.all.discard(watcher)

    @property
    def classes(self) -> set[int]:
        return {watcher.class_id for watcher in self.all}

    def count(self, student_id: int, class_id: int) -> int:
        return sum((each.student_id, each.class_id) == (student_id, class_id) for each in self.all)

    def wake(self, student_ids: Collection[int]) -> None:
        for watcher in self.all:
            if watcher.student_id in student_ids:
                watcher.news.set()

    def end(self) -> None:
        """Let everybody return before the server stops."""
        for watcher in self.all:
            watcher.is_ending = True
            watcher.news.set()


watchers = WatcherRegistry()
