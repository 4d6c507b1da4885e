"""Requests for help as rows: what `events.processing.help_rules` computes is kept in `help_requests` and mirrored on the student,
through the class that it came through and in all."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from events.changes import HelpTransition
from events.contract.kinds import kind_of
from events.contract.schema import NEWEST, Event
from events.models import HelpRequest
from events.processing.help_rules import Dismissal, HelpState, OpenRequest, Signal, Timeouts, reduce_signals
from lms.access import Scope
from lms.bulk_get_or_create import ActivityState, Member, ResolvedRows, StudentState
from lms.models import Student, StudentActivity

Ending = HelpRequest.Ending
BY_INSTRUCTOR = [Ending.RESOLVED, Ending.DISMISSED, Ending.NOT_FOUND]
# How far back an instructor's ending can still matter to signals that arrive now.
DISMISSAL_MEMORY = timedelta(days=1)
# The next look where a request began before the first; an hour of it, so that one more is nearly always enough.
FURTHER_BACK = timedelta(hours=1)


def timeouts() -> Timeouts:
    return Timeouts(
        single=timedelta(seconds=settings.HELP_SILENCE), resent=timedelta(seconds=settings.HELP_RESENT_SILENCE)
    )


def save_signals(events: Sequence[Event], places: ResolvedRows) -> list[HelpTransition]:
    """Bring tickets and students up to these help signals, whose rows are stored already. At most five statements, and
    one more where something comes late that belongs to a request older than was known."""
    if not events:
        return []
    heard: dict[Member, list[Event]] = defaultdict(list)
    students: dict[int, StudentState] = {}
    for event in events:
        heard[places.member_of(event)].append(event)
        student = places.students[event.email]
        students[student.id] = student
    tickets, dismissals = _load_tickets(students)
    since = {member: _look_back(heard[member], tickets.get(member), dismissals.get(member)) for member in heard}
    folded = _fold_signals(since, dismissals)
    edges: list[HelpTransition] = []
    opened: list[HelpRequest] = []
    changed: list[HelpRequest] = []
    for member in heard:
        received = max(event.received_at for event in heard[member])
        activity = places.activities[member]
        edges += _reconcile(activity, folded[member], tickets.get(member), received, opened, changed)
    # Closed before opened: a student has at most one open ticket in a class.
    if changed:
        HelpRequest.objects.bulk_update(changed, CHANGING)
    if opened:
        HelpRequest.objects.bulk_create(opened)
    _mirror(students, places, [*tickets.values(), *opened])
    return edges


def _mirror(students: dict[int, StudentState], places: ResolvedRows, tickets: Sequence[HelpRequest]) -> None:
    """What is asked anywhere stands on the student's own row."""
    asking: dict[int, HelpRequest] = {}
    for each in sorted((t for t in tickets if t.ended_at is None), key=lambda t: t.asked_at, reverse=True):
        asking[each.student_id] = each  # the one asked first stays
    for pk, student in students.items():
        ticket = asking.get(pk)
        student.is_requesting_help = ticket is not None
        student.help_requested_at = ticket.asked_at if ticket else None
        if ticket:
            student.help_session_id, student.help_notebook_path = ticket.session_id, ticket.notebook_path
        for activity in (a for (of, _), a in places.activities.items() if of == pk):
            student.last_help_at = _latest(student.last_help_at, activity.last_help_at)
            student.help_stopped_at = _latest(student.help_stopped_at, activity.help_stopped_at)


def _latest(*moments: datetime | None) -> datetime | None:
    return max(filter(None, moments), default=None)


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


def _load_tickets(students: Iterable[int]) -> tuple[dict[Member, HelpRequest], dict[Member, Dismissal]]:
    """Each student's open tickets, and the last one in each class that an instructor ended."""
    ended = Q(ending__in=BY_INSTRUCTOR, ended_at__gte=Now() - DISMISSAL_MEMORY)
    found = HelpRequest.objects.filter(Q(ended_at=None) | ended, student_id__in=list(students)).order_by("id")
    tickets: dict[Member, HelpRequest] = {}
    dismissals: dict[Member, Dismissal] = {}
    for ticket in found:
        member = ticket.student_id, ticket.class_id
        if ticket.ended_at is None:
            tickets[member] = ticket
        else:
            dismissals[member] = Dismissal(
                ticket.last_asked_at, ticket.session_id, ticket.notebook_path, ended_at=ticket.ended_at
            )
    return tickets, dismissals


