"""The report after a lesson: which lessons there were, what stands in it, and what others may not see."""

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from classroom.base.classrooms import classroom_of_class
from classroom.errors.models import Hint, HintRecipient
from classroom.lesson_report.lessons import Lesson, chosen_lesson, lessons_of
from classroom.lesson_report.selectors import LessonReport, lesson_report
from events.models import CellExecution, HelpRequest, NotebookAccess
from instructors.models import AuditLog
from lms.models import Cell, ClassStaff, Session, StudentClass

MINUTE = timedelta(minutes=1)
# Ten o'clock in Tokyo, yesterday: the lesson is over.
START = timezone.localtime(datetime.now(UTC)).replace(hour=10, minute=0, second=0, microsecond=0) - timedelta(days=1)


@pytest.fixture
def classroom(hanako, python_class, aoi, ren):
    StudentClass.objects.update(joined_at=START - timedelta(days=7))
    return classroom_of_class(user=hanako, class_id=python_class.pk)


@pytest.fixture
def at(run, notebook):
    """`at(student, 3, cell=2, status="error")`: a run three minutes into the lesson."""

    def execute(student, minute: float, *, cell: int = 0, **fields) -> CellExecution:
        row, _ = Cell.objects.get_or_create(notebook=notebook, cell_id=f"c{cell}", defaults={"position": cell})
        return run(student, cell=row, executed_at=START + minute * MINUTE, **fields)

    return execute


@pytest.fixture
def report(classroom):
    def make(**fields) -> LessonReport:
        lesson = Lesson(since=START, until=START + 90 * MINUTE)
        return lesson_report(classroom, lesson, now=datetime.now(UTC), **fields)

    return make


# --- Which lessons --------------------------------------------------------------------------------------------------


def test_a_pause_of_45_minutes_ends_a_lesson(classroom, at, aoi, ren):
    for minute in (0, 40, 85, 131):
        at(aoi, minute)
        at(ren, minute + 0.5)
    later, first = lessons_of(classroom, now=datetime.now(UTC))
    assert (first.since, first.until) == (START, START + 86 * MINUTE), "whole minutes, the last one in it"
    assert (first.students, first.runs) == (2, 6)
    assert later.since == START + 131 * MINUTE


def test_one_student_alone_is_no_lesson(classroom, at, aoi, ren):
    at(aoi, 0)
    at(aoi, 20)
    assert lessons_of(classroom, now=datetime.now(UTC)) == []


def test_runs_of_others_make_no_lesson(classroom, at, stranger, aoi):
    at(stranger, 0)
    at(aoi, 0)
    assert lessons_of(classroom, now=datetime.now(UTC)) == []


def test_aborted_runs_make_no_lesson(classroom, at, aoi, ren):
    at(aoi, 0, status="aborted")
    at(ren, 0)
    assert lessons_of(classroom, now=datetime.now(UTC)) == []


def test_a_trickle_of_homework_is_a_pause_in_a_large_class(classroom, at, enrol, aoi, ren):
    """A hundred students; for hours before and after the lesson one of them or another runs something."""
    others = [enrol(f"s{number}@example.com") for number in range(98)]
    for place, student in enumerate(others):
        at(student, 10 * place - 300)
        at(student, 150 + place / 2)
    at(aoi, 151, status="error")
    (found,) = lessons_of(classroom, now=datetime.now(UTC))
    assert found.since == START + 150 * MINUTE
    inside = CellExecution.objects.filter(executed_at__gte=found.since, executed_at__lt=found.until)
    assert (found.runs, found.errors, found.students) == (inside.count(), 1, 99)
    assert found.peak > 9


def lesson(hours: int, students: int = 10, peak: int | None = None) -> Lesson:
    since = START + timedelta(hours=hours)
    return Lesson(since=since, until=since + timedelta(hours=1), students=students, peak=peak or students)


LESSONS = [lesson(5, 2), lesson(3, 20), lesson(0, 30)]


def test_the_newest_with_a_fifth_of_the_class_comes_first():
    assert chosen_lesson("", LESSONS, enrolled=40) is LESSONS[1]
    assert chosen_lesson("", LESSONS[:1], enrolled=40) is LESSONS[0], "where no other is known"
    assert chosen_lesson("", [], enrolled=40) is None
    assert chosen_lesson("", [lesson(8, 20, peak=3), *LESSONS], enrolled=40) is LESSONS[1], (
        "they were not there at once"
    )


def test_a_day_names_its_fullest_lesson():
    assert chosen_lesson(f"{START:%Y-%m-%d}", LESSONS, enrolled=40) is LESSONS[2]
    empty = chosen_lesson("2020-02-29", LESSONS, enrolled=40)
    assert empty is not None
    assert (empty.length, empty.students) == (timedelta(days=1), 0)


