"""Errors that several students share: who is counted, who no more, and what is said about them."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from classroom.base.classrooms import classroom_of_class
from classroom.base.display import Display
from classroom.errors.clusters import clusters_of
from events.models import CellExecution, CellProgress
from instructors.models import AuditLog
from lms.models import Cell, Class, Session, Student, StudentActivity, StudentClass
from tests.classroom.cells.cells import a_class_of, cells_of, ran


@pytest.fixture
def cells(notebook) -> list[Cell]:
    return cells_of(notebook, 4)


@pytest.fixture
def shared(hanako, python_class):
    def find(**more):
        classroom = classroom_of_class(user=hanako, class_id=python_class.pk)
        return clusters_of(classroom, viewer=hanako, now=datetime.now(UTC), **more)

    return find


@pytest.fixture
def page(signed_in, hanako, python_class):
    client = signed_in(hanako)
    return lambda rest="": client.get(f"/classes/{python_class.pk}/cells/errors/{rest}")


def test_one_mistake_in_different_words_is_one_cluster(shared, cells, aoi, ren):
    ran(aoi, cells[1], "KeyError: 'price'", code='df["price"]', ago=60)
    ran(ren, cells[1], "\x1b[31mKeyError\x1b[39m: 'prise'", code='df["prise"]', ago=5)
    (found,) = shared()
    assert (found.count, found.first.print.name, found.first.number) == (2, "KeyError", "2")
    assert [one.name for one in found.students] == ["Ren", "Aoi"]
    assert found.line == "KeyError: 'prise'"
    assert found.code == 'df["prise"]'


def test_what_separates(shared, cells, aoi, ren):
    ran(aoi, cells[0], "KeyError: 'a'")
    ran(ren, cells[0], "NameError: name 'a' is not defined")
    ran(aoi, cells[1], "KeyError: 'a'")
    ran(ren, cells[2], "KeyError: 'a'")
    assert shared() == []


def test_errors_without_a_message_are_one_mistake(shared, cells, aoi, ren):
    ran(aoi, cells[0], "")
    ran(ren, cells[0], "")
    (found,) = shared()
    assert (found.first.print.name, found.line) == ("", "")


def test_who_has_fixed_it_is_gone(shared, cells, aoi, ren):
    ran(aoi, cells[0], "KeyError: 'a'", ago=60)
    ran(ren, cells[0], "KeyError: 'b'", ago=50)
    assert len(shared()) == 1
    ran(ren, cells[0], ago=1)
    assert shared() == []


def test_old_failures_are_history(shared, cells, aoi, ren):
    ran(aoi, cells[0], "KeyError: 'a'", ago=16 * 60)
    ran(ren, cells[0], "KeyError: 'a'")
    assert shared() == []


def test_what_a_teacher_has_resolved_is_gone(shared, cells, aoi, ren):
    for student in (aoi, ren):
        ran(student, cells[0], "KeyError: 'a'", ago=30)
    Student.objects.filter(pk=ren.pk).update(errors_resolved_at=datetime.now(UTC) - timedelta(seconds=10))
    assert shared() == []
    ran(ren, cells[0], "KeyError: 'a'", ago=1)
    (found,) = shared()
    assert (datetime.now(UTC) - found.students[0].since).total_seconds() < 10


def test_since_when_and_whether_it_grows(shared, cells, aoi, ren, enrol):
    mio = enrol("mio@example.com", name="Mio")
    ran(aoi, cells[0], "KeyError: 'z'", ago=800)
    ran(aoi, cells[0], ago=700)  # fixed, then broken again
    ran(aoi, cells[0], "KeyError: 'a'", ago=600)
    ran(aoi, cells[0], "KeyError: 'b'", ago=20)
    ran(ren, cells[0], "KeyError: 'b'", ago=300)
    ran(mio, cells[0], "KeyError: 'c'", ago=30)
    (found,) = shared()
    assert round((found.now - found.since).total_seconds(), -1) == 600
    assert found.newcomers == 1


def test_who_fails_again_after_it_was_resolved_counts_from_then(shared, cells, aoi, ren):
    for ago in (500, 400):
        ran(aoi, cells[0], "KeyError: 'a'", ago=ago)
    now = datetime.now(UTC)
    Student.objects.filter(pk=aoi.pk).update(errors_resolved_at=now - timedelta(seconds=300))
    StudentActivity.objects.filter(student=aoi).update(errors_resolved_at=now - timedelta(seconds=300))
    CellExecution.objects.filter(student=aoi).update(consecutive_error_count=0)
    for ago in (200, 100):
        ran(aoi, cells[0], "KeyError: 'a'", ago=ago)
    ran(ren, cells[0], "KeyError: 'a'", ago=50)
    (found,) = shared()
    assert round((found.now - found.since).total_seconds(), -1) == 200


def test_a_failure_of_weeks_is_told_of_back_to_this_lesson(shared, cells, aoi, ren):
    ran(aoi, cells[0], "KeyError: 'a'", ago=20 * 24 * 3600)
    ran(aoi, cells[0], "KeyError: 'a'", ago=11 * 3600)
    for student in (aoi, ren):
        ran(student, cells[0], "KeyError: 'a'", ago=60)
    (found,) = shared()
    since = {one.student_id: round((found.now - one.since).total_seconds(), -1) for one in found.students}
    assert since == {aoi.pk: 11 * 3600, ren.pk: 60}


def test_another_classs_students_are_never_counted(shared, cells, aoi, stranger, hanako, taro):
    ran(aoi, cells[0], "KeyError: 'a'")
    ran(stranger, cells[0], "KeyError: 'a'")
    other = Class.objects.create(class_code="T", name="T", instructor=taro)
    StudentClass.objects.create(student=stranger, class_ref=other)
    assert shared() == []


def test_the_largest_five_come_first(shared, cells, python_class, notebook):
    students = a_class_of(python_class, 8)
    more = [Cell.objects.create(notebook=notebook, cell_id=f"more-{n}", position=10 + n) for n in range(3)]
    for size, cell in zip((2, 5, 3, 8, 4, 2, 7), [*cells, *more], strict=True):
        for student in students[:size]:
            ran(student, cell, "KeyError: 'a'")
    assert [found.count for found in shared()] == [8, 7, 5, 4, 3]


def test_a_projector_tells_neither_names_nor_what_a_message_quotes(shared, cells, aoi, ren):
    for student in (aoi, ren):
        ran(student, cells[0], "FileNotFoundError: no '/home/aoi/x.csv'")
    (found,) = shared(display=Display(projector=True))
    assert {one.name for one in found.students} == {f"Student {aoi.pk}", f"Student {ren.pk}"}
    assert found.line == "FileNotFoundError: no …"


def test_the_panel_says_it_and_escapes_it(page, cells, aoi, ren):
    for student in (aoi, ren):
        ran(student, cells[1], "KeyError: '<b>x</b>'", code="<script>alert(1)</script>")
    html = page().content.decode()
    assert "2 students: KeyError in cell 2" in html
    assert "&lt;b&gt;x&lt;/b&gt;" in html
    assert "<script>" not in html
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


def test_an_empty_panel_says_so(page, python_class):
    assert "No two students share an error at the moment." in page().content.decode()


def test_the_page_of_one_shows_everybodys_code_and_tells_the_audit_log(page, cells, aoi, ren):
    ran(aoi, cells[1], "KeyError: 'price'", code="code of aoi")
    ran(ren, cells[1], "KeyError: 'prise'", code="code of ren")
    address = re.search(r'href="[^"]*/cells/errors/([^"]+/)">', page().content.decode())[1]
    html = page(address).content.decode()
    for words in ("code of aoi", "code of ren", ">Aoi<", ">Ren<", "data-drawer", f"?cell={cells[1].pk}"):
        assert words in html
    entry = AuditLog.objects.get(action="cluster_view")
    assert (entry.target_type, entry.target_id) == ("cell", str(cells[1].pk))
    assert sorted(entry.details["students"]) == sorted([aoi.pk, ren.pk])


def test_a_cluster_that_is_over(page, cells, aoi):
    assert page(f"{cells[0].pk}/{'0' * 16}/").status_code == 404, "nobody has run it"
    ran(aoi, cells[0], "KeyError: 'price'", code='df["price"]', ago=60)
    answer = page(f"{cells[0].pk}/{'0' * 16}/")
    assert answer.status_code == 200
    assert "Nobody has this error any more." in answer.content.decode()
    assert page(f"{10**9}/{'0' * 16}/").status_code == 404


def test_another_instructors_cluster_does_not_exist(signed_in, taro, python_class, cells):
    for path in ("", f"{cells[0].pk}/{'0' * 16}/"):
        assert signed_in(taro).get(f"/classes/{python_class.pk}/cells/errors/{path}").status_code == 404


def test_twenty_failing_students_cost_five_queries(
    shared, python_class, notebook, cells, hanako, django_assert_num_queries
):
    students, now = a_class_of(python_class, 20), datetime.now(UTC)
    Student.objects.update(last_run_at=now)
    sessions = Session.objects.bulk_create([Session(student=student, session_id="s") for student in students])
    for cell in cells:
        places = [{"student": s, "cell": cell, "notebook": notebook} for s in students]
        CellProgress.objects.bulk_create(
            [
                CellProgress(**place, run_count=1, error_count=1, last_status="error", last_run_at=now)
                for place in places
            ]
        )
        CellExecution.objects.bulk_create(
            [
                CellExecution(**place, session=session, status="error", error_message="KeyError: 'x'", code_content="x")
                for place, session in zip(places, sessions, strict=True)
            ]
        )
    classroom = classroom_of_class(user=hanako, class_id=python_class.pk)
    with django_assert_num_queries(5):
        found = clusters_of(classroom, viewer=hanako, now=datetime.now(UTC))
    assert [one.count for one in found] == [20] * 4
