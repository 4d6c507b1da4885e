"""The rule for errors in a row, pure: one student's runs of one cell in, the count of each out.

A failing run counts one more than the run before it, a success counts nothing, an aborted run passes the count on.
The rule looks at no more than ten runs back, so a count never exceeds eleven. Errors up to the moment an instructor
resolved them do not count. Source: docs/contract/events.md section 5.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

LOOK_BACK = 10


def count(
    statuses: Iterable[tuple[datetime, str]], *, before: int = 0, resolved_at: datetime | None = None
) -> Iterator[int]:
    """The consecutive-error count of each run. `statuses` in order of time, `before` the count they begin with."""
    streak = before
    for moment, status in statuses:
        if status == "success":
            streak = 0
        elif status == "error":
            resolved = resolved_at is not None and moment <= resolved_at
            streak = 0 if resolved else min(streak, LOOK_BACK) + 1
        yield streak
