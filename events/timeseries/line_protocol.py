"""Line protocol: formatting an event as one line. Pure functions.

Servers parse line protocol differently if a backslash precedes a separator, or a text has a line break. The lines do
not depend on that: in tags a backslash is replaced by the fullwidth one, and a line break in a text is written as the
two characters `\\n`. PostgreSQL has the original texts.
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
MAX_TEXT_LENGTH = 1_000  # characters of a cell's source and of an error message
MAX_TAG_LENGTH = 320  # characters
NANOSECONDS = 1_000_000  # in a millisecond

TAG_VALUES = str.maketrans({"\n": " ", "\r": " ", "\t": " ", "\\": "＼"})
TAG_ESCAPES = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\="})
TEXT_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\\n", "\r": r"\\r"})


def line(event: Event, *, more: Sequence[str] = ()) -> str:
    """Return the event as one line without line breaks, with a timestamp in nanoseconds."""
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
        f"cellContent={text((event.code or '')[:MAX_TEXT_LENGTH])}",
        f"eventId={text(event.event_id)}",
        f"errorMessage={text((event.error_message or '')[:MAX_TEXT_LENGTH])}",
        *_outcome(event),
        *more,
    ]
    head = ",".join([MEASUREMENT, *(f"{name}={_tag(value)}" for name, value in tags.items())])
    return f"{head} {','.join(fields)} {moment(event)}"


def numbers(measurement: str, values: Mapping[str, Number], *, tags: Mapping[str, str], at: int) -> str:
    """Return metrics as one line; `at` is in seconds since the epoch. A field must always have the same type, int or
    float."""
    head = ",".join([measurement, *(f"{name}={_tag(value)}" for name, value in tags.items())])
    fields = (f"{name}={value}i" if isinstance(value, int) else f"{name}={value!r}" for name, value in values.items())
    return f"{head} {','.join(fields)} {at * 1000 * NANOSECONDS}"


def _outcome(event: Event) -> list[str]:
    """Return the fields `success` and `duration` of a run that was not aborted."""
    kind = kind_in_effect(event)
    status = status_of(event, has_failed=kind.has_failed)
    if not kind.is_run or status == "aborted":
        return []
    found = [f"success={'false' if status == 'error' else 'true'}"]
    if event.duration_ms is not None:
        found.append(f"duration={float(event.duration_ms)!r}")
    return found


def moment(event: Event) -> int:
    """Return the timestamp in nanoseconds.

    Points with the same tags and time are one point, and several cells may run in one millisecond. Therefore the digits
    below a millisecond are derived from the event id.
    """
    return event.time * NANOSECONDS + zlib.crc32(event.event_id.encode()) % NANOSECONDS


def time_of(written: str) -> int:
    """Return the time of a line in milliseconds since the epoch."""
    return int(written.rpartition(" ")[2]) // NANOSECONDS


def student_tag(email: str) -> str:
    """Return a student's value of the tags `userId` and `emailAddress`: the normalised address."""
    return tag_value(email_key(email))


def tag_value(value: str) -> str:
    """Return the tag value that a query returns for this text."""
    return value[:MAX_TAG_LENGTH].translate(TAG_VALUES) or "unknown"


def _tag(value: str) -> str:
    return tag_value(value).translate(TAG_ESCAPES)


def text(value: str) -> str:
    """Return the value as a string field."""
    return f'"{value.translate(TEXT_ESCAPES)}"'
