"""Help requests as rows.

The state that `events.processing.help_rules` computes is stored in `help_requests` and copied to the student's rows,
per class and overall.
"""

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
from events.contract.schema import MAX_AHEAD_MS, Event
from events.models import HelpRequest
from events.processing.help_rules import Dismissal, HelpSignal, HelpState, OpenRequest, Timeouts, reduce_signals
from lms.access import Scope
from lms.models import Student, StudentActivity
from lms.resolved_rows import ActivityState, Member, ResolvedRows, StudentState

Ending = HelpRequest.Ending
ENDED_BY_INSTRUCTOR = [Ending.RESOLVED, Ending.DISMISSED, Ending.NOT_FOUND]
# For how long a request that an instructor ended still affects new signals.
DISMISSAL_LIFETIME = timedelta(days=1)
# How much earlier to search if a request began before the first signal found. With an hour, one step is nearly always
# enough.
LOOK_BACK_STEP = timedelta(hours=1)


def timeouts() -> Timeouts:
    return Timeouts(
        single=timedelta(seconds=settings.HELP_SILENCE), resent=timedelta(seconds=settings.HELP_RESENT_SILENCE)
    )


def save_signals(events: Sequence[Event], resolved: ResolvedRows) -> list[HelpTransition]:
    """Update help requests and students for these help signals, whose rows are stored already.

    Return the transitions. At most five statements, and one more if a late signal belongs to an older request.
    """
    if not events:
        return []
    signals_of: dict[Member, list[Event]] = defaultdict(list)
    students: dict[int, StudentState] = {}
    for event in events:
        signals_of[resolved.member_of(event)].append(event)
        student = resolved.students[event.email]
        students[student.id] = student
    requests, dismissals = _load_requests(students)
    since = {
        member: _relevant_since(signals_of[member], requests.get(member), dismissals.get(member))
        for member in signals_of
    }
    states = _reduce_signals(since, dismissals)
    transitions: list[HelpTransition] = []
    opened: list[HelpRequest] = []
    changed: list[HelpRequest] = []
    for member in signals_of:
        received = max(event.received_at for event in signals_of[member])
        activity = resolved.activities[member]
        state = states[member]
        is_verified = _is_verified(state.open_request, signals_of[member])
        transitions += _reconcile(activity, state, requests.get(member), received, is_verified, opened, changed)
    # Close before opening: a student has at most one open request in a class.
    if changed:
        HelpRequest.objects.bulk_update(changed, UPDATED_FIELDS)
    if opened:
        HelpRequest.objects.bulk_create(opened)
    _copy_to_students(students, resolved, [*requests.values(), *opened])
    return transitions


def _copy_to_students(
    students: dict[int, StudentState], resolved: ResolvedRows, requests: Sequence[HelpRequest]
) -> None:
    """Copy the earliest open request of any class to the student's own row."""
    first_open: dict[int, HelpRequest] = {}
    for each in sorted((r for r in requests if r.ended_at is None), key=lambda r: r.asked_at, reverse=True):
        first_open[each.student_id] = each  # the earliest overwrites the others
    for pk, student in students.items():
        request = first_open.get(pk)
        student.is_requesting_help = request is not None
        student.help_requested_at = request.asked_at if request else None
        if request:
            student.help_session_id, student.help_notebook_path = request.session_id, request.notebook_path
        for activity in (a for (of, _), a in resolved.activities.items() if of == pk):
            student.last_help_at = _latest(student.last_help_at, activity.last_help_at)
            student.help_stopped_at = _latest(student.help_stopped_at, activity.help_stopped_at)


def _is_verified(request: OpenRequest | None, signals: Sequence[Event]) -> bool:
    """Return whether one of these signals asked within this request and came with the student's own token."""
    return request is not None and any(
        event.is_verified and kind_of(event.event_type).help == "ask" and request.since <= event.occurred_at
        for event in signals
    )


def _latest(*moments: datetime | None) -> datetime | None:
    return max(filter(None, moments), default=None)


UPDATED_FIELDS = [
    "session_id",
    "notebook_path",
    "cell_id",
    "asked_at",
    "last_asked_at",
    "last_heard_at",
    "was_resent",
    "is_verified",
    "ended_at",
    "ending",
]


def _load_requests(students: Iterable[int]) -> tuple[dict[Member, HelpRequest], dict[Member, Dismissal]]:
    """Return each student's open requests, and the last request in each class that an instructor ended."""
    ended = Q(ending__in=ENDED_BY_INSTRUCTOR, ended_at__gte=Now() - DISMISSAL_LIFETIME)
    found = HelpRequest.objects.filter(Q(ended_at=None) | ended, student_id__in=list(students)).order_by("id")
    requests: dict[Member, HelpRequest] = {}
    dismissals: dict[Member, Dismissal] = {}
    for request in found:
        member = request.student_id, request.class_id
        if request.ended_at is None:
            requests[member] = request
        else:
            dismissals[member] = Dismissal(
                request.last_asked_at, request.session_id, request.notebook_path, ended_at=request.ended_at
            )
    return requests, dismissals


def _relevant_since(events: Sequence[Event], request: HelpRequest | None, dismissal: Dismissal | None) -> datetime:
    """Return the time, by the server's clock, from which signals are relevant.

    They cover the whole open request and the end of a dismissed one. The intake accepts sender clocks that are ahead by
    at most `schema.MAX_AHEAD_MS`.
    """
    moments = [min(min(event.occurred_at, event.received_at) for event in events)]
    if request:
        moments.append(request.asked_at)
    if dismissal:
        moments.append(dismissal.last_signal_at)
    return min(moments) - timedelta(seconds=settings.HELP_SILENCE, milliseconds=MAX_AHEAD_MS)


