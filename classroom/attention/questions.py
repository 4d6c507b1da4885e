"""Ask “Are you stuck?” where the list is unsure: students without a help request, a claim, a snooze or an answer."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import cast

from django.db.models import QuerySet

from classroom.attention.selectors import attention_state, due_alerts
from classroom.base.classrooms import Classroom
from classroom.questions.rules import is_worth_asking
from classroom.questions.services import ask
from lms.access import students_seen_through
from lms.models import Class, Student


def ask_uncertain_students(listening: Mapping[int, Collection[int]], *, now: datetime) -> list[int]:
    """Ask students whose JupyterLab listens now: `listening` has their ids by class. Return the ids of those asked.

    One query, and for each of these classes that asks the queries of `attention_state` and `ask`.
    """
    asked: list[int] = []
    for class_ref in Class.objects.filter(pk__in=list(listening), is_active=True, asks_if_stuck=True):
        students = cast("QuerySet[Student]", students_seen_through([class_ref.pk]))
        state = attention_state(Classroom(class_ref, students, may_teach=False), now=now)
        chances = {
            alert.student_id: alert.probability
            for alert in due_alerts(state, now)
            if alert.student_id in listening[class_ref.pk] and alert.probability is not None
        }
        unsure = {pk: chance for pk, chance in chances.items() if is_worth_asking(chance)}
        asked += ask(class_ref.pk, unsure, now=now)
    return asked
