"""Build the notices that are sent to groups, as plain values. Group names: `realtime.groups`.

`classroom.sockets.schemas` has the schema of each. Each frame carries its name twice, as `type` and as `event`, because
two published descriptions of the channel key on different ones. Source: docs/contract/websocket.md section 4.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

Frame = dict[str, Any]
Status = Literal["help", "significant_error", "error", "active", "idle"]
Level = Literal["info", "warning", "critical"]
AttentionAction = Literal["claimed", "released", "snoozed", "dismissed", "resolved", "not_found"]
Positions = Mapping[str, tuple[float, float] | None]  # by the names of teams; None: not on the map


class SignificantCell(TypedDict):
    cell_id: int
    consecutive_count: int
    last_error_time: str | None


class StudentRow(TypedDict):
    """One student as every dashboard shows them: absolute totals, never increments. Times are ISO 8601, UTC."""

    studentId: int
    emailAddress: str
    userName: str
    teamName: str
    currentNotebook: str
    lastActivity: str
    lastActivityAt: str | None
    status: Status
    isRequestingHelp: bool
    helpRequestedAt: str | None
    cellExecutions: int
    errorCount: int
    consecutiveErrorCount: int
    hasSignificantError: bool
    significantErrorCells: list[SignificantCell]


class HelpNotice(TypedDict):
    emailAddress: str
    userName: str
    teamName: str
    notebookPath: str
    cellId: str


class RunNotice(TypedDict):
    """One run of a cell, for the student's own channels."""

    class_id: int | None  # of the event's class key; selects the groups and is no field of the frame
    emailAddress: str
    student_id: int
    notebookPath: str
    cellId: str
    cellIndex: int | None
    executionCount: int | None
    status: Literal["executing", "success", "error"]
    hasError: bool
    errorMessage: str | None
    executionDurationMs: float | None
    consecutiveErrorCount: int


class LastRun(TypedDict):
    """What `cell_execution` adds to a student's row."""

    cellId: str
    executionTime: float | None  # seconds
    success: bool
    timestamp: str


def timestamp(moment: datetime | None = None) -> str:
    """Return the time, by default now, as ISO 8601 in UTC with milliseconds."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _frame(kind: str, data: Any, **extra: Any) -> Frame:
    return {"type": kind, "event": kind, "data": data, "timestamp": timestamp(), **extra}


def progress_update(rows: list[StudentRow]) -> Frame:
    """Build a coalesced update: the newest state of each student that changed."""
    stamped: list[dict[str, Any]] = [
        {
            **row,
            "type": "student_progress_update",
            "timestamp": timestamp(),
            "isSignificantError": row["hasSignificantError"],
        }
        for row in rows
    ]
    return _frame("progress_update", stamped)


def significant_error_alert(row: StudentRow, *, event_type: str) -> Frame:
    """Build the notice of a new significant error: a `progress_update` of one row, which is never delayed or merged."""
    count = row["consecutiveErrorCount"]
    data = {
        **row,
        "type": "significant_error_alert",
        "eventType": event_type,
        "timestamp": timestamp(),
        "isSignificantError": True,
        "alertLevel": "warning",
        "message": f"{row['userName']}: {count} errors in a row on one cell",
    }
    return _frame("progress_update", data)


def help_request(notice: HelpNotice, *, asked_at: datetime) -> Frame:
    extra = {
        "isRequestingHelp": True,
        "status": "help",
        "lastActivity": "今",
        "priority": "urgent",
        "timestamp": timestamp(asked_at),
    }
    return _frame("help_request", {**notice, **extra})


def help_resolved(*, email: str, resolved_by: str) -> Frame:
    data = {
        "emailAddress": email,
        "isRequestingHelp": False,
        "lastActivity": "今",
        "resolvedBy": resolved_by,
        "timestamp": timestamp(),
    }
    return _frame("help_resolved", data)


def error_alert(notice: HelpNotice, *, message: str, happened_at: datetime) -> Frame:
    data = {**notice, "errorMessage": message, "severity": "high", "timestamp": timestamp(happened_at)}
    return _frame("error_alert", data)


def classroom_map(*, class_id: int | None, map_id: int | None, positions: Positions) -> Frame:
    """Build the notice that teams moved on a map (in percent of its size), or, without positions, that it was replaced.

    A position is None for a team that was removed from the map.
    """
    moved = {team: None if at is None else {"x": at[0], "y": at[1]} for team, at in positions.items()}
    return _frame("classroom_map", {"class_id": class_id, "map_id": map_id, "team_positions": moved})


# --- Students (W2), and actions of instructors on a student ---------------------------------------------------------


def dismiss_help(email: str) -> Frame:
    """Build the notice for the student's JupyterLab, which ignores other students' e-mails."""
    return _flat("dismiss_help", {"emailAddress": email})


def student_error_resolved(*, email: str, resolved_by: str, resolved_at: datetime) -> Frame:
    data = {"emailAddress": email, "resolvedAt": timestamp(resolved_at), "resolvedBy": resolved_by}
    return _frame("student_error_resolved", data)


def attention_update(
    *, student_id: int, email: str, action: AttentionAction, instructor_id: int, instructor_name: str
) -> Frame:
    """Build the notice of an instructor's action on an alert, for the staff of the same students."""
    fields = {
        "studentId": student_id,
        "emailAddress": email,
        "action": action,
        "instructorId": instructor_id,
        "instructorName": instructor_name,
    }
    return _flat("attention_update", fields)


