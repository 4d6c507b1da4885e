"""How often "needs attention now" is right, and how soon: simulated lessons that know who is stuck, and the real code.

    python -m benchmarks attention

Each world is scored with weights that were fitted on the other three (`benchmarks/fit_attention.py`), on other seeds,
and with the product's thresholds, hysteresis and places; the demo class, on which nothing was fitted or chosen, with
the product's weights. Beside it stand the rule before and baselines. Nobody answers an alert, and requests for help are
left out.
"""

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import exp
from random import Random
from typing import Any

from benchmarks import old_rule
from benchmarks.lessons import STYLES, Lesson
from benchmarks.lessons.budgets import BUDGETS, Budgets
from benchmarks.lessons.looks import Look, looks_at
from benchmarks.lessons.worlds import REPORT, ROTATED, WORLDS, make
from benchmarks.rows import Row
from classroom.attention.evidence import is_class_problem
from classroom.attention.history import ClassWork, outputs_agree
from classroom.attention.probability import terms_of
from classroom.attention.ranking import MAX_SHOWN, Part, Score, is_backed, order, part_of
from classroom.attention.weights import INTERCEPT, WEIGHTS

EVERY = 60.0  # seconds between two looks
GRACE = 60.0  # seconds after the end in which a visit still meets the problem
MIN_STRETCH = 300.0  # seconds; shorter ones end before a teacher arrives and count for precision only
BASELINES = ("most errors in ten minutes", "longest since the last run", "random active", "rule before")


