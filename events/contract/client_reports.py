"""What a student's client reports of itself: `metadata.client` of a `log_entry`. Pure functions.

Source: docs/contract/events.md section 3.3. A value of the wrong type counts as absent and never refuses the record.
"""

from dataclasses import dataclass
from typing import Any

from core.identity import visible
from core.json_values import finite_number
from core.validators import MAX_BIGINT
from events.contract import column_widths
from events.contract.schema import Event


@dataclass(frozen=True, slots=True)
class ClientReport:
    version: str | None
    waiting: int | None  # events in its queue
    dropped: int | None  # events that it had to drop
    clock_offset_ms: float | None  # of its clock; negative: it is slow


def report_of(event: Event) -> ClientReport | None:
    """Return the report; None if the event has none."""
    metadata = (event.data or {}).get("metadata")
    client = metadata.get("client") if isinstance(metadata, dict) else None
    if not isinstance(client, dict):
        return None
    return ClientReport(
        version=_version(client.get("version")),
        waiting=_count(client.get("waiting")),
        dropped=_count(client.get("dropped")),
        clock_offset_ms=finite_number(client.get("clock_offset_ms")),
    )


def _version(value: Any) -> str | None:
    text = visible(value) if isinstance(value, str) else None
    if text is None or len(text) <= column_widths.VERSION:
        return text
    return column_widths.label(text, column_widths.VERSION, "version", None)


def _count(value: Any) -> int | None:
    number = finite_number(value)
    return None if number is None or not 0 <= number <= MAX_BIGINT else int(number)
