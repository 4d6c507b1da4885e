"""Grades in the admin site: given on the assignment's page, taken out as a table that no spreadsheet runs."""

import csv
import io

import pytest
from bs4 import BeautifulSoup

from instructors.models import AuditLog
from lms.grading import Grade, give_grade, version_token
from lms.models import AssignmentSubmission, Student, StudentClass

EXPORT = "/admin/lms/assignmentsubmission/export/"


@pytest.fixture
def admin_client(client, cast):
    client.force_login(cast.admin)
    return client


@pytest.fixture
def handed_in(cast):
    return AssignmentSubmission.objects.create(
        assignment=cast.loops, student=cast.hanako, notebook_content={"cells": []}, grade=-1.5, feedback="はい"
    )


def table(response):
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(response.content.decode("utf-8-sig"))))


def test_the_export_is_one_click(admin_client, cast, handed_in):
    [row] = table(admin_client.get(EXPORT))
    assert list(row) == [
        "id",
        "class_code",
        "assignment",
        "email",
        "name",
        "submitted_at",
        "status",
        "grade",
        "feedback",
        "submission_comment",
        "content_sha256",
        "student_number",
        "reading",
    ]
    assert (row["class_code"], row["assignment"], row["email"]) == ("PY-101", "Loops", "hanako@example.com")
    assert (row["grade"], row["feedback"], row["submission_comment"]) == ("-1.5", "はい", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_a_formula_stays_a_text(admin_client, cast, handed_in, start):
    Student.objects.filter(pk=cast.hanako.pk).update(name=f"{start}1+1")
    AssignmentSubmission.objects.update(submission_comment=f'{start}HYPERLINK("x")')
    [row] = table(admin_client.get(EXPORT))
    assert row["name"] == f"'{start}1+1"
    assert row["submission_comment"] == f'\'{start}HYPERLINK("x")'


def test_the_export_holds_what_the_list_shows(admin_client, cast, handed_in):
    AssignmentSubmission.objects.create(assignment=cast.traits, student=cast.ken, status="graded")
    assert [row["email"] for row in table(admin_client.get(f"{EXPORT}?status=graded"))] == ["ken@example.com"]


def test_the_export_costs_the_same_for_many(admin_client, cast, handed_in, django_assert_max_num_queries):
    AssignmentSubmission.objects.bulk_create(
        [AssignmentSubmission(assignment=cast.loops, student=cast.hanako) for _ in range(50)]
    )
    with django_assert_max_num_queries(10):
        assert len(table(admin_client.get(EXPORT))) == 51


def test_others_export_nothing(client, cast, handed_in):
    client.force_login(cast.sato)
    assert client.get(EXPORT).status_code == 302


def test_a_whole_class_is_graded_on_the_page_of_its_assignment(admin_client, cast):
    count = 250
    students = Student.objects.bulk_create([Student(email=f"s{n}") for n in range(count)])
    StudentClass.objects.bulk_create(
        [StudentClass(student=each, class_ref=cast.python, name=each.name, team=each.team) for each in students]
    )
    made = AssignmentSubmission.objects.bulk_create(
        [AssignmentSubmission(assignment=cast.loops, student=each, notebook_content={"cells": []}) for each in students]
    )
    address = f"/admin/lms/classassignment/{cast.loops.pk}/change/"
    page = admin_client.get(address)
    assert page.status_code == 200
    form = {"class_ref": cast.python.pk, "notebook": cast.notebook.pk, "title": "Loops", "weight": 1}
    form |= {"submissions-TOTAL_FORMS": count, "submissions-INITIAL_FORMS": count}
    for index, each in enumerate(made):
        prefix = f"submissions-{index}"
        form |= {f"{prefix}-id": each.pk, f"{prefix}-assignment": cast.loops.pk, f"{prefix}-status": "graded"}
        form |= {f"{prefix}-grade": index, f"{prefix}-feedback": "", f"{prefix}-seen": version_token(each)}
    assert admin_client.post(address, form).status_code == 302
    graded = AssignmentSubmission.objects.filter(status="graded", notebook_content={"cells": []})
    assert sorted(graded.values_list("grade", flat=True)) == [float(n) for n in range(count)]


# --- Somebody graded meanwhile --------------------------------------------------------------------------------------


def fields_of(page) -> dict[str, str]:
    """Return what a browser would send of the form of an admin page."""
    form = BeautifulSoup(page.content, "html.parser").select_one("#content form[id$=_form]")
    typed = {field["name"]: field.get("value", "") for field in form.select("input[name]:not([type=submit])")}
    typed |= {field["name"]: field.text.removeprefix("\n") for field in form.select("textarea")}
    chosen = {field["name"]: field.select_one("option[selected]") for field in form.select("select")}
    return typed | {name: option["value"] if option else "" for name, option in chosen.items()}


def grades(cast, submission, points: float) -> None:
    seen = version_token(AssignmentSubmission.objects.get(pk=submission.pk))
    give_grade(submission.pk, Grade(points=points, feedback="Theirs"), seen=seen, by=cast.sato, request=None)


@pytest.fixture(params=["its own page", "the page of its assignment"])
def graded_page(request, cast, handed_in):
    """The address of a page on which the hand-in is graded, and the prefix of its fields there."""
    if request.param == "its own page":
        return f"/admin/lms/assignmentsubmission/{handed_in.pk}/change/", ""
    return f"/admin/lms/classassignment/{cast.loops.pk}/change/", "submissions-0-"


def test_a_grade_that_was_given_meanwhile_is_not_overwritten(admin_client, cast, handed_in, graded_page):
    address, prefix = graded_page
    typed = fields_of(admin_client.get(address)) | {f"{prefix}grade": "3", f"{prefix}feedback": "Mine"}
    grades(cast, handed_in, 8)

    refused = admin_client.post(address, typed)
    assert refused.status_code == 200
    page = refused.content.decode()
    assert f"{cast.sato.name} graded this in the meantime." in page
    assert "Their grade: 8. Their feedback: Theirs" in page
    assert "Mine" in page
    handed_in.refresh_from_db()
    assert (handed_in.grade, handed_in.feedback) == (8, "Theirs")

    assert admin_client.post(address, fields_of(refused)).status_code == 302
    handed_in.refresh_from_db()
    assert (handed_in.grade, handed_in.feedback) == (3, "Mine")


def test_a_row_that_nobody_touched_keeps_the_grade_that_was_given_meanwhile(admin_client, cast, handed_in):
    other = AssignmentSubmission.objects.create(assignment=cast.loops, student=cast.ken)
    address = f"/admin/lms/classassignment/{cast.loops.pk}/change/"
    typed = fields_of(admin_client.get(address))
    [of_other] = [
        name.removesuffix("-id") for name, value in typed.items() if name.endswith("-id") and value == str(other.pk)
    ]
    grades(cast, handed_in, 8)
    assert admin_client.post(address, typed | {f"{of_other}-grade": "5"}).status_code == 302
    handed_in.refresh_from_db()
    other.refresh_from_db()
    assert (handed_in.grade, handed_in.feedback, other.grade) == (8, "Theirs", 5)
    changed = AuditLog.objects.filter(action="submission_update").order_by("pk")
    assert [entry.details["fields"] for entry in changed] == [["feedback", "grade", "status"], ["grade"]]


def test_a_form_without_the_token_changes_no_grade(admin_client, cast, handed_in, graded_page):
    address, prefix = graded_page
    typed = fields_of(admin_client.get(address)) | {f"{prefix}grade": "3"}
    del typed[f"{prefix}seen"]
    assert admin_client.post(address, typed).status_code == 200
    handed_in.refresh_from_db()
    assert handed_in.grade == -1.5
