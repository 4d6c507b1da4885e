"""A class in which every state is to be seen at once: asking, stuck, failing, active, idle, names of all kinds.

Runs inside `manage.py shell` of a running copy, whose database is not the tests' own; prints its ids as JSON.
"""

import json
import sys
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from classroom.base.classrooms import classroom_of_class
from classroom.errors.clusters import clusters_of
from events.models import CellExecution, CellProgress, ClientHealth, HelpRequest
from instructors.models import Instructor
from lms.models import Cell, Class, Notebook, Session, Student, StudentActivity, StudentClass, Team
from tests.activity import STATE
from tests.browser import schoolwork

HOSTILE = "<script>alert('x')</script> ‮evil" + " Wolfeschlegelsteinhausenbergerdorff" * 3
STATES: dict[str, dict[str, Any]] = {
    "山田 花子": {"is_requesting_help": True, "help": 4},
    "Nguyễn Thị Minh Khai": {"is_requesting_help": True, "help": 9},
    "佐藤 太郎": {"stuck": 5},
    HOSTILE: {"stuck": 3},
    "鈴木 次郎": {"last_run_failed": True},
    "Ann O'Brien": {},
    "高橋 美咲": {},
    "田中 健": {"quiet": 25},
    "Zoë": {"quiet": 400},
}


def fill(teacher: str) -> dict[str, int | str]:
    now = timezone.now()
    account = Instructor.objects.get(email=teacher)
    lesson = Class.objects.create(class_code="PY-101", name="Python 入門 / Intro to Python", instructor=account)
    Class.objects.create(class_code="OLD-1", name="線形代数", instructor=account, is_active=False)
    notebook = Notebook.objects.create(path="lesson/第1回/演習01.ipynb", name="演習01.ipynb")
    cells = [
        Cell.objects.create(notebook=notebook, cell_id=f"cell-{number}", position=number, content="print(1)")
        for number in range(8)
    ]
    teams = [Team.objects.create(team_name=name) for name in ("チーム A", "A-2 / 後列")]
    students = [
        _student(number, name, dict(state), lesson=lesson, cells=cells, team=teams[number % 2], now=now)
        for number, (name, state) in enumerate(STATES.items())
    ]
    work = schoolwork.hand_in(lesson, notebook, students[2:7], now)
    schoolwork.furnish(lesson, teams, now)
    room_id = schoolwork.seat(lesson, students, now)
    schoolwork.report_environments(lesson, students)
    schoolwork.remember(account, lesson, students, now)
    schoolwork.join(account, lesson, students, now)
    [cluster, *_] = clusters_of(classroom_of_class(user=account, class_id=lesson.pk), viewer=account, now=now)
    return {
        "class_id": lesson.pk,
        "student_id": students[2].pk,
        "notebook_id": notebook.pk,
        "cell_id": cells[-1].pk,
        "cluster": cluster.key,
        "room_id": room_id,
        **work,
    }


def _student(
    number: int, name: str, state: dict[str, Any], *, lesson: Class, cells: list[Cell], team: Team, now: datetime
) -> Student:
    waiting, stuck = state.pop("help", None), state.pop("stuck", 0)
    active = now - timedelta(minutes=state.pop("quiet", 0))
    notebook = cells[0].notebook
    asked_at = now - timedelta(minutes=waiting) if waiting else None
    student = Student.objects.create(
        email=f"student{number}@example.com", name=name, team=team if number else None, current_notebook=notebook,
        last_activity_at=active, last_run_at=active, execution_count=12 + number, error_count=2 + stuck,
        help_requested_at=asked_at, last_help_at=asked_at, **state,
    )  # fmt: skip
    StudentClass.objects.create(student=student, class_ref=lesson, name=name, team=student.team)
    StudentActivity.objects.create(
        student=student, class_id=lesson.pk, **{each: getattr(student, each) for each in STATE}
    )
    if asked_at:
        HelpRequest.objects.create(
            student=student, class_id=lesson.pk, asked_at=asked_at, last_asked_at=now, last_heard_at=now
        )
    session = Session.objects.create(student=student, class_id=lesson.pk, session_id="s", last_event_at=active)
    places = {"student": student, "class_id": lesson.pk, "notebook": notebook, "session": session}
    for step, cell in enumerate(cells[: number + 1]):
        CellExecution.objects.create(cell=cell, status="success", code_content="print(1)", output="1", **places)
        CellProgress.objects.create(
            student=student,
            class_id=lesson.pk,
            notebook=notebook,
            cell=cell,
            run_count=1,
            last_status="success",
            last_run_at=active,
        )
        if step == 2 and stuck:
            break
    if stuck:
        _failures(stuck, cell=cells[-1], places=places, at=active)
    return student


def _failures(count: int, *, cell: Cell, places: dict[str, Any], at: datetime) -> None:
    for number in range(count):
        CellExecution.objects.create(
            cell=cell, status="error", executed_at=at - timedelta(minutes=count - number), duration=0.2,
            code_content=f"total = price * {number}\nprint(total)",
            error_message="\x1b[31mNameError\x1b[39m: name 'price' is not defined",
            consecutive_error_count=number + 1, is_significant_error=number > 1, **places,
        )  # fmt: skip
    ClientHealth.objects.create(
        student=places["student"], class_id=places["class_id"], version="lab/0.1", waiting=214, dropped=3,
        clock_offset_ms=-2_820_000.0, reported_at=timezone.now(),
    )  # fmt: skip
    CellProgress.objects.create(
        student=places["student"], class_id=places["class_id"], notebook=cell.notebook, cell=cell, run_count=count,
        error_count=count,
        last_status="error", last_run_at=at, last_error_at=at, consecutive_error_count=count, is_significant_error=True,
    )  # fmt: skip


def main(teacher: str) -> None:
    sys.stdout.write(json.dumps(fill(teacher)))
