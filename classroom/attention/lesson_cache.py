"""A cache in each process: the observed lesson of a classroom, valid for one second, and what the next look builds on.

What people did (claims, feedback, help requests) is not cached: another instructor's click must be visible at once.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from classroom.attention.alerts import Lesson
from classroom.attention.observations import Memory, observe
from lms.access import Scope
from lms.models import Student

FRESH = timedelta(seconds=1)
MAX_CLASSES = 256


@dataclass(slots=True)
class _CachedLesson:
    lock: threading.Lock = field(default_factory=threading.Lock)
    at: datetime | None = None
    lesson: Lesson = field(default_factory=Lesson)
    memory: Memory = field(default_factory=Memory)


_entries: dict[int | None, _CachedLesson] = {}
_entries_lock = threading.Lock()


def lesson_of(
    class_id: int | None, students: QuerySet[Student], scope: Scope, now: datetime
) -> tuple[Lesson, datetime]:
    """Return the lesson of a classroom and when it was observed, at most a second ago. Two queries, or none."""
    entry = _entry_of(class_id)
    with entry.lock:
        if entry.at is None or not timedelta(0) <= now - entry.at < FRESH:
            if entry.at is not None and now < entry.at:
                entry.memory = Memory()  # a clock went back
            entry.lesson, entry.at = observe(students, scope, now, entry.memory), now
        return entry.lesson, entry.at


def clear() -> None:
    """Clear the cache; for tests."""
    with _entries_lock:
        _entries.clear()


def _entry_of(class_id: int | None) -> _CachedLesson:
    with _entries_lock:
        if class_id not in _entries and len(_entries) >= MAX_CLASSES:
            _entries.pop(next(iter(_entries)))
        return _entries.setdefault(class_id, _CachedLesson())
