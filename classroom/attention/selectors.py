"""The attention state of a classroom: alerts, help requests, claims and feedback, as stored and detected."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import OuterRef, Q, Subquery

from classroom.attention.alerts import Alert, Feedback, Lesson, PriorState, Reason
from classroom.attention.assessment import assess
from classroom.attention.claims import Claim, active_claims, cases_in
from classroom.attention.lesson_cache import lesson_of
from classroom.attention.models import AttentionCase
from classroom.attention.ranking import MAX_SHOWN, SWITCH, Part, raised_by_answers
from classroom.attention.reason_texts import SYMBOLS
from classroom.base.classrooms import Classroom, name_in
from classroom.questions.selectors import who_is_fine
from core.identity import display_name
from events.models import HelpRequest
from lms.models import Cell

JUDGEMENTS = (AttentionCase.Outcome.HELPED, AttentionCase.Outcome.DISMISSED)
FEEDBACK_LASTS = timedelta(hours=12)  # a lesson, and the one after lunch


@dataclass(frozen=True, kw_only=True)
class HelpQueue:
    """The open help requests of a classroom, and what instructors did about them."""

    help_requests: list[HelpRequest]
    request_cases: dict[int, list[AttentionCase]]  # with the code `help`, by the id of the help request
    claims: dict[int, Claim]  # by student id

    def request_snoozed_until(self, help_request: HelpRequest, now: datetime) -> datetime | None:
        until = [
            n.snoozed_until
            for n in self.request_cases.get(help_request.pk, [])
            if n.snoozed_until and n.snoozed_until > now
        ]
        return max(until, default=None)

    def queue(self, now: datetime) -> list[HelpRequest]:
        """Return the open help requests: the longest wait first; students not found, and snoozed requests, last."""

        def sort_key(help_request: HelpRequest) -> tuple[bool, datetime, int]:
            return (
                self.request_snoozed_until(help_request, now) is not None,
                self.looked_for_at(help_request) or help_request.asked_at,
                help_request.pk,
            )

        return sorted(self.help_requests, key=sort_key)

    def looked_for_at(self, help_request: HelpRequest) -> datetime | None:
        not_found = AttentionCase.Outcome.NOT_FOUND
        return max(
            (n.ended_at for n in self.request_cases.get(help_request.pk, []) if n.outcome == not_found and n.ended_at),
            default=None,
        )


@dataclass(frozen=True, kw_only=True)
class AttentionState(HelpQueue):
    lesson: Lesson
    as_of: datetime
    open_cases: list[AttentionCase]  # of any class in scope
    alerts: list[Alert]

    def snoozed_until(self, alert: Alert, now: datetime) -> datetime | None:
        """Return until when this alert is snoozed; None if it is not, or if it is now about something else."""
        if alert.code == "help":
            found = [self.request_snoozed_until(t, now) for t in self.help_requests if t.student_id == alert.student_id]
            return found[0] if found else None
        for case in self.open_cases:
            same = case.evidence.get("cell") == alert.cell or alert.code == case.code
            if case.student_id == alert.student_id and case.snoozed_until and case.snoozed_until > now and same:
                return case.snoozed_until
        return None


def help_queue(classroom: Classroom, *, now: datetime) -> HelpQueue:
    """Return the help queue of the classroom alone. Two queries."""
    return _help_queue(_help_requests(classroom), _cases(classroom, now), now=now)


def _help_queue(help_requests: list[HelpRequest], cases: list[AttentionCase], *, now: datetime) -> HelpQueue:
    request_cases: dict[int, list[AttentionCase]] = {}
    for case in cases:
        if case.code == "help":
            request_cases.setdefault(case.evidence.get("ticket", 0), []).append(case)
    open_cases = [case for case in cases if case.ended_at is None]
    claims = active_claims([*help_requests, *open_cases], now=now)
    return HelpQueue(help_requests=help_requests, request_cases=request_cases, claims=claims)


def attention_state(classroom: Classroom, *, now: datetime) -> AttentionState:
    """Return the state of the classroom. Four queries; two of them at most once a second in each process. One more
    where students are asked whether they are stuck."""
    class_id = classroom.class_id
    lesson, as_of = lesson_of(class_id, classroom.students, classroom.scope, now)
    help_requests = _help_requests(classroom)
    cases = _cases(classroom, now)
    open_cases = [case for case in cases if case.ended_at is None]
    prior = PriorState(
        asking={help_request.student_id: help_request.asked_at for help_request in help_requests},
        shown={case.student_id: _part(case) for case in open_cases if case.class_ref_id == class_id},
        feedback=_feedback(cases),
        fine=_fine(classroom, now),
        raised=_raised(classroom, cases),
    )
    queue = _help_queue(help_requests, cases, now=now)
    return AttentionState(
        **vars(queue), lesson=lesson, as_of=as_of, open_cases=open_cases, alerts=assess(lesson, prior, now)
    )


def due_alerts(state: AttentionState, now: datetime) -> list[Alert]:
    """Return the alerts that are neither claimed nor snoozed; the first MAX_SHOWN are shown to every user.

    Help requests come first, in the order of the queue.
    """
    free = [alert for alert in state.alerts if alert.student_id not in state.claims]
    due = [alert for alert in free if state.snoozed_until(alert, now) is None]
    places = {help_request.student_id: place for place, help_request in enumerate(state.queue(now))}
    return sorted(due, key=lambda alert: places[alert.student_id] if alert.code == "help" else len(places))


def shown_alerts(state: AttentionState, now: datetime) -> list[Alert]:
    return due_alerts(state, now)[:MAX_SHOWN]


def alert_of(case: AttentionCase) -> Alert:
    """Return the alert that the case was opened for."""
    evidence = case.evidence
    return Alert(
        student_id=case.student_id,
        code=case.code if case.code in SYMBOLS else "no_progress",  # type: ignore[arg-type]
        since=datetime.fromisoformat(evidence["since"]) if evidence.get("since") else case.opened_at,
        cell=evidence.get("cell"),
        count=evidence.get("count") or 0,
        error=evidence.get("error") or "",
        class_cell=evidence.get("class_cell"),
        minutes=evidence.get("minutes") or 0,
        probability=evidence.get("probability"),
        is_firm=evidence.get("firm", True),
        reasons=tuple(Reason(**reason) for reason in evidence.get("reasons", ())),
        said_fine_at=datetime.fromisoformat(evidence["said_fine"]) if evidence.get("said_fine") else None,
    )


def shown_name_of(row: HelpRequest | AttentionCase) -> str:
    """Return the student's name to show; `row` is one of an `AttentionState`."""
    return display_name(row.student_name, row.student.email)  # type: ignore[union-attr]


