"""The assignments of a class: counts, who handed in what, filters, the next to grade, the table, setting one up."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from instructors.models import AuditLog
from lms.models import (
    AssignmentStarter,
    AssignmentSubmission,
    Class,
    ClassAssignment,
    Notebook,
    Student,
    StudentClass,
)

DUE = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def loops(python_class, notebook):
    return ClassAssignment.objects.create(
        class_ref=python_class, notebook=notebook, title="Loops", due_date=DUE, points=10
    )


@pytest.fixture
def hand_in(loops):
    def add(student, at=DUE - HOUR, **fields):
        return AssignmentSubmission.objects.create(assignment=loops, student=student, submitted_at=at, **fields)

    return add


@pytest.fixture
def at(python_class, loops):
    return f"/classes/{python_class.pk}/assignments/{loops.pk}/"


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


def figures(counts):
    return (counts.assigned, counts.submitted, counts.late, counts.graded, counts.returned)


def test_what_counts_is_the_newest_hand_in(client, python_class, loops, hand_in, aoi, ren, stranger, at):
    hand_in(aoi, status="graded", grade=5)
    hand_in(aoi, at=DUE + HOUR)  # again, late, not graded yet
    hand_in(ren, status="Returned")
    hand_in(stranger, grade=3)  # no longer of the class
    [(_, counts)] = client.get(f"/classes/{python_class.pk}/assignments/").context["assignments"]
    assert figures(counts) == (3, 3, 1, 2, 1)
    assert figures(client.get(at).context["page"].figures) == (3, 3, 1, 2, 1)


def test_an_assignment_nobody_handed_in(client, python_class, loops, aoi):
    [(_, counts)] = client.get(f"/classes/{python_class.pk}/assignments/").context["assignments"]
    assert figures(counts) == (1, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("show", "expected"), [("", "ABCD"), ("ungraded", "B"), ("late", "C"), ("missing", "D"), ("x", "ABCD")]
)
def test_the_filter_is_in_the_address(client, enrol, hand_in, at, show, expected):
    people = [enrol(f"{name}@example.com", name=name) for name in "DCBA"]
    hand_in(people[3], grade=1)
    hand_in(people[2])
    hand_in(people[1], at=DUE + HOUR, status="returned")
    shown = client.get(f"{at}?show={show}").context["page"].shown
    assert "".join(work.name for work in shown) == expected


def test_it_says_state_lateness_and_grade(client, hand_in, aoi, ren, enrol, at):
    hand_in(aoi, at=DUE + timedelta(days=3), grade=7.5, status="graded")
    hand_in(ren)
    hand_in(ren)
    enrol("yui@example.com", name="Yui")
    html = client.get(at).content.decode()
    for words in ("3 days late", "7.5", "To be graded", "2 times", "Not handed in", "overdue"):
        assert words in html


def test_the_pages_cost_the_same_for_a_whole_class(client, python_class, loops, at, django_assert_max_num_queries):
    students = Student.objects.bulk_create([Student(email=f"s{n}@example.com", name=f"S {n}") for n in range(200)])
    StudentClass.objects.bulk_create(
        [StudentClass(student=each, class_ref=python_class, name=each.name, team=each.team) for each in students]
    )
    big = {"cells": [], "x": "y" * 1000}
    AssignmentSubmission.objects.bulk_create(
        [AssignmentSubmission(assignment=loops, student=each, notebook_content=big) for each in students for _ in "12"]
    )
    for path in (at, f"/classes/{python_class.pk}/assignments/", f"{at}grades.csv"):
        with django_assert_max_num_queries(12):
            assert client.get(path).status_code == 200


# --- The next to grade ----------------------------------------------------------------------------------------------


def test_who_waits_longest_comes_next_and_round_again(client, hand_in, aoi, ren, enrol, at, python_class):
    yui = hand_in(enrol("yui@example.com"), at=DUE)
    first, done = hand_in(aoi, at=DUE - 3 * HOUR), hand_in(ren, at=DUE - 2 * HOUR, grade=1)

    def follows(after=""):
        return client.get(f"{at}next/{after}")["Location"]

    place = f"/classes/{python_class.pk}/submissions"
    assert follows() == f"{place}/{first.pk}/?focus=grade"
    assert follows(f"?after={first.pk}") == f"{place}/{yui.pk}/?focus=grade"
    assert follows(f"?after={yui.pk}") == f"{place}/{first.pk}/?focus=grade"
    assert follows(f"?after={done.pk}") == f"{place}/{yui.pk}/?focus=grade"
    assert follows("?after=abc") == f"{place}/{first.pk}/?focus=grade"


def test_when_all_is_graded_it_says_so(client, hand_in, aoi, at):
    only = hand_in(aoi, grade=1)
    answer = client.get(f"{at}next/?after={only.pk}", follow=True)
    assert "Everything that was handed in is graded." in answer.content.decode()


# --- The table ------------------------------------------------------------------------------------------------------


def test_grades_as_a_table(client, hand_in, aoi, ren, enrol, at):
    enrol("=cmd@example.com", name="=HYPERLINK(1)")
    hand_in(aoi, grade=1)
    hand_in(aoi, grade=7.5, status="graded", feedback="よい", at=DUE)
    answer = client.get(f"{at}grades.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = {row["email"]: row for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))}
    assert rows["aoi@example.com"]["grade"] == "7.5"
    assert rows["aoi@example.com"]["feedback"] == "よい"
    assert rows["ren@example.com"]["status"] == "missing"
    assert rows["'=cmd@example.com"]["name"] == "'=HYPERLINK(1)"
    assert len(rows) == 3
    assert AuditLog.objects.get(action="grades_export").actor_email == "hanako@example.com"


# --- Setting up -----------------------------------------------------------------------------------------------------

NEW = {
    "title": "Sums",
    "notebook": "new/sums.ipynb",
    "due_date": "2026-06-01T09:00",
    "points": "７．５",
    "description": "",
}
STARTER = b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}'


@pytest.fixture
def make(client, python_class):
    return lambda **typed: client.post(f"/classes/{python_class.pk}/assignments/new/", {**NEW, **typed})


def test_a_new_assignment(make, python_class):
    answer = make(starter=SimpleUploadedFile("s.ipynb", STARTER))
    made = ClassAssignment.objects.get()
    assert answer["Location"] == f"/classes/{python_class.pk}/assignments/{made.pk}/"
    assert (made.title, made.points, made.class_ref, made.description) == ("Sums", 7.5, python_class, None)
    assert (made.notebook.path, made.notebook.name) == ("new/sums.ipynb", "sums.ipynb")
    assert made.due_date == datetime(2026, 6, 1, 0, 0, tzinfo=UTC), "what was typed is a time of the classroom"
    assert made.starter.content["cells"] == []
    assert AuditLog.objects.get(action="assignment_create").target_id == str(made.pk)


@pytest.mark.parametrize(
    ("source", "title"),
    [("text\n\n## 第1回  ループ ##\n# Later", "第1回 ループ"), ("#no heading", "loops"), ("# " + "x" * 300, "x" * 255)],
)
def test_title_and_path_are_those_of_the_starter_where_none_are_typed(make, source, title):
    cells = [
        {"cell_type": "code", "source": "# a comment", "metadata": {}, "outputs": [], "execution_count": None},
        {"cell_type": "markdown", "source": source, "metadata": {}},
    ]
    file = json.dumps({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": cells}).encode()
    make(title="", notebook="\u200b", starter=SimpleUploadedFile("loops.ipynb", file))
    made = ClassAssignment.objects.get()
    assert (made.title, made.notebook.path) == (title, "loops.ipynb")


def test_a_bad_starter_gives_no_title(make):
    errors = make(title="", notebook="", starter=SimpleUploadedFile("s.ipynb", b"[]")).context["form"].errors
    assert set(errors) == {"title", "notebook", "starter"}


def test_the_list_leads_to_the_next_to_grade(client, python_class, hand_in, aoi, at):
    page, link = f"/classes/{python_class.pk}/assignments/", f'href="{at}next/"'
    assert link not in client.get(page).content.decode()
    hand_in(aoi)
    assert link in client.get(page).content.decode()


def test_numbers_and_dates_may_be_full_width_and_come_with_what_nobody_sees(make):
    make(points="\ufeff１２．５\u200b", due_date="\u200b２０２６/０６/０１ ０９：００\u00a0")
    made = ClassAssignment.objects.get()
    assert (made.points, made.due_date) == (12.5, datetime(2026, 6, 1, 0, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("title", " ", "Fill this in."),
        ("title", "x" * 256, "too long"),
        ("notebook", "", "Fill this in."),
        ("notebook", "x" * 1025, "too long"),
        ("points", "many", "Type a number"),
        ("points", "nan", "Type a number"),
        ("points", "-1", "less than 0"),
        ("points", "1,234", "Type 1234 or 1.234."),
        ("points", "8²", "Type a number"),
        ("points", "½", "Type a number"),
        ("due_date", "2026-06-0²T09:00", "not a date"),
        ("due_date", "tomorrow", "not a date"),
        ("due_date", "2026-02-30T10:00", "not a date"),
        ("due_date", "0026-12-31T23:59", "Is 26 the right year? Did you mean 2026?"),
        ("due_date", "0001-01-01T00:00", "Is 1 the right year? Did you mean 2001?"),
        ("due_date", "9999-12-31T23:59", "Is 9999 the right year? It must be between 1970 and 2200."),
        ("description", "a\0b", "cannot be stored"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(make, field, typed, words):
    answer = make(**{field: typed})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert words in answer.context["form"].errors[field][0]
    assert 'value="new/sums.ipynb"' in html or field == "notebook"
    assert not ClassAssignment.objects.exists()
    assert not Notebook.objects.exists()


@pytest.mark.parametrize("file", [b"", b"no json", b"[]", b'{"cells": 1}', b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}'])
def test_a_starter_that_is_no_notebook(make, file):
    answer = make(starter=SimpleUploadedFile("s.ipynb", file or b" "))
    assert answer.status_code == 422
    assert "notebook" in answer.context["form"].errors["starter"][0]
    assert not ClassAssignment.objects.exists()


def test_a_starter_that_is_too_large(make, settings):
    settings.SUBMISSION_BYTES_LIMIT = 10
    assert "too large" in make(starter=SimpleUploadedFile("s", STARTER)).context["form"].errors["starter"][0]


def test_an_assignment_is_changed_and_its_starter_taken_back(client, loops, at):
    AssignmentStarter.objects.create(assignment=loops, content={"cells": []}, content_sha256="x")
    assert 'value="Loops"' in client.get(f"{at}edit/").content.decode()
    kept = {**NEW, "title": "Loops 2", "points": ""}
    client.post(f"{at}edit/", kept)
    loops.refresh_from_db()
    assert (loops.title, loops.points, loops.notebook.path) == ("Loops 2", None, "new/sums.ipynb")
    assert loops.updated_at
    assert AssignmentStarter.objects.exists()
    client.post(f"{at}edit/", {**kept, "remove_starter": "on"})
    assert not AssignmentStarter.objects.exists()


# --- Who ------------------------------------------------------------------------------------------------------------


def test_an_assistant_sees_and_sets_up_nothing(signed_in, assistant, python_class, at, hand_in, aoi):
    hand_in(aoi)
    client = signed_in(assistant)
    for path in (f"/classes/{python_class.pk}/assignments/", at, f"{at}grades.csv"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert b"/edit/" not in answer.content
        assert b"/new/" not in answer.content
    for path in (f"/classes/{python_class.pk}/assignments/new/", f"{at}edit/"):
        assert client.get(path).status_code == client.post(path, NEW).status_code == 404
    assert ClassAssignment.objects.count() == 1


@pytest.mark.parametrize("page", ["", "edit/", "next/", "grades.csv"])
def test_others_assignments_do_not_exist(signed_in, taro, at, client, notebook, loops, page):
    assert signed_in(taro).get(at + page).status_code == 404
    theirs = ClassAssignment.objects.create(
        class_ref=Class.objects.create(class_code="R", name="Rust", instructor=taro), notebook=notebook, title="T"
    )
    assert client.get(at.replace(f"assignments/{loops.pk}/", f"assignments/{theirs.pk}/") + page).status_code == 404


def test_a_projector_shows_no_names(client, hand_in, aoi, ren, at, python_class):
    work = hand_in(aoi)
    client.post("/display/", {"mode": "projector"})
    for path in (at, f"/classes/{python_class.pk}/submissions/{work.pk}/"):
        html = client.get(path).content.decode()
        assert f"Student {aoi.pk}" in html
        assert "Aoi" not in html
        assert "Ren" not in html
        assert "aoi@example.com" not in html
