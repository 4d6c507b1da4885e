"""The detector's record: a case is opened when its concern is first shown, and ends when the student gets on."""

from datetime import datetime, timedelta

from classroom.attention.board import AttentionState, shown_alerts
from classroom.attention.models import AttentionCase
from classroom.attention.signals import Alert
from classroom.base.classrooms import Classroom
from events.help_claims import CLAIM_LASTS


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
    return case.claimed_at is not None and now - case.claimed_at <= CLAIM_LASTS
