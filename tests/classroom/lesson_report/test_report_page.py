"""The page of the report, its files, and who may see them."""

import csv
import io
import uuid
from datetime import timedelta

import pytest
from django.conf import settings as django_settings

from classroom.errors.models import Hint
from instructors.models import AuditLog
from lms.models import ClassStaff, Session
from tests.classroom.lesson_report.conftest import MINUTE, START


def test_the_page(page, taught):
    html = page()
    assert f"{START:%Y-%m-%d} 10:00–10:41" in html
    assert "2 / 2" in html
    assert "never worked" in html
    assert "<code>KeyError: " in html
    assert 'aria-current="page"' in html
    assert " style=" not in html


def test_without_a_lesson(page):
    assert "no lesson to report on yet" in page()
    assert "The address names no lesson" in page("?lesson=tomorrow")
    assert "Nothing ran in this time" in page("?lesson=2020-01-01")


def test_any_span(page, taught):
    html = page(f"?from={START:%Y-%m-%d}&to={START + timedelta(days=2):%Y-%m-%d}")
    assert f"{START:%Y-%m-%d} 00:00 – {START + timedelta(days=2):%Y-%m-%d} 24:00" in html
    assert "Lesson of" not in html
    assert "2 / 2" in html
    table = page(f"cells.csv?from={START:%Y-%m-%d}&to={START:%Y-%m-%d}")
    assert len(table.splitlines()) == 4
    assert len(page("cells.csv?from=2020-01-01&to=2020-01-02").splitlines()) == 1


def test_a_wrong_span_is_said_and_the_page_still_works(page, taught):
    html = page("?from=2026-11-28&to=whenever")
    assert 'value="whenever"' in html
    assert "This is neither a day nor a time." in html
    assert f"{START:%Y-%m-%d} 10:00–10:41" in html, "the newest lesson"
    page("cells.csv?from=2026-11-28&to=whenever", status=404)


def test_hints_are_exported_in_the_zone_of_the_pages(page, python_class, hanako, at, aoi):
    cell = at(aoi, 1, status="error").cell
    Hint.objects.create(
        nonce=uuid.uuid4(), class_ref=python_class, notebook=cell.notebook, cell=cell, fingerprint="f", text="Look.",
        sent_by=hanako, sent_at=START + 5 * MINUTE,
    )  # fmt: skip
    head, line = list(csv.reader(io.StringIO(page(f"hints.csv?lesson={START:%Y-%m-%d}"))))
    assert (head[0], line[0]) == ("sent_at (Asia/Tokyo)", f"{START:%Y-%m-%d} 10:05:00+09:00")


def test_a_projector_shows_no_names(classroom, taught, aoi, signed_in, hanako):
    client = signed_in(hanako)
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    address = f"/classes/{aoi.classes.get().pk}/report/"
    for rest in ("", "struggling.csv", "absent.csv", "errors.csv"):
        shown = client.get(address + rest).content.decode()
        assert "Aoi" not in shown
        assert "aoi@" not in shown


@pytest.mark.parametrize("name", ["cells", "struggling", "help", "errors", "hints", "absent"])
def test_tables_as_files(page, taught, python_class, name):
    lines = list(csv.reader(io.StringIO(page(f"{name}.csv"))))
    assert all(len(line) == len(lines[0]) for line in lines)
    assert len(lines) > 1 or name in ("hints", "absent")
    entry = AuditLog.objects.get(action="report_export")
    assert (entry.target_id, entry.details["table"]) == (str(python_class.pk), name)


def test_a_name_is_no_formula(page, taught, aoi):
    type(aoi).objects.filter(pk=aoi.pk).update(name="=HYPERLINK()")
    assert "'=HYPERLINK()" in page("struggling.csv")


def test_who_may_see_it(page, taught, signed_in, taro, python_class):
    page("nothing.csv", status=404)
    page("cells.csv?lesson=tomorrow", status=404)
    address = f"/classes/{python_class.pk}/report/"
    assert signed_in(taro).get(address).status_code == 404
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert signed_in(taro).get(address).status_code == 200


def test_forty_students_cost_no_more_queries(page, at, enrol, django_assert_num_queries):
    students = [enrol(f"{number}@example.com") for number in range(40)]
    sessions = {student: Session(student=student, session_id="s1") for student in students}
    Session.objects.bulk_create(sessions.values())
    for student in students[:20]:
        at(student, 1, status="error")
    with django_assert_num_queries(15):
        page()


def test_hostile_texts_are_texts(page, taught, aoi):
    type(aoi).objects.filter(pk=aoi.pk).update(name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page()
