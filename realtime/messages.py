"""Declare the notices that are sent to groups: Structs, encoded as they are. Group names: `realtime.groups`.

Those with rows and runs of students are in `realtime.rows`. Source: docs/contract/websocket.md section 4.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, TypedDict

import msgspec

InstructorStatus = Literal["available", "in_session", "break", "offline"]
Level = Literal["info", "warning", "critical"]
AttentionAction = Literal["claimed", "released", "snoozed", "dismissed", "resolved", "not_found"]
JustNow = Literal["今"]  # what dashboards expect as `lastActivity`
Id = str | int  # of a student or class, echoed as given


def timestamp(moment: datetime | None = None) -> str:
    """Return the time, by default now, as ISO 8601 in UTC with milliseconds."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


STAMP: Any = msgspec.field(default_factory=timestamp)


class MessagePart(msgspec.Struct, forbid_unknown_fields=True):
    """A part of a message. Decoding is strict."""


class Message(MessagePart, tag_field="type"):
    """A message to clients, by the name in its tag."""


class Named(Message, kw_only=True):
    """A message with its name as `type` and as `event`, because published descriptions key on different ones."""

    event: str = ""

    def __post_init__(self) -> None:
        self.event = name_of(self)


class Notice(Named, kw_only=True):
    timestamp: str = STAMP


class Flat(Named, kw_only=True):
    """A message with its fields flat, as the earlier server sent them, and under `data`, as the specification says."""

    envelope: ClassVar[tuple[str, ...]] = ("event", "data")
    data: dict[str, Any] = {}

    def __post_init__(self) -> None:
        self.event = name_of(self)
        self.data = {name: getattr(self, name) for name in self.__struct_fields__ if name not in self.envelope}


class FlatNotice(Flat, kw_only=True):
    envelope = (*Flat.envelope, "timestamp")
    timestamp: str = STAMP


def name_of(message: Message) -> str:
    return str(message.__struct_config__.tag)


def encode(message: msgspec.Struct) -> str:
    return msgspec.json.encode(message).decode()


# --- Dashboards (section 4.3) ---------------------------------------------------------------------------------------


class Place(MessagePart):
    """The student and the cell of a help request or an error."""

    emailAddress: str
    userName: str
    teamName: str
    notebookPath: str
    cellId: str


class HelpRequestData(Place, kw_only=True):
    timestamp: str
    isRequestingHelp: Literal[True] = True
    status: Literal["help"] = "help"
    lastActivity: JustNow = "今"
    priority: Literal["urgent"] = "urgent"


class HelpRequested(Notice, tag="help_request"):
    data: HelpRequestData


class HelpResolvedData(MessagePart):
    emailAddress: str
    resolvedBy: str
    isRequestingHelp: Literal[False] = False
    lastActivity: JustNow = "今"
    timestamp: str = STAMP


class HelpResolved(Notice, tag="help_resolved"):
    data: HelpResolvedData


class ErrorAlertData(Place, kw_only=True):
    errorMessage: str
    timestamp: str
    severity: Literal["high"] = "high"


class ErrorAlert(Notice, tag="error_alert"):
    data: ErrorAlertData


class StudentErrorResolvedData(MessagePart):
    emailAddress: str
    resolvedAt: str
    resolvedBy: str


class StudentErrorResolved(Notice, tag="student_error_resolved"):
    data: StudentErrorResolvedData


class Position(MessagePart):
    """Percent of the map's width and height."""

    x: float
    y: float


class ClassroomMapData(MessagePart):
    class_id: int | None
    map_id: int | None
    team_positions: dict[str, Position | None]  # by the names of teams; None: removed from the map


class ClassroomMapChanged(Notice, tag="classroom_map"):
    """Teams were moved on a map or, without positions, the map was replaced."""

    data: ClassroomMapData


class ClassroomSeatsData(MessagePart):
    class_id: int
    room_id: int


class ClassroomSeats(Notice, tag="classroom_seats"):
    """A room of the class, its seats, or who sits there changed."""

    data: ClassroomSeatsData


class SystemAlert(FlatNotice, tag="system_alert"):
    """A service has failed or recovered."""

    alert_type: str
    severity: Level
    message: str


