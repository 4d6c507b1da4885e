"""What an instructor does about somebody who needs them: go, put back, not now, not needed, helped, not found.

A student has a request for help, a concern of the detector, or both; one act answers all of it. The student's row is
locked first, as everywhere, so that two who act at once are one after the other; and each change is a conditional
update, so that the second finds nothing left to do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext

from classroom.attention import help_services
from classroom.attention.claims import cases_in
from classroom.attention.models import AttentionCase
from classroom.attention.selectors import AttentionState, attention_state, shown_alerts
from classroom.attention.signals import Alert
from classroom.base.classrooms import Classroom
from events import help_claims
from events.models import HelpRequest
from instructors import audit
from instructors.models import Instructor
from lms.models import Student
from realtime import broadcast, groups, messages
from realtime.messages import AttentionAction
from realtime.notify import notify

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


class Refused(Exception):
    """Somebody else was faster, or there is nothing to do; the message says so to the one who clicked."""


@dataclass(frozen=True, kw_only=True)
class _Action:
    """What is open about a student, under the lock of their row."""

    classroom: Classroom
    student: Student
    called: str  # what to call the student in messages
    ticket: HelpRequest | None
    cases: list[AttentionCase]
    by: Instructor
    now: datetime

    @property
    def holder(self) -> Instructor | None:
        """Who is on the way."""
        held: list[HelpRequest | AttentionCase] = [*self.cases]
        for one in [self.ticket, *held] if self.ticket else held:
            if one.claimed_by and one.claimed_at and self.now - one.claimed_at <= help_claims.CLAIM_LASTS:
                return one.claimed_by
        return None


def perform(
    classroom: Classroom,
    student: Student,
    act: Act,
    *,
    by: Instructor,
    request: HttpRequest | None,
    called: str,
    now: datetime,
) -> str:
    """Do it, keep it, tell everybody. Returns what to say to who clicked; raises `Refused`."""
    # Read before the lock, because it may gather: a case is opened for what the reader saw.
    concern = _concern_about(classroom, student.pk, now)
    with transaction.atomic():
        student = Student.objects.select_for_update(no_key=True).get(pk=student.pk)
        matter = _action_of(classroom, student, concern, called=called, by=by, now=now)
        _refuse_others(matter, act)
        said = _ACTS[act](matter, act)
        kind = "help" if matter.ticket else "attention"
        if act not in ENDINGS or not matter.ticket:  # ending a request records itself
            details = {"class_id": classroom.class_ref.pk if classroom.class_ref else None}
            audit.record(
                action=f"{kind}_{act.replace('-', '_')}", actor=by, request=request,
                target_type="student", target_id=student.email, details=details,
            )  # fmt: skip
    if act in ENDINGS and matter.ticket:
        help_services.end_help(student, scope=classroom.scope, ending=ENDINGS[act], by=by, request=request, now=now)
    _announce(classroom, student, ACTS[act], by)
    return said


def _concern_about(classroom: Classroom, student_id: int, now: datetime) -> Alert | None:
    concerns = attention_state(classroom, now=now).concerns
    return next((c for c in concerns if c.student_id == student_id and c.code != "help"), None)


def _action_of(
    classroom: Classroom, student: Student, concern: Alert | None, *, called: str, by: Instructor, now: datetime
) -> _Action:
    asking = HelpRequest.objects.filter(classroom.scope.q(), student_id=student.pk, ended_at=None)
    ticket = asking.select_related("claimed_by").order_by("asked_at", "pk").first()
    of_room = AttentionCase.objects.filter(cases_in(classroom.scope), student_id=student.pk, ended_at=None)
    cases = list(of_room.select_related("claimed_by"))
    class_id = classroom.class_ref.pk if classroom.class_ref else None
    if concern and not any(case.class_ref_id == class_id for case in cases):
        case = open_case(classroom, concern, now=now)
        case.save()
        cases.append(case)
    # The room's own first: what is said of the detector is said of what this instructor saw.
    cases.sort(key=lambda case: case.class_ref_id != class_id)
    return _Action(classroom=classroom, student=student, called=called, ticket=ticket, cases=cases, by=by, now=now)


def _refuse_others(matter: _Action, act: Act) -> None:
    holder = matter.holder
    names = {"name": holder.name if holder else "", "student": matter.called}
    if not matter.ticket and not matter.cases:
        raise Refused(gettext("%(student)s no longer needs anybody.") % names)
    if holder and holder.pk != matter.by.pk and (act == "claim" or not matter.classroom.may_teach):
        raise Refused(gettext("%(name)s is already on the way to %(student)s.") % names)


def _claim(matter: _Action, act: Act) -> str:
    """Each update only where nobody else is on the way: without the lock too, one of two would win."""
    won = matter.ticket is not None and help_claims.claim(
        matter.student.pk, scope=matter.classroom.scope, instructor_id=matter.by.pk, now=matter.now
    )
    free = Q(claimed_by=None) | Q(claimed_by=matter.by.pk) | Q(claimed_at__lt=matter.now - help_claims.CLAIM_LASTS)
    mine = _open(matter).filter(free)
    won = mine.update(claimed_by=matter.by, claimed_at=matter.now, snoozed_until=None) > 0 or won
    if not won:
        raise Refused(gettext("Somebody else is already on the way to %(student)s.") % {"student": matter.called})
    return gettext("You are on the way to %(student)s.") % {"student": matter.called}


def _release(matter: _Action, act: Act) -> str:
    _release_claim(matter)
    return gettext("Nobody is on the way to %(student)s any more.") % {"student": matter.called}


def _snooze(matter: _Action, act: Act) -> str:
    minutes = int(act.partition("-")[2])
    until = matter.now + timedelta(minutes=minutes)
    _release_claim(matter)
    _open(matter).update(snoozed_until=until)
    if matter.ticket:
        _note(matter, snoozed_until=until)
    return gettext("%(student)s is left alone for %(minutes)d minutes.") % {
        "student": matter.called, "minutes": minutes,
    }  # fmt: skip


def _end(matter: _Action, act: Act) -> str:
    """The room's own case bears the name of who judged it; others of the same student end with it, unnamed, so that
    one visit counts once."""
    outcome = OUTCOMES[act]
    if matter.ticket and act != "not_found":
        _note(matter, outcome=outcome)
    if matter.ticket is None or act != "not_found":
        first = matter.cases[0].pk if matter.cases else 0
        _open(matter).exclude(pk=first).update(ended_at=matter.now, outcome=outcome)
        _open(matter).update(ended_at=matter.now, outcome=outcome, ended_by=matter.by)
    names = {"student": matter.called}
    if act == "resolve":
        return gettext("Noted: %(student)s was helped.") % names
    return gettext("Noted: %(student)s did not need anybody.") % names


def _not_found(matter: _Action, act: Act) -> str:
    """A concern ends: there is nobody to visit. A request stays open, since who asked still waits: unclaimed, at the
    end of the queue, with the time somebody looked."""
    if matter.ticket:
        _release_claim(matter)
        _note(matter, outcome=Outcome.NOT_FOUND)
        names = {"student": matter.called}
        return gettext("Noted: %(student)s was not found. The request stays at the end of the queue.") % names
    _end(matter, act)
    return gettext("Noted: %(student)s was not found.") % {"student": matter.called}


def _release_claim(matter: _Action) -> None:
    help_claims.release(matter.student.pk, scope=matter.classroom.scope)
    _open(matter).update(claimed_by=None, claimed_at=None)


def _note(matter: _Action, *, outcome: Outcome | None = None, snoozed_until: datetime | None = None) -> None:
    """Something about the request that its own row has no place for; over as soon as it is written."""
    assert matter.ticket is not None
    AttentionCase.objects.create(
        student=matter.student,
        class_ref=matter.classroom.class_ref,
        code="help",
        evidence={"ticket": matter.ticket.pk},
        opened_at=matter.ticket.asked_at,
        snoozed_until=snoozed_until,
        ended_at=matter.now,
        ended_by=matter.by,
        outcome=outcome,
    )


def _open(matter: _Action) -> QuerySet[AttentionCase]:
    return AttentionCase.objects.filter(cases_in(matter.classroom.scope), student=matter.student, ended_at=None)


def _announce(classroom: Classroom, student: Student, action: AttentionAction, by: Instructor) -> None:
    """To those who see the room; what was done in the room of everybody is seen in all classes of the student."""
    classes = [classroom.class_ref.pk] if classroom.class_ref else student.classes.values_list("pk", flat=True)
    frame = messages.attention_update(
        student_id=student.pk, email=student.email, action=action, instructor_id=by.pk, instructor_name=by.name
    )
    told = [groups.ALL_STUDENTS, *(groups.class_group(class_id) for class_id in classes)]
    notify(lambda: broadcast.publish({}, [(group, frame) for group in told], outside=[]))


def sync_cases(classroom: Classroom, situation: AttentionState, *, now: datetime) -> None:
    """Bring the room's open cases up to what is shown. No statement where nothing changed, else one or two."""
    if now - situation.as_of > timedelta(0):
        return  # somebody else's request has gathered this, and kept the record
    class_id = classroom.class_ref.pk if classroom.class_ref else None
    ours = [case for case in situation.open_cases if case.class_ref_id == class_id]
    held = {case.student_id for case in ours}
    new = [c for c in shown_alerts(situation, now) if c.code != "help" and c.student_id not in held]
    if new:
        cases = [open_case(classroom, concern, now=now) for concern in new]
        AttentionCase.objects.bulk_create(cases, ignore_conflicts=True)  # another process may have been faster
    stuck = {concern.student_id for concern in situation.concerns}
    recovered = [case.pk for case in ours if case.student_id not in stuck and not _is_claimed(case, now)]
    if recovered:
        open_still = AttentionCase.objects.filter(pk__in=recovered, ended_at=None)
        open_still.update(ended_at=now, outcome=AttentionCase.Outcome.RECOVERED)


def open_case(classroom: Classroom, concern: Alert, *, now: datetime) -> AttentionCase:
    return AttentionCase(
        student_id=concern.student_id,
        class_ref=classroom.class_ref,
        code=concern.code,
        evidence=concern.evidence,
        opened_at=now,
    )


def _is_claimed(case: AttentionCase, now: datetime) -> bool:
    return case.claimed_at is not None and now - case.claimed_at <= help_claims.CLAIM_LASTS


_ACTS = {
    "claim": _claim,
    "release": _release,
    "snooze-5": _snooze,
    "snooze-10": _snooze,
    "dismiss": _end,
    "resolve": _end,
    "not_found": _not_found,
}
