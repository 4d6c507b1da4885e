"""Requests for help as rows: what `events.help` computes is kept in `help_requests` and mirrored on the student."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Now

from events.help import Asking, Dismissal, HelpState, Signal, Silence, fold
from events.kinds import kind_of
from events.models import HelpRequest
from events.schema import Event
from lms.models import Student
from lms.roster import Places, StudentState

Ending = HelpRequest.Ending
BY_INSTRUCTOR = [Ending.RESOLVED, Ending.DISMISSED, Ending.NOT_FOUND]
# How far back an instructor's ending can still matter to signals that arrive now.
DISMISSAL_MEMORY = timedelta(days=1)
# The next look where a request began before the first; an hour of it, so that one more is nearly always enough.
FURTHER_BACK = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Edge:
    """A student began or ceased to ask for help."""

    student_id: int
    is_asking: bool
    at: datetime
    notebook: str | None = None
    cell: str | None = None
    by: str = "student"  # who ended it: student, instructor, timeout


def silence() -> Silence:
    return Silence(
        single=timedelta(seconds=settings.HELP_SILENCE), resent=timedelta(seconds=settings.HELP_RESENT_SILENCE)
    )


def save_signals(events: Sequence[Event], places: Places) -> list[Edge]:
    """Bring tickets and students up to these help signals, whose rows are stored already. At most five statements, and
    one more where something comes late that belongs to a request older than was known."""
    if not events:
        return []
    heard: dict[int, list[Event]] = defaultdict(list)
    states: dict[int, StudentState] = {}
    for event in events:
        student = places.students[event.email]
        heard[student.id].append(event)
        states[student.id] = student
    tickets, dismissals = _load_tickets(heard)
    since = {pk: _look_back(heard[pk], tickets.get(pk), dismissals.get(pk)) for pk in heard}
    folded = _fold_signals(since, dismissals)
    edges: list[Edge] = []
    opened: list[HelpRequest] = []
    changed: list[HelpRequest] = []
    for pk, student in states.items():
        state = folded[pk]
        received = max(event.received_at for event in heard[pk])
        edges += _reconcile(student, state, tickets.get(pk), received, opened, changed)
    # Closed before opened: a student has at most one open ticket.
    if changed:
        HelpRequest.objects.bulk_update(changed, CHANGING)
    if opened:
        HelpRequest.objects.bulk_create(opened)
    return edges


CHANGING = [
    "session_id",
    "notebook_path",
    "cell_id",
    "asked_at",
    "last_asked_at",
    "last_heard_at",
    "was_resent",
    "ended_at",
    "ending",
]


def _load_tickets(students: Iterable[int]) -> tuple[dict[int, HelpRequest], dict[int, Dismissal]]:
    """Each student's open ticket, and the last one that an instructor ended."""
    ended = Q(ending__in=BY_INSTRUCTOR, ended_at__gte=Now() - DISMISSAL_MEMORY)
    found = HelpRequest.objects.filter(Q(ended_at=None) | ended, student_id__in=list(students)).order_by("id")
    tickets: dict[int, HelpRequest] = {}
    dismissals: dict[int, Dismissal] = {}
    for ticket in found:
        if ticket.ended_at is None:
            tickets[ticket.student_id] = ticket
        else:
            dismissals[ticket.student_id] = Dismissal(ticket.last_asked_at, ticket.session_id, ticket.notebook_path)
    return tickets, dismissals


def _look_back(events: Sequence[Event], ticket: HelpRequest | None, dismissal: Dismissal | None) -> datetime:
    """From when on signals can matter: the whole open request, and the end of a dismissed one."""
    moments = [min(event.occurred_at for event in events)]
    if ticket:
        moments.append(ticket.asked_at)
    if dismissal:
        moments.append(dismissal.heard_until)
    return min(moments) - timedelta(seconds=settings.HELP_SILENCE)


def _fold_signals(since: dict[int, datetime], dismissals: dict[int, Dismissal]) -> dict[int, HelpState]:
    """The state of each student, from signals since the given time on: further back where the request began so close
    to it that an older signal could belong to it."""
    quiet, states = silence(), dict[int, HelpState]()
    while since:
        signals = _load_signals(since)
        states |= {pk: fold(signals[pk], silence=quiet, dismissal=dismissals.get(pk)) for pk in since}
        since = {
            pk: moment - FURTHER_BACK
            for pk, moment in since.items()
            if (asking := states[pk].asking) and asking.since < moment + quiet.single
        }
    return states


