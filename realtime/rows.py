"""Declare the rows and runs of students, and the notices that carry them.

Rows and runs are TypedDicts and not Structs, because they cross the channel layer and the HTTP API as plain dicts, and
converting hundreds of them for each batch would cost more than all else. Source: docs/contract/websocket.md section 4.
"""

from typing import Literal, NotRequired, TypedDict

from realtime.messages import JustNow, MessagePart, Notice, timestamp

Status = Literal["help", "significant_error", "error", "active", "idle"]


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


class StudentUpdate(StudentRow):
    type: Literal["student_progress_update"]
    timestamp: str
    isSignificantError: bool


class StudentAlert(StudentRow):
    type: Literal["significant_error_alert"]
    eventType: str
    timestamp: str
    isSignificantError: Literal[True]
    alertLevel: Literal["warning"]
    message: str


class ProgressUpdate(Notice, tag="progress_update"):
    """The newest state of each student that changed or, never merged or delayed, of one with a significant error."""

    data: list[StudentUpdate] | StudentAlert


def progress_update(rows: list[StudentRow]) -> ProgressUpdate:
    now = timestamp()
    return ProgressUpdate(
        [
            {
                **row,
                "type": "student_progress_update",
                "timestamp": now,
                "isSignificantError": row["hasSignificantError"],
            }
            for row in rows
        ]
    )


def significant_error_alert(row: StudentRow, *, event_type: str) -> ProgressUpdate:
    count = row["consecutiveErrorCount"]
    return ProgressUpdate(
        {
            **row,
            "type": "significant_error_alert",
            "eventType": event_type,
            "timestamp": timestamp(),
            "isSignificantError": True,
            "alertLevel": "warning",
            "message": f"{row['userName']}: {count} errors in a row on one cell",
        }
    )


class LastRun(TypedDict):
    """What `cell_execution` adds to a student's row."""

    cellId: str
    executionTime: float | None  # seconds
    success: bool
    timestamp: str


class CellExecutionData(LastRun):
    emailAddress: str
    cellExecutions: int
    lastActivity: JustNow
    status: Status


class CellExecuted(Notice, tag="cell_execution"):
    """A run for older dashboards; the total is absolute, because they overwrite theirs with it."""

    data: CellExecutionData


def cell_execution(row: StudentRow, run: LastRun) -> CellExecuted:
    return CellExecuted(
        {
            **run,
            "emailAddress": row["emailAddress"],
            "cellExecutions": row["cellExecutions"],
            "lastActivity": "今",
            "status": row["status"],
        }
    )


class RunNotice(TypedDict):
    """One run of a cell, for the student's own channels."""

    emailAddress: str
    student_id: int
    notebookPath: str
    cellId: str
    cellIndex: int | None
    executionCount: int | None
    # `aborted` only where the client says so: existing ones never announce the start of a run that does not end.
    status: Literal["executing", "success", "error", "aborted"]
    hasError: bool
    errorMessage: str | None
    executionDurationMs: float | None
    consecutiveErrorCount: int
    runId: NotRequired[str]  # if the client has ids of runs: `executing` ends with the notice of the same id


# With the class of the key that came with the event: it selects the groups and is not sent.
ClassRun = tuple[int | None, RunNotice]


class ExecutionUpdate(Notice, tag="execution_update"):
    channel: str
    data: RunNotice


class ExecutionConfirmedData(MessagePart):
    cell_index: int | None
    execution_count: int | None


class ExecutionConfirmed(Notice, tag="execution_confirmed"):
    """The confirmation for the client that ran the cell."""

    data: ExecutionConfirmedData
    message: str = "Execution recorded"