def _reduce_signals(since: dict[Member, datetime], dismissals: dict[Member, Dismissal]) -> dict[Member, HelpState]:
    """Return the state of each student in each class from the signals since the given time.

    Search further back if a request began so soon after that time that an older signal could belong to it.
    """
    limits, states = timeouts(), dict[Member, HelpState]()
    while since:
        signals = _load_signals(since)
        states |= {
            each: reduce_signals(signals[each], timeouts=limits, dismissal=dismissals.get(each)) for each in since
        }
        since = {
            each: moment - LOOK_BACK_STEP
            for each, moment in since.items()
            if (found := states[each].open_request) and found.since < moment + limits.single
        }
    return states


def _load_signals(since: dict[Member, datetime]) -> dict[Member, list[HelpSignal]]:
    signals: dict[Member, list[HelpSignal]] = defaultdict(list)
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
            signals[student, class_id].append(HelpSignal(at, what, session, notebook, cell, received))
    return signals


def _reconcile(
    activity: ActivityState,
    state: HelpState,
    request: HelpRequest | None,
    received: datetime,
    is_verified: bool,
    opened: list[HelpRequest],
    changed: list[HelpRequest],
) -> list[HelpTransition]:
    """Bring the stored request and the student's activity in line with the state. Return the transitions."""
    transitions: list[HelpTransition] = []
    member = activity.student_id, activity.class_id
    open_request, stopped_at = state.open_request, state.stopped_at
    if request and (open_request is None or _is_new_request(open_request, request)):
        own_stop = state.stops.get(request.session_id)
        stopped = own_stop is not None and own_stop >= request.last_asked_at
        request.ending = Ending.STOPPED if stopped or open_request is None else Ending.EXPIRED
        request.ended_at = own_stop if stopped and own_stop else max(received, request.last_asked_at)
        changed.append(request)
        transitions.append(HelpTransition(*member, False, request.ended_at, by="student" if stopped else "timeout"))
        request = None
    if open_request:
        if request is None:
            opened.append(_new_request(member, open_request, received, is_verified))
            transitions.append(
                HelpTransition(*member, True, open_request.since, open_request.notebook, open_request.cell)
            )
        else:
            _update_request(request, open_request, received, is_verified)
            changed.append(request)
        activity.help_session_id, activity.help_notebook_path = open_request.session, open_request.notebook
    activity.is_requesting_help = open_request is not None
    activity.help_requested_at = open_request.since if open_request else None
    activity.last_help_at = _latest(activity.last_help_at, state.last_at)
    activity.help_stopped_at = _latest(activity.help_stopped_at, stopped_at)
    return transitions


def _is_new_request(open_request: OpenRequest, request: HelpRequest) -> bool:
    """Return whether this request began after the stored one was over.

    Compare by the sender's clock within a session, and by the server's clock between sessions.
    """
    if open_request.session == request.session_id:
        return open_request.since > request.last_asked_at
    return open_request.first_received_at is not None and open_request.first_received_at > request.last_heard_at


def _new_request(member: Member, open_request: OpenRequest, received: datetime, is_verified: bool) -> HelpRequest:
    student_id, class_id = member
    return HelpRequest(
        student_id=student_id,
        class_id=class_id,
        session_id=open_request.session,
        notebook_path=open_request.notebook,
        cell_id=open_request.cell,
        asked_at=open_request.since,
        last_asked_at=open_request.last,
        last_heard_at=received,
        was_resent=open_request.resent,
        is_verified=is_verified,
    )


def _update_request(request: HelpRequest, open_request: OpenRequest, received: datetime, is_verified: bool) -> None:
    request.session_id, request.notebook_path = open_request.session, open_request.notebook
    request.cell_id = open_request.cell or request.cell_id
    request.asked_at, request.last_asked_at = open_request.since, open_request.last
    request.last_heard_at = max(request.last_heard_at, received)
    request.was_resent = open_request.resent
    request.is_verified = request.is_verified or is_verified


# --- Ending requests without an event ---------------------------------------------------------------------------------


def expire_requests(*, now: datetime) -> list[HelpTransition]:
    """End the requests whose last signal is too old by the server's clock. Return the transitions."""
    limits = timeouts()
    over = Q(was_resent=True, last_heard_at__lt=now - limits.resent) | Q(last_heard_at__lt=now - limits.single)
    found = HelpRequest.objects.filter(over, ended_at=None)
    return _end(found, ending=Ending.EXPIRED, by_id=None, by="timeout", now=now)


def end_by_instructor(
    student_id: int, *, scope: Scope, ending: HelpRequest.Ending, instructor_id: int | None, now: datetime
) -> list[HelpTransition]:
    """End a student's open requests in these classes. Re-sends of JupyterLab are ignored from now on. Idempotent."""
    found = HelpRequest.objects.filter(scope.q(), student=student_id, ended_at=None)
    return _end(found, ending=ending, by_id=instructor_id, by="instructor", now=now)


def _end(
    which: "QuerySet[HelpRequest]", *, ending: HelpRequest.Ending, by_id: int | None, by: str, now: datetime
) -> list[HelpTransition]:
    """End these requests and return the transitions. At most seven statements; one if there are none."""
    candidates = set(which.values_list("student_id", flat=True))
    if not candidates:
        return []
    with transaction.atomic():
        # Lock in the same order as the pipeline: students first, by id.
        locked = Student.objects.filter(pk__in=candidates).order_by("pk").select_for_update()
        ids = [student.pk for student in locked.only("pk")]
        requests = which.filter(student_id__in=ids)
        ended = list(requests.values_list("pk", "student_id", "class_id"))
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