@dataclass(slots=True)
class Shown:
    """What a list of alerts did in a lesson."""

    right: int = 0  # alerts that met a student who was stuck
    wrong: int = 0
    met: int = 0  # places of students who were stuck, at all looks
    places: int = 0
    found: list[float] = field(default_factory=list)  # minutes from the beginning of a stretch until shown
    missed: int = 0

    def __iadd__(self, other: "Shown") -> "Shown":
        for name in ("right", "wrong", "met", "places", "found", "missed"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


@dataclass(slots=True)
class Outcome:
    lists: dict[str, Shown] = field(
        default_factory=lambda: {name: Shown() for name in ("firm", "listed", "rule before")}
    )
    budgets: dict[str, Budgets] = field(
        default_factory=lambda: {name: Budgets() for name in ("model", "list", *BASELINES)}
    )
    bins: list[list[float]] = field(default_factory=lambda: [[0, 0, 0.0] for _ in range(10)])  # looks, stuck, sum of p

    def __iadd__(self, other: "Outcome") -> "Outcome":
        for name, shown in other.lists.items():
            self.lists[name] += shown
        for name, budgets in other.budgets.items():
            self.budgets[name] += budgets
        self.bins = [
            [a + b for a, b in zip(one, two, strict=True)] for one, two in zip(self.bins, other.bins, strict=True)
        ]
        return self


def attention(*, quick: bool = False) -> tuple[list[Row], dict[str, list[list[float]]]]:
    """Return the rows, and by world the calibration: in ten bins looks, stuck ones, and the sum foreseen."""
    seeds = REPORT[:1] if quick else REPORT
    rotated = json.loads(ROTATED.read_text())
    rows: list[Row] = []
    bins: dict[str, list[list[float]]] = {}
    for world in WORLDS:
        whole, bare = Outcome(), Outcome()
        for style in STYLES:
            outcome = Outcome()
            for seed in seeds:
                lesson = make(world, style, seed)
                outcome += watch(lesson, rotated[world])
                bare += watch(lesson, rotated[world], bare=True)
            rows += _rows(f"{world}, {style}", outcome, rotated[world]["bound"][style])
            whole += outcome
        what = f"seeds {seeds[0]} to {seeds[-1]} of four styles"
        rows += _rows(f"{world}, all", whole, rotated[world]["bound"]["all"], what)
        for row in _rows(f"{world}, bare sender", bare, None, "neither code, outputs nor aborted runs"):
            rows += [row] if any(name in row.name for name in (": firm, ", ": listed, ", ": model, ")) else []
        bins[world] = whole.bins
    whole = Outcome()
    for seed in seeds:
        whole += watch(make("demo", "exercises", seed), {"intercept": INTERCEPT, "weights": WEIGHTS})
    rows += _rows("demo", whole, None, f"seeds {seeds[0]} to {seeds[-1]}")
    bins["demo"] = whole.bins
    return rows, bins


def watch(lesson: Lesson, fitted: dict[str, Any], *, bare: bool = False) -> Outcome:
    """Look at a lesson as the page does, with these weights; `bare`: of `looks_at`."""
    outcome, random = Outcome(), Random(lesson.seed)
    parts: dict[int, Part] = {}
    rule_shows: set[int] = set()
    records = {name: _Record() for name in outcome.lists}
    for now, class_, looks in looks_at(lesson, every=EVERY, bare=bare):
        stuck = {look.student for look in looks if look.stuck}
        likely = {look.student: _probability(look, fitted) for look in looks}
        parts = _list(looks, class_, likely, parts)
        ranked = sorted(likely, key=lambda student: -likely[student])
        rule = [student for student, _ in old_rule.alerts({k.student: k.work.runs for k in looks}, rule_shows, now)]
        rule_shows = set(rule[:MAX_SHOWN])
        records["firm"].add([student for student, part in parts.items() if part == "firm"], stuck, now)
        records["listed"].add(list(parts), stuck, now)
        records["rule before"].add(rule[:MAX_SHOWN], stuck, now)
        active = [look.student for look in looks if look.evidence.recent]
        random.shuffle(active)
        for name, found in {
            "model": ranked,
            "list": list(parts),
            "rule before": rule,
            "most errors in ten minutes": _by(looks, [look.evidence.recent_failures for look in looks]),
            "longest since the last run": _by(looks, [look.evidence.silent_minutes for look in looks]),
            "random active": active,
        }.items():
            outcome.budgets[name].add(found, stuck)
        for student, chance in likely.items():
            one = outcome.bins[min(9, int(chance * 10))]
            one[0] += 1
            one[1] += student in stuck
            one[2] += chance
    for name, record in records.items():
        outcome.lists[name] = record.shown(lesson)
    return outcome


def _probability(look: Look, fitted: dict[str, Any]) -> float:
    weights = fitted["weights"]
    odds = fitted["intercept"] + sum(weights[name] * value for name, value in terms_of(look.evidence).items())
    return 1 / (1 + exp(-odds))


def _list(
    looks: Sequence[Look], class_: ClassWork, likely: dict[int, float], parts: dict[int, Part]
) -> dict[int, Part]:
    """Return who is listed and in which part, in order."""
    scores: list[tuple[Score, Part, bool]] = []
    agree = outputs_agree(class_)
    for look in looks:
        seen = look.evidence
        backed = is_backed(seen.tries, seen.other_outputs, seen.stalled, outputs_agree=agree)
        part = part_of(likely[look.student], parts.get(look.student), backed=backed)
        if part and look.evidence.silent_minutes < 30 and not is_class_problem(look.evidence, class_.now):
            score = Score(look.student, likely[look.student], look.evidence.since)
            scores.append((score, part, look.student in parts))
    by_student = {score.student_id: part for score, part, _ in scores}
    return {score.student_id: by_student[score.student_id] for score in order(scores)[:MAX_SHOWN]}


def _by(looks: Sequence[Look], values: Sequence[float]) -> list[int]:
    return [looks[place].student for place in sorted(range(len(looks)), key=lambda place: -values[place])]


@dataclass(slots=True)
class _Record:
    """When whom a list showed."""

    seen: dict[int, list[float]] = field(default_factory=dict)
    opened: list[tuple[int, float]] = field(default_factory=list)
    now_shown: set[int] = field(default_factory=set)
    met: int = 0
    places: int = 0

    def add(self, students: Sequence[int], stuck: set[int], now: float) -> None:
        for student in students:
            self.seen.setdefault(student, []).append(now)
            if student not in self.now_shown:
                self.opened.append((student, now))
            self.places += 1
            self.met += student in stuck
        self.now_shown = set(students)

    def shown(self, lesson: Lesson) -> Shown:
        found = Shown(met=self.met, places=self.places)
        for student, at in self.opened:
            is_right = any(one.student == student and one.start <= at <= one.end + GRACE for one in lesson.stuck)
            found.right += is_right
            found.wrong += not is_right
        for one in lesson.stuck:
            if one.end - one.start >= MIN_STRETCH:
                inside = [at for at in self.seen.get(one.student, ()) if one.start <= at <= one.end]
                if inside:
                    found.found.append((inside[0] - one.start) / 60)
                else:
                    found.missed += 1
        return found


def _rows(where: str, outcome: Outcome, bound: dict[str, float] | None, what: str = "") -> list[Row]:
    rows: list[Row] = []
    for name, shown in outcome.lists.items():
        alerts, stretches = shown.right + shown.wrong, len(shown.found) + shown.missed
        rows += [
            Row(name=f"{where}: {name}, precision", unit="%", value=_percent(shown.right, alerts),
                note=f"{shown.right} of {alerts} alerts met a student who was stuck; of the places at all looks "
                f"{_percent(shown.met, shown.places):.0f} %{'; ' + what if what else ''}"),
            Row(name=f"{where}: {name}, recall", unit="%", value=_percent(len(shown.found), stretches),
                note=f"{len(shown.found)} of {stretches} stretches of 5 min or more"),
            Row(name=f"{where}: {name}, until shown", unit="min", note="median",
                value=statistics.median(shown.found) if shown.found else float("nan")),
        ]  # fmt: skip
    for name, budgets in outcome.budgets.items():
        shares = {budget: 100 * budgets.share(budget) for budget in BUDGETS}
        note = " / ".join(f"{share:.0f}" for share in shares.values()) + " % of the oracle at 1 / 3 / 5 places"
        if name == "model" and bound:
            of_bound = " / ".join(f"{share / bound[str(budget)]:.0f}" for budget, share in shares.items())
            limits = " / ".join(f"{100 * bound[str(budget)]:.0f}" for budget in BUDGETS)
            note += f"; the bound {limits}; of the bound {of_bound} %"
        rows.append(Row(name=f"{where}: {name}, first five", value=shares[5], unit="%", note=note))
    return rows


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else float("nan")
