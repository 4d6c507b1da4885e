"""Students moved to another class of the teacher: who they are moves, what they did stays."""

from datetime import UTC, datetime

import pytest

from instructors.models import AuditLog
from lms import rooms, seating
from lms.models import AssignmentSubmission, Class, ClassAssignment, ClassStaff, StudentClass, StudentToken
from lms.seat_grid import Grid


@pytest.fixture
def at(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/students/move/"


@pytest.fixture
def other(hanako) -> Class:
    return Class.objects.create(class_code="PY-B", name="Python B", instructor=hanako)


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


def members(class_ref):
    return sorted(StudentClass.objects.filter(class_ref=class_ref).values_list("student__email", flat=True))


def token_of(student, class_ref):
    return StudentToken.objects.create(
        student=student, class_ref=class_ref, token_hash=f"h{student.pk}", hint="x", check_number="11",
        confirmed_at=datetime.now(UTC),
    )  # fmt: skip


def test_what_moves_and_what_stays_is_said_first(client, at, python_class, other, aoi, ren, notebook):
    loops = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops")
    AssignmentSubmission.objects.create(assignment=loops, student=aoi, grade=7)
    token_of(aoi, python_class)
    page = client.post(at, {"student": [aoi.pk]}).content.decode()
    assert "What stays in Python" in page
    assert "Move 1 student" in page
    row = page.partition('<th scope="row">Aoi')[2].partition("</tr>")[0]
    assert [cell.partition("<")[0] for cell in row.split("<td")[1:]] == [
        ' class="number">0', ' class="number">1', ' class="number">1', ' class="number">1', ">+ added",
    ]  # fmt: skip
    assert members(other) == []
    assert not AuditLog.objects.exists()


def test_they_are_moved_with_who_they_are(client, at, python_class, other, aoi, ren, notebook):
    loops = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops")
    work = AssignmentSubmission.objects.create(assignment=loops, student=aoi, grade=7)
    token = token_of(aoi, python_class)
    row = StudentClass.objects.get(student=aoi)
    row.student_number, row.reading = "7", "あおい"
    row.save()
    answer = client.post(at, {"student": [aoi.pk, ren.pk], "target": other.pk, "step": "move"}, follow=True)
    assert "Moved to Python B: 2" in answer.content.decode()
    assert members(python_class) == []
    assert members(other) == ["aoi@example.com", "ren@example.com"]
    new = StudentClass.objects.get(student=aoi)
    assert (new.name, new.student_number, new.reading, new.reading_key) == ("Aoi", "7", "あおい", row.reading_key)
    token.refresh_from_db()
    assert token.revoked_at is not None
    assert AssignmentSubmission.objects.get(assignment__class_ref=python_class) == work
    assert sorted(AuditLog.objects.values_list("action", "target_id")) == [
        ("students_move_in", str(other.pk)), ("students_move_out", str(python_class.pk)),
    ]  # fmt: skip


def test_who_is_there_already_keeps_what_that_class_knows(client, at, python_class, other, aoi):
    StudentClass.objects.create(student=aoi, class_ref=other, name="A. Aoki")
    StudentClass.objects.filter(student=aoi, class_ref=python_class).update(student_number="7")
    client.post(at, {"student": [aoi.pk], "target": other.pk, "step": "move"})
    row = StudentClass.objects.get(student=aoi)
    assert (row.class_ref, row.name, row.student_number) == (other, "A. Aoki", "7")


def test_the_seat_is_free_afterwards(client, at, python_class, other, aoi, ren):
    room = rooms.make_room(python_class.pk, name="Lab", seats=Grid(rows=1, columns=2).seats(), now=datetime.now(UTC))
    seating.fill(room, [aoi.pk, ren.pk], keep=True, now=datetime.now(UTC))
    client.post(at, {"student": [aoi.pk], "target": other.pk, "step": "move"})
    assert list(rooms.seats_of(python_class.pk)) == [ren.pk]
    assert rooms.seats_of(other.pk) == {}


def test_only_to_a_class_that_one_teaches(client, at, python_class, other, hanako, taro, aoi):
    theirs = Class.objects.create(class_code="X", name="Theirs", instructor=taro)
    ClassStaff.objects.create(class_ref=theirs, instructor=hanako, role="assistant")
    page = client.post(at, {"student": [aoi.pk]}).content.decode()
    assert "Theirs" not in page
    for target in (theirs.pk, python_class.pk, 999_999):
        answer = client.post(at, {"student": [aoi.pk], "target": target, "step": "move"})
        assert answer.status_code == 404
    assert members(python_class) == ["aoi@example.com"]


def test_only_students_of_this_class(client, at, other, stranger, aoi):
    page = client.post(at, {"student": [stranger.pk]}).content.decode()
    assert "stranger" not in page
    client.post(at, {"student": [stranger.pk, 10**17], "target": other.pk, "step": "move"})
    assert members(other) == []


def test_nobody_selected_and_no_other_class(client, at, aoi):
    assert "Select at least one student" in client.post(at, follow=True).content.decode()
    assert "You teach no other class" in client.post(at, {"student": [aoi.pk]}).content.decode()


def test_it_costs_the_same_for_many(client, at, other, enrol, django_assert_max_num_queries):
    students = [enrol(f"s{number}@example.com").pk for number in range(20)]
    with django_assert_max_num_queries(11):
        client.post(at, {"student": students, "target": other.pk})
    with django_assert_max_num_queries(19):
        client.post(at, {"student": students, "target": other.pk, "step": "move"})
    assert len(members(other)) == 20


def test_refusals(signed_in, taro, python_class, at, aoi):
    assert signed_in(taro).post(at, {"student": [aoi.pk]}).status_code == 404
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert signed_in(taro).post(at, {"student": [aoi.pk]}).status_code == 403
    assert signed_in(taro).get(at).status_code == 405
