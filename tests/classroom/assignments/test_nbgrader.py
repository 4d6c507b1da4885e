"""nbgrader: its notebooks as starters, hand-ins as its folders, its scores as grades."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from classroom.assignments.nbgrader_export import assignment_name, safe_name, student_folders
from instructors.models import AuditLog
from lms.models import AssignmentStarter, AssignmentSubmission, ClassAssignment, Notebook, Student
from tests.classroom.assignments.conftest import WORK
from tests.lms.starters.test_nbgrader import SECRET, SOURCE, cell, notebook

HEAD = (
    "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,late_submission_penalty,score,"
    "max_score"
)
AT = datetime(2026, 5, 1, 14, 59, 30, 250_000, tzinfo=UTC)


@pytest.fixture
def page(loops):
    return f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/nbgrader/"


def line(student_id, score, *, name="course", timestamp="", email=""):
    return f"{name},,{timestamp},{student_id},,,{email},{score},0.0,{score},10.0"


@pytest.fixture
def check(client, page):
    def send(*lines, head=HEAD, client=client, name=""):
        text = "\n".join([head, *lines]) + "\n"
        return client.post(page, {"scores": SimpleUploadedFile("grades.csv", text.encode()), "name": name})

    return send


@pytest.fixture
def give(client, page):
    return lambda answer, client=client: client.post(page, {"checked": answer.context["checked"]})


def seen(answer):
    return [(each.name, each.state) for each in answer.context["matches"]]


# --- Its notebooks as starters --------------------------------------------------------------------------------------


@pytest.fixture
def upload(client, python_class):
    def send(content, **fields):
        file = SimpleUploadedFile("loops.ipynb", json.dumps(content).encode())
        form = {"title": "Loops", "notebook": "ps1/loops.ipynb", "starter": file, **fields}
        return client.post(f"/classes/{python_class.pk}/assignments/new/", form, follow=True)

    return send


def test_solutions_are_never_stored_and_points_are_taken_over(upload):
    html = upload(SOURCE).content.decode()
    assert "solutions of 3 cells, hidden tests of 2" in html
    made = ClassAssignment.objects.get()
    assert made.points == 9.5
    assert SECRET not in json.dumps(AssignmentStarter.objects.get().content)


def test_typed_points_hold_and_the_difference_is_said(upload):
    html = upload(SOURCE, points="10").content.decode()
    assert "add up to 9.5 points; the assignment has 10" in html
    assert ClassAssignment.objects.get().points == 10


def test_points_below_zero_are_not_taken_over(upload):
    html = upload(notebook(cell("code", "x", grade_id="a", grade=True, locked=True, points=-3))).content.decode()
    assert ClassAssignment.objects.get().points is None
    assert "add up to -3 points; the assignment has –" in html


def test_a_region_without_a_partner_is_asked_about(upload):
    answer = upload(notebook(cell("markdown", "# A"), cell("code", "### BEGIN SOLUTION\nx")))
    assert answer.status_code == 422
    assert "in cell 2, “BEGIN SOLUTION” has no partner" in answer.content.decode()
    assert not AssignmentStarter.objects.exists()


def test_another_notebook_says_nothing_of_it(upload):
    html = upload(WORK).content.decode()
    assert "Taken out" not in html
    assert (AssignmentStarter.objects.get().content, ClassAssignment.objects.get().points) == (WORK, None)


# --- Hand-ins as its folders ----------------------------------------------------------------------------------------


def unpacked(answer):
    return zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))


def test_the_newest_hand_ins_are_in_the_zip(client, page, loops, work, ren, aoi):
    AssignmentSubmission.objects.filter(pk=work.pk).update(submitted_at=AT)
    AssignmentSubmission.objects.create(
        assignment=loops, student=ren, notebook_content={"cells": []}, submitted_at=AT - timedelta(days=1)
    )
    AssignmentSubmission.objects.create(assignment=loops, student=aoi)  # without a notebook
    answer = client.get(f"{page}submitted.zip")
    archive = unpacked(answer)
    folder = "submitted/ren@example.com/course"
    assert archive.namelist() == [f"{folder}/week1.ipynb", f"{folder}/timestamp.txt"]
    assert json.loads(archive.read(f"{folder}/week1.ipynb")) == WORK
    assert archive.read(f"{folder}/timestamp.txt") == b"2026-05-01 14:59:30.250000 UTC\n"
    entry = AuditLog.objects.get(action="submissions_export")
    assert (entry.target_id, entry.details) == (str(loops.pk), {"count": 1})


def test_a_notebook_that_is_nested_deeply_stays_small(client, page, work):
    deep = [0] * 10_000
    for _ in range(90):
        deep = [deep]
    AssignmentSubmission.objects.filter(pk=work.pk).update(notebook_content={"cells": [], "metadata": {"x": deep}})
    found = unpacked(client.get(f"{page}submitted.zip"))
    assert found.getinfo(next(name for name in found.namelist() if name.endswith(".ipynb"))).file_size < 50_000


def test_the_name_in_nbgrader_may_be_typed(client, page, work):
    names = unpacked(client.get(f"{page}submitted.zip?name=../ps%2B1")).namelist()
    assert names[0] == "submitted/ren@example.com/_ps_1/week1.ipynb"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ren@example.com", "ren@example.com"),
        ("ren+py@example.com", "ren_py@example.com"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a\\b:c*?<>|"\n\0', "a_b_c________"),
        ("佐藤", "佐藤"),
        ("か\u3099", "が"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        (" .. ", "else"),
        ("", "else"),
        ("x" * 300, "x" * 100),
    ],
    ids=ascii,
)
def test_names_are_safe(text, name):
    assert safe_name(text, "else") == name


def test_equal_folders_get_numbers(db):
    people = [Student.objects.create(email=each) for each in ("a+1@x.jp", "a_1@x.jp", "b@x.jp")]
    first, second, third = people
    assert student_folders(people) == {
        first.pk: f"a_1@x.jp_{first.pk}",
        second.pk: f"a_1@x.jp_{second.pk}",
        third.pk: "b@x.jp",
    }


@pytest.mark.parametrize(
    ("path", "title", "name"),
    [("course/ps1/p.ipynb", "Week 1", "ps1"), ("p.ipynb", "Week: 1", "Week_ 1"), ("p.ipynb", "…", "_")],
)
def test_the_probable_name_of_the_assignment(path, title, name):
    assert assignment_name(ClassAssignment(pk=1, title=title, notebook=Notebook(path=path))) == name


# --- Its scores as grades -------------------------------------------------------------------------------------------


def test_scores_are_shown_first_and_then_given(check, give, loops, work, other, notified):
    AssignmentSubmission.objects.filter(pk=work.pk).update(feedback="Kept")
    answer = check(line("ren@example.com", "7.5"), line("aoi@example.com", "0.0"), line("who", "3"))
    assert seen(answer) == [("Ren", "change"), ("Aoi", "change"), ("who", "no_hand_in")]
    work.refresh_from_db()
    assert (work.grade, notified) == (None, [])
    assert give(answer).status_code == 302
    work.refresh_from_db()
    other.refresh_from_db()
    assert (work.grade, work.status, work.feedback, other.grade) == (7.5, "graded", "Kept", 0)
    assert notified == [work.pk, other.pk]
    assert AuditLog.objects.filter(action="submission_update").count() == 2


@pytest.mark.parametrize(
    ("score", "state"),
    [("5.0", "same"), ("-1", "out_of_range"), ("10.5", "out_of_range"), ("nan", "unreadable"), ("", "unreadable")],
)
def test_what_is_not_given(check, give, work, notified, score, state):
    AssignmentSubmission.objects.filter(pk=work.pk).update(grade=5)
    answer = check(line("ren@example.com", score))
    assert seen(answer) == [("Ren", state)]
    give(answer)
    work.refresh_from_db()
    assert (work.grade, notified) == (5, [])


def test_a_name_with_a_comma_shifts_nothing(check, work):
    answer = check("course,,,ren@example.com,Sato, Jr.,Ren,ren@example.com,9,0,9,10")
    assert seen(answer) == [("Ren", "unreadable")]


def test_the_score_goes_to_the_hand_in_that_was_exported(check, give, loops, work, ren, notified):
    AssignmentSubmission.objects.filter(pk=work.pk).update(submitted_at=AT)
    newer = AssignmentSubmission.objects.create(assignment=loops, student=ren)
    answer = check(line("ren@example.com", "6", timestamp="2026-05-01 14:59:30.250000"))
    assert "handed in again since" in answer.content.decode()
    give(answer)
    work.refresh_from_db()
    newer.refresh_from_db()
    assert (work.grade, newer.grade) == (6, None)


def test_a_folder_that_was_made_safe_and_an_address_are_found(check, loops, enrol):
    student = enrol("a+1@example.com", name="A")
    AssignmentSubmission.objects.create(assignment=loops, student=student)
    assert seen(check(line("a_1@example.com", "1"))) == [("A", "change")]
    assert seen(check(line("s001", "1", email="A+1@example.com"))) == [("A", "change")]


def test_of_two_graders_the_second_does_not_overwrite(check, give, grade, work, notified):
    answer = check(line("ren@example.com", "6"))
    grade(grade="3", feedback="By hand")
    assert "somebody graded in the meantime: 1" in give(answer).wsgi_request._messages._queued_messages[1].message
    work.refresh_from_db()
    assert (work.grade, work.feedback) == (3, "By hand")


def test_only_lines_of_this_assignment_are_taken(check, work):
    lines = line("ren@example.com", "6"), line("ren@example.com", "1", name="ps2")
    assert [each.score.points for each in check(*lines).context["matches"]] == [6]
    assert [each.score.points for each in check(*lines, name="ps2").context["matches"]] == [1]
    assert [each.score.points for each in check(lines[1]).context["matches"]] == [1], "it is the only one"


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (None, "Choose the file"),
        (b"", "are needed"),
        (b"a,b\n1,2\n", "The columns assignment, student_id, score are needed"),
        (b"\xff\xfe\x00", "not a CSV file in UTF-8"),
        (f"{HEAD}\n{line('x', '1', name='ps1')}\n{line('x', '1', name='ps2')}\n".encode(), "ps1, ps2"),
        (f"{HEAD}\n".encode(), "has no assignment"),
        (b"x" * (2 * 1024 * 1024 + 1), "too large"),
    ],
)
def test_files_that_are_refused(client, page, file, words):
    form = {} if file is None else {"scores": SimpleUploadedFile("grades.csv", file)}
    answer = client.post(page, form)
    assert answer.status_code == 422
    assert words in answer.content.decode()


def test_what_was_checked_cannot_be_changed_or_used_by_others(check, give, client, signed_in, kaoru, work, page):
    answer = check(line("ren@example.com", "6"))
    assert give(answer, client=signed_in(kaoru)).status_code == 422
    forged = client.post(page, {"checked": answer.context["checked"] + "x"})
    assert "no longer valid" in forged.content.decode()
    work.refresh_from_db()
    assert work.grade is None


def test_not_for_assistants(signed_in, assistant, page, work, check):
    client = signed_in(assistant)
    assert client.get(page).status_code == 404
    assert client.get(f"{page}submitted.zip").status_code == 404
    assert check(line("ren@example.com", "6"), client=client).status_code == 404
