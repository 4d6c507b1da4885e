"""What one event means, by itself."""

from events.contract.kinds import UNKNOWN, Kind, kind_of
from events.contract.schema import Event


def kind_in_effect(event: Event) -> Kind:
    """The event's kind; one without effects where the record lacks what the kind needs (events.md 1.3)."""
    kind = kind_of(event.event_type)
    if (kind.needs_notebook and not event.notebook) or (kind.needs_cell and not event.cell):
        return UNKNOWN
    return kind


def status_of(event: Event, *, has_failed: bool) -> str:
    """How a run ended; `has_failed` where its kind says so, whatever the record says.

    A code cell with neither a counter nor a result never ran: "Run All" stopped before it (events.md 2.1).
    """
    if event.has_error or has_failed:
        return "error"
    never_ran = event.cell_type == "code" and event.execution_count is None and not event.result
    return "aborted" if never_ran else "success"
