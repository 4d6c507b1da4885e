"""The rule alone: who gets an alert, who is not, and who ceases to be one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from classroom.attention.rule import assess
from classroom.attention.signals import CellStats, Feedback, Known, Lesson, Run, Signals
from classroom.errors.fingerprints import error_name, error_signature

NOW = datetime(2026, 5, 8, 10, 30, tzinfo=UTC)
THIS = int(NOW.timestamp()) // 60
BUSY = frozenset(range(THIS - 59, THIS + 1))


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def runs(*given: tuple[float, int, str]) -> tuple[Run, ...]:
    """(minutes ago, position, error or empty), newest first."""
    return tuple(
        Run(ago(minutes), 100 + position, position, bool(error), error=error, error_name=error.partition(":")[0])
        for minutes, position, error in given
    )


def student(pk: int = 1, tail: tuple[Run, ...] = (), **fields) -> Signals:
    last = tail[0].at if tail else fields.pop("last_run_at", ago(1))
    return Signals(pk, "Aoi", "aoi@example.com", last, tail=tail, **{"cells_run": 5, "furthest": 6, **fields})


def lesson(*students: Signals, **fields) -> Lesson:
    return Lesson(students=students, **{"class_cell": 8, "active_minutes": BUSY, **fields})


def alerts(*students: Signals, known: Known | None = None, **fields):
    return [(c.student_id, c.code) for c in assess(lesson(*students, **fields), known or Known(), NOW)]


NAME = "NameError: name 'x' is not defined"
SAME = runs((0.2, 6, NAME), (1, 6, NAME), (2, 6, NAME), (3.5, 6, NAME))
DIFFERENT = runs(*((minutes, 6, f"E{minutes}: no") for minutes in (0.5, 2, 4, 6, 8)))


def test_the_same_error_four_times_is_an_alert_with_its_numbers():
    (alert,) = assess(lesson(student(tail=SAME)), Known(), NOW)
    assert (alert.code, alert.count, alert.cell, alert.error) == ("repeated_error", 4, 6, "NameError")
    assert alert.minutes == 3


def test_three_are_not():
    assert alerts(student(tail=SAME[:3])) == []


def test_four_quick_presses_are_impatience():
    assert alerts(student(tail=runs(*((n / 10, 6, NAME) for n in range(1, 6))))) == []


def test_different_errors_are_a_search_until_they_last():
    assert alerts(student(tail=DIFFERENT)) == [(1, "error_streak")]
    assert alerts(student(tail=DIFFERENT[:4])) == []
    quick = runs(*((n / 2, 6, f"E{n}: no") for n in range(1, 9)))
    assert alerts(student(tail=quick)) == []


@pytest.mark.parametrize(
    ("run", "is_over"),
    [((0.1, 6, ""), True), ((0.1, 7, ""), True), ((0.1, 2, ""), False), ((0.1, 2, "KeyError: 'a'"), False)],
    ids=["it worked", "went on", "looked back", "looked back and failed there"],
)
def test_an_alert_ends_when_the_student_gets_on(run, is_over):
    assert alerts(student(tail=(*runs(run), *SAME))) == ([] if is_over else [(1, "repeated_error")])


def test_a_cell_that_many_struggle_with_is_the_classs():
    broken = {106: CellStats(tried=10, struggled=4)}
    hard = {106: CellStats(tried=10, struggled=3)}
    assert alerts(student(tail=SAME), cells=broken) == []
    assert alerts(student(tail=SAME), cells=hard) == [(1, "repeated_error")]


def test_who_is_shown_does_not_flicker_at_that_border():
    broken = {106: CellStats(tried=10, struggled=5)}
    assert alerts(student(tail=SAME), known=Known(shown=frozenset({1})), cells=broken) == [(1, "repeated_error")]


QUIET = student(last_run_at=ago(16), furthest=5)


def test_silence_while_the_class_goes_on():
    assert alerts(QUIET) == [(1, "silent")]
    (alert,) = assess(lesson(QUIET), Known(), NOW)
    assert (alert.minutes, alert.cell, alert.class_cell) == (16, 5, 8)


@pytest.mark.parametrize(
    "quiet",
    [
        replace(QUIET, furthest=8),
        replace(QUIET, furthest=12),
        replace(QUIET, cells_run=1),
        replace(QUIET, last_run_at=ago(6)),
        replace(QUIET, last_run_at=ago(31)),
        replace(QUIET, furthest=None),
        replace(QUIET, lead=3),
    ],
    ids=["with the class", "finished", "has just come", "reads", "left", "another notebook", "was far ahead"],
)
def test_silence_that_means_nothing(quiet):
    assert alerts(quiet) == []


def test_a_lecture_makes_nobody_silent():
    lecture = BUSY - set(range(THIS - 15, THIS + 1))
    assert alerts(QUIET, active_minutes=lecture) == []
    resumed = lecture | {THIS, THIS - 1}
    assert alerts(QUIET, active_minutes=resumed) == []


def test_silence_after_an_error_counts_sooner():
    stopped = student(tail=runs((8, 5, NAME), (9, 4, "")), furthest=5)
    assert alerts(stopped) == [(1, "silent")]
    assert alerts(replace(stopped, tail=runs((8, 5, ""), (9, 4, "")))) == []


def test_a_lecture_in_the_middle_does_not_make_a_search_long():
    lecture = BUSY - set(range(THIS - 5, THIS))
    paused = (*DIFFERENT[:1], *(replace(run, at=run.at - timedelta(minutes=1)) for run in DIFFERENT[1:]))
    assert alerts(student(tail=paused)) == [(1, "error_streak")]
    resumed = runs((0.1, 6, "E1: no"), *((minutes, 6, f"E{minutes}: no") for minutes in (7, 7.5, 8, 8.5)))
    assert alerts(student(tail=resumed), active_minutes=lecture) == []


def test_who_comes_back_or_gets_a_cell_to_work_is_not_behind():
    solved = runs((1, 2, ""), *((minutes, 2, NAME) for minutes in range(2, 13)))
    assert alerts(student(tail=solved, furthest=2)) == []
    back = runs((1, 2, ""), (2, 1, ""), (3, 2, ""), (12, 2, ""), (13, 1, ""), (14, 0, ""))
    assert alerts(student(tail=back, furthest=2)) == []


LOST = student(tail=runs(*((n, 2, "") for n in range(1, 13))), furthest=2)


def test_far_behind_without_a_new_cell():
    assert alerts(LOST) == [(1, "behind")]


def test_slow_but_steady_is_no_alert():
    steady = student(tail=runs((1, 3, ""), (4, 3, ""), (5, 2, ""), (9, 2, ""), (12, 1, "")), furthest=3)
    assert alerts(steady) == []
    assert alerts(replace(LOST, furthest=5, tail=runs(*((n, 5, "") for n in range(1, 13))))) == []


def test_asking_comes_first_and_once():
    known = Known(asking={2: ago(3)})
    assert alerts(student(1, SAME), student(2, SAME), known=known) == [(2, "help"), (1, "repeated_error")]


def test_the_order_is_kind_then_shown_then_age():
    older = tuple(replace(run, at=run.at - timedelta(minutes=1)) for run in SAME)
    students = (replace(QUIET, student_id=9), student(1, SAME), student(2, older), student(3, DIFFERENT))
    assert [pk for pk, _ in alerts(*students)] == [2, 1, 3, 9]
    assert [pk for pk, _ in alerts(*students, known=Known(shown=frozenset({1})))] == [1, 2, 3, 9]


def answered(minutes: float, **fields) -> Known:
    given = {"code": "repeated_error", "was_needed": True, "cell": 6, **fields}
    return Known(feedback={1: Feedback(ago(minutes), **given)})


def test_what_was_answered_stays_away_until_there_is_more():
    assert alerts(student(tail=SAME), known=answered(0.1)) == []
    assert alerts(student(tail=SAME), known=answered(5)) == [(1, "repeated_error")]


def test_after_not_needed_the_same_cell_needs_twice_as_much():
    assert alerts(student(tail=SAME), known=answered(5, was_needed=False)) == []
    assert alerts(student(tail=SAME), known=answered(5, was_needed=False, cell=3)) == [(1, "repeated_error")]
    eight = runs(*((n / 2, 6, NAME) for n in range(1, 9)))
    assert alerts(student(tail=eight), known=answered(6, was_needed=False)) == [(1, "repeated_error")]


def test_the_same_silence_is_answered_once():
    assert alerts(QUIET, known=answered(1, code="silent")) == []
    assert alerts(QUIET, known=answered(17, code="silent")) == [(1, "silent")]


def test_who_was_behind_is_shown_again_when_further_behind():
    assert alerts(LOST, known=answered(20, code="behind", gap=6)) == []
    assert alerts(LOST, known=answered(20, code="behind", gap=3)) == [(1, "behind")]


def test_errors_that_were_resolved_no_longer_count():
    assert alerts(student(tail=SAME, resolved_at=ago(1.5))) == []


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("SyntaxError: bad (12345.py, line 1)", "SyntaxError: bad (<ipython-input-3>, line 2)", True),
        ("\x1b[31mNameError\x1b[0m: name 'x' is not defined", NAME, True),
        ("NameError: name 'y' is not defined", NAME, False),
        ("IndexError: 4 of 10", "IndexError: 5 of 10", True),
    ],
)
def test_which_errors_are_the_same(one, other, is_same):
    assert (error_signature(one) == error_signature(other)) is is_same


@pytest.mark.parametrize(
    ("text", "name"), [(NAME, "NameError"), ("pandas.errors.X: y", "pandas.errors.X"), ("<b>", "")]
)
def test_the_name_of_an_error(text, name):
    assert error_name(text) == name
