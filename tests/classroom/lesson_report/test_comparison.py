"""Lessons side by side, and one student over them: each figure as counted from the raw rows, and that of the report."""

import csv
import io
import random
from datetime import UTC, datetime, timedelta
from statistics import median

import pytest
from django.utils import timezone

from classroom.base.classrooms import classroom_of_class
from classroom.base.spans import Span
from classroom.lesson_report.comparison import compared_lessons
from classroom.lesson_report.lessons import lessons_of
from classroom.lesson_report.selectors import lesson_report
from classroom.lesson_report.student_lessons import student_term
from events.models import CellExecution, HelpRequest, NotebookAccess
from instructors.models import AuditLog
from lms.models import Cell, Class, Session, StudentClass

NOW = datetime.now(UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
START = timezone.localtime(NOW).replace(hour=10, minute=3, second=20, microsecond=0) - 29 * DAY
TERM = Span(START - DAY, NOW)
LESSONS = 4


@pytest.fixture(autouse=True)
def keys(settings):
    settings.EVENTS_REQUIRE_KEY = True


@pytest.fixture
def students(enrol):
    return [enrol(f"s{number}@example.com", name=f"Student {number}") for number in range(10)]


@pytest.fixture
def classroom(hanako, python_class, students):
    StudentClass.objects.update(joined_at=START - 7 * DAY)
    Class.objects.filter(pk=python_class.pk).update(start_date=START - DAY)
    return classroom_of_class(user=hanako, class_id=python_class.pk)


@pytest.fixture
def term(classroom, python_class, students, notebook, hanako):
    """Four lessons, a week apart, of ten students at six cells; the last student is never there. Between the lessons
    one works alone at home, and the same students run something in another class."""
    rng, cells = random.Random(7), []
    for place in range(6):
        cells.append(Cell.objects.create(notebook=notebook, cell_id=f"x{place}", position=place))
    sessions = {student.pk: Session.objects.create(student=student, session_id="s") for student in students}

    def run(student, when: datetime, **fields) -> CellExecution:
        usual = {"notebook": notebook, "cell": cells[0], "class_id": python_class.pk, "status": "success"}
        place = {"student": student, "session": sessions[student.pk], "executed_at": when}
        return CellExecution(**{**usual, **place, **fields})

    rows = []
    for number in range(LESSONS):
        begin = START + 7 * number * DAY
        for student in students[:9]:
            for _ in range(rng.randint(3, 25)):
                when = begin + timedelta(seconds=rng.randint(0, 5000))
                status = rng.choice(["success", "error", "error", "aborted"])
                rows.append(run(student, when, cell=rng.choice(cells), status=status))
        rows += [run(students[0], begin + DAY + minute * MINUTE) for minute in range(3)]
        other = {"class_id": python_class.pk + 1, "status": "error"}
        rows += [run(each, begin + 90 * MINUTE + minute * MINUTE, **other) for each in students for minute in range(9)]
        asked = begin + 5 * MINUTE
        for wait in (1, 2, 9)[: number + 1]:
            HelpRequest.objects.create(
                student=students[wait], class_id=python_class.pk, asked_at=asked, last_asked_at=asked,
                last_heard_at=asked, claimed_by=hanako, claimed_at=asked + wait * MINUTE,
                ended_at=asked + 10 * MINUTE, ending="resolved",
            )  # fmt: skip
    CellExecution.objects.bulk_create(rows)
    return [row for row in rows if row.class_id == python_class.pk]


def counted(term: list[CellExecution], since: datetime, until: datetime) -> list[CellExecution]:
    return [row for row in term if since <= row.executed_at < until and row.status != "aborted"]


def test_each_figure_is_that_of_the_raw_rows(classroom, term):
    found = compared_lessons(classroom, TERM, now=NOW)
    assert ([len(found.rows), found.left_out, found.enrolled]) == [LESSONS, 0, 10]
    for number, row in enumerate(reversed(found.rows)):
        begin = START + 7 * number * DAY
        rows = counted(term, begin, begin + 5001 * timedelta(seconds=1))
        assert row.lesson.since == min(each.executed_at for each in rows).replace(second=0)
        assert row.lesson.until == max(each.executed_at for each in rows).replace(second=0) + MINUTE
        errors = sum(each.status == "error" for each in rows)
        assert (row.lesson.students, row.lesson.runs, row.lesson.errors) == (9, len(rows), errors)
        assert row.error_share == errors / len(rows)
        waits = (1, 2, 9)[: number + 1]
        assert (row.help_requests, row.median_wait) == (len(waits), median(waits) * MINUTE)


def test_they_are_the_figures_of_the_report(classroom, term):
    for row in compared_lessons(classroom, TERM, now=NOW).rows:
        report = lesson_report(classroom, row.lesson, now=NOW)
        assert (row.lesson.students, row.lesson.runs, row.lesson.errors) == (report.present, report.runs, report.errors)
        assert (row.help_requests, row.median_wait) == (report.help.all.requests, report.help.all.median)
        assert [(cell.number, cell.failed, cell.students) for cell in row.hardest] == [
            (cell.number, cell.failed, cell.students) for cell in report.hardest[:3]
        ]


def test_a_few_on_their_own_are_left_out(classroom, term, students, run, enrol, python_class):
    for student in students[:2]:
        run(student, class_id=python_class.pk, executed_at=START + 3 * DAY)
    assert len(compared_lessons(classroom, TERM, now=NOW).rows) == LESSONS + 1, "two of ten are a fifth"
    enrol("one-more@example.com")
    found = compared_lessons(classroom, TERM, now=NOW)
    assert (len(found.rows), found.left_out) == (LESSONS, 1)
    assert len(compared_lessons(classroom, TERM, now=NOW, with_small=True).rows) == LESSONS + 1


def test_only_lessons_of_the_span(classroom, term):
    found = compared_lessons(classroom, Span(START + 6 * DAY, START + 15 * DAY), now=NOW)
    assert [row.lesson.since.date() for row in found.rows] == [(START + 14 * DAY).astimezone(UTC).date(),
                                                               (START + 7 * DAY).astimezone(UTC).date()]  # fmt: skip


def test_no_lesson(classroom):
    assert compared_lessons(classroom, TERM, now=NOW).rows == []


# --- One student ----------------------------------------------------------------------------------------------------


def test_a_student_over_the_lessons(classroom, term, students):
    student = students[2]
    found = student_term(classroom, student.pk, TERM, joined_at=None, now=NOW).lessons
    assert [each.lesson.since for each in found] == sorted(each.lesson.since for each in found)
    mine = sorted((row for row in term if row.student == student), key=lambda row: row.executed_at)
    solved: set[int] = set()
    for each in found:
        rows = counted(mine, each.lesson.since, each.lesson.until)
        new = {row.cell_id for row in rows if row.status == "success"} - solved
        solved |= new
        assert (each.runs, each.errors) == (len(rows), sum(row.status == "error" for row in rows))
        assert (each.solved, each.presence) == (len(new), "present")
    assert [each.help_requests for each in found] == [0, 1, 1, 1]
    assert sum(each.solved for each in found) > 1


def test_presence(classroom, term, students, notebook, python_class):
    away = students[9]
    lessons = [each.lesson for each in student_term(classroom, away.pk, TERM, joined_at=None, now=NOW).lessons]
    for lesson, class_id in ((lessons[2], python_class.pk), (lessons[3], python_class.pk + 1)):
        NotebookAccess.objects.create(student=away, notebook=notebook, action="open", class_id=class_id,
                                      accessed_at=lesson.since + MINUTE)  # fmt: skip
    joined = lessons[0].until
    found = student_term(classroom, away.pk, TERM, joined_at=joined, now=NOW).lessons
    # In the third they asked for help, or opened a notebook; in the fourth they were in another class.
    assert [each.presence for each in found] == ["before", "absent", "quiet", "quiet"]
    HelpRequest.objects.filter(student=away).delete()
    found = student_term(classroom, away.pk, TERM, joined_at=joined, now=NOW).lessons
    assert [each.presence for each in found] == ["before", "absent", "quiet", "absent"]


# --- The pages ------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(signed_in, hanako, python_class, classroom):
    client = signed_in(hanako)

    def fetch(rest: str = "", status: int = 200) -> str:
        answer = client.get(f"/classes/{python_class.pk}/{rest}")
        assert answer.status_code == status
        return answer.content.decode("utf-8-sig")

    return fetch


def test_the_page(page, term):
    newest, oldest = f"{START + 21 * DAY:%Y-%m-%d} 10:", f"{START:%Y-%m-%d} 10:"
    html = page("report/lessons/")
    assert html.index(f">{newest}") < html.index(f">{oldest}")
    assert 'aria-sort="descending"' in html
    turned = page("report/lessons/?order=oldest")
    assert turned.index(f">{oldest}") < turned.index(f">{newest}")
    assert 'aria-sort="ascending"' in turned
    assert "9 / 10" in html
    assert 'aria-current="true"' in html, "the tab"
    assert " style=" not in html


def test_each_lesson_leads_to_its_report(page, term, classroom):
    lesson = lessons_of(classroom, now=NOW)[0]
    address = lesson.query.replace("&", "&amp;")
    assert f"report/?{address}" in page("report/lessons/")
    assert "Lesson of" in page(f"report/?{lesson.query}")


def test_a_wrong_span_is_said_and_the_page_still_works(page, term):
    html = page("report/lessons/?from=soon")
    assert "This is neither a day nor a time." in html
    assert "9 / 10" in html
    page("report/lessons.csv?from=soon", status=404)


def test_the_table_as_a_file(page, term, python_class):
    head, *lines = csv.reader(io.StringIO(page("report/lessons.csv")))
    assert (head[:2], len(lines)) == (["since (Asia/Tokyo)", "until (Asia/Tokyo)"], LESSONS)
    assert all(len(line) == len(head) for line in lines)
    assert lines[0][0].startswith(f"{START:%Y-%m-%d} 10:")
    assert lines[0][0].endswith("+09:00")
    assert [line[7] for line in lines] == ["1", "2", "3", "3"]
    assert AuditLog.objects.get(action="report_export").details["table"] == "lessons"


def test_the_student_s_page(page, term, students):
    html = page(f"students/{students[2].pk}/?part=lessons")
    assert html.count("report/?from=") == LESSONS
    assert "present" in html
    assert html.count("not yet in the class") == 0
    assert "<b>absent</b>" in page(f"students/{students[9].pk}/?part=lessons")
    assert " style=" not in html


def test_a_page_of_all_students_has_no_lessons(signed_in, kaoru, term, students):
    html = signed_in(kaoru).get(f"/everybody/students/{students[2].pk}/?part=lessons").content.decode()
    assert "Latest runs" in html
    assert ">Lessons</a>" not in html


def test_more_students_cost_no_more_queries(page, term, students, enrol, django_assert_num_queries):
    for number in range(20):
        enrol(f"more{number}@example.com")
    with django_assert_num_queries(8):
        page("report/lessons/")
    with django_assert_num_queries(18):
        page(f"students/{students[2].pk}/?part=lessons")
