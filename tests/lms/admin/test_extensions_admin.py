"""Extensions of due dates in the admin site: the same service as on the pages, so the student is told here too."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from instructors.models import AuditLog, Instructor
from lms.models import ClassAssignment, DueDateExtension, ProgressNotification

LIST = "/admin/lms/duedateextension/"
DUE = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = DUE + timedelta(days=1)


@pytest.fixture
def admin_client(client, db):
    client.force_login(Instructor.objects.create(email="a@example.com", name="A", password="!", role="admin"))
    return client


@pytest.fixture
def loops(python_class, notebook):
    return ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops", due_date=DUE)


def form(assignment, student, until, **fields):
    local = timezone.localtime(until)
    return {
        "assignment": assignment.pk,
        "student": student.pk,
        "due_date_0": f"{local:%Y-%m-%d}",
        "due_date_1": f"{local:%H:%M:%S}",
        "reason": "",
        **fields,
    }


def problems(response):
    assert response.status_code == 200
    return {name: list(texts) for name, texts in response.context["adminform"].errors.items()}


def granted(admin_client, loops, student, until=LATER):
    assert admin_client.post(f"{LIST}add/", form(loops, student, until)).status_code == 302
    return DueDateExtension.objects.get()


def test_granting_one_tells_the_student_and_is_recorded(admin_client, loops, aoi):
    extension = granted(admin_client, loops, aoi)
    assert (extension.student, extension.due_date, extension.granted_by.email) == (aoi, LATER, "a@example.com")
    [notice] = ProgressNotification.objects.filter(recipient_id=aoi.email_key)
    assert f"{timezone.localtime(LATER):%Y-%m-%d %H:%M}" in notice.message
    assert AuditLog.objects.get(action="extension_grant").details == {"student_id": aoi.pk}


def test_another_date_tells_again_and_the_same_one_does_not(admin_client, loops, aoi):
    page = f"{LIST}{granted(admin_client, loops, aoi).pk}/change/"
    assert admin_client.post(page, form(loops, aoi, LATER)).status_code == 302
    assert ProgressNotification.objects.count() == 1
    assert admin_client.post(page, form(loops, aoi, LATER + timedelta(days=1))).status_code == 302
    assert DueDateExtension.objects.get().due_date == LATER + timedelta(days=1)
    assert ProgressNotification.objects.count() == 2


def test_whose_it_is_stays(admin_client, loops, aoi, ren):
    page = f"{LIST}{granted(admin_client, loops, aoi).pk}/change/"
    assert admin_client.post(page, form(loops, ren, LATER + timedelta(days=1))).status_code == 302
    assert DueDateExtension.objects.get().student == aoi


@pytest.mark.parametrize("way", ["page", "list"])
def test_withdrawing_tells_the_student(admin_client, loops, aoi, way):
    pk = granted(admin_client, loops, aoi).pk
    if way == "page":
        admin_client.post(f"{LIST}{pk}/delete/", {"post": "yes"})
    else:
        admin_client.post(LIST, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
    assert not DueDateExtension.objects.exists()
    assert AuditLog.objects.filter(action="extension_withdraw").count() == 1
    newest = ProgressNotification.objects.filter(recipient_id=aoi.email_key).latest("pk")
    assert f"{timezone.localtime(DUE):%Y-%m-%d %H:%M}" in newest.message


def test_what_would_change_nothing_is_refused_in_words(admin_client, loops, aoi, stranger):
    refused = admin_client.post(f"{LIST}add/", form(loops, aoi, DUE))
    assert problems(refused) == {"due_date": ["Choose a time after everybody's due date."]}
    refused = admin_client.post(f"{LIST}add/", form(loops, stranger, LATER))
    assert problems(refused) == {"student": ["This student is not in the class of the assignment."]}
    ClassAssignment.objects.update(due_date=None)
    refused = admin_client.post(f"{LIST}add/", form(loops, aoi, LATER))
    assert problems(refused) == {"due_date": ["This assignment has no due date. Give it one first."]}
    assert not DueDateExtension.objects.exists()
    assert not ProgressNotification.objects.exists()