def _look_back(events: Sequence[Event], ticket: HelpRequest | None, dismissal: Dismissal | None) -> datetime:
    """From when on signals can matter, by our clock: the whole open request, and the end of a dismissed one. A sender's
    clock is at most as far ahead as the intake believes (`schema.NEWEST`)."""
    moments = [min(min(event.occurred_at, event.received_at) for event in events)]
    if ticket:
        moments.append(ticket.asked_at)
    if dismissal:
        moments.append(dismissal.heard_until)
    return min(moments) - timedelta(seconds=settings.HELP_SILENCE, milliseconds=NEWEST)


def _fold_signals(since: dict[Member, datetime], dismissals: dict[Member, Dismissal]) -> dict[Member, HelpState]:
    """The state of each student in each class, from signals since the given time on: further back where
    the request began so close to it that an older signal could belong to it."""
    quiet, states = timeouts(), dict[Member, HelpState]()
    while since:
        signals = _load_signals(since)
        states |= {each: reduce_signals(signals[each], silence=quiet, dismissal=dismissals.get(each)) for each in since}
        since = {
            each: moment - FURTHER_BACK
            for each, moment in since.items()
            if (asking := states[each].asking) and asking.since < moment + quiet.single
        }
    return states


def _load_signals(since: dict[Member, datetime]) -> dict[Member, list[Signal]]:
    signals: dict[Member, list[Signal]] = defaultdict(list)
    columns: list[Any] = [[student for student, _ in since], [class_id for _, class_id in since], list(since.values())]
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT e.student_id, e.class_id, e.occurred_at, e.event_type, e.session_id, e.notebook_path, e.cell_id,
                      e.received_at
               FROM student_events e
               JOIN unnest(%s::bigint[], %s::bigint[], %s::timestamptz[]) AS k (student, class, since)
               ON e.student_id = k.student AND e.class_id = k.class AND e.received_at >= k.since
               WHERE e.event_type IN ('help', 'help_stop', 'session_end')""",
            columns,
        )
        for student, class_id, at, kind, session, notebook, cell, received in cursor.fetchall():
            what: Literal["ask", "stop"] = "ask" if kind_of(kind).help == "ask" else "stop"
            signals[student, class_id].append(Signal(at, what, session, notebook, cell, received))
    return signals


def _reconcile(
    activity: ActivityState,
    state: HelpState,
    ticket: HelpRequest | None,
    received: datetime,
    opened: list[HelpRequest],
    changed: list[HelpRequest],
) -> list[HelpTransition]:
    """Make ticket and student say what the state says. Returns the edges that this makes."""
    edges: list[HelpTransition] = []
    member = activity.student_id, activity.class_id
    asking, stopped_at = state.asking, state.stopped_at
    if ticket and (asking is None or _is_another(asking, ticket)):
        own_stop = state.stops.get(ticket.session_id)
        stopped = own_stop is not None and own_stop >= ticket.last_asked_at
        ticket.ending = Ending.STOPPED if stopped or asking is None else Ending.EXPIRED
        ticket.ended_at = own_stop if stopped and own_stop else max(received, ticket.last_asked_at)
        changed.append(ticket)
        edges.append(HelpTransition(*member, False, ticket.ended_at, by="student" if stopped else "timeout"))
        ticket = None
    if asking:
        if ticket is None:
            opened.append(_ticket(member, asking, received))
            edges.append(HelpTransition(*member, True, asking.since, asking.notebook, asking.cell))
        else:
            _follow(ticket, asking, received)
            changed.append(ticket)
        activity.help_session_id, activity.help_notebook_path = asking.session, asking.notebook
    activity.is_requesting_help = asking is not None
    activity.help_requested_at = asking.since if asking else None
    activity.last_help_at = _latest(activity.last_help_at, state.last_at)
    activity.help_stopped_at = _latest(activity.help_stopped_at, stopped_at)
    return edges


def _is_another(asking: OpenRequest, ticket: HelpRequest) -> bool:
    """Whether this began after the ticket's request was over: by the sender's clock within a session, by ours between
    two."""
    if asking.session == ticket.session_id:
        return asking.since > ticket.last_asked_at
    return asking.first_heard is not None and asking.first_heard > ticket.last_heard_at


def _ticket(member: Member, asking: OpenRequest, received: datetime) -> HelpRequest:
    student_id, class_id = member
    return HelpRequest(
        student_id=student_id,
        class_id=class_id,
        session_id=asking.session,
        notebook_path=asking.notebook,
        cell_id=asking.cell,
        asked_at=asking.since,
        last_asked_at=asking.last,
        last_heard_at=received,
        was_resent=asking.resent,
    )


def _follow(ticket: HelpRequest, asking: OpenRequest, received: datetime) -> None:
    ticket.session_id, ticket.notebook_path = asking.session, asking.notebook
    ticket.cell_id = asking.cell or ticket.cell_id
    ticket.asked_at, ticket.last_asked_at = asking.since, asking.last
    ticket.last_heard_at = max(ticket.last_heard_at, received)
    ticket.was_resent = asking.resent


# --- Endings that no event brings -----------------------------------------------------------------------------------


def expire_requests(*, now: datetime) -> list[HelpTransition]:
    """End the requests that nothing was heard of for too long, by the server's clock."""
    quiet = timeouts()
    over = Q(was_resent=True, last_heard_at__lt=now - quiet.resent) | Q(last_heard_at__lt=now - quiet.single)
    found = HelpRequest.objects.filter(over, ended_at=None)
    return _end(found, ending=Ending.EXPIRED, by_id=None, by="timeout", now=now)


