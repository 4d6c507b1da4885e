"""One gathering a second and room serves every dashboard of this process.

What people did (claims, answers, requests for help) is never kept here: it is read anew each time, so that a click of
somebody else is seen at once.
"""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet

from classroom.attention.observations import observe
from classroom.attention.signals import Lesson
from lms.access import Scope
from lms.models import Student

FRESH = timedelta(seconds=1)
MOST_ROOMS = 256


@dataclass(slots=True)
class _Kept:
    lock: threading.Lock = field(default_factory=threading.Lock)
    at: datetime | None = None
    lesson: Lesson = field(default_factory=Lesson)


_rooms: dict[int | None, _Kept] = {}
_rooms_lock = threading.Lock()


def lesson_of(
    class_id: int | None, students: QuerySet[Student], scope: Scope, now: datetime
) -> tuple[Lesson, datetime]:
    """The lesson of a room and the moment it is of: at most a second old. Two queries, or none."""
    kept = _kept(class_id)
    with kept.lock:
        if kept.at is None or not timedelta(0) <= now - kept.at < FRESH:
            kept.lesson, kept.at = observe(students, scope, now), now
        return kept.lesson, kept.at


def clear() -> None:
    """For tests, whose clocks and rooms are no lesson's."""
    with _rooms_lock:
        _rooms.clear()


def _kept(class_id: int | None) -> _Kept:
    with _rooms_lock:
        if class_id not in _rooms and len(_rooms) >= MOST_ROOMS:
            _rooms.pop(next(iter(_rooms)))
        return _rooms.setdefault(class_id, _Kept())
