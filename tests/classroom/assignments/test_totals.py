"""The rule of a total: what counts, with which weight, and what is left out."""

import pytest

from classroom.assignments.totals import Mark, mean, total_of


def mark(state="graded", grade=None, points=10.0, weight=1.0):
    return Mark(state=state, grade=grade, points=points, weight=weight)


def test_weights_and_points_of_their_own():
    marks = [mark(grade=5), mark(grade=30, points=40, weight=3)]
    total = total_of(marks)
    assert total.percent == pytest.approx((1 * 50 + 3 * 75) / 4)
    assert total.counted == 2


def test_missing_is_zero():
    assert total_of([mark(grade=10), mark("missing")]).percent == 50


LEFT_OUT = [
    mark("ungraded"),
    mark("open"),
    mark("returned"),
    mark("none"),
    mark(grade=7, points=None),
    mark(grade=7, points=0),
    mark("missing", points=None),
    mark(grade=0, weight=0),
    mark("missing", weight=0),
]


@pytest.mark.parametrize("other", LEFT_OUT)
def test_what_is_left_out(other):
    total = total_of([mark(grade=8), other])
    assert (total.percent, total.counted) == (80, 1)


def test_without_anything_that_counts_there_is_no_total():
    assert total_of(LEFT_OUT).percent is None
    assert total_of([]).percent is None


def test_a_bonus_counts_as_it_is():
    assert total_of([mark(grade=12), mark(grade=10)]).percent == pytest.approx(110)


def test_a_mean_is_of_what_is_there():
    assert mean([None, 4, 8]) == 6
    assert mean([None]) is None
