"""The rule for consecutive errors in one student's runs of one cell. Pure functions.

A failed run counts one more than the run before it, a success resets the count to zero, and an aborted run leaves it
unchanged. The rule considers at most ten earlier runs, so a count never exceeds eleven. Errors up to the time at which
an instructor resolved them do not count. Source: docs/contract/events.md section 5.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

LOOK_BACK = 10


def count(
    statuses: Iterable[tuple[datetime, str]], *, before: int = 0, resolved_at: datetime | None = None
) -> Iterator[int]:
    """Yield the consecutive-error count of each run. `statuses` is in order of time; `before` is the initial count."""
    errors = before
    for moment, status in statuses:
        if status == "success":
            errors = 0
        elif status == "error":
            resolved = resolved_at is not None and moment <= resolved_at
            errors = 0 if resolved else min(errors, LOOK_BACK) + 1
        yield errors
