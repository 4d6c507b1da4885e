"""The changes that a batch of events makes. `events.processing` makes them; notifications and time series read them."""

from dataclasses import dataclass, field
from datetime import datetime

from events.contract.effects import RunStatus
from events.contract.schema import Event
from lms.resolved_rows import ActivityState, Member, StudentState

ProgressKey = tuple[int, int, int]  # row ids of the student, the cell, and the class whose key came with the run


@dataclass(frozen=True, slots=True)
class HelpTransition:
    """A student started or stopped asking for help in a class (0: without a key)."""

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
    status: RunStatus
    count: int = 0
    is_significant: bool = False

    @property
    def class_id(self) -> int:
        return self.activity.class_id

    @property
    def progress_key(self) -> ProgressKey:
        return self.student.id, self.cell_id, self.class_id


@dataclass(slots=True)
class Progress:
    """One student's totals for one cell in one class; a row of `cell_progress`."""

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
    """The changes of one batch, for notifications and time series."""

    events: list[Event] = field(default_factory=list)
    members: set[Member] = field(default_factory=set)  # students with the classes in which they were active
    help_transitions: list[HelpTransition] = field(default_factory=list)
    significant: dict[Member, str] = field(default_factory=dict)  # event type of the significant run
    alerts: list[Event] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    instructor_events: list[Event] = field(default_factory=list)  # new ones, sent with an instructor's token
