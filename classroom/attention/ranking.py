"""Who is listed, in which part and in which order: thresholds, hysteresis and places. Pure functions.

The list does not flicker: a student enters a part at one probability and leaves it at a lower one, and keeps their
place unless somebody clearly more urgent needs it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log
from typing import Literal

Part = Literal["firm", "weak"]

MAX_SHOWN = 5
FIRM_ENTERS, FIRM_LEAVES = 0.80, 0.65
FIRM_TRIES = 12  # runs since a new cell worked, to enter the firm part
FIRM_STALLED = 6.0  # new cells that work, which the class has got further
WEAK_ENTERS, WEAK_LEAVES = 0.20, 0.13
MARGIN = 0.3  # log-odds by which another must be more urgent to take the place of one who is shown
SAID_FINE = 2.0  # log-odds by which a student's own "I'm fine" lowers the probability, for a while
NOT_NEEDED = 1.2  # log-odds by which the threshold of a student rises after an answer "not needed"
VISIT = 0.12  # log-odds by which an answer moves the threshold of the class
EXPECTED = 0.84  # share of visits that should be worth it: at this share, answers move nothing
MOST = 0.8  # log-odds that all answers of a class move it at most
SWITCH = {"quieter": 0.7, "usual": 0.0, "busier": -0.7}  # log-odds


@dataclass(frozen=True, slots=True)
class Score:
    student_id: int
    probability: float
    since: float  # when the trouble began; orders those who are as urgent


def part_of(probability: float, was: Part | None, raised: float = 0.0, *, backed: bool = True) -> Part | None:
    """Return the part of the list a student belongs in; None: none.

    `raised`: log-odds on the threshold; `backed`: of `is_backed`, without which nobody enters the firm part.
    """
    shifted = _shift(probability, -raised)
    if shifted >= FIRM_LEAVES if was == "firm" else backed and shifted >= FIRM_ENTERS:
        return "firm"
    if shifted >= (WEAK_ENTERS if was is None else WEAK_LEAVES):
        return "weak"
    return None


def after_saying_fine(probability: float) -> float:
    """Return the probability that a student is stuck who said a moment ago that they are not."""
    return _shift(probability, -SAID_FINE)


def has_tried_long(tries: int) -> bool:
    """Return whether a student has made FIRM_TRIES runs or more without getting a new cell to work."""
    return tries >= FIRM_TRIES


def is_backed(tries: int, other_outputs: int, stalled: float, *, outputs_agree: bool) -> bool:
    """Return whether two kinds of evidence back a high probability.

    The first is many tries without progress. The second is an output that differs from the class's, or a class that has
    moved on: `stalled` counts the new cells that have worked for the class since the student's last one. Where the
    class has no usual outputs to compare with, the first is enough.
    """
    return has_tried_long(tries) and (other_outputs > 0 or stalled >= FIRM_STALLED or not outputs_agree)


def order(scores: Iterable[tuple[Score, Part, bool]]) -> list[Score]:
    """Return them by urgency: the firm part first. The flag says who is shown now, and keeps the place by a margin."""

    def key(one: tuple[Score, Part, bool]) -> tuple[bool, float, float, int]:
        score, part, is_shown = one
        return (part != "firm", -_log_odds(score.probability) - MARGIN * is_shown, score.since, score.student_id)

    return [score for score, _, _ in sorted(scores, key=key)]


def raised_by_answers(worth_it: int, visits: int) -> float:
    """Return by how much (log-odds) the answers of a class raise its threshold; negative: lower it."""
    not_needed = visits - worth_it
    moved = VISIT * (not_needed * EXPECTED - worth_it * (1 - EXPECTED))
    return max(-MOST, min(MOST, moved))


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return log(kept / (1 - kept))


def _shift(probability: float, by: float) -> float:
    return 1 / (1 + exp(-_log_odds(probability) - by)) if by else probability
