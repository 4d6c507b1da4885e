"""The messages of websocket.md sections 4.4 and 4.5: to students and to instructors.

On W3 the fields are flat, and under `data` again.
"""

from typing import Any, Literal

from classroom.sockets.schemas.base import Message, Notice, Strict

Text = str | int
Status = Literal["available", "in_session", "break", "offline"]


# --- Students (W2) --------------------------------------------------------------------------------------------------


class DismissHelp(Notice, tag="dismiss_help"):
    emailAddress: str
    data: dict[str, Any]


class ExecutionConfirmedData(Strict):
    cell_index: int | None
    execution_count: int | None


class ExecutionConfirmed(Notice, tag="execution_confirmed"):
    message: str
    data: ExecutionConfirmedData


class NotificationData(Strict):
    notification_id: str
    title: str
    message: str
    level: str
    assignment_id: int | None
    user_id: str | None
    is_read: bool
    created_at: str


class Notification(Notice, tag="notification"):
    channel: str
    data: NotificationData


class InstructorMessageData(Strict):
    instructor_id: int
    instructor_name: str
    message: str
    timestamp: str


class InstructorMessage(Notice, tag="instructor_message"):
    channel: str
    data: InstructorMessageData


# --- Instructors (W3) -----------------------------------------------------------------------------------------------


class ConnectionSuccessData(Strict):
    instructor_id: int
    connected_at: str
    message: str


class ConnectionSuccess(Message, tag="connection_success"):
    event: str
    instructor_id: int
    connected_at: str
    message: str
    data: ConnectionSuccessData


class StatusUpdatedData(Strict):
    instructor_id: int
    status: Status
    session_id: int | None
    updated_at: str


class StatusUpdated(Notice, tag="status_updated"):
    instructor_id: int
    status: Status
    session_id: int | None
    updated_at: str
    data: StatusUpdatedData


class StatusUpdateData(StatusUpdatedData):
    current_session_id: int | None


class StatusUpdate(Notice, tag="status_update"):
    instructor_id: int
    status: Status
    current_session_id: int | None
    session_id: int | None
    updated_at: str
    data: StatusUpdateData


class InstructorStatusChanged(StatusUpdate, tag="instructor_status_changed"):
    pass


class StudentMessageReceivedData(Strict):
    student_id: Text
    message: str
    timestamp: str
    received_at: str
    verified: bool


class StudentMessageReceived(Message, tag="student_message_received"):
    event: str
    student_id: Text
    message: str
    timestamp: str
    received_at: str
    verified: bool
    data: StudentMessageReceivedData


class ReplySentData(Strict):
    student_id: Text
    message: str
    timestamp: str
    sent_at: str


class ReplySent(Message, tag="reply_sent"):
    event: str
    student_id: Text
    message: str
    timestamp: str
    sent_at: str
    data: ReplySentData


class InstructorMessageReceivedData(Strict):
    from_instructor_id: int
    message: str
    timestamp: str
    received_at: str


class InstructorMessageReceived(Message, tag="instructor_message_received"):
    event: str
    from_instructor_id: int
    message: str
    timestamp: str
    received_at: str
    data: InstructorMessageReceivedData


class InstructorAssignedData(Strict):
    instructor_id: int
    student_id: Text | None
    class_id: Text | None
    assigned_at: str


class InstructorAssigned(Notice, tag="instructor_assigned"):
    instructor_id: int
    student_id: Text | None
    class_id: Text | None
    assigned_at: str
    data: InstructorAssignedData
