"""The rows that a batch of observations refers to, as `lms.bulk_get_or_create` reads and locks them."""

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Protocol

from lms.models.people import WITHOUT_KEY

Member = tuple[int, int]  # row ids of a student and of the class whose key was sent (0: no key)


class Observation(Protocol):
    """What an event or a list says about a student. The attributes have the names of the event contract."""

    email: str
    name: str | None
    team: str | None
    session: str | None
    notebook: str | None
    cell: str | None
    cell_index: int | None
    cell_type: str
    class_id: int | None

    @property
    def occurred_at(self) -> datetime: ...


@dataclass(slots=True)
class Activity:
    """What both tables of activity hold; the columns of `lms.models.people.ActivityColumns`."""

    is_requesting_help: bool
    help_requested_at: datetime | None
    last_help_at: datetime | None
    help_stopped_at: datetime | None
    help_dismissed_at: datetime | None
    help_session_id: str | None
    help_notebook_path: str | None
    errors_resolved_at: datetime | None
    last_activity_at: datetime | None
    current_notebook_id: int | None
    execution_count: int
    error_count: int
    last_run_at: datetime | None
    last_run_failed: bool


@dataclass(slots=True)
class StudentState(Activity):
    """A row of `students`, locked for this batch: identity, and activity summed over all classes."""

    id: int
    email: str
    name: str | None
    team_id: int | None


@dataclass(slots=True)
class ActivityState(Activity):
    """A row of `student_activity`: the activity of one student through one class (0: without a key)."""

    student_id: int
    class_id: int


@dataclass(slots=True)
class ResolvedRows:
    """The rows that the observations of a batch refer to."""

    students: dict[str, StudentState]  # by the address as given; two spellings of one address share one state
    activities: dict[Member, ActivityState]
    teams: dict[str, int]  # by the name as given
    sessions: dict[tuple[int, int, str], int]  # by student, class and session id
    notebooks: dict[str, int]  # by the path as given
    cells: dict[tuple[int, str], int]
    current_sessions: dict[Member, str]  # for observations without a session
    former: dict[str, str] = field(default_factory=dict)  # the student's address, by a former one as given

    def member_of(self, observation: Observation) -> Member:
        return self.students[observation.email].id, observation.class_id or WITHOUT_KEY

    def activity_of(self, observation: Observation) -> ActivityState:
        return self.activities[self.member_of(observation)]

    def session_of(self, observation: Observation) -> tuple[int, int, str]:
        member = self.member_of(observation)
        return *member, observation.session or self.current_sessions[member]


def columns_of(state: type[Activity], *, alias: str) -> str:
    """Return the columns that make one state, in the order of its fields, for a SELECT."""
    return ", ".join(f"{alias}.{column.name}" for column in fields(state))