@pytest.mark.parametrize("mark", ["/", "–", "--", " – "])
def test_from_and_to(mark):
    named = chosen_lesson(f"2026-11-20T10:00{mark}2026-11-20T11:30", [], enrolled=1)
    assert named is not None
    assert (timezone.localtime(named.since).hour, named.length) == (10, 90 * MINUTE)
    text = f"{LESSONS[0].since.isoformat()}/{LESSONS[0].until.isoformat()}"
    assert chosen_lesson(text, LESSONS, enrolled=1) is LESSONS[0]


@pytest.mark.parametrize(
    "text",
    ["x", "2026-13-01", "2026-11-20T11:00/2026-11-20T10:00", "2025-11-20/2026-11-22", "a/b/c", "0001-01-01/0001-01-02",
     "9999-12-31T00:00/9999-12-31T23:00", "\0", "/" * 200],
)  # fmt: skip
def test_what_names_no_lesson(text):
    assert chosen_lesson(text, LESSONS, enrolled=1) is None


# --- What stands in it ----------------------------------------------------------------------------------------------


def test_cells(report, at, aoi, ren, stranger):
    at(aoi, 0, cell=1)
    at(aoi, 2, cell=2, status="error")
    at(aoi, 3, cell=2, status="aborted")
    at(aoi, 5, cell=2, status="error")
    at(aoi, 6, cell=2)
    at(aoi, 8, cell=2, status="error")  # after it worked: playing with it
    at(ren, 0, cell=1)
    at(ren, 4, cell=2)
    at(ren, 30, cell=3, status="error")
    at(stranger, 1, cell=1, status="error")
    found = report()
    assert (found.present, found.enrolled, found.runs, found.errors) == (2, 2, 8, 4)
    first, second = found.cells
    assert (first.number, first.students, first.failed, first.times) == ("2", 2, 0, None)
    assert (second.number, second.students, second.failed, second.unsolved) == ("3", 2, 1, 0)
    assert (second.errors, second.tries) == (1.0, 2.0), "means and medians of 2 and 0 errors, of 3 tries and 1"
    assert second.times == (270.0, 300.0, 330.0), "Aoi took six minutes, Ren four"
    assert [cell.number for cell in found.hardest] == ["3"]


def test_a_long_pause_is_no_work(report, at, aoi, ren):
    for student in (aoi, ren):
        at(student, 0, cell=1)
        at(student, 11, cell=2, status="error")
        at(student, 12, cell=2)
    (_, cell) = report().cells
    assert cell.times == (60.0, 60.0, 60.0)


def test_a_few_who_ran_ahead_weigh_less_than_a_class(report, at, enrol, aoi, ren):
    for student in [aoi, ren, *(enrol(f"s{number}@example.com") for number in range(8))]:
        at(student, 1, cell=1, status="error")
        at(student, 2, cell=1)
    for student in (aoi, ren):
        at(student, 9, cell=9, status="error")
        at(student, 10, cell=9)
    assert [cell.number for cell in report().hardest] == ["2", "10"]


def asks(student, minute: float, **fields) -> HelpRequest:
    when = START + minute * MINUTE
    return HelpRequest.objects.create(student=student, asked_at=when, last_asked_at=when, last_heard_at=when, **fields)


def test_who_struggled_and_did_not_ask(report, at, enrol, aoi, ren):
    yui, mei = enrol("yui@example.com"), enrol("mei@example.com", name="Mei")
    for student, errors in ((aoi, 5), (ren, 6), (yui, 2), (mei, 3)):
        for number in range(errors):
            at(student, number, cell=4, status="error")
    at(aoi, 10, cell=4)
    at(yui, 10, cell=4)
    asks(ren, 20, ended_at=START + 21 * MINUTE)
    found = report().struggling
    assert [(one.name, one.errors, one.is_solved, one.number) for one in found] == [
        ("Mei", 3, False, "5"), ("Aoi", 5, True, "5"),
    ]  # fmt: skip


def test_who_hammers_at_a_cell_for_a_moment_did_not_struggle(report, at, aoi):
    for number in range(8):
        at(aoi, 1 + number / 6, cell=4, status="error")
    at(aoi, 2.5, cell=4)
    assert report().struggling == []


def test_a_cell_that_is_hard_for_all_names_only_who_was_caught_longer(report, at, enrol):
    """Eight need five errors and some minutes more each; the slower quarter is named, who lost most time first."""
    for place in range(8):
        student = enrol(f"s{place}@example.com", name=f"Student {place}")
        at(student, 0)
        for number in range(5):
            at(student, 1 + number * (1 + place / 5), cell=4, status="error")
        at(student, 1 + 5 * (1 + place / 5), cell=4)
    assert [one.name for one in report().struggling] == ["Student 7", "Student 6"]


