"""The model on a few simulated lessons, with weights fitted on the other worlds: what it is worth must not get lost.

`python -m benchmarks attention` reports on many more.
"""

import json

import pytest

from benchmarks.attention import BASELINES, Outcome, watch
from benchmarks.lessons.budgets import BUDGETS
from benchmarks.lessons.worlds import ROTATED, WORLDS, make

SEED = 104  # 30 students


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    rotated = json.loads(ROTATED.read_text())
    found = {}
    for world in WORLDS:
        found[world] = Outcome()
        for style in ("exercises", "exam"):
            found[world] += watch(make(world, style, SEED), rotated[world])
    return found


@pytest.mark.parametrize("baseline", BASELINES)
def test_the_first_five_meet_a_fifth_more_than_any_baseline(outcomes, baseline):
    whole = Outcome()
    for outcome in outcomes.values():
        whole += outcome
    assert whole.budgets["model"].share(5) >= 1.2 * whole.budgets[baseline].share(5)


def test_the_list_meets_who_is_stuck(outcomes):
    met = sum(outcome.lists["listed"].met for outcome in outcomes.values())
    places = sum(outcome.lists["listed"].places for outcome in outcomes.values())
    assert places > 0
    assert met / places >= 0.33


@pytest.mark.parametrize("budget", BUDGETS)
@pytest.mark.parametrize("baseline", BASELINES)
def test_the_list_that_is_shown_meets_a_fifth_more_than_any_baseline(outcomes, baseline, budget):
    """Not only the order behind it: places stay empty only where hardly anybody is likely to be stuck."""
    whole = Outcome()
    for outcome in outcomes.values():
        whole += outcome
    assert whole.budgets["list"].share(budget) >= 1.2 * whole.budgets[baseline].share(budget)
