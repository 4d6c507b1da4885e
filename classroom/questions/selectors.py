"""The question that a student sees, who said that they are fine, and whether a student may be asked."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from classroom.questions.models import StuckQuestion
from classroom.questions.rules import FINE_FOR, OPEN_FOR
from lms.credential_holders import StudentTokenHolder
from lms.models import StudentClass
from realtime.messages import timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenQuestion:
    id: int
    asked_at: str
    until: str

    @property
    def data(self) -> dict[str, int | str]:
        return {"id": self.id, "asked_at": self.asked_at, "until": self.until}


def open_question(holder: StudentTokenHolder, *, now: datetime) -> OpenQuestion | None:
    """Return the question that the student of the token has not answered yet. One query."""
    asked = StuckQuestion.objects.filter(student=holder.student_id, asked_at__gt=now - OPEN_FOR)
    row = asked.filter(class_ref=holder.class_id, answer=None).order_by("-asked_at").first()
    if row is None:
        return None
    return OpenQuestion(id=row.pk, asked_at=timestamp(row.asked_at), until=timestamp(row.asked_at + OPEN_FOR))


def who_is_fine(class_ids: Collection[int] | None, *, now: datetime) -> dict[int, datetime]:
    """Return when students said lately that they are fine, in these classes or in any, by student id. One query."""
    said = StuckQuestion.objects.filter(answer=StuckQuestion.Answer.FINE, answered_at__gt=now - FINE_FOR)
    if class_ids is not None:
        said = said.filter(class_ref__in=class_ids)
    rows = said.order_by("answered_at").values_list("student_id", "answered_at")
    return {student_id: at for student_id, at in rows if at is not None}


def switches_of(holder: StudentTokenHolder) -> dict[str, bool]:
    """Return whether the class asks, and whether this student may be asked. One query."""
    enrolment = StudentClass.objects.filter(student=holder.student_id, class_ref=holder.class_id)
    is_on, may_be_asked = enrolment.values_list("class_ref__asks_if_stuck", "may_be_asked").first() or (False, True)
    return {"is_on": is_on, "may_be_asked": may_be_asked}