def test_who_never_got_on_comes_first_then_who_lost_most(report, at, enrol):
    for name, minutes, ends in (("short", 1, True), ("long", 3, True), ("never", 0.5, False)):
        student = enrol(f"{name}@example.com", name=name)
        for number in range(6):
            at(student, 1 + number * minutes, cell=len(name), status="error")
        if ends:
            at(student, 1 + 6 * minutes, cell=len(name))
    assert [(one.name, round(one.seconds)) for one in report().struggling] == [
        ("never", 150), ("long", 1080), ("short", 360),
    ]  # fmt: skip


def test_eight_are_named_and_the_rest_is_one_line_away(report, page, at, enrol):
    for place in range(11):
        student = enrol(f"s{place}@example.com", name=f"Student {place:02}")
        for number in range(3 + place):
            at(student, number, cell=place, status="error")
    found = report()
    assert [len(found.struggled_most), len(found.struggled_less)] == [8, 3]
    html = page()
    assert "and 3 more" in html
    assert html.index("Student 03") < html.index("and 3 more") < html.index("Student 02")


def test_a_request_of_another_lesson_does_not_count(report, at, aoi):
    for number in range(3):
        at(aoi, number, status="error")
    asks(aoi, -60, ended_at=START - 50 * MINUTE)
    assert [one.name for one in report().struggling] == ["Aoi"]


def test_waits(report, classroom, hanako, taro, aoi, ren):
    for minute, wait, by in ((0, 1, hanako), (10, 3, hanako), (20, 2, taro)):
        came = START + (minute + wait) * MINUTE
        asks(aoi, minute, claimed_by=by, claimed_at=came, ended_at=came + MINUTE, ending="resolved")
    asks(ren, 5, ended_at=START + 15 * MINUTE, ending="stopped")
    found = report().help
    assert (found.all.requests, found.all.median) == (4, 2.5 * MINUTE)
    assert found.all.p90 == timedelta(seconds=7.9 * 60)
    assert [(one.name, one.requests, one.median) for one in found.by] == [
        ("Hanako", 2, 2 * MINUTE), ("Taro", 1, 2 * MINUTE), ("", 1, 10 * MINUTE),
    ]  # fmt: skip


def test_errors_are_shared_by_their_mistake(report, at, aoi, ren):
    at(aoi, 1, status="error", error_message="NameError: name 'prcie' is not defined")
    at(ren, 2, status="error", error_message="NameError: name 'pirce' is not defined")
    at(ren, 3, status="error", error_message="NameError: name 'pirce' is not defined")
    at(ren, 4, cell=1, status="error", error_message="NameError: name 'pirce' is not defined")
    at(aoi, 5, status="error", error_message="KeyError: 'a'")
    (one,) = report().shared
    assert (one.count, one.runs, one.number, one.line) == (2, 3, "1", "NameError: name 'pirce' is not defined")


def test_whether_hints_helped(report, at, enrol, python_class, hanako, aoi, ren):
    yui = enrol("yui@example.com")
    cell = at(aoi, 1, status="error").cell
    hint = Hint.objects.create(
        nonce=uuid.uuid4(), class_ref=python_class, notebook=cell.notebook, cell=cell, fingerprint="f", text="Look.",
        sent_by=hanako, sent_at=START + 5 * MINUTE,
    )  # fmt: skip
    HintRecipient.objects.bulk_create(HintRecipient(hint=hint, student=student) for student in (aoi, ren, yui))
    at(aoi, 6)
    at(ren, 7, status="error")
    at(yui, 100)
    (one,) = report().hints
    assert (one.told, one.after, one.helped, one.sent_by) == (3, 2, 1, "Hanako")


def test_who_was_absent(report, at, enrol, python_class, notebook, aoi, ren):
    at(aoi, 1)
    reader, helper, newcomer = enrol("reader@example.com"), enrol("helper@example.com"), enrol("new@example.com")
    StudentClass.objects.exclude(student=newcomer).update(joined_at=START - timedelta(days=7))
    NotebookAccess.objects.create(student=reader, notebook=notebook, action="open", accessed_at=START + MINUTE)
    StudentClass.objects.filter(student=helper).update(role="assistant")
    at(ren, 95)
    assert [one.name for one in report().absent] == ["Ren"]


# --- The page -------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(signed_in, hanako, python_class, classroom):
    client = signed_in(hanako)

    def fetch(rest: str = "", status: int = 200, **options) -> str:
        answer = client.get(f"/classes/{python_class.pk}/report/{rest}", **options)
        assert answer.status_code == status
        return answer.content.decode("utf-8-sig")

    return fetch


@pytest.fixture
def taught(at, aoi, ren):
    for student in (aoi, ren):
        at(student, 0)
        for minute in range(1, 5):
            at(student, minute, cell=1, status="error", error_message=f"KeyError: '{student.name}'")
        at(student, 40, cell=2)


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
    assert "This is no day and no time." in html
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
    with django_assert_num_queries(17):
        page()


def test_hostile_texts_are_texts(page, taught, aoi):
    type(aoi).objects.filter(pk=aoi.pk).update(name="<script>alert(1)</script>")
    assert "<script>alert(1)" not in page()
