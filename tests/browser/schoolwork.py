"""What a class has beside its lesson: assignments with hand-ins of every state, a map, environments, notes, answers."""

from datetime import datetime, timedelta
from typing import Any

from classroom.attention.models import AttentionCase
from classroom.students.models import StudentNote
from events.models import CellExecution, HelpRequest
from instructors.models import Instructor
from lms.class_codes import make_code
from lms.maps import Point, place_teams, replace_map
from lms.models import (
    AssignmentStarter,
    AssignmentSubmission,
    Class,
    ClassAssignment,
    DueDateExtension,
    EnvironmentSnapshot,
    Notebook,
    RubricItem,
    SavedComment,
    Student,
    Team,
)
from lms.rooms import make_room
from lms.seat_grid import Grid
from lms.seating import assign
from lms.student_tokens import Claim, claim

GREEN = "\x1b[32mok\x1b[39m\n"


def notebook_of(*sources: str) -> dict[str, Any]:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "id": "intro", "metadata": {}, "source": "# 演習 1\n\n表と式"}
    ]
    for number, source in enumerate(sources):
        output = {"output_type": "stream", "name": "stdout", "text": GREEN}
        cells.append(
            {"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": source, "execution_count": number + 1,
             "outputs": [output]}
        )  # fmt: skip
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "python"}}, "cells": cells}


def hand_in(lesson: Class, notebook: Notebook, students: list[Student], now: datetime) -> dict[str, int]:
    """One assignment that is due, with one hand-in ungraded, one late, one graded, one returned; one without any."""
    due = now - timedelta(hours=3)
    work = ClassAssignment.objects.create(
        class_ref=lesson,
        notebook=notebook,
        title="演習 1: Loops",
        description="Sum the prices.",
        due_date=due,
        points=10,
    )
    ClassAssignment.objects.create(
        class_ref=lesson, notebook=notebook, title="Project", due_date=now + timedelta(days=9)
    )
    AssignmentStarter.objects.create(
        assignment=work, content=notebook_of("total = 0\nfor price in prices:\n    pass"), content_sha256="0" * 64
    )
    items = [
        RubricItem.objects.create(assignment=work, position=at, text=text, points=points)
        for at, (text, points) in enumerate((("It runs", 6.0), ("名前がわかりやすい", 4.0), ("Copied", -2.0)))
    ]
    SavedComment.objects.create(assignment=work, text="Name your variables.")
    DueDateExtension.objects.create(assignment=work, student=students[-1], due_date=now + timedelta(days=2))
    states: list[dict[str, Any]] = [
        {"submitted_at": due - timedelta(hours=2)},
        {"submitted_at": due + timedelta(hours=1), "submission_comment": "Sorry, the train was late."},
        {
            "submitted_at": due - timedelta(hours=5),
            "status": "graded",
            "grade": 7.5,
            "feedback": "Good.",
            "ticked_items": [items[0].pk],
        },
        {"submitted_at": due - timedelta(hours=6), "status": "returned", "grade": 10},
    ]
    content = notebook_of("total = 0\nfor price in prices:\n    total += price", "print(total)")
    made = [
        AssignmentSubmission.objects.create(
            assignment=work, student=student, notebook_content=content, content_sha256="1" * 64, **state
        )
        for student, state in zip(students, states, strict=False)
    ]
    return {"assignment_id": work.pk, "submission_id": made[0].pk}


def furnish(lesson: Class, teams: list[Team], now: datetime) -> None:
    hung = replace_map(class_id=lesson.pk, picture=None, uploaded_by="teacher", now=now)
    place_teams(hung, {teams[0].team_name: Point(30, 40)}, by="teacher", now=now)


def seat(lesson: Class, students: list[Student], now: datetime) -> int:
    """Most of the class in a room with an aisle, and return its id; a second room, in which nobody sits."""
    room = make_room(lesson.pk, name="PC 教室 2", seats=Grid(rows=3, columns=6, aisles=[3]).seats(), now=now)
    assign(
        room, dict(zip(room.seats.values_list("pk", flat=True), [s.pk for s in students[:-2]], strict=False)), now=now
    )
    make_room(lesson.pk, name="Hall", seats=Grid(rows=2, columns=2).seats(), now=now)
    return room.pk


def report_environments(lesson: Class, students: list[Student]) -> None:
    for number, student in enumerate(students):
        versions = {"numpy": "2.1.3" if number else "1.26.4", "pandas": "2.2.3"}
        EnvironmentSnapshot.objects.create(
            source="client",
            student=student,
            class_ref=lesson,
            versions=versions,
            python_env={"python_version": "3.11.9"},
        )


def remember(account: Instructor, lesson: Class, students: list[Student], now: datetime) -> None:
    """A note, an answered request, and somebody on the way."""
    StudentNote.objects.create(student=students[2], class_ref=lesson, author=account, text="Likes examples with food.")
    ago = now - timedelta(minutes=50)
    HelpRequest.objects.create(
        student=students[2], class_id=lesson.pk, asked_at=ago, last_asked_at=ago, last_heard_at=ago, claimed_by=account,
        claimed_at=ago + timedelta(minutes=2), ended_at=ago + timedelta(minutes=6), ending="resolved", ended_by=account,
    )  # fmt: skip
    AttentionCase.objects.create(
        student=students[4], class_ref=lesson, code="silent", opened_at=now, claimed_by=account, claimed_at=now
    )


def join(account: Instructor, lesson: Class, students: list[Student], now: datetime) -> None:
    """A class code, a student with a device and one that waits, and what came from the first."""
    make_code(lesson, by=account, now=now)
    for device in ("laptop", "tablet"):
        claim(lesson.pk, Claim(email=students[2].email, device=device, client="cell-monitor-lab/0.1.0"), now=now)
    CellExecution.objects.filter(student=students[2], class_id=lesson.pk).update(is_verified=True)
    HelpRequest.objects.filter(student=students[2], class_id=lesson.pk).update(is_verified=True)
