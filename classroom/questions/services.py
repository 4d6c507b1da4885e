"""Ask students whether they are stuck, and store what they answer."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from classroom.questions.models import StuckQuestion
from classroom.questions.rules import AFTER_HELP, ASK_AGAIN
from events.models import HelpRequest
from lms.access import Scope
from lms.credential_holders import StudentTokenHolder
from lms.models import Student, StudentClass
from realtime import broadcast
from realtime.broadcast import best_effort


class AnsweredBefore(Exception):
    """The question has another answer."""


def ask(class_id: int, chances: Mapping[int, float], *, now: datetime) -> list[int]:
    """Ask those of these students of a class who may be asked now; `chances` has their probabilities of being stuck.

    Return the ids of those asked. Locks their rows, so that two processes do not ask both; who is locked by others is
    left for the next time. Four statements, none without students.
    """
    if not chances:
        return []
    with transaction.atomic():
        of_class = StudentClass.objects.filter(class_ref=class_id, may_be_asked=True).values("student")
        here = Student.objects.filter(pk__in=list(chances)).filter(pk__in=of_class)
        locked = here.order_by("pk").select_for_update(no_key=True, skip_locked=True)
        found = list(locked.values_list("pk", flat=True))
        # Read after the lock: another process may have asked a moment ago.
        asked = StuckQuestion.objects.filter(student__in=found, asked_at__gt=now - ASK_AGAIN)
        lately = now - AFTER_HELP
        helped = HelpRequest.objects.filter(Scope.of([class_id]).q(), student__in=found).filter(
            Q(ended_at=None) | Q(ended_at__gt=lately) | Q(asked_at__gt=lately)
        )
        left_alone = {*asked.values_list("student", flat=True), *helped.values_list("student", flat=True)}
        chosen = [pk for pk in found if pk not in left_alone]
        StuckQuestion.objects.bulk_create(
            StuckQuestion(student_id=pk, class_ref_id=class_id, asked_at=now, probability=chances[pk]) for pk in chosen
        )
    return chosen


def answer(question_id: int, holder: StudentTokenHolder, *, answer: str, now: datetime) -> StuckQuestion:
    """Store the student's answer, however late; `never` switches questions off for them in this class. The same answer
    again changes nothing. Locks the row. Raises StuckQuestion.DoesNotExist, AnsweredBefore."""
    with transaction.atomic():
        theirs = StuckQuestion.objects.filter(student=holder.student_id, class_ref=holder.class_id)
        question = theirs.select_for_update(no_key=True).get(pk=question_id)
        if question.answer == answer:
            return question
        if question.answer is not None:
            raise AnsweredBefore
        question.answer, question.answered_at = answer, now
        question.save(update_fields=["answer", "answered_at"])
        if answer == StuckQuestion.Answer.NEVER:
            switch(holder, may_be_asked=False)
    best_effort(lambda: broadcast.wake_inboxes([holder.student_id]))  # other devices show it no longer
    return question


def switch(holder: StudentTokenHolder, *, may_be_asked: bool) -> None:
    """Store whether the student of the token may be asked in this class."""
    theirs = StudentClass.objects.filter(student=holder.student_id, class_ref=holder.class_id)
    theirs.update(may_be_asked=may_be_asked)
