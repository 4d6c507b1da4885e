"""Evidence, probability and the list, without a database: who is listed, who is not, and who ceases to be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from classroom.attention import ranking
from classroom.attention.alerts import Feedback, Lesson, PriorState, Reason, StudentSignals
from classroom.attention.assessment import assess
from classroom.attention.evidence import evidence_of
from classroom.attention.history import Run, change_between, class_of, outputs_agree, work_of
from classroom.attention.probability import probability, terms_of
from classroom.attention.reason_texts import reason_of
from classroom.base.error_fingerprints import error_name, error_signature

NOW = datetime(2026, 5, 8, 10, 30, tzinfo=UTC)
NAME = "NameError: name 'x' is not defined"


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def one(minutes: float, cell: int, error: str = "", **fields) -> Run:
    return Run(
        at=ago(minutes).timestamp(), notebook=1, cell=cell, position=cell, failed=bool(error), error=error,
        error_name=error.partition(":")[0], **fields,
    )  # fmt: skip


def steady(until: float = 0.2, cells: int = 12) -> list[Run]:
    """Somebody who gets a new cell to work every two minutes."""
    return [one(until + 2 * (cells - cell), cell, output=f"out {cell}") for cell in range(cells)]


def repeating(times: int = 14, cell: int = 3, **fields) -> list[Run]:
    """Three cells that work, and then the same mistake again and again."""
    start = [one(20 - n, n, output=f"out {n}") for n in range(cell)]
    return start + [one((times - n) * 0.7, cell, NAME, change=0.0, **fields) for n in range(times)]


def lesson(*histories: list[Run], classmates: int = 10) -> Lesson:
    """A class; the given students first, as 1, 2, …, then classmates who get on."""
    given = [*histories, *[steady(0.2 + number / 10) for number in range(classmates)]]
    works = [work_of(runs) for runs in given]
    class_ = class_of(works, NOW.timestamp())
    students = []
    for number, work in enumerate(works, start=1):
        evidence = evidence_of(work, class_)
        students.append(
            StudentSignals(
                number, "Aoi", "aoi@example.com", datetime.fromtimestamp(work.runs[-1].at, UTC), work, evidence,
                probability(terms_of(evidence)),
            )
        )  # fmt: skip
    return Lesson(students=tuple(students), class_cell=8, class_=class_)


def likely(*histories: list[Run], **fields) -> float:
    return lesson(*histories, **fields).students[0].probability


def listed(of: Lesson, **known) -> list[tuple[int, str, bool]]:
    return [(alert.student_id, alert.code, alert.is_firm) for alert in assess(of, PriorState(**known), NOW)]


def lost() -> list[Run]:
    """Hardly anything works, several cells fail, everything is run again, and what works is not what the class gets."""
    history = [one(25, 0, output="out 0")]
    for turn in range(6):
        for cell in (1, 2, 3):
            error = f"TypeError: in {cell}"
            history.append(one(17 - 2.6 * turn - 0.7 * cell, cell, error, change=0.0 if turn else None))
        history += [one(15 - 2.6 * turn, 0, output=f"mine {turn}", change=0.1)]
        history += [one(14.9 - 2.6 * turn, cell, aborted=True) for cell in (1, 2, 3)]
    return sorted([*history, one(0.1, 3, "TypeError: in 3", change=0.0)], key=lambda run: run.at)


def test_who_repeats_an_error_while_the_class_gets_on_is_worth_a_look():
    (alert,) = assess(lesson(repeating()), PriorState(), NOW)
    assert (alert.student_id, alert.is_firm, alert.cell, alert.error) == (1, False, 3, "NameError")
    assert alert.probability is not None
    assert ranking.WEAK_ENTERS < alert.probability < ranking.FIRM_ENTERS
    assert [reason.term for reason in alert.reasons] == ["same_code", "same_error", "tries"]
    assert alert.evidence["firm"] is False


def test_who_has_several_such_signs_needs_somebody():
    (alert,) = assess(lesson(lost()), PriorState(), NOW)
    assert (alert.student_id, alert.is_firm) == (1, True)


def test_a_class_that_gets_on_is_an_empty_list():
    assert listed(lesson()) == []


def test_three_errors_are_nothing_yet():
    three = steady(4, 10) + [one(0.6 - n / 5, 10, NAME, change=0.1) for n in range(3)]
    assert listed(lesson(three)) == []


def test_more_tries_make_it_more_likely():
    found = [likely(repeating(times)) for times in (1, 4, 8, 14)]
    assert found == sorted(found)
    assert found[0] < ranking.WEAK_LEAVES < ranking.WEAK_ENTERS < found[-1]


def test_a_new_cell_that_works_ends_it():
    gone_on = [*repeating(), one(0.1, 3), one(0.05, 4)]
    assert likely(gone_on) < ranking.WEAK_LEAVES
    assert listed(lesson(gone_on), shown={1: "firm"}) == []


def test_one_success_elsewhere_does_not_end_it():
    """A `print` among failures, in a cell that worked before: the mistake is still there."""
    looked_back = [*repeating(), one(0.1, 1)]
    assert listed(lesson(looked_back), shown={1: "firm"}) != []


def test_silence_counts_in_runs_of_the_class_and_after_an_error():
    stopped = [*steady(9, 6), one(8, 6, NAME)]
    rested = steady(8, 7)
    assert likely(stopped) > 2 * likely(rested)
    alone = lesson(stopped, classmates=0).students[0]
    assert alone.evidence.silence == 0, "nobody has run anything meanwhile: a lecture"
    assert alone.probability < likely(stopped)


def test_who_left_is_not_listed():
    stopped = [replace(run, at=run.at - 40 * 60) for run in repeating()]
    assert listed(lesson(stopped)) == []


def test_own_cells_weigh_less_than_those_of_the_class():
    assert likely(repeating(cell=3)) > likely([*repeating(cell=3)[:3], *repeating(cell=99)[-14:]])


def test_another_notebook_is_not_behind():
    """Who works in the second notebook has their own cells there: nothing is judged by places in the class's."""
    other = [replace(run, notebook=2, cell=100 + number, position=0) for number, run in enumerate(steady())]
    assert listed(lesson(other)) == []


