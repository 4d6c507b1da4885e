"""Who is asked whether they are stuck, and when not; and what the answer does to the list."""

from datetime import timedelta

import pytest
from django.utils import timezone

from classroom.attention import lesson_cache
from classroom.attention.questions import ask_uncertain_students
from classroom.attention.ranking import after_saying_fine
from classroom.attention.selectors import attention_state
from classroom.base.classrooms import classroom_of_class
from classroom.questions.models import StuckQuestion
from classroom.questions.rules import MAX_PROBABILITY, MIN_PROBABILITY, is_worth_asking
from classroom.questions.services import ask
from core.time_formats import clock_text
from events.models import HelpRequest
from lms.models import Cell, Class, Student, StudentClass

NAME = "NameError: name 'x' is not defined"


@pytest.fixture
def asking_class(python_class) -> Class:
    Class.objects.filter(pk=python_class.pk).update(asks_if_stuck=True)
    python_class.refresh_from_db()
    return python_class


@pytest.fixture
def failing(enrol, run, notebook, asking_class):
    """Somebody who ran the same wrong code so many times, `every` so many seconds."""

    def make(times: int, email: str = "mei@example.com", *, every: int = 60) -> Student:
        now = timezone.now()
        student = enrol(email, name=email.split("@")[0], last_activity_at=now, last_run_at=now, last_run_failed=True)
        Student.objects.filter(pk=student.pk).update(current_notebook=notebook)
        cell, _ = Cell.objects.get_or_create(notebook=notebook, cell_id="c7", defaults={"position": 6})
        for number in range(times):
            at = now - timedelta(seconds=every * number)
            run(student, cell=cell, status="error", error_message=NAME, code_content="print(x)", executed_at=at)
        return student

    return make


def chance_of(student: Student, account, class_ref: Class) -> float:
    lesson_cache.clear()
    state = attention_state(classroom_of_class(user=account, class_id=class_ref.pk), now=timezone.now())
    return next((alert.probability for alert in state.alerts if alert.student_id == student.pk), 0.0)


def rounds(class_ref: Class, *students: Student, now=None) -> list[int]:
    lesson_cache.clear()
    return ask_uncertain_students({class_ref.pk: [each.pk for each in students]}, now=now or timezone.now())


def test_the_band():
    assert [is_worth_asking(chance) for chance in (0.1, MIN_PROBABILITY, 0.6, MAX_PROBABILITY, 0.97)] == [
        False,
        True,
        True,
        False,
        False,
    ]


def test_who_may_be_stuck_is_asked_once(failing, hanako, asking_class):
    mei = failing(6)
    assert is_worth_asking(chance_of(mei, hanako, asking_class)), "else this test tests nothing"
    assert rounds(asking_class, mei) == [mei.pk]
    assert rounds(asking_class, mei) == []
    row = StuckQuestion.objects.get()
    assert (row.student_id, row.class_ref_id, row.answer) == (mei.pk, asking_class.pk, None)
    assert row.probability == pytest.approx(chance_of(mei, hanako, asking_class), abs=0.05)


def test_nobody_is_asked_who_does_not_listen_or_is_certain(failing, hanako, asking_class):
    mei = failing(6)
    assert rounds(asking_class) == []
    assert rounds(asking_class, mei) == [mei.pk]
    yui = failing(1, "yui@example.com")
    assert not is_worth_asking(chance_of(yui, hanako, asking_class))
    assert rounds(asking_class, yui) == []


@pytest.mark.parametrize("change", [{"asks_if_stuck": False}, {"is_active": False}])
def test_a_class_that_does_not_ask(failing, asking_class, change):
    mei = failing(6)
    Class.objects.filter(pk=asking_class.pk).update(**change)
    assert rounds(asking_class, mei) == []


