"""Select the health of a class's JupyterLabs: who is connected and who is not, and what their clients report.

A client reports itself every few minutes (docs/contract/events.md section 3.3). The extension in the field does not;
of its students only the last event is known.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from classroom.base.classrooms import BY_READING, Classroom
from classroom.base.display import Display
from core.identity import display_name
from events.models import ClientHealth

MAX_CLIENTS = 500
# After a day a report says nothing of now.
CURRENT = timedelta(hours=24)
MANY_WAITING = 100  # events: more than one request takes
CLOCK_IS_RIGHT = timedelta(seconds=2)  # below this, clients do not correct their times
CLOCK_IS_WRONG = timedelta(minutes=2)


@dataclass(frozen=True, kw_only=True)
class Client:
    student_id: int
    name: str
    last_event_at: datetime | None
    version: str = ""
    waiting: int | None = None
    dropped: int | None = None
    clock_offset: timedelta | None = None  # negative: slow
    reported_at: datetime | None = None
    is_current: bool = False  # reported a short time ago

    @property
    def has_many_waiting(self) -> bool:
        return self.is_current and (self.waiting or 0) >= MANY_WAITING

    @property
    def has_dropped(self) -> bool:
        return self.is_current and (self.dropped or 0) > 0

    @property
    def clock_error(self) -> timedelta | None:
        return None if self.clock_offset is None else abs(self.clock_offset)

    @property
    def is_clock_right(self) -> bool:
        return self.clock_error is not None and self.clock_error < CLOCK_IS_RIGHT

    @property
    def is_clock_wrong(self) -> bool:
        return self.is_current and self.clock_error is not None and self.clock_error >= CLOCK_IS_WRONG

    @property
    def is_slow(self) -> bool:
        return self.clock_offset is not None and self.clock_offset < timedelta(0)

    @property
    def has_problem(self) -> bool:
        return self.last_event_at is None or self.has_many_waiting or self.has_dropped or self.is_clock_wrong


def clients_of(classroom: Classroom, *, now: datetime, display: Display) -> list[Client]:
    """Return the clients of the students of a class: those that report a problem, students of whom nothing arrived,
    then the others, each by name. Two queries."""
    students = classroom.students.order_by(*BY_READING)[:MAX_CLIENTS]
    people = list(students.values_list("pk", "email", "name", "last_activity_at"))
    reports = ClientHealth.objects.filter(classroom.scope.q(), student__in=[pk for pk, *_ in people])
    latest = {report.student_id: report for report in reports.order_by("reported_at", "pk")}
    clients = []
    for pk, email, name, last_event_at in people:
        shown = display.name(pk, display_name(name, email))
        clients.append(_client(pk, shown, last_event_at, latest.get(pk), now))
    return sorted(clients, key=lambda client: (not client.has_problem, client.last_event_at is None))


def _client(pk: int, name: str, last_event_at: datetime | None, report: ClientHealth | None, now: datetime) -> Client:
    if report is None:
        return Client(student_id=pk, name=name, last_event_at=last_event_at)
    offset = report.clock_offset_ms
    return Client(
        student_id=pk,
        name=name,
        last_event_at=last_event_at,
        version=report.version or "",
        waiting=report.waiting,
        dropped=report.dropped,
        clock_offset=None if offset is None else _span(offset),
        reported_at=report.reported_at,
        is_current=now - report.reported_at < CURRENT,
    )


def _span(milliseconds: float) -> timedelta:
    """Return the span, cut to a century: a clock may say anything, and a timedelta has bounds."""
    most = 100 * 365 * 24 * 3600 * 1000.0
    return timedelta(milliseconds=min(most, max(-most, milliseconds)))