# --- Instructors (W3): fields flat, and the same again under `data` -------------------------------------------------


def _flat(kind: str, fields: dict[str, Any]) -> Frame:
    return _frame(kind, fields, **fields)


def status_updated(*, instructor_id: int, status: str, session_id: int | None, updated_at: datetime) -> Frame:
    """Build the notice for the instructor whose status changed."""
    fields = {
        "instructor_id": instructor_id,
        "status": status,
        "session_id": session_id,
        "updated_at": timestamp(updated_at),
    }
    return _flat("status_updated", fields)


def status_update(*, instructor_id: int, status: str, session_id: int | None, updated_at: datetime) -> Frame:
    """Build the notice for all instructors."""
    return _flat("status_update", _status_fields(instructor_id, status, session_id, updated_at))


def instructor_status_changed(
    *, instructor_id: int, status: str, session_id: int | None, updated_at: datetime
) -> Frame:
    """Build a `status_update` under its older name."""
    return _flat("instructor_status_changed", _status_fields(instructor_id, status, session_id, updated_at))


def _status_fields(instructor_id: int, status: str, session_id: int | None, updated_at: datetime) -> dict[str, Any]:
    return {
        "instructor_id": instructor_id,
        "status": status,
        "current_session_id": session_id,
        "session_id": session_id,
        "updated_at": timestamp(updated_at),
    }


# --- Assignments ----------------------------------------------------------------------------------------------------


def assignment_graded(
    *,
    assignment_id: int,
    submission_id: int,
    student_id: int,
    title: str,
    status: str,
    result: tuple[float | None, str | None] | None,
) -> Frame:
    """Build the notice for the student; `result` is grade and feedback, None to leave them out."""
    data: dict[str, Any] = {
        "assignment_id": assignment_id,
        "submission_id": submission_id,
        "student_id": student_id,
        "title": title,
        "status": status,
        "graded_at": timestamp(),
    }
    if result is not None:
        data["grade"], data["feedback"] = result
    return _frame("assignment_graded", data, channel=f"notifications:{student_id}")


def assignment_created(*, assignment_id: int, class_id: int, title: str, due_date: datetime | None) -> Frame:
    data = {
        "assignment_id": assignment_id,
        "class_id": class_id,
        "title": title,
        "due_date": timestamp(due_date) if due_date else None,
    }
    return _frame("assignment_created", data, channel="broadcast")


def instructor_assigned(
    *, instructor_id: int, student_id: str | int | None, class_id: str | int | None, assigned_at: datetime
) -> Frame:
    """Build the notice for the available instructor whom an event selected (events.md section 3.4)."""
    fields = {
        "instructor_id": instructor_id,
        "student_id": student_id,
        "class_id": class_id,
        "assigned_at": timestamp(assigned_at),
    }
    return _flat("instructor_assigned", fields)


# --- Named channels (section 4.2) -----------------------------------------------------------------------------------


def execution_update(run: RunNotice) -> Frame:
    data = {name: value for name, value in run.items() if name != "class_id"}
    return _frame("execution_update", data, channel=f"progress:{run['student_id']}")


def execution_confirmed(run: RunNotice) -> Frame:
    """Build the confirmation for the client that ran the cell (section 4.4)."""
    data = {"cell_index": run["cellIndex"], "execution_count": run["executionCount"]}
    return _frame("execution_confirmed", data, message="Execution recorded")


def notification(*, student_id: int, fields: dict[str, Any]) -> Frame:
    """Build the notice of a notification, which the student can read over HTTP by the same id (section 4.4)."""
    return _frame("notification", fields, channel=f"notifications:{student_id}")


def system_message(message: str, *, level: Level) -> Frame:
    return _frame("system_message", {"message": message, "level": level}, channel="broadcast")


def system_alert(message: str, *, alert_type: str, severity: Level) -> Frame:
    """Build the notice that a service has failed or recovered."""
    return _flat("system_alert", {"alert_type": alert_type, "severity": severity, "message": message})


def cell_execution(row: StudentRow, run: LastRun) -> Frame:
    """Build the notice of a run for older dashboards; the total is absolute, because they overwrite theirs with it."""
    data = {
        "emailAddress": row["emailAddress"],
        "cellExecutions": row["cellExecutions"],
        "lastActivity": "今",
        "status": row["status"],
        **run,
    }
    return _frame("cell_execution", data)


# --- To students (section 4.4) --------------------------------------------------------------------------------------


def instructor_message(
    *, student_id: str | int, instructor_id: int, instructor_name: str, message: str, sent_at: str
) -> Frame:
    data = {
        "instructor_id": instructor_id,
        "instructor_name": instructor_name,
        "message": message,
        "timestamp": sent_at,
    }
    return _frame("instructor_message", data, channel=f"notifications:{student_id}")
