"""The table of students' JupyterLabs on the Set-up page: those with a problem first, and why."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from classroom.base.classrooms import classroom_of_class
from classroom.base.display import PLAIN, Display
from classroom.setup.client_health import clients_of
from events.models import ClientHealth
from lms.models import Class, Student, StudentActivity

NOW = datetime.now(UTC)


def active(student, class_ref, *, ago=60):
    at = NOW - timedelta(seconds=ago)
    StudentActivity.objects.update_or_create(student=student, class_id=class_ref.pk, defaults={"last_activity_at": at})
    Student.objects.filter(pk=student.pk).update(last_activity_at=at)


def report(student, class_ref, *, ago=60, **fields):
    at = NOW - timedelta(seconds=ago)
    return ClientHealth.objects.create(student=student, class_id=class_ref.pk, reported_at=at, **fields)


@pytest.fixture
def found(hanako, python_class):
    def select(display=PLAIN):
        classroom = classroom_of_class(user=hanako, class_id=python_class.pk)
        return clients_of(classroom, now=NOW, display=display)

    return select


@pytest.fixture
def rows(signed_in, hanako, python_class):
    """The text of each row of the table."""
    client = signed_in(hanako)

    def read():
        page = client.get(f"/classes/{python_class.pk}/setup/connection/").content.decode()
        table = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)[1]
        plain = [html.unescape(re.sub(r"<[^>]+>", " ", row)) for row in table.split("</tr>")]
        return [" ".join(row.split()) for row in plain if row.strip()]

    return read


def test_a_row_says_what_the_client_said(rows, aoi, ren, python_class):
    for student in (aoi, ren):
        active(student, python_class)
    report(aoi, python_class, version="lab/0.1", waiting=3, dropped=0, clock_offset_ms=300.0)
    shown = rows()
    assert re.fullmatch(r"Aoi \S.* ago lab/0.1 3 0 right \S.* ago", shown[0])
    assert re.fullmatch(r"Ren \S.* ago – – – – –", shown[1]), "the extension in the field reports nothing"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"dropped": 1}, "Events were lost"),
        ({"waiting": 100}, "Events wait to be sent"),
        ({"clock_offset_ms": -47 * 60_000.0}, "The clock is slow"),
        ({"clock_offset_ms": 1e300}, "The clock is fast"),
    ],
    ids=str,
)
def test_who_has_a_problem_comes_first_and_it_is_said(rows, aoi, ren, python_class, fields, words):
    for student in (aoi, ren):
        active(student, python_class)
    report(aoi, python_class, waiting=99, dropped=0, clock_offset_ms=-119_000.0)
    report(ren, python_class, **fields)
    first, second = rows()
    assert first.startswith(f"Ren {words}")
    assert second.startswith("Aoi ")
    assert "2 min slow" not in second
    assert "1 min slow" in second, "told, but no problem"


def test_report_of_yesterday_is_no_problem_of_today(rows, aoi, python_class):
    active(aoi, python_class)
    report(aoi, python_class, ago=25 * 3600, dropped=5)
    (row,) = rows()
    assert "Events were lost" not in row
    assert " 5 " in row


def test_who_was_never_heard_comes_after_reported_problems(found, aoi, ren, enrol, python_class):
    mio = enrol("mio@example.com", name="Mio")
    for student in (aoi, mio):
        active(student, python_class)
    Student.objects.filter(pk=ren.pk).update(last_activity_at=None)
    report(mio, python_class, dropped=5)
    assert [client.name for client in found()] == ["Mio", "Ren", "Aoi"]


def test_another_classs_reports_are_not_shown(found, aoi, python_class):
    other = Class.objects.create(class_code="X", name="X")
    active(aoi, python_class)
    report(aoi, other, dropped=5)
    assert [(client.dropped, client.has_problem) for client in found()] == [(None, False)]


def test_projector_hides_names(found, aoi):
    assert [client.name for client in found(Display(projector=True))] == [f"Student {aoi.pk}"]


def test_two_queries_for_any_number(found, enrol, python_class):
    for number in range(30):
        report(enrol(f"s{number}@example.com"), python_class, waiting=number)
    found()
    with CaptureQueriesContext(connection) as queries:
        assert len(found()) == 30
    assert len(queries) <= 3, "one of them for the class"


def test_class_without_students(signed_in, hanako, python_class):
    page = signed_in(hanako).get(f"/classes/{python_class.pk}/setup/connection/").content.decode()
    assert "Nobody is in this class yet" in page