def end_by_instructor(
    student_id: int, *, scope: Scope, ending: HelpRequest.Ending, instructor_id: int | None, now: datetime
) -> list[HelpTransition]:
    """End a student's open requests in these classes for them; their JupyterLab's re-sends are ignored from now on.
    Idempotent."""
    found = HelpRequest.objects.filter(scope.q(), student=student_id, ended_at=None)
    return _end(found, ending=ending, by_id=instructor_id, by="instructor", now=now)


def _end(
    which: "QuerySet[HelpRequest]", *, ending: HelpRequest.Ending, by_id: int | None, by: str, now: datetime
) -> list[HelpTransition]:
    """End these tickets. Seven statements at most; one where there are none."""
    candidates = set(which.values_list("student_id", flat=True))
    if not candidates:
        return []
    with transaction.atomic():
        # The same order of locks as the pipeline: students first, by id.
        locked = Student.objects.filter(pk__in=candidates).order_by("pk").select_for_update()
        ids = [student.pk for student in locked.only("pk")]
        tickets = which.filter(student_id__in=ids)
        ended = list(tickets.values_list("pk", "student_id", "class_id"))
        HelpRequest.objects.filter(pk__in=[pk for pk, _, _ in ended]).update(
            ended_at=now, ending=ending, ended_by=by_id
        )
        over: dict[str, object] = {"is_requesting_help": False, "help_requested_at": None}
        if by == "instructor":
            over["help_dismissed_at"] = now
        shown = Q()
        for _, student, class_id in ended:
            shown |= Q(student_id=student, class_id=class_id)
        if ended:
            StudentActivity.objects.filter(shown).update(**over)
        elsewhere = HelpRequest.objects.filter(student_id__in=ids, ended_at=None).values("student_id")
        done = Student.objects.filter(pk__in={student for _, student, _ in ended}).exclude(pk__in=elsewhere)
        done.update(**over, updated_at=now)
    return [HelpTransition(student, class_id, False, now, by=by) for _, student, class_id in ended]