def _load_signals(since: dict[int, datetime]) -> dict[int, list[Signal]]:
    signals: dict[int, list[Signal]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT e.student_id, e.occurred_at, e.event_type, e.session_id, e.notebook_path, e.cell_id
               FROM student_events e JOIN unnest(%s::bigint[], %s::timestamptz[]) AS k (student, since)
               ON e.student_id = k.student AND e.occurred_at >= k.since
               WHERE e.event_type IN ('help', 'help_stop', 'session_end')""",
            [list(since), list(since.values())],
        )
        for student, at, kind, session, notebook, cell in cursor.fetchall():
            what: Literal["ask", "stop"] = "ask" if kind_of(kind).help == "ask" else "stop"
            signals[student].append(Signal(at, what, session, notebook, cell))
    return signals


def _reconcile(
    student: StudentState,
    state: HelpState,
    ticket: HelpRequest | None,
    received: datetime,
    opened: list[HelpRequest],
    changed: list[HelpRequest],
) -> list[Edge]:
    """Make ticket and student say what the state says. Returns the edges that this makes."""
    edges: list[Edge] = []
    asking, stopped_at = state.asking, state.stopped_at
    if ticket and (asking is None or asking.since > ticket.last_asked_at):
        stopped = stopped_at is not None and stopped_at >= ticket.last_asked_at
        ticket.ending = Ending.STOPPED if stopped or asking is None else Ending.EXPIRED
        ticket.ended_at = stopped_at if stopped and stopped_at else max(received, ticket.last_asked_at)
        changed.append(ticket)
        edges.append(Edge(student.id, False, ticket.ended_at, by="student" if stopped else "timeout"))
        ticket = None
    if asking:
        if ticket is None:
            opened.append(_ticket(student, asking, received))
            edges.append(Edge(student.id, True, asking.since, asking.notebook, asking.cell))
        else:
            _follow(ticket, asking, received)
            changed.append(ticket)
        student.help_session_id, student.help_notebook_path = asking.session, asking.notebook
    student.is_requesting_help = asking is not None
    student.help_requested_at = asking.since if asking else None
    student.last_help_at = max(filter(None, (student.last_help_at, state.last_at)), default=None)
    student.help_stopped_at = max(filter(None, (student.help_stopped_at, stopped_at)), default=None)
    return edges


def _ticket(student: StudentState, asking: Asking, received: datetime) -> HelpRequest:
    return HelpRequest(
        student_id=student.id,
        session_id=asking.session,
        notebook_path=asking.notebook,
        cell_id=asking.cell,
        asked_at=asking.since,
        last_asked_at=asking.last,
        last_heard_at=received,
        was_resent=asking.resent,
    )


def _follow(ticket: HelpRequest, asking: Asking, received: datetime) -> None:
    ticket.session_id, ticket.notebook_path = asking.session, asking.notebook
    ticket.cell_id = asking.cell or ticket.cell_id
    ticket.asked_at, ticket.last_asked_at = asking.since, asking.last
    ticket.last_heard_at = max(ticket.last_heard_at, received)
    ticket.was_resent = asking.resent


# --- Endings that no event brings -----------------------------------------------------------------------------------


def expire(*, now: datetime) -> list[Edge]:
    """End the requests that nothing was heard of for too long, by the server's clock."""
    quiet = silence()
    over = Q(was_resent=True, last_heard_at__lt=now - quiet.resent) | Q(last_heard_at__lt=now - quiet.single)
    candidates = HelpRequest.objects.filter(over, ended_at=None).values_list("student_id", flat=True)
    return _end(list(candidates), over, ending=Ending.EXPIRED, by_id=None, by="timeout", now=now)


def end_by_instructor(
    student_id: int, *, ending: HelpRequest.Ending, instructor_id: int | None, now: datetime
) -> list[Edge]:
    """End a student's open request for them; their JupyterLab's re-sends are ignored from now on. Idempotent."""
    return _end([student_id], Q(), ending=ending, by_id=instructor_id, by="instructor", now=now)


def _end(
    student_ids: list[int], which: Q, *, ending: HelpRequest.Ending, by_id: int | None, by: str, now: datetime
) -> list[Edge]:
    if not student_ids:
        return []
    with transaction.atomic():
        # The same order of locks as the pipeline: students first, by id.
        locked = Student.objects.filter(pk__in=student_ids).order_by("pk").select_for_update()
        ids = [student.pk for student in locked.only("pk")]
        tickets = HelpRequest.objects.filter(which, student_id__in=ids, ended_at=None)
        ended = list(tickets.values_list("student_id", flat=True))
        tickets.update(ended_at=now, ending=ending, ended_by=by_id)
        students = Student.objects.filter(pk__in=ended)
        if by == "instructor":
            students.update(is_requesting_help=False, help_requested_at=None, help_dismissed_at=now, updated_at=now)
        else:
            students.update(is_requesting_help=False, help_requested_at=None, updated_at=now)
    return [Edge(pk, False, now, by=by) for pk in ended]
