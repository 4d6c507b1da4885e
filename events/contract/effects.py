"""The effects of a single event."""

from typing import Literal

from events.contract.kinds import UNKNOWN, EventKind, kind_of
from events.contract.schema import Event

RunStatus = Literal["success", "error", "aborted"]
TEXT_CELLS = ("markdown", "raw")  # JupyterLab reports the rendering of a text cell as a run


def kind_in_effect(event: Event) -> EventKind:
    """Return the event's kind, or UNKNOWN if the record lacks a field that the kind needs (events.md 1.3)."""
    kind = kind_of(event.event_type)
    if (kind.needs_notebook and not event.notebook) or (kind.needs_cell and not event.cell):
        return UNKNOWN
    return kind


def status_of(event: Event, *, has_failed: bool) -> RunStatus:
    """Return the status of a run. With `has_failed` the event's kind overrides the record, unless the sender says that
    the run was aborted.

    A code cell with neither a counter nor a result did not run: "Run All" stopped before it (events.md 2.1).
    """
    if says_aborted(event):
        return "aborted"
    if event.has_error or has_failed:
        return "error"
    never_ran = event.cell_type == "code" and event.execution_count is None and not event.result
    return "aborted" if never_ran else "success"


def is_in_totals(event: Event, status: RunStatus) -> bool:
    """Return whether the run counts in the student's totals: code that succeeded or failed (events.md section 5)."""
    return status != "aborted" and event.cell_type not in TEXT_CELLS


def says_aborted(event: Event) -> bool:
    """Return whether the sender says that the run was aborted: interrupted, or never begun."""
    return event.data is not None and event.data.get("status") == "aborted"
