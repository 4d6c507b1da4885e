"""Somebody deletes, over a second connection, what a form is about while it is saved: before each statement in turn.

Whoever sent the form is told so, on a page that has a number below 500, and nothing that was deleted is there again.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection
from django.db.models import Model

from lms import rooms, seating
from lms.grading import version_token
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassAssignment,
    ClassStaff,
    Notebook,
    Room,
    RubricItem,
    Seat,
    Student,
    StudentClass,
)
from lms.seat_grid import Grid
from tests.lms.notebooks.pictures import picture

pytestmark = pytest.mark.django_db(transaction=True)
MOST = 25  # moments: a merge has 85 statements, the last sixty of them on rows that it has locked
NOW = datetime(2026, 4, 10, 9, tzinfo=UTC)


@dataclass
class Meanwhile:
    """Deletes a row before statement number `moment`, as another person: over a connection of its own."""

    row: Model
    moment: int
    statements: int = 0
    is_deleted: bool = field(default=False, init=False)

    def __call__(self, execute, sql, params, many, context):
        self.statements += 1
        if self.statements == self.moment:
            other = threading.Thread(target=self._delete)
            other.start()
            other.join()
        return execute(sql, params, many, context)

    def _delete(self) -> None:
        try:
            with suppress(DatabaseError):  # whoever saves has locked it: nobody can delete it now
                with connection.cursor() as cursor:
                    cursor.execute("SET lock_timeout = '20ms'")
                if not isinstance(self.row, AssignmentSubmission):
                    AssignmentSubmission.objects.all().delete()  # which protect what they belong to
                type(self.row).objects.filter(pk=self.row.pk).delete()
                self.is_deleted = True
        finally:
            connection.close()


@dataclass
class World:
    """What a form may be about, made anew for each moment."""

    class_ref: Class
    number: int

    def __post_init__(self) -> None:
        self.notebook = Notebook.objects.create(path=f"week{self.number}.ipynb", name="week.ipynb")
        self.student = Student.objects.create(email=f"s{self.number}@example.com", name="Aoi")
        self.other = Student.objects.create(email=f"o{self.number}@example.com", name="Ren")
        for student in (self.student, self.other):
            StudentClass.objects.create(student=student, class_ref=self.class_ref)
        self.assignment = ClassAssignment.objects.create(
            class_ref=self.class_ref, notebook=self.notebook, title="Loops", due_date=NOW
        )
        self.item = RubricItem.objects.create(assignment=self.assignment, text="Works", points=2, position=0)
        self.work = AssignmentSubmission.objects.create(assignment=self.assignment, student=self.other)
        Room.objects.all().delete()  # a class has only so many
        self.room = rooms.make_room(
            self.class_ref.pk, name=f"Room {self.number}", seats=Grid(rows=1, columns=2).seats(), now=NOW
        )
        self.seat = Seat.objects.filter(room=self.room).order_by("label_key")[0]
        seating.assign(self.room, {self.seat.pk: self.student.pk}, now=NOW)


def room(rest: str = "", **fields: object) -> Callable[[World], tuple[str, dict]]:
    return lambda world: (f"room/rooms/{world.room.pk}/{rest}", fields)


def place(world: World):
    return f"room/rooms/{world.room.pk}/people/", {"act": "place", "student": world.other.pk, "seat": world.seat.pk}


def move_seat(world: World):
    fields = {f"label-{world.seat.pk}": "Z9", f"x-{world.seat.pk}": "10", f"y-{world.seat.pk}": "10"}
    return f"room/rooms/{world.room.pk}/seats/", fields


def copy_room(world: World):
    return f"room/rooms/{world.room.pk}/copy/", {"to": world.class_ref.pk, "copy_name": f"Copy {world.number}"}


def hang_picture(world: World):
    from django.core.files.uploadedfile import SimpleUploadedFile

    return f"room/rooms/{world.room.pk}/picture/", {"picture": SimpleUploadedFile("a.png", picture("PNG"))}


def grade(world: World):
    seen = version_token(AssignmentSubmission.objects.get(pk=world.work.pk))
    fields = {"grade": "2", "feedback": "Good", "seen": seen, "rubric": [world.item.pk], "keep": "assignment"}
    return f"submissions/{world.work.pk}/", {**fields, "then": "return"}


def edit(world: World):
    return f"assignments/{world.assignment.pk}/edit/", {"title": "New", "notebook": world.notebook.path}


def rubric(world: World):
    items = {"item-0-number": world.item.pk, "item-0-text": "Works well", "item-0-points": "3"}
    counts = {"item-TOTAL_FORMS": 2, "item-INITIAL_FORMS": 1}
    return f"assignments/{world.assignment.pk}/rubric/", {**counts, **items, "item-1-text": "Fast", "item-1-points": 1}


def extend(world: World):
    fields = {"due_date": (NOW + timedelta(days=2)).strftime("%Y-%m-%dT%H:%M"), "reason": "ill"}
    return f"assignments/{world.assignment.pk}/extensions/{world.student.pk}/", fields


def copy_assignment(world: World):
    return f"assignments/{world.assignment.pk}/copy/", {"to": world.class_ref.pk, "days": "7"}


def comment(world: World):
    return f"assignments/{world.assignment.pk}/comments/", {"text": f"Good {world.number}"}


def note(world: World):
    return f"students/{world.student.pk}/notes/", {"text": "Asks well"}


def claim(world: World):
    return f"attention/{world.student.pk}/", {"act": "claim"}


def correct(world: World):
    fields = {"email": f"new{world.number}@example.com", "keep_old": "1", "step": "correct"}
    return f"setup/students/{world.student.pk}/address/", fields


def merge(world: World):
    fields = {"student": [world.student.pk, world.other.pk], "keep": world.student.pk, "keep_old": "1", "step": "merge"}
    return "setup/students/merge/", fields


def take_out(world: World):
    return f"setup/students/{world.student.pk}/remove/", {}


def code(world: World):
    return "setup/privacy/code/", {"student": world.student.pk}


CASES = {
    "rename a room": (room(name="Hall"), "room"),
    "lay out a room": (room("lay-out/", rows="1", columns="3", confirmed="0"), "room"),
    "add a seat": (room("seats/add/", label="C1", x="", y=""), "room"),
    "move a seat": (move_seat, "room"),
    "move a seat that goes": (move_seat, "seat"),
    "a picture": (hang_picture, "room"),
    "copy a room": (copy_room, "room"),
    "delete a room": (room("delete/"), "room"),
    "fill a room": (room("people/", act="fill", order="reading"), "room"),
    "fill with one who goes": (room("people/", act="fill", order="reading", anew="1"), "student"),
    "free a room": (room("people/", act="free"), "room"),
    "swap": (room("people/", act="swap", first="A1", second="A2"), "room"),
    "swap with a seat that goes": (room("people/", act="swap", first="A1", second="A2"), "seat"),
    "place": (place, "room"),
    "place on a seat that goes": (place, "seat"),
    "place one who goes": (place, "other"),
    "grade": (grade, "work"),
    "grade by a line that goes": (grade, "item"),
    "edit an assignment": (edit, "assignment"),
    "a rubric": (rubric, "assignment"),
    "a line of a rubric": (rubric, "item"),
    "extend": (extend, "assignment"),
    "extend for one who goes": (extend, "student"),
    "copy an assignment": (copy_assignment, "assignment"),
    "comment": (comment, "assignment"),
    "note": (note, "student"),
    "on the way": (claim, "student"),
    "correct an address": (correct, "student"),
    "merge": (merge, "other"),
    "take out": (take_out, "student"),
    "a code": (code, "student"),
}


@pytest.mark.parametrize(("form", "what"), CASES.values(), ids=CASES)
def test_it_is_said_and_nothing_comes_back(form, what, signed_in, hanako, python_class, redis, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    client = signed_in(hanako)
    ClassStaff.objects.get_or_create(class_ref=python_class, instructor=hanako, role="instructor")
    answers, moment, more = [], 0, True
    while more:
        moment += 1
        world = World(python_class, moment)
        path, fields = form(world)
        meanwhile = Meanwhile(getattr(world, what), moment)
        with connection.execute_wrapper(meanwhile):
            answer = client.post(f"/classes/{python_class.pk}/{path}", fields)
        answers.append(answer.status_code)
        more = meanwhile.statements >= moment and moment < MOST
        assert answer.status_code < 500
        if meanwhile.is_deleted:
            assert not type(meanwhile.row).objects.filter(pk=meanwhile.row.pk).exists(), f"came back at {moment}"
    assert moment > 4
    assert answers[-1] in (200, 302)  # undisturbed it is saved