def test_an_output_that_is_not_the_class_s_is_evidence():
    def last_outputs(text: str) -> list[Run]:
        return [*steady(6, 9), *[one(5 - n, 9, output=text, change=0.1) for n in range(5)]]

    assert likely(last_outputs("7")) > likely(last_outputs("out 9"))


def test_a_cell_that_fails_for_many_is_the_class_s():
    many = [repeating(10) for _ in range(8)]
    assert listed(lesson(*many, classmates=4)) == []
    long = [[replace(run, at=run.at - 13 * 60) for run in repeating(10)] + repeating(10)[3:] for _ in range(8)]
    assert len(listed(lesson(*long, classmates=4))) == 8


def test_it_takes_less_to_stay_than_to_enter():
    between = (ranking.WEAK_ENTERS + ranking.WEAK_LEAVES) / 2
    assert ranking.part_of(between, None) is None
    assert ranking.part_of(between, "weak") == "weak"
    between = (ranking.FIRM_ENTERS + ranking.FIRM_LEAVES) / 2
    assert ranking.part_of(between, "weak") == "weak"
    assert ranking.part_of(between, "firm") == "firm"


def test_a_place_is_taken_by_a_margin():
    def first(shown: float, other: float) -> int:
        scores = [(ranking.Score(1, shown, 0), "weak", True), (ranking.Score(2, other, 0), "weak", False)]
        return ranking.order(scores)[0].student_id

    assert first(0.5, 0.55) == 1
    assert first(0.5, 0.8) == 2


def test_the_firm_part_comes_first_and_who_asks_before_all():
    scores = [(ranking.Score(1, 0.8, 0), "weak", True), (ranking.Score(2, 0.75, 0), "firm", False)]
    assert [score.student_id for score in ranking.order(scores)] == [2, 1]
    assert listed(lesson(repeating(), repeating()), asking={2: ago(3)})[0] == (2, "help", True)


def answered(minutes: float, *, was_needed: bool) -> dict[int, Feedback]:
    return {1: Feedback(ago(minutes), was_needed)}


def test_after_an_answer_only_what_came_later_counts():
    assert listed(lesson(repeating()), feedback=answered(0.1, was_needed=True)) == []
    assert listed(lesson(repeating()), feedback=answered(25, was_needed=True)) == listed(lesson(repeating()))


def test_not_needed_raises_the_threshold_of_that_student():
    some = lesson(repeating(6))
    assert len(listed(some, feedback=answered(25, was_needed=True))) == 1
    assert listed(some, feedback=answered(25, was_needed=False)) == []


def test_the_switch_and_the_answers_of_a_class_move_its_threshold():
    assert ranking.part_of(0.84, None, ranking.SWITCH["quieter"]) == "weak"
    assert ranking.part_of(0.75, None, ranking.SWITCH["busier"]) == "firm"
    assert ranking.raised_by_answers(84, 100) == pytest.approx(0)
    assert ranking.raised_by_answers(1, 5) > 0 > ranking.raised_by_answers(10, 10)
    assert ranking.raised_by_answers(0, 50) == ranking.MOST


def test_errors_that_were_resolved_no_longer_count():
    found = lesson(repeating())
    students = (replace(found.students[0], resolved_at=ago(0.1)), *found.students[1:])
    assert listed(replace(found, students=students)) == []