def _help_requests(classroom: Classroom) -> list[HelpRequest]:
    cell = Cell.objects.filter(notebook__path=OuterRef("notebook_path"), cell_id=OuterRef("cell_id"))
    open_requests = HelpRequest.objects.filter(
        classroom.scope.q(), student__in=classroom.students.order_by().values("pk"), ended_at=None
    )
    return list(
        open_requests.select_related("student", "claimed_by")
        .annotate(position=Subquery(cell.values("position")[:1]), student_name=name_in(classroom))
        .order_by("asked_at", "pk")
    )


def _cases(classroom: Classroom, now: datetime) -> list[AttentionCase]:
    """Return the open cases, and those that instructors ended recently."""
    recently_ended = Q(ended_at__gt=now - FEEDBACK_LASTS, ended_by__isnull=False)
    in_scope = cases_in(classroom.scope)
    cases = AttentionCase.objects.filter(
        in_scope, Q(ended_at=None) | recently_ended, student__in=classroom.students.order_by().values("pk")
    )
    return list(cases.select_related("student", "claimed_by").annotate(student_name=name_in(classroom)).order_by("pk"))


def _part(case: AttentionCase) -> Part:
    return "firm" if case.evidence.get("firm", True) else "weak"


def _raised(classroom: Classroom, cases: Iterable[AttentionCase]) -> float:
    """Return the log-odds by which the threshold of the class is raised: by its switch, and by today's answers."""
    if classroom.class_ref is None:
        return 0.0
    judged = [
        case.outcome
        for case in cases
        if case.class_ref_id == classroom.class_ref.pk and case.code != "help" and case.outcome in JUDGEMENTS
    ]
    worth_it = sum(outcome == AttentionCase.Outcome.HELPED for outcome in judged)
    return SWITCH.get(classroom.class_ref.attention_list, 0.0) + raised_by_answers(worth_it, len(judged))


def _fine(classroom: Classroom, now: datetime) -> dict[int, datetime]:
    if classroom.class_ref is not None and not classroom.class_ref.asks_if_stuck:
        return {}
    return who_is_fine([classroom.class_ref.pk] if classroom.class_ref else None, now=now)


def _feedback(cases: Iterable[AttentionCase]) -> dict[int, Feedback]:
    feedback: dict[int, Feedback] = {}
    for case in cases:
        if case.ended_at is None or case.outcome is None:
            continue
        known = feedback.get(case.student_id)
        if known is None or case.ended_at >= known.at:
            feedback[case.student_id] = Feedback(case.ended_at, case.outcome != AttentionCase.Outcome.DISMISSED)
    return feedback
