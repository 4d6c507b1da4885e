"""An extension of the due date for one student: the form, and every place that says what is late."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from classroom.assignments.forms import shown_moment
from instructors.models import AuditLog
from lms.models import AssignmentSubmission, ClassAssignment, DueDateExtension

DUE = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = DUE + 24 * HOUR


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


@pytest.fixture
def loops(python_class, notebook):
    return ClassAssignment.objects.create(
        class_ref=python_class, notebook=notebook, title="Loops", due_date=DUE, points=10
    )


@pytest.fixture
def form(loops, aoi):
    return f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/extensions/{aoi.pk}/"


def until(client, form, moment=LATER, **fields):
    return client.post(form, {"then": "save", "due_date": shown_moment(moment), "reason": "", **fields})


def test_granting_one(client, form, loops, aoi, hanako):
    assert until(client, form, reason="Ill").status_code == 302
    [granted] = DueDateExtension.objects.all()
    assert (granted.assignment, granted.student, granted.due_date) == (loops, aoi, LATER)
    assert (granted.reason, granted.granted_by) == ("Ill", hanako)
    entry = AuditLog.objects.get(action="extension_grant")
    assert (entry.target_id, entry.details) == (str(loops.pk), {"student_id": aoi.pk})
    page = client.get(f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/").content.decode()
    assert timezone.localtime(LATER).strftime("%Y-%m-%d %H:%M") in page


def test_another_date_replaces_it_and_the_form_shows_it(client, form):
    until(client, form, reason="Ill")
    assert client.get(form).context["form"]["due_date"].value() == shown_moment(LATER)
    until(client, form, LATER + HOUR)
    [granted] = DueDateExtension.objects.all()
    assert (granted.due_date, granted.reason) == (LATER + HOUR, None)


def test_withdrawing_it(client, form):
    until(client, form)
    assert client.post(form, {"then": "withdraw"}).status_code == 302
    assert not DueDateExtension.objects.exists()
    assert AuditLog.objects.filter(action="extension_withdraw").count() == 1
    assert client.post(form, {"then": "withdraw"}).status_code == 302  # a double click
    assert AuditLog.objects.filter(action="extension_withdraw").count() == 1


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "Choose a date and time."),
        ("soon", "This is not a date and time."),
        (shown_moment(DUE), "Choose a time after"),
        (shown_moment(DUE - HOUR), "Choose a time after"),
        ("0026-05-09T12:00", "Is 26 the right year?"),
    ],
)
def test_what_is_refused_loses_nothing(client, form, typed, words):
    answer = client.post(form, {"then": "save", "due_date": typed, "reason": "Ill"})
    assert answer.status_code == 422
    html = answer.content.decode()
    assert words in html
    assert "Ill" in html
    assert not DueDateExtension.objects.exists()


def test_without_a_due_date_there_is_nothing_to_extend(client, form, loops):
    ClassAssignment.objects.update(due_date=None)
    answer = until(client, form)
    assert answer.status_code == 422
    assert "has no due date" in answer.content.decode()


def test_only_for_people_of_the_class_by_who_teaches_it(client, form, loops, stranger, signed_in, assistant):
    assert signed_in(assistant).get(form).status_code == 404
    assert until(signed_in(assistant), form).status_code == 404
    theirs = f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/extensions/{stranger.pk}/"
    assert until(client, theirs).status_code == 404
    assert not DueDateExtension.objects.exists()


def test_no_page_calls_it_late(client, form, loops, aoi, ren):
    works = [
        AssignmentSubmission.objects.create(assignment=loops, student=each, submitted_at=DUE + HOUR)
        for each in (aoi, ren)
    ]
    until(client, form)
    at = f"/classes/{loops.class_ref_id}"
    page = client.get(f"{at}/assignments/{loops.pk}/").context["page"]
    assert {work.name: work.late_by for work in page.works} == {"Aoi": None, "Ren": HOUR}
    assert page.figures.late == 1
    [(_, counts)] = client.get(f"{at}/assignments/").context["assignments"]
    assert counts.late == 1
    seen = [client.get(f"{at}/submissions/{work.pk}/").context["page"] for work in works]
    assert [(page.late_by, page.attempt.late_by, page.extended) for page in seen] == [
        (None, None, LATER),
        (HOUR, HOUR, None),
    ]
    pages = [client.get(f"{at}/students/{each.pk}/?part=work").content.decode() for each in (aoi, ren)]
    assert ["· late" in page for page in pages] == [False, True]


def test_it_counts_to_the_end_of_its_minute_as_due_dates_do(client, form, loops, aoi):
    until(client, form)
    for offset, is_late in ((timedelta(seconds=59), False), (timedelta(seconds=60), True)):
        AssignmentSubmission.objects.create(assignment=loops, student=aoi, submitted_at=LATER + offset)
        at = f"/classes/{loops.class_ref_id}/assignments/"
        [work] = client.get(f"{at}{loops.pk}/").context["page"].works
        assert (work.late_by is not None) is is_late
        assert client.get(at).context["assignments"][0][1].late == is_late


def test_nobody_is_overdue_before_their_own_date(client, form, loops, aoi, ren):
    until(client, form, datetime.now(UTC) + HOUR)
    page = client.get(f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/").context["page"]
    assert {work.name: work.is_overdue for work in page.works} == {"Aoi": False, "Ren": True}


def test_a_due_date_that_is_moved_past_it_holds(client, form, loops, aoi):
    until(client, form)
    ClassAssignment.objects.update(due_date=LATER + 2 * HOUR)
    AssignmentSubmission.objects.create(assignment=loops, student=aoi, submitted_at=LATER + HOUR)
    [work] = client.get(f"/classes/{loops.class_ref_id}/assignments/{loops.pk}/").context["page"].works
    assert (work.late_by, work.extended) == (None, None)


def test_without_a_due_date_nobody_is_late(client, form, loops, aoi):
    until(client, form)
    ClassAssignment.objects.update(due_date=None)
    AssignmentSubmission.objects.create(assignment=loops, student=aoi, submitted_at=LATER + HOUR)
    at = f"/classes/{loops.class_ref_id}/assignments/"
    assert client.get(at).context["assignments"][0][1].late == 0
    [work] = client.get(f"{at}{loops.pk}/").context["page"].works
    assert work.late_by is None
