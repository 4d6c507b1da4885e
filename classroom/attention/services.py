"""What instructors do about an alert or a help request: claim, release, snooze, dismiss, resolve, not found.

A student may have a help request, a detected case, or both; one action covers all of them. The student's row is locked
first, so that concurrent actions run one after the other; each change is a conditional update, so that the second finds
nothing left to do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from classroom.attention import claims, help_services
from classroom.attention.alerts import Alert
from classroom.attention.claims import cases_in, is_claimed
from classroom.attention.models import AttentionCase
from classroom.attention.selectors import AttentionState, attention_state, shown_alerts
from classroom.base.classrooms import Classroom
from events.models import HelpRequest
from instructors import audit
from instructors.models import Instructor
from lms.models import Student
from realtime import broadcast, groups, messages
from realtime.broadcast import best_effort, notify
from realtime.messages import AttentionAction

Act = Literal["claim", "release", "snooze-5", "snooze-10", "dismiss", "resolve", "not_found"]
ACTS: dict[str, AttentionAction] = {
    "claim": "claimed",
    "release": "released",
    "snooze-5": "snoozed",
    "snooze-10": "snoozed",
    "dismiss": "dismissed",
    "resolve": "resolved",
    "not_found": "not_found",
}
Outcome = AttentionCase.Outcome
OUTCOMES = {"dismiss": Outcome.DISMISSED, "resolve": Outcome.HELPED, "not_found": Outcome.NOT_FOUND}
ENDINGS = {"dismiss": HelpRequest.Ending.DISMISSED, "resolve": HelpRequest.Ending.RESOLVED}


class ActionRefused(Exception):
    """Another instructor was faster, or nothing is open; the message is shown to the user."""


@dataclass(frozen=True, kw_only=True)
class _ActionContext:
    """An action and what is open about the student, read under the lock of their row."""

    classroom: Classroom
    student: Student
    student_name: str  # in messages
    help_request: HelpRequest | None
    cases: list[AttentionCase]
    by: Instructor
    now: datetime

    @property
    def claimed_by(self) -> Instructor | None:
        """The instructor who is on the way."""
        rows: list[HelpRequest | AttentionCase | None] = [self.help_request, *self.cases]
        claimed = (row.claimed_by for row in rows if row and row.claimed_by and is_claimed(row, now=self.now))
        return next(claimed, None)


def perform(
    classroom: Classroom,
    student: Student,
    act: Act,
    *,
    by: Instructor,
    request: HttpRequest | None,
    student_name: str,
    now: datetime,
) -> str:
    """Perform the action, record it, notify the open pages. Return the message for the user. Raises ActionRefused."""
    # Read before the lock, since it may query the whole classroom: a case is opened for the alert that the user saw.
    alert = _alert_about(classroom, student.pk, now)
    with transaction.atomic():
        student = Student.objects.select_for_update(no_key=True).get(pk=student.pk)
        context = _context_of(classroom, student, alert, student_name=student_name, by=by, now=now)
        _check_allowed(context, act)
        message = _HANDLERS[act](context, act)
        kind = "help" if context.help_request else "attention"
        if act not in ENDINGS or not context.help_request:  # ending a help request is audited by end_help
            details = {"class_id": classroom.class_id}
            audit.record(
                f"{kind}_{act.replace('-', '_')}", actor=by, request=request,
                target_type="student", target_id=student.email, details=details,
            )  # fmt: skip
    if act in ENDINGS and context.help_request:
        help_services.end_help(student, scope=classroom.scope, ending=ENDINGS[act], by=by, request=request, now=now)
    _announce_action(classroom, student, ACTS[act], by)
    return message


def _alert_about(classroom: Classroom, student_id: int, now: datetime) -> Alert | None:
    alerts = attention_state(classroom, now=now).alerts
    return next((c for c in alerts if c.student_id == student_id and c.code != "help"), None)


def _context_of(
    classroom: Classroom, student: Student, alert: Alert | None, *, student_name: str, by: Instructor, now: datetime
) -> _ActionContext:
    open_requests = HelpRequest.objects.filter(classroom.scope.q(), student_id=student.pk, ended_at=None)
    help_request = open_requests.select_related("claimed_by").order_by("asked_at", "pk").first()
    open_cases = AttentionCase.objects.filter(cases_in(classroom.scope), student_id=student.pk, ended_at=None)
    cases = list(open_cases.select_related("claimed_by"))
    class_id = classroom.class_id
    if alert and not any(case.class_ref_id == class_id for case in cases):
        case = open_case(classroom, alert, now=now)
        case.save()
        cases.append(case)
    # The case of this class first: the feedback is about the alert that this instructor saw.
    cases.sort(key=lambda case: case.class_ref_id != class_id)
    return _ActionContext(
        classroom=classroom,
        student=student,
        student_name=student_name,
        help_request=help_request,
        cases=cases,
        by=by,
        now=now,
    )


def _check_allowed(context: _ActionContext, act: Act) -> None:
    claimed_by = context.claimed_by
    names = {"name": claimed_by.name if claimed_by else "", "student": context.student_name}
    if not context.help_request and not context.cases:
        raise ActionRefused(gettext("%(student)s no longer needs help.") % names)
    if claimed_by and claimed_by.pk != context.by.pk and (act == "claim" or not context.classroom.may_teach):
        raise ActionRefused(gettext("%(name)s is already on the way to %(student)s.") % names)


def _claim(context: _ActionContext, act: Act) -> str:
    """Claim what is unclaimed: even without the lock, only one of two instructors would succeed."""
    scope, by = context.classroom.scope, context.by.pk
    if not claims.claim(context.student.pk, scope=scope, instructor_id=by, now=context.now):
        raise ActionRefused(
            gettext("Somebody else is already on the way to %(student)s.") % {"student": context.student_name}
        )
    return gettext("You are on the way to %(student)s.") % {"student": context.student_name}


def _release(context: _ActionContext, act: Act) -> str:
    claims.release(context.student.pk, scope=context.classroom.scope)
    return gettext("Nobody is on the way to %(student)s any more.") % {"student": context.student_name}


def _snooze(context: _ActionContext, act: Act) -> str:
    minutes = int(act.partition("-")[2])
    until = context.now + timedelta(minutes=minutes)
    claims.release(context.student.pk, scope=context.classroom.scope)
    _open_cases(context).update(snoozed_until=until)
    if context.help_request:
        _record_on_request(context, snoozed_until=until)
    return gettext("%(student)s is left alone for %(minutes)d minutes.") % {
        "student": context.student_name, "minutes": minutes,
    }  # fmt: skip


def _end(context: _ActionContext, act: Act) -> str:
    """End all open cases of the student. Only that of this class gets `ended_by`, so that one visit counts once."""
    outcome = OUTCOMES[act]
    if context.help_request and act != "not_found":
        _record_on_request(context, outcome=outcome)
    if context.help_request is None or act != "not_found":
        first = context.cases[0].pk if context.cases else 0
        _open_cases(context).exclude(pk=first).update(ended_at=context.now, outcome=outcome)
        _open_cases(context).update(ended_at=context.now, outcome=outcome, ended_by=context.by)
    names = {"student": context.student_name}
    if act == "resolve":
        return gettext("Noted: %(student)s was helped.") % names
    return gettext("Noted: %(student)s did not need help.") % names


def _not_found(context: _ActionContext, act: Act) -> str:
    """End the case; a help request stays open, since the student still waits: unclaimed, at the end of the queue, with
    the time of the visit."""
    if context.help_request:
        claims.release(context.student.pk, scope=context.classroom.scope)
        _record_on_request(context, outcome=Outcome.NOT_FOUND)
        names = {"student": context.student_name}
        return gettext("Noted: %(student)s was not found. The request stays at the end of the queue.") % names
    _end(context, act)
    return gettext("Noted: %(student)s was not found.") % {"student": context.student_name}


def _record_on_request(
    context: _ActionContext, *, outcome: Outcome | None = None, snoozed_until: datetime | None = None
) -> None:
    """Record feedback or a snooze on the help request as an ended case: `HelpRequest` has no fields for it."""
    assert context.help_request is not None
    AttentionCase.objects.create(
        student=context.student,
        class_ref=context.classroom.class_ref,
        code="help",
        evidence={"ticket": context.help_request.pk},
        opened_at=context.help_request.asked_at,
        snoozed_until=snoozed_until,
        ended_at=context.now,
        ended_by=context.by,
        outcome=outcome,
    )


def _open_cases(context: _ActionContext) -> QuerySet[AttentionCase]:
    return AttentionCase.objects.filter(cases_in(context.classroom.scope), student=context.student, ended_at=None)


def _announce_action(classroom: Classroom, student: Student, action: AttentionAction, by: Instructor) -> None:
    """Send the action to the pages of the classroom; without a class, to all classes of the student."""
    classes = [classroom.class_ref.pk] if classroom.class_ref else list(student.classes.values_list("pk", flat=True))
    frame = messages.AttentionUpdate(
        studentId=student.pk,
        emailAddress=student.email,
        action=action,
        instructorId=by.pk,
        instructorName=by.name,
    )
    recipients = [groups.ALL_STUDENTS, *(groups.class_group(class_id) for class_id in classes)]
    notify(recipients, frame)
    best_effort(lambda: broadcast.wake_inboxes([student.pk], help_in=list(classes)))


def sync_cases(classroom: Classroom, state: AttentionState, *, now: datetime) -> None:
    """Open a case for each alert shown for the first time, note which changed parts, and end those that are over.

    At most three queries, none if nothing changed.
    """
    if now - state.as_of > timedelta(0):
        return  # a cached lesson could end a case that a newer one has opened; the next observation records what is new
    class_id = classroom.class_id
    own = [case for case in state.open_cases if case.class_ref_id == class_id]
    with_case = {case.student_id for case in own}
    new = [c for c in shown_alerts(state, now) if c.code != "help" and c.student_id not in with_case]
    if new:
        cases = [open_case(classroom, alert, now=now) for alert in new]
        AttentionCase.objects.bulk_create(cases, ignore_conflicts=True)  # another process may have been faster
    _note_parts(own, state)
    alerted = {alert.student_id for alert in state.alerts}
    recovered = [case.pk for case in own if case.student_id not in alerted and not is_claimed(case, now=now)]
    if recovered:
        still_open = AttentionCase.objects.filter(pk__in=recovered, ended_at=None)
        still_open.update(ended_at=now, outcome=AttentionCase.Outcome.RECOVERED)


def _note_parts(cases: list[AttentionCase], state: AttentionState) -> None:
    """Record the part of the list, and the reasons, of cases that changed it: it takes less to stay than to enter."""
    alerts = {alert.student_id: alert for alert in state.alerts if alert.code != "help"}
    changed = []
    for case in cases:
        alert = alerts.get(case.student_id)
        if alert and case.evidence.get("firm", True) != alert.is_firm:
            case.code, case.evidence = alert.code, alert.evidence
            changed.append(case)
    if changed:
        AttentionCase.objects.bulk_update(changed, ["code", "evidence"])


def open_case(classroom: Classroom, alert: Alert, *, now: datetime) -> AttentionCase:
    return AttentionCase(
        student_id=alert.student_id,
        class_ref=classroom.class_ref,
        code=alert.code,
        evidence=alert.evidence,
        opened_at=now,
    )


_HANDLERS = {
    "claim": _claim,
    "release": _release,
    "snooze-5": _snooze,
    "snooze-10": _snooze,
    "dismiss": _end,
    "resolve": _end,
    "not_found": _not_found,
}
