"""What the page of a student shows of a run beside its result, and aborted runs on other pages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from classroom.base.classrooms import classroom_of_class
from classroom.errors.clusters import clusters_of
from classroom.lesson_report.lessons import lessons_of
from classroom.progress.selectors import facts
from events.models import CellProgress
from lms.models import StudentActivity
from tests.classroom.cells.cells import cells_of, ran

STOPPED = '<span class="run-status">Stopped</span>'


@pytest.fixture
def page(signed_in, hanako, python_class, ren):
    client = signed_in(hanako)
    return lambda: client.get(f"/classes/{python_class.pk}/students/{ren.pk}/").content.decode()


def test_traceback_is_folded_and_coloured(page, ren, run):
    run(ren, status="error", error_message="NameError: x", traceback="File <b>\n\x1b[31mNameError\x1b[0m: x")
    html = page()
    assert "<summary>Traceback</summary>" in html
    assert 'File &lt;b&gt;\n<span class="ansi-1">NameError</span>: x' in html


@pytest.mark.parametrize("traceback", [None, "\x1b[31mNameError\x1b[0m: x"])
def test_traceback_that_says_no_more_than_the_error_is_left_out(page, ren, run, traceback):
    run(ren, status="error", error_message="NameError: x", traceback=traceback)
    assert "Traceback" not in page()


def test_end_of_a_long_traceback_is_shown(page, ren, run):
    run(ren, status="error", error_message="NameError: x", traceback="y" * 16_000 + "the end")
    html = page()
    assert "the end</pre>" in html
    assert "Only the last 6000 characters" in html


@pytest.mark.parametrize("fields", [{"execution_count": 3}, {"started_at": datetime(2026, 4, 1, tzinfo=UTC)}], ids=str)
def test_run_that_was_interrupted_is_called_stopped(page, ren, run, fields):
    run(ren, status="aborted", **fields)
    html = page()
    assert STOPPED in html
    assert "never really ran" not in html


def test_run_that_never_began_is_not(page, ren, run):
    run(ren, status="aborted")
    assert STOPPED not in page()


def test_start_and_queue_time(page, ren, run):
    started = datetime.now(UTC) - timedelta(minutes=3)
    run(ren, started_at=started, queued_ms=2500, code_content="x")
    html = page()
    assert f"Started at {timezone.localtime(started):%H:%M:%S}." in html
    assert "It waited 2.5 s for its turn." in html


def test_times_of_work_are_those_of_runs_that_ended(hanako, ren, run):
    run(ren, duration=2.0)
    run(ren, duration=600.0, status="aborted")
    times = facts(hanako, [ren.pk]).times[ren.pk]
    assert (times.seconds, times.timed) == (2.0, 1)


def test_lesson_counts_no_aborted_runs(hanako, python_class, aoi, ren, run):
    now = datetime.now(UTC)
    for student, status in ((aoi, "success"), (ren, "error"), (ren, "aborted")):
        run(student, status=status, executed_at=now - timedelta(minutes=10))
    classroom = classroom_of_class(user=hanako, class_id=python_class.pk)
    (lesson,) = lessons_of(classroom, now=now)
    assert (lesson.students, lesson.runs) == (2, 2)


def test_resolved_error_does_not_come_back_with_an_interrupt(hanako, python_class, notebook, aoi, ren):
    """An interrupt is a later run, but not a later error."""
    cells, now = cells_of(notebook, 1), datetime.now(UTC)
    for student in (aoi, ren):
        ran(student, cells[0], "KeyError: 'a'", ago=60)
    classroom = classroom_of_class(user=hanako, class_id=python_class.pk)
    assert len(clusters_of(classroom, viewer=hanako, now=now)) == 1
    for student, class_id in CellProgress.objects.values_list("student", "class_id"):
        StudentActivity.objects.update_or_create(
            student_id=student, class_id=class_id, defaults={"errors_resolved_at": now - timedelta(seconds=30)}
        )
    CellProgress.objects.update(last_run_at=now)
    assert clusters_of(classroom, viewer=hanako, now=now) == []