class AttentionUpdate(FlatNotice, tag="attention_update"):
    """An instructor's action on an alert, for the staff of the same students."""

    studentId: int
    emailAddress: str
    action: AttentionAction
    instructorId: int
    instructorName: str


# --- Named channels (section 4.2) -----------------------------------------------------------------------------------


class AssignmentGradedData(MessagePart):
    assignment_id: int
    submission_id: int
    student_id: int
    title: str
    status: str
    # Left out for unauthenticated clients, which read these over HTTP.
    grade: float | msgspec.UnsetType | None = msgspec.UNSET
    feedback: str | msgspec.UnsetType | None = msgspec.UNSET
    graded_at: str = STAMP


class AssignmentGraded(Notice, tag="assignment_graded"):
    channel: str
    data: AssignmentGradedData


class AssignmentCreatedData(MessagePart):
    assignment_id: int
    class_id: int
    title: str
    due_date: str | None


class AssignmentCreated(Notice, tag="assignment_created"):
    data: AssignmentCreatedData
    channel: str = "broadcast"


class SystemMessageData(MessagePart):
    message: str
    level: Level = "info"


class SystemMessage(Notice, tag="system_message"):
    data: SystemMessageData
    channel: str = "broadcast"


# --- Students (section 4.4) -----------------------------------------------------------------------------------------


class DismissHelp(FlatNotice, tag="dismiss_help"):
    """For the student's JupyterLab, which ignores other students' e-mails."""

    emailAddress: str


class NotificationData(TypedDict):
    """A notification, which the student can read over HTTP by the same id: a dict, because HTTP sends the same."""

    notification_id: str
    title: str
    message: str
    level: str
    assignment_id: int | None
    notebook_path: str | None  # of the cell that a hint is about
    cell_id: str | None
    user_id: str | None
    is_read: bool
    created_at: str


class NotificationAdded(Notice, tag="notification"):
    channel: str
    data: NotificationData
    next: str | msgspec.UnsetType = msgspec.UNSET  # W6: the position after it


class InstructorMessageData(MessagePart):
    instructor_id: int | None  # None on W6, which reads what is stored
    instructor_name: str
    message: str
    timestamp: str
    notification_id: str | msgspec.UnsetType = msgspec.UNSET  # W6: by which it is marked as read


class InstructorMessage(Notice, tag="instructor_message"):
    channel: str
    data: InstructorMessageData
    next: str | msgspec.UnsetType = msgspec.UNSET  # W6: the position after it


HelpState = Literal["off", "asked", "coming", "not_found", "answered"]


class OwnSeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    room: str
    seat: str


class HelpStatusData(MessagePart):
    student_id: int
    class_id: int
    state: HelpState
    place: int | None
    of: int | None
    since: str | None
    by_name: str | None
    seats: list[OwnSeat]  # of who asks, one in each room


class HelpStatus(Notice, tag="help_status"):
    """What became of a student's request for help, for the student."""

    channel: str
    data: HelpStatusData


class StuckQuestionData(MessagePart):
    student_id: int
    class_id: int
    id: int | None  # None: nothing is asked any more
    asked_at: str | None
    until: str | None


class StuckQuestionAsked(Notice, tag="stuck_question"):
    """Whether the student is stuck, for their own devices."""

    channel: str
    data: StuckQuestionData


# --- Instructors (section 4.5) --------------------------------------------------------------------------------------


class StatusUpdated(FlatNotice, tag="status_updated"):
    """For the instructor whose status changed."""

    instructor_id: int
    status: InstructorStatus
    session_id: int | None
    updated_at: str


class StatusUpdate(StatusUpdated, tag="status_update"):
    """For all instructors."""

    current_session_id: int | None


class InstructorStatusChanged(StatusUpdate, tag="instructor_status_changed"):
    """A `status_update` under its older name."""


class InstructorAssigned(FlatNotice, tag="instructor_assigned"):
    """For the available instructor whom an event selected (events.md section 3.4)."""

    instructor_id: int
    student_id: Id | None
    class_id: Id | None
    assigned_at: str
