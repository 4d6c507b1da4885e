"""A student in two classes: the report, the activity and the lessons of a class hold only what came through it.

Aoi takes the Python class and the Rust class and works in both at the same time, in a file that both classes use.
"""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from classroom.activity.selectors import activity_between, activity_of
from classroom.base.classrooms import classroom_of_class
from classroom.base.recent_ranges import RANGES
from classroom.base.spans import Span
from classroom.errors.models import Hint, HintRecipient
from classroom.lesson_report.lessons import Lesson, lessons_of
from classroom.lesson_report.selectors import lesson_report
from classroom.lesson_report.tables import lesson_csv
from events.models import HelpRequest, NotebookAccess, StudentEvent
from lms.models import Cell, Class, StudentClass

NOW = datetime.now(UTC).replace(second=0, microsecond=0)
START = NOW - timedelta(minutes=30)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def keys(settings):
    settings.EVENTS_REQUIRE_KEY = True


@pytest.fixture
def rust(taro, aoi, ren) -> Class:
    made = Class.objects.create(class_code="RS-101", name="Rust", instructor=taro)
    for student in (aoi, ren):
        StudentClass.objects.create(student=student, class_ref=made)
    StudentClass.objects.update(joined_at=START - timedelta(days=7))
    return made


@pytest.fixture
def worked(python_class, rust, aoi, ren, run, notebook, hanako, taro):
    """In Python Aoi succeeds at cell 1 and Ren fails once; in Rust both fail at each of two cells, again and again."""
    first, second = (Cell.objects.create(notebook=notebook, cell_id=f"x{place}", position=place) for place in (0, 9))
    run(aoi, class_id=python_class.pk, cell=first, cell_index=4, executed_at=START)
    run(ren, class_id=python_class.pk, cell=first, cell_index=4, executed_at=START + MINUTE, status="error",
        error_message="KeyError: 'python'")  # fmt: skip
    for student in (aoi, ren):
        for minute in range(5):
            for cell in (first, second):
                run(student, class_id=rust.pk, cell=cell, cell_index=7, executed_at=START + (minute + 2) * MINUTE,
                    status="error", error_message="KeyError: 'rust'")  # fmt: skip
        when = START + 3 * MINUTE
        HelpRequest.objects.create(student=student, class_id=rust.pk, asked_at=when, last_asked_at=when,
                                   last_heard_at=when, claimed_by=taro, claimed_at=when + 9 * MINUTE)  # fmt: skip
    NotebookAccess.objects.create(student=ren, notebook=notebook, action="open", accessed_at=START, class_id=rust.pk)
    hint = Hint.objects.create(nonce=uuid.uuid4(), class_ref=rust, notebook=notebook, cell=first, fingerprint="f",
                               text="A hint for Rust", sent_by=taro, sent_at=START + 4 * MINUTE)  # fmt: skip
    HintRecipient.objects.create(hint=hint, student=aoi)


def of(account, class_ref):
    return classroom_of_class(user=account, class_id=class_ref.pk)


LESSON = Lesson(since=START, until=START + 10 * MINUTE)


def test_the_report(worked, python_class, rust, hanako, taro):
    python = lesson_report(of(hanako, python_class), LESSON, now=NOW)
    assert (python.present, python.runs, python.errors) == (2, 2, 1)
    assert [(cell.number, cell.students, cell.failed) for cell in python.cells] == [("5", 2, 1)]
    assert (python.help.all.requests, python.shared, python.hints, python.struggling) == (0, [], [], [])
    assert not any("rust" in lesson_csv(python, name).decode().lower() for name in ("cells", "errors", "hints", "help"))
    other = lesson_report(of(taro, rust), LESSON, now=NOW)
    assert (other.present, other.runs, other.errors) == (2, 20, 20)
    assert [one.line for one in other.shared] == ["KeyError: 'rust'"] * 2
    assert (other.help.all.requests, other.help.all.median) == (2, 9 * MINUTE)
    assert [hint.text for hint in other.hints] == ["A hint for Rust"]


def test_a_cell_is_numbered_as_the_class_has_it(worked, python_class, rust, hanako, taro):
    """The shared row of the cell says 1; the Python class has it in fifth place, the Rust class in eighth."""
    assert lesson_report(of(hanako, python_class), LESSON, now=NOW).hardest[0].number == "5"
    found = lesson_report(of(taro, rust), LESSON, now=NOW)
    assert {cell.number for cell in found.cells} == {"8"}
    assert {one.number for one in found.shared} == {"8"}
    assert [hint.number for hint in found.hints] == ["8"]


def test_who_was_only_in_the_other_class_was_absent(python_class, rust, hanako, aoi, ren, run, notebook):
    run(aoi, class_id=python_class.pk, executed_at=START)
    run(ren, class_id=rust.pk, executed_at=START)
    StudentEvent.objects.create(student=ren, class_id=rust.pk, occurred_at=START, event_type="notebook_opened",
                                event_id=str(uuid.uuid4()))  # fmt: skip
    found = lesson_report(of(hanako, python_class), LESSON, now=NOW)
    assert ([one.name for one in found.absent], found.present) == (["Ren"], 1)


def test_the_lessons(worked, python_class, rust, hanako, taro):
    (python,) = lessons_of(of(hanako, python_class), now=NOW)
    (other,) = lessons_of(of(taro, rust), now=NOW)
    assert (python.since, python.until, python.runs) == (START, START + 2 * MINUTE, 2)
    assert (other.since, other.runs) == (START + 2 * MINUTE, 20)


@pytest.mark.parametrize(
    "look",
    [
        lambda room: activity_of(room, span=RANGES["1h"], now=NOW),
        lambda room: activity_between(room, Span(START - timedelta(hours=1), NOW + MINUTE), now=NOW),
        lambda room: activity_between(room, Span(START - timedelta(days=40), NOW + 20 * MINUTE), now=NOW),
    ],
    ids=["up to now", "from the runs", "from the counts"],
)
def test_the_activity(worked, python_class, rust, hanako, taro, look):
    python, other = look(of(hanako, python_class)), look(of(taro, rust))
    assert (python.runs, python.errors, python.asked, python.active, python.wait) == (2, 1, 0, 2, None)
    assert (other.runs, other.errors, other.asked, other.active, other.wait) == (20, 20, 2, 2, 9 * MINUTE)


def test_the_pages(worked, python_class, hanako, signed_in):
    client = signed_in(hanako)
    span = f"?from={START - MINUTE:%Y-%m-%dT%H:%MZ}&to={NOW:%Y-%m-%dT%H:%MZ}"
    for page in ("report/", f"report/{span}", "report/errors.csv", "activity/", f"activity/{span}"):
        answer = client.get(f"/classes/{python_class.pk}/{page}")
        assert answer.status_code == 200, page
        assert "rust" not in answer.content.decode().lower(), page
