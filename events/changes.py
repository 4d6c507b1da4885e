"""What a batch of events changes: made by `events.processing`, read by what announces it and by the time series."""

from dataclasses import dataclass, field
from datetime import datetime

from events.contract.schema import Event
from lms.bulk_get_or_create import ActivityState, Member, StudentState

Place = tuple[int, int, int]  # row ids: student, cell, and class that the run came through


@dataclass(frozen=True, slots=True)
class HelpTransition:
    """A student began or ceased to ask for help, through a class (0: without a key)."""

    student_id: int
    class_id: int
    is_asking: bool
    at: datetime
    notebook: str | None = None
    cell: str | None = None
    by: str = "student"  # who ended it: student, instructor, timeout


@dataclass(slots=True)
class Run:
    event: Event
    student: StudentState
    activity: ActivityState
    session_id: int
    notebook_id: int
    cell_id: int
    status: str
    count: int = 0
    is_significant: bool = False

    @property
    def class_id(self) -> int:
        return self.activity.class_id

    @property
    def place(self) -> Place:
        return self.student.id, self.cell_id, self.class_id


@dataclass(slots=True)
class Progress:
    """Where one student stands with one cell through one class; a row of `cell_progress`."""

    notebook_id: int
    run_count: int = 0
    error_count: int = 0
    last_status: str = "aborted"
    last_run_at: datetime | None = None
    last_error_at: datetime | None = None
    consecutive: int = 0
    is_significant: bool = False


@dataclass(slots=True)
class Changes:
    """What a batch changed, for those who are told about it."""

    events: list[Event] = field(default_factory=list)
    members: set[Member] = field(default_factory=set)  # who did something, and through which class
    edges: list[HelpTransition] = field(default_factory=list)
    significant: dict[Member, str] = field(default_factory=dict)  # → event type of the run that made it so
    alerts: list[Event] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    duties: list[Event] = field(default_factory=list)  # about instructors, new, and with an instructor's token
