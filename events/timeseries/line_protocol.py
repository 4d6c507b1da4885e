"""An event as one line of line protocol. Pure.

Two readings of line protocol differ where a backslash stands before a separator, and where a text has a line break.
Nothing that is written here depends on which of them a server has: in tags a backslash becomes its fullwidth twin, and
a line break in a text is written as the two characters `\\n`. What a student really wrote is in PostgreSQL.
"""

import zlib
from collections.abc import Mapping, Sequence

from core.identity import email_key
from events.contract.effects import kind_in_effect, status_of
from events.contract.schema import Event
from events.timeseries.types import Number

MEASUREMENT = "student_progress"
# Runs: the points that have a field `success`.
RUN_KINDS = ("cell_executed", "cell_execution_error")
LONGEST = 1_000  # characters of a cell's source and of an error message
LONGEST_TAG = 320
NANOSECONDS = 1_000_000  # in a millisecond

TAG_VALUES = str.maketrans({"\n": " ", "\r": " ", "\t": " ", "\\": "＼"})
TAG_ESCAPES = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\="})
TEXT_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\\n", "\r": r"\\r"})


def line(event: Event, *, more: Sequence[str] = ()) -> str:
    """The event as one line, without a line break in it; the timestamp in nanoseconds."""
    notebook = event.notebook or ""
    directory, _, file = notebook.rpartition("/")
    student = student_tag(event.email)
    tags = {
        "userId": student,
        "event": event.event_type[:100],
        "notebook": file or "unknown",
        "cellType": event.cell_type if event.cell else "unknown",
        "sessionId": event.session or "unknown",
        "emailAddress": student,
        "teamName": event.team or "unknown",
        "directory": directory or "root",
    }
    fields = [
        f"cellId={text(event.cell or '')}",
        f"notebookPath={text(notebook)}",
        f"executionCount={-1 if event.execution_count is None else event.execution_count}i",
        f"cellIndex={-1 if event.cell_index is None else event.cell_index}i",
        f"userName={text(event.name or '')}",
        f"cellContent={text((event.code or '')[:LONGEST])}",
        f"eventId={text(event.event_id)}",
        f"errorMessage={text((event.error_message or '')[:LONGEST])}",
        *_outcome(event),
        *more,
    ]
    head = ",".join([MEASUREMENT, *(f"{name}={_tag(value)}" for name, value in tags.items())])
    return f"{head} {','.join(fields)} {moment(event)}"


def numbers(measurement: str, values: Mapping[str, Number], *, tags: Mapping[str, str], at: int) -> str:
    """Numbers of the product itself as one line; `at` in seconds since the epoch. A name keeps its type: what is a
    float once must be one always."""
    head = ",".join([measurement, *(f"{name}={_tag(value)}" for name, value in tags.items())])
    fields = (f"{name}={value}i" if isinstance(value, int) else f"{name}={value!r}" for name, value in values.items())
    return f"{head} {','.join(fields)} {at * 1000 * NANOSECONDS}"


def _outcome(event: Event) -> list[str]:
    """`success` and `duration` of a run that really ran."""
    kind = kind_in_effect(event)
    status = status_of(event, has_failed=kind.has_failed)
    if not kind.is_run or status == "aborted":
        return []
    found = [f"success={'false' if status == 'error' else 'true'}"]
    if event.duration_ms is not None:
        found.append(f"duration={float(event.duration_ms)!r}")
    return found


def moment(event: Event) -> int:
    """Nanoseconds since the epoch. Cells that run together may do so in one millisecond, and points of the same tags
    and time are one point: the digits below a millisecond are the event's own, the same each time it is written."""
    return event.time * NANOSECONDS + zlib.crc32(event.event_id.encode()) % NANOSECONDS


def time_of(written: str) -> int:
    """Milliseconds since the epoch, of a line."""
    return int(written.rpartition(" ")[2]) // NANOSECONDS


def student_tag(email: str) -> str:
    """A student's value of the tags `userId` and `emailAddress`: the key of the address, as addresses are compared."""
    return tag_value(email_key(email))


def tag_value(value: str) -> str:
    """What a reader finds where this was written as a tag."""
    return value[:LONGEST_TAG].translate(TAG_VALUES) or "unknown"


def _tag(value: str) -> str:
    return tag_value(value).translate(TAG_ESCAPES)


def text(value: str) -> str:
    """As a text field."""
    return f'"{value.translate(TEXT_ESCAPES)}"'