@pytest.mark.parametrize(
    ("before", "after", "least", "most"),
    [("a = 1", "a = 1", 0, 0), ("a = 1\nb = 2\nc = 3", "a = 1\nb = 4\nc = 3", 0.01, 0.15), ("a = 1", "x(y)", 0.9, 1)],
)
def test_how_much_of_the_code_changed(before, after, least, most):
    assert least <= change_between(before, after) <= most


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


def test_only_who_has_tried_long_is_firm():
    """Many tries without a new cell; whatever else makes somebody likely is worth a look."""
    assert not ranking.has_tried_long(ranking.FIRM_TRIES - 1)
    assert ranking.has_tried_long(ranking.FIRM_TRIES)
    assert ranking.part_of(0.95, "weak", backed=False) == "weak"
    assert ranking.part_of(0.95, "weak", backed=True) == "firm"
    assert ranking.part_of(0.7, "firm", backed=False) == "firm", "who is in it stays until it is less likely"
    few = [run for run in lost() if run.at > ago(5).timestamp()]
    (alert,) = assess(lesson(few), PriorState(), NOW)
    assert alert.probability is not None
    assert (alert.probability > ranking.FIRM_ENTERS, alert.is_firm) == (True, False)


def test_two_kinds_of_evidence_back_the_firm_part():
    """Many tries without progress, and an output that is not the class's or a class that has gone on."""
    enough = ranking.FIRM_TRIES
    further = ranking.FIRM_STALLED
    assert ranking.is_backed(enough, 1, 0, outputs_agree=True)
    assert ranking.is_backed(enough, 0, further, outputs_agree=True)
    assert not ranking.is_backed(enough, 0, further - 0.1, outputs_agree=True)
    assert not ranking.is_backed(enough - 1, 3, further, outputs_agree=True)
    assert ranking.is_backed(enough, 0, 0, outputs_agree=False)


def test_whose_outputs_are_the_class_s_is_worth_a_look_until_the_class_is_further(monkeypatch):
    def is_firm(runs: list[Run]) -> bool:
        (alert,) = assess(lesson(runs), PriorState(), NOW)
        return alert.is_firm

    same = [replace(run, output="out 0") if run.output.startswith("mine") else run for run in lost()]
    further = lesson(same).students[0].evidence.stalled
    assert further >= ranking.FIRM_STALLED
    assert is_firm(same)
    monkeypatch.setattr(ranking, "FIRM_STALLED", further + 0.1)
    assert (is_firm(same), is_firm(lost())) == (False, True)


def test_outputs_agree_where_most_of_the_class_has_one():
    assert outputs_agree(lesson().class_)
    own = [[replace(run, output=f"{number} {run.output}") for run in steady()] for number in range(10)]
    assert not outputs_agree(lesson(*own, classmates=0).class_), "each has their own data"
    silent = [[replace(run, output="") for run in steady()] for _ in range(10)]
    assert not outputs_agree(lesson(*silent, classmates=0).class_), "a sender that reports none"


def test_one_run_all_that_stops_counts_once():
    """However many cells stood below the one that failed."""

    def stopped(cells: int) -> list[Run]:
        return [*repeating(5), *[one(0.1, 10 + cell, aborted=True) for cell in range(cells)]]

    assert likely(stopped(12)) == likely(stopped(6)) > likely(stopped(0))


def test_how_long_at_a_cell_counts_in_runs_of_the_class():
    came = [*steady(7, 6), one(6, 6, NAME), one(3, 6, NAME, change=0.5)]
    found = lesson(came).students[0].evidence
    assert found.at_cell == pytest.approx(lesson(came).class_.runs_since(ago(6).timestamp()))
    looked = [*came, one(2, 1), one(1, 6, NAME, change=0.5)]
    assert lesson(looked).students[0].evidence.at_cell < found.at_cell, "from when they came back"
    assert lesson(came, classmates=0).students[0].evidence.at_cell < found.at_cell, "a lecture is not long"


def test_going_back_is_counted_within_a_notebook():
    back = [*steady(6, 6), one(5, 2), one(4, 6, NAME), one(3, 1)]
    assert lesson(back).students[0].evidence.went_back == 2
    elsewhere = [*steady(6, 6), replace(one(5, 2), notebook=2), one(4, 6, NAME)]
    assert lesson(elsewhere).students[0].evidence.went_back == 0
    assert likely(back) > likely([*steady(6, 6), one(5, 5), one(4, 6, NAME), one(3, 6)])


def test_who_is_silent_after_an_error_is_told_so():
    stopped = [*steady(12, 6), *[one(11 - n / 5, 6, NAME, change=0.0) for n in range(9)]]
    (alert,) = assess(lesson(stopped), PriorState(), NOW)
    assert "9 min without a run after a NameError, while the class goes on" in reason_of(alert)
    at_it = replace(alert, reasons=(Reason("at_cell", count=5),))
    assert reason_of(at_it) == "still at the same cell while each of the class made 5 runs"
