"""The table of event kinds. To add a kind, add a row; `EventKind` documents the columns.

Source: docs/contract/events.md section 3.
"""

from dataclasses import dataclass
from typing import Literal

Priority = Literal["high", "medium", "low"]
PRIORITIES: tuple[Priority, ...] = ("high", "medium", "low")


@dataclass(frozen=True, kw_only=True, slots=True)
class EventKind:
    name: str
    priority: Priority
    aliases: tuple[str, ...] = ()
    # Required fields besides an identity. A record without them is stored and announced, but changes nothing else.
    needs_notebook: bool = False
    needs_cell: bool = False
    # Effects.
    is_run: bool = False  # a row in cell_executions
    has_failed: bool = False  # ... with status error, whatever the record says
    access: Literal["open", "save", "close"] | None = None  # a row in notebook_accesses
    help: Literal["ask", "stop"] | None = None
    ends_session: bool = False
    alerts: bool = False  # dashboards receive `error_alert` at once
    reports_client: bool = False  # what a client says of itself, if the record has `metadata.client`
    # About an instructor: needs no student, and takes effect only if an instructor's token came with the request.
    is_about_instructor: bool = False


KINDS = (
    EventKind(name="cell_execution_start", priority="medium", needs_notebook=True, needs_cell=True),
    EventKind(
        name="cell_executed",
        aliases=("cell_execution", "cell_execution_complete"),
        priority="high",
        needs_notebook=True,
        needs_cell=True,
        is_run=True,
    ),
    EventKind(
        name="cell_execution_error",
        aliases=("cell_error",),
        priority="high",
        needs_notebook=True,
        needs_cell=True,
        is_run=True,
        has_failed=True,
    ),
    EventKind(name="notebook_opened", priority="medium", needs_notebook=True, access="open"),
    EventKind(name="notebook_saved", aliases=("notebook_save",), priority="medium", needs_notebook=True, access="save"),
    EventKind(name="notebook_closed", priority="medium", needs_notebook=True, access="close"),
    EventKind(name="session_start", priority="medium"),
    EventKind(name="session_end", priority="medium", ends_session=True),
    EventKind(name="help", aliases=("help_requested", "help_request"), priority="high", help="ask"),
    EventKind(name="help_stop", priority="high", help="stop"),
    EventKind(name="progress_update", priority="medium"),
    EventKind(name="error_occurred", aliases=("error",), priority="high", alerts=True),
    EventKind(name="student_session_start", priority="medium", is_about_instructor=True),
    EventKind(name="instructor_assignment", priority="medium", is_about_instructor=True),
    EventKind(name="log_entry", priority="low", reports_client=True),
    # Kinds without effects of their own, listed for their priority.
    EventKind(name="code_completed", priority="high"),
    EventKind(name="status_change", priority="medium"),
)

BY_NAME = {name: kind for kind in KINDS for name in (kind.name, *kind.aliases)}
UNKNOWN = EventKind(name="", priority="low")


def kind_of(event_type: str) -> EventKind:
    """Return the kind of that name or alias, or UNKNOWN, which has no effects and low priority."""
    return BY_NAME.get(event_type, UNKNOWN)
