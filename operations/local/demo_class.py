"""The data of the demo class besides its lesson: a class list with student numbers, a room, assignments in three
states."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from django.utils import timezone

from events.simulation.lesson import notebook
from events.simulation.students import email_of
from lms import rooms, seating
from lms.api.notebook_content import receipt
from lms.enrolment import ListedStudent, enrol_listed
from lms.models import AssignmentSubmission, Class, ClassAssignment, Notebook, Student
from lms.seat_grid import Grid
from lms.submissions import GRADED, SUBMITTED
from operations.local.launch import DEMO_STUDENTS

POINTS = 10
TITLES = ("演習 1 / Exercise 1", "演習 2 / Exercise 2", "プロジェクト / Project")
FEEDBACK = ("よくできました。 Well done.", "range の終わりに注意。 Mind the end of range.", "")


def fill_class(demo: Class, *, now: datetime) -> None:
    """Give the class its list, a room with a seat for everybody, and assignments, unless it has some already.

    The simulated students say their names with their first events.
    """
    listed = [
        ListedStudent(email=email_of(number), student_number=f"26-{number:04d}")
        for number in range(1, DEMO_STUDENTS + 1)
    ]
    if not demo.enrolments.exists():
        enrol_listed(demo.pk, listed, now=now)
    students = list(Student.objects.filter(enrolments__class_ref=demo).order_by("email"))
    if not rooms.rooms_of(demo.pk).exists():
        _add_room(demo, students, now=now)
    if not demo.assignments.exists():
        _add_assignments(demo, students, now=now)


def _add_room(demo: Class, students: list[Student], *, now: datetime) -> None:
    room = rooms.make_room(demo.pk, name="PC-201", seats=Grid(rows=5, columns=8, aisles=[4]).seats(), now=now)
    seating.fill(room, [student.pk for student in students], keep=True, now=now)


def _add_assignments(demo: Class, students: list[Student], *, now: datetime) -> None:
    """Add an assignment that is graded, one that is due tomorrow, and one that is far off."""
    midnight = timezone.localtime(now).replace(hour=23, minute=59, second=0, microsecond=0)
    chance = Random(1)  # noqa: S311
    for number, (title, days, points, weight) in enumerate(
        [(TITLES[0], -6, POINTS, 1), (TITLES[1], 1, POINTS, 1), (TITLES[2], 15, 3 * POINTS, 2)], start=1
    ):
        path = notebook(language="ja", number=number).path
        book, _ = Notebook.objects.get_or_create(path=path, defaults={"name": path.rpartition("/")[2]})
        assignment = ClassAssignment.objects.create(
            class_ref=demo,
            notebook=book,
            title=title,
            due_date=midnight + timedelta(days=days),
            points=points,
            weight=weight,
        )
        if days < 2:
            _hand_in(assignment, students, number=number, is_over=days < 0, now=now, chance=chance)


def _hand_in(
    assignment: ClassAssignment, students: list[Student], *, number: int, is_over: bool, now: datetime, chance: Random
) -> None:
    """Store hand-ins: of nearly everybody, graded, where the due date is over, else of half of them, some graded."""
    content = _content(number)
    due: datetime = assignment.due_date
    rows = []
    for student in students:
        if chance.random() > (0.92 if is_over else 0.5):
            continue
        hours = chance.uniform(-60, 3) if is_over else chance.uniform(-20, 0)
        graded = is_over or chance.random() < 0.3
        rows.append(
            AssignmentSubmission(
                assignment=assignment,
                student=student,
                notebook_content=content,
                content_sha256=receipt(content),
                submitted_at=(due if is_over else now) + timedelta(hours=hours),
                status=GRADED if graded else SUBMITTED,
                grade=min(POINTS, round(chance.gauss(7.5, 1.8) * 2) / 2) if graded else None,
                feedback=chance.choice(FEEDBACK) or None if graded else None,
            )
        )
    AssignmentSubmission.objects.bulk_create(rows)


def _content(number: int) -> dict[str, Any]:
    """Return the notebook of the simulated lesson, worked through."""
    cells: list[dict[str, Any]] = []
    for cell in notebook(language="ja", number=number).cells:
        common = {"id": cell.cell_id, "metadata": {}, "source": cell.code}
        if cell.kind == "markdown":
            cells.append({"cell_type": "markdown", **common})
            continue
        result = {"output_type": "execute_result", "execution_count": cell.index + 1, "metadata": {}}
        outputs = [{**result, "data": {"text/plain": cell.result}}] if cell.result else []
        cells.append({"cell_type": "code", **common, "execution_count": cell.index + 1, "outputs": outputs})
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "python"}}, "cells": cells}
