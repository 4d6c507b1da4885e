"""The messages of websocket.md sections 4.2 and 4.3: named channels and dashboards."""

from typing import Any, Literal

import msgspec

from classroom.sockets.schemas.base import Notice, Strict
from realtime.messages import AttentionAction, Level


class ExecutionUpdateData(Strict):
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


class ExecutionUpdate(Notice, tag="execution_update"):
    channel: str
    data: ExecutionUpdateData


class AssignmentGradedData(Strict):
    assignment_id: int
    submission_id: int
    student_id: int
    title: str
    status: str
    graded_at: str | None
    # Left out for unauthenticated clients.
    grade: float | msgspec.UnsetType | None = msgspec.UNSET
    feedback: str | msgspec.UnsetType | None = msgspec.UNSET


class AssignmentGraded(Notice, tag="assignment_graded"):
    channel: str
    data: AssignmentGradedData


class AssignmentCreatedData(Strict):
    assignment_id: int
    class_id: int
    title: str
    due_date: str | None


class AssignmentCreated(Notice, tag="assignment_created"):
    channel: str
    data: AssignmentCreatedData


class SystemMessageData(Strict):
    message: str
    level: Level


class SystemMessage(Notice, tag="system_message"):
    channel: str
    data: SystemMessageData


class SignificantCell(Strict):
    cell_id: int
    consecutive_count: int
    last_error_time: str | None


class StudentUpdate(Strict):
    studentId: int
    emailAddress: str
    userName: str
    teamName: str
    currentNotebook: str
    lastActivity: str
    lastActivityAt: str | None
    status: Literal["help", "significant_error", "error", "active", "idle"]
    isRequestingHelp: bool
    helpRequestedAt: str | None
    cellExecutions: int
    errorCount: int
    consecutiveErrorCount: int
    hasSignificantError: bool
    significantErrorCells: list[SignificantCell]
    type: Literal["student_progress_update", "significant_error_alert"]
    timestamp: str
    isSignificantError: bool
    eventType: str | msgspec.UnsetType = msgspec.UNSET
    alertLevel: Literal["warning"] | msgspec.UnsetType = msgspec.UNSET
    message: str | msgspec.UnsetType = msgspec.UNSET


class ProgressUpdate(Notice, tag="progress_update"):
    data: list[StudentUpdate] | StudentUpdate


class CellExecutionData(Strict):
    emailAddress: str
    cellId: str
    cellExecutions: int
    executionTime: float | None
    success: bool
    lastActivity: Literal["今"]
    status: str
    timestamp: str


class CellExecution(Notice, tag="cell_execution"):
    data: CellExecutionData


class HelpRequestData(Strict):
    emailAddress: str
    userName: str
    teamName: str
    notebookPath: str
    cellId: str
    isRequestingHelp: Literal[True]
    status: Literal["help"]
    lastActivity: Literal["今"]
    priority: Literal["urgent"]
    timestamp: str


class HelpRequest(Notice, tag="help_request"):
    data: HelpRequestData


class HelpResolvedData(Strict):
    emailAddress: str
    isRequestingHelp: Literal[False]
    lastActivity: Literal["今"]
    resolvedBy: str
    timestamp: str


class HelpResolved(Notice, tag="help_resolved"):
    data: HelpResolvedData


class ErrorAlertData(Strict):
    emailAddress: str
    userName: str
    teamName: str
    notebookPath: str
    cellId: str
    errorMessage: str
    severity: Literal["high"]
    timestamp: str


class ErrorAlert(Notice, tag="error_alert"):
    data: ErrorAlertData


class StudentErrorResolvedData(Strict):
    emailAddress: str
    resolvedAt: str
    resolvedBy: str


class StudentErrorResolved(Notice, tag="student_error_resolved"):
    data: StudentErrorResolvedData


class Position(Strict):
    x: float
    y: float


class ClassroomMapData(Strict):
    class_id: int | None
    map_id: int | None
    team_positions: dict[str, Position | None]


class ClassroomMap(Notice, tag="classroom_map"):
    data: ClassroomMapData


class SystemAlert(Notice, tag="system_alert"):
    """A service has failed or recovered; flat and under `data`."""

    alert_type: str
    severity: Literal["info", "warning", "critical"]
    message: str
    data: dict[str, Any]


class AttentionUpdateData(Strict):
    studentId: int
    emailAddress: str
    action: AttentionAction
    instructorId: int
    instructorName: str


class AttentionUpdate(Notice, tag="attention_update"):
    """Flat and under `data`, on every socket."""

    studentId: int
    emailAddress: str
    action: AttentionAction
    instructorId: int
    instructorName: str
    data: AttentionUpdateData
