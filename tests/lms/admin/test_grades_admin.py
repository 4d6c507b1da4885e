"""Grades in the admin site: given on the assignment's page, taken out as a table that no spreadsheet runs."""

import csv
import io

import pytest

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
        form |= {f"{prefix}-grade": index, f"{prefix}-feedback": ""}
    assert admin_client.post(address, form).status_code == 302
    graded = AssignmentSubmission.objects.filter(status="graded", notebook_content={"cells": []})
    assert sorted(graded.values_list("grade", flat=True)) == [float(n) for n in range(count)]