def test_a_class_is_off_until_a_teacher_switches_it_on(signed_in, hanako, python_class):
    assert Class.objects.get(pk=python_class.pk).asks_if_stuck is False
    page = f"/classes/{python_class.pk}/setup/"
    assert "Ask students whether they are stuck" in signed_in(hanako).get(page).content.decode()
    values = {"name": python_class.name, "class_code": python_class.class_code}
    signed_in(hanako).post(page, {**values, "asks_if_stuck": "on"})
    assert Class.objects.get(pk=python_class.pk).asks_if_stuck is True
    signed_in(hanako).post(page, values)
    assert Class.objects.get(pk=python_class.pk).asks_if_stuck is False


@pytest.mark.parametrize(
    ("asked_ago", "ended_ago", "is_asked"), [(3, None, False), (20, 4, False), (4, 4, False), (20, 6, True)]
)
def test_not_while_they_ask_for_help_nor_just_after(asking_class, aoi, asked_ago, ended_ago, is_asked):
    now = timezone.now()
    at = now - timedelta(minutes=asked_ago)
    ended = now - timedelta(minutes=ended_ago) if ended_ago else None
    HelpRequest.objects.create(
        student=aoi, class_id=asking_class.pk, asked_at=at, last_asked_at=at, last_heard_at=at, ended_at=ended
    )
    assert ask(asking_class.pk, {aoi.pk: 0.5}, now=now) == ([aoi.pk] if is_asked else [])


def test_again_after_a_quarter_of_an_hour_alone(asking_class, aoi):
    now = timezone.now()
    assert ask(asking_class.pk, {aoi.pk: 0.5}, now=now) == [aoi.pk]
    assert ask(asking_class.pk, {aoi.pk: 0.5}, now=now + timedelta(minutes=14)) == []
    assert ask(asking_class.pk, {aoi.pk: 0.5}, now=now + timedelta(minutes=16)) == [aoi.pk]


def test_not_who_switched_it_off_nor_who_is_not_in_the_class(asking_class, aoi, ren, stranger):
    StudentClass.objects.filter(student=aoi).update(may_be_asked=False)
    chances = {aoi.pk: 0.5, ren.pk: 0.5, stranger.pk: 0.5}
    assert ask(asking_class.pk, chances, now=timezone.now()) == [ren.pk]


def test_fine_lowers_the_probability_for_ten_minutes_and_is_said(failing, signed_in, hanako, asking_class):
    mei = failing(20, every=20)
    Class.objects.filter(pk=asking_class.pk).update(attention_list="busier")
    page = f"/classes/{asking_class.pk}/attention/"
    signed_in(hanako).get(page)  # it takes less to stay on the list than to enter it
    before = chance_of(mei, hanako, asking_class)
    said_at = timezone.now() - timedelta(minutes=2)
    row = StuckQuestion.objects.create(
        student=mei, class_ref=asking_class, asked_at=said_at, probability=0.5, answer="fine", answered_at=said_at
    )
    lesson_cache.clear()
    room = classroom_of_class(user=hanako, class_id=asking_class.pk)
    (alert,) = attention_state(room, now=timezone.now()).alerts
    assert alert.probability == pytest.approx(after_saying_fine(before), abs=0.02)
    assert alert.probability < before - 0.1
    html = signed_in(hanako).get(page).content.decode()
    assert f"said they are fine at {clock_text(said_at)}" in html
    StuckQuestion.objects.filter(pk=row.pk).update(answered_at=timezone.now() - timedelta(minutes=11))
    assert chance_of(mei, hanako, asking_class) == pytest.approx(before, abs=0.02)


@pytest.mark.parametrize("answer", ["yes", "never", None])
def test_other_answers_do_not_lower_it(failing, hanako, asking_class, answer):
    mei = failing(20)
    before, now = chance_of(mei, hanako, asking_class), timezone.now()
    StuckQuestion.objects.create(
        student=mei, class_ref=asking_class, asked_at=now, probability=0.5, answer=answer,
        answered_at=now if answer else None,
    )  # fmt: skip
    assert chance_of(mei, hanako, asking_class) == pytest.approx(before, abs=0.02)
