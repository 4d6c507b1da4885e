"""What the panel posts: which cell a run belongs to, and what happened to notebooks."""

from __future__ import annotations

import math
import uuid
from typing import Any

from .contract import Cell, Event, seconds
from .tracked import Hint

MAX_HINTS = 100
MAX_AGE_SECONDS = 86_400.0  # of a run in the queue; more is a clock that was set
NOTEBOOK_EVENTS = {"opened": "notebook_opened", "closed": "notebook_closed", "saved": "notebook_save"}
RUN_EVENTS = ("cell_execution_start", "cell_execution_complete", "cell_execution_error")
RUN_FIELDS = (
    "eventId", "eventType", "eventTime", "notebookPath", "cellId", "cellIndex", "cellType", "executionCount", "code",
    "status", "hasError", "errorMessage", "result", "executionDurationMs", "metadata",
)  # fmt: skip
KINDS = ("run", "scheduled", *NOTEBOOK_EVENTS)

_TEXTS = ("eventId", "msgId", "kernelId", "path", "cellId", "cellType", "code", "assignmentPath")


class BadHint(ValueError):
    """A hint is not as README.md describes it."""


def checked(value: Any) -> list[dict[str, Any]]:
    """Return the hints of a body {hints: […]}. Raises BadHint."""
    hints = value.get("hints") if isinstance(value, dict) else None
    if not isinstance(hints, list) or len(hints) > MAX_HINTS:
        raise BadHint(f"hints must be a list of at most {MAX_HINTS}")
    for hint in hints:
        if not isinstance(hint, dict) or hint.get("kind") not in KINDS:
            raise BadHint("each hint must be an object with a kind: " + ", ".join(KINDS))
        if any(not isinstance(hint.get(name, ""), (str, type(None))) for name in _TEXTS):
            raise BadHint("these must be texts: " + ", ".join(_TEXTS))
        if not isinstance(hint.get("cellIndex", 0), (int, type(None))):
            raise BadHint("cellIndex must be a number")
        if not isinstance(hint.get("ageMs", 0), (int, float)) or not math.isfinite(hint.get("ageMs", 0)):
            raise BadHint("ageMs must be a number")
        if hint.get("eventId") and not is_uuid(hint["eventId"]):
            raise BadHint("eventId must be a UUID")
        if hint["kind"] in ("run", "scheduled") and not hint.get("kernelId"):
            raise BadHint("a run needs its kernelId")
        if hint["kind"] == "run" and not hint.get("msgId"):
            raise BadHint("a run needs its msgId")
    return hints


def checked_runs(value: Any) -> list[Event]:
    """Return the events of a body {events: […]}: runs that only the browser sees. Raises BadHint."""
    events = value.get("events") if isinstance(value, dict) else None
    if not isinstance(events, list) or len(events) > MAX_HINTS:
        raise BadHint(f"events must be a list of at most {MAX_HINTS}")
    for event in events:
        if not isinstance(event, dict) or event.get("eventType") not in RUN_EVENTS:
            raise BadHint("each event must be an object with an eventType: " + ", ".join(RUN_EVENTS))
        if not is_uuid(event.get("eventId")):
            raise BadHint("eventId must be a UUID")
        try:
            seconds(event["eventTime"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise BadHint("eventTime must be a time such as 2026-11-27T22:32:12.923Z") from error
    # Who it is, the recorder adds.
    return [{name: event[name] for name in RUN_FIELDS if name in event} for event in events]


def is_uuid(value: Any) -> bool:
    """Tell whether this is the text of a UUID."""
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value.lower()
    except ValueError:
        return False


def to_hint(value: dict[str, Any], now: float, prefix: str) -> Hint:
    """Return a hint about a run. `ageMs` says how long ago the cell was queued, so that no two clocks are compared."""
    path = value.get("path") or None
    return Hint(
        cell=Cell(
            path=notebook_path(path, value.get("assignmentPath"), prefix),
            local_path=path,
            cell_id=value.get("cellId") or None,
            cell_index=value.get("cellIndex"),
            cell_type=value.get("cellType") or "code",
            is_private=bool(value.get("private")),
            is_off=bool(value.get("off")),
        ),
        msg_id=value.get("msgId") if value["kind"] == "run" else None,
        code=value.get("code") or "",
        queued_at=now - min(max(0.0, float(value.get("ageMs") or 0)) / 1000, MAX_AGE_SECONDS),
    )


def notebook_path(path: str | None, assignment_path: str | None, prefix: str) -> str | None:
    """Return the name of a notebook at the product: that of its assignment, else its path without the prefix."""
    if assignment_path:
        return assignment_path
    if path and prefix and path.startswith(prefix.strip("/") + "/"):
        return path[len(prefix.strip("/")) + 1 :]
    return path


def saved_cell(path: str, metadata: dict[str, Any], index: int, cell: dict[str, Any] | None, prefix: str) -> Cell:
    """Return what the saved file says of a cell; of the notebook alone where `cell` is None."""
    ours = metadata.get("cell_monitor") or {}
    tags = ((cell or {}).get("metadata") or {}).get("tags") or []
    return Cell(
        path=notebook_path(path, ours.get("path"), prefix),
        local_path=path,
        cell_id=(cell or {}).get("id"),
        cell_index=index if cell is not None else None,
        is_private="private" in tags,
        is_off=bool(ours.get("off")),
    )
