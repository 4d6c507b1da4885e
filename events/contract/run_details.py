"""What a sender reports of a run besides its result: the record's `metadata`. Pure functions.

Metadata is free (docs/contract/events.md section 1.1), so a value of the wrong type counts as absent and never refuses
the record.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.json_values import finite_number
from events.contract import column_widths
from events.contract.schema import MAX_AGE_MS, Event, sent_time

MAX_TRACEBACK = 16 * 1024  # bytes of UTF-8; the end is kept, where the name of the error is


@dataclass(frozen=True, slots=True)
class RunDetails:
    traceback: str | None = None
    started_at: datetime | None = None
    queued_ms: float | None = None
    run_id: str | None = None


NONE = RunDetails()


def details_of(event: Event) -> RunDetails:
    metadata = (event.data or {}).get("metadata")
    if not isinstance(metadata, dict):
        return NONE
    return RunDetails(
        traceback=_traceback(metadata.get("traceback")),
        started_at=_started_at(metadata.get("startedAt"), event),
        queued_ms=_milliseconds(metadata.get("queuedMs")),
        run_id=run_id_of(event),
    )


def run_id_of(event: Event) -> str | None:
    """Return the sender's id of the run, which its start and its end share; None if it has none."""
    metadata = (event.data or {}).get("metadata")
    run_id = metadata.get("runId") if isinstance(metadata, dict) else None
    if not isinstance(run_id, str) or not run_id.strip():
        return None
    run_id = run_id.strip()
    if len(run_id) <= column_widths.RUN:
        return run_id
    return column_widths.identity(run_id, column_widths.RUN, "runId", None)


def _traceback(value: Any) -> str | None:
    """Return the traceback as one text. Jupyter's messages have a list of lines."""
    if isinstance(value, list):
        value = "\n".join(line for line in value if isinstance(line, str))
    if not isinstance(value, str) or not value:
        return None
    encoded = value.encode()
    return value if len(encoded) <= MAX_TRACEBACK else encoded[-MAX_TRACEBACK:].decode(errors="ignore")


def _started_at(value: Any, event: Event) -> datetime | None:
    """Return the start of the run, unless it is after its end, or as long before it as no event is believed: then the
    end is the time of receipt, by another clock."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    started = sent_time(value)
    if started is None or not event.time - MAX_AGE_MS <= started <= event.time:
        return None
    return datetime.fromtimestamp(started / 1000, UTC)


def _milliseconds(value: Any) -> float | None:
    number = finite_number(value)
    return number if number is not None and 0 <= number <= column_widths.MAX_RUN_MS else None
