"""How well the prediction's probabilities hold: simulated homework whose end is known, read by the real queries.

    python -m benchmarks prediction          # the report, on seeds that nothing was fitted on
    python -m benchmarks prediction --fit    # print the weights for classroom/analytics/prediction_rule.py

The runs of a class up to a day are stored in PostgreSQL, the evidence is gathered as the API gathers it, and only then
compared with how it ended (`benchmarks.prediction_class`).
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp

from benchmarks import prediction_class as homework
from benchmarks.own_database import own_database
from benchmarks.rows import Row

FITTING, REPORT = range(1, 13), range(201, 213)
STUDENTS = 60
BINS = 5
RIDGE = 1.0  # keeps weights small where data is scarce


@dataclass(frozen=True, slots=True)
class Case:
    values: tuple[float, ...]
    probability: float
    confidence: float
    finished: bool
    day: float
    late_by_days: float | None  # the estimate less the truth


def prediction(*, seeds: range, quick: bool = False) -> list[Row]:
    cases, silent = _cases(seeds[:3] if quick else seeds)
    return _rows(cases, silent, seeds[:3] if quick else seeds)


def fit() -> str:
    cases, _ = _cases(FITTING)
    intercept, *weights = _newton([(1.0, *case.values) for case in cases], [case.finished for case in cases])
    brier = statistics.mean((_logistic(intercept, weights, case.values) - case.finished) ** 2 for case in cases)
    shown = ", ".join(f"{weight:.2f}" for weight in weights)
    return f"INTERCEPT = {intercept:.2f}\nWEIGHTS = ({shown})\n# {len(cases)} cases, Brier {brier:.3f} on these seeds"


def _cases(seeds: Sequence[int]) -> tuple[list[Case], int]:
    """The cases with a number, and how many had none."""
    cases: list[Case] = []
    silent = 0
    with own_database():
        for seed in seeds:
            found, unknown = _watch(seed)
            cases += found
            silent += unknown
    return cases, silent


def _watch(seed: int) -> tuple[list[Case], int]:
    from classroom.analytics.prediction_rule import confidence, estimate, features, probability
    from classroom.analytics.predictions import Worked, evidence_of, worked_in
    from lms.access import EVERYTHING
    from lms.models import Cell, Notebook, Session, Student

    work = homework.make_work(seed=seed, count=STUDENTS)
    start = datetime(2026, 5, 11, tzinfo=UTC)
    due = homework.moment(start, homework.DAYS)
    notebook = Notebook.objects.create(path=f"seed{seed}.ipynb", name=f"seed{seed}.ipynb")
    cells = [Cell.objects.create(notebook=notebook, cell_id=f"c{n}", position=n) for n in range(work.cells)]
    students = [Student.objects.create(email=f"s{seed}-{pupil.number}@example.com") for pupil in work.pupils]
    sessions = [Session.objects.create(student=student, session_id="s") for student in students]
    cases, silent = [], 0
    for day in homework.SNAPSHOTS:
        now = homework.moment(start, day)
        _store(work, day, start, notebook, cells, students, sessions)
        worked = worked_in([student.pk for student in students], {notebook.pk}, scope=EVERYTHING)
        for pupil, student in zip(work.pupils, students, strict=True):
            known = worked.get((student.pk, notebook.pk), Worked())
            evidence = evidence_of(known, cells=work.cells, due=due, now=now)
            if pupil.finished_at is not None and pupil.finished_at <= day:
                continue  # it has happened: nothing to foresee
            if not evidence.is_enough:
                silent += 1
                continue
            values = features(evidence)
            when = estimate(evidence)
            off = None
            if when is not None and pupil.finished_at is not None:
                off = (when - homework.moment(start, pupil.finished_at)) / timedelta(days=1)
            cases.append(Case(values, probability(values), confidence(evidence), homework.finishes(pupil), day, off))
    return cases, silent


def _store(work, day, start, notebook, cells, students, sessions) -> None:  # type: ignore[no-untyped-def]
    """Store everything up to that day as the event pipeline would: runs, and a row per student and cell."""
    from events.models import CellExecution, CellProgress

    CellExecution.objects.filter(notebook=notebook).delete()
    CellProgress.objects.filter(notebook=notebook).delete()
    runs: list[CellExecution] = []
    progress: dict[tuple[int, int], CellProgress] = {}
    for pupil, run in homework.runs_until(work, day):
        at, status = homework.moment(start, run.at), "success" if run.worked else "error"
        student, cell = students[pupil.number], cells[run.cell]
        runs.append(
            CellExecution(student=student, notebook=notebook, cell=cell, session=sessions[pupil.number],
                          executed_at=at, status=status)
        )  # fmt: skip
        row = progress.setdefault(
            (pupil.number, run.cell), CellProgress(student=student, notebook=notebook, cell=cell, last_run_at=at)
        )
        row.run_count += 1
        row.error_count += not run.worked
        row.last_status, row.last_run_at = status, at
    CellExecution.objects.bulk_create(runs, batch_size=2000)
    CellProgress.objects.bulk_create(progress.values(), batch_size=2000)


def _rows(cases: list[Case], silent: int, seeds: Sequence[int]) -> list[Row]:
    what = f"{len(cases)} cases of {len(seeds)} classes of {STUDENTS} (seeds {seeds[0]} to {seeds[-1]})"
    base = statistics.mean(case.finished for case in cases)
    # What somebody who knew only how classes usually end would score.
    rows = [
        Row(name="prediction, Brier score", value=_brier(cases), unit="", note=f"{what}; lower is better"),
        Row(name="prediction, Brier of the base rate", value=base * (1 - base), unit="",
            note=f"{100 * base:.0f} % end well"),
        Row(name="prediction, calibration error", value=100 * _calibration(cases), unit="points",
            note="foreseen less happened, mean over bins by their cases"),
        Row(name="prediction, without a number", value=100 * silent / (silent + len(cases)), unit="%",
            note="too few runs to say anything"),
    ]  # fmt: skip
    for number, inside in enumerate(_bins(cases)):
        if inside:
            rows.append(
                Row(name=f"prediction, foreseen {number * 20} to {number * 20 + 20} %", unit="% finished",
                    value=100 * statistics.mean(case.finished for case in inside),
                    note=f"{len(inside)} cases, foreseen {100 * statistics.mean(c.probability for c in inside):.0f} %")
            )  # fmt: skip
    for day in homework.SNAPSHOTS:
        inside = [case for case in cases if case.day == day]
        rows.append(
            Row(name=f"prediction, Brier on day {day:g}", value=_brier(inside), unit="", note=f"{len(inside)} cases")
        )
    for low, high in ((0.0, 0.5), (0.5, 0.7), (0.7, 1.0)):
        inside = [case for case in cases if low <= case.confidence < high]
        if inside:
            rows.append(Row(name=f"prediction, Brier at confidence {low:g} to {high:g}", value=_brier(inside), unit="",
                            note=f"{len(inside)} cases"))  # fmt: skip
    at_risk = [case for case in cases if case.probability < 0.5]
    missed = [case for case in cases if not case.finished]
    rows.append(Row(name="prediction, precision of at risk", unit="%", note=f"{len(at_risk)} marked",
                    value=100 * statistics.mean(not case.finished for case in at_risk)))  # fmt: skip
    rows.append(Row(name="prediction, recall of at risk", unit="%", note=f"{len(missed)} did not finish",
                    value=100 * statistics.mean(case.probability < 0.5 for case in missed)))  # fmt: skip
    off = [abs(case.late_by_days) for case in cases if case.late_by_days is not None and case.finished]
    rows.append(Row(name="prediction, estimated end off by", value=statistics.median(off), unit="days",
                    note=f"median of {len(off)} who finished in time"))  # fmt: skip
    return rows


def _bins(cases: list[Case]) -> list[list[Case]]:
    found: list[list[Case]] = [[] for _ in range(BINS)]
    for case in cases:
        found[min(BINS - 1, int(case.probability * BINS))].append(case)
    return found


def _brier(cases: list[Case]) -> float:
    return statistics.mean((case.probability - case.finished) ** 2 for case in cases)


def _calibration(cases: list[Case]) -> float:
    off = 0.0
    for inside in _bins(cases):
        if inside:
            foreseen = statistics.mean(case.probability for case in inside)
            off += len(inside) * abs(foreseen - statistics.mean(case.finished for case in inside))
    return off / len(cases)


# --- Fitting: logistic regression by Newton's method ----------------------------------------------------------------


def _logistic(intercept: float, weights: Sequence[float], values: Sequence[float]) -> float:
    return 1 / (1 + exp(-intercept - sum(w * v for w, v in zip(weights, values, strict=True))))


def _newton(rows: list[tuple[float, ...]], truths: list[bool]) -> list[float]:
    size = len(rows[0])
    found = [0.0] * size
    for _ in range(30):
        gradient = [-RIDGE * w * (i > 0) for i, w in enumerate(found)]
        hessian = [[RIDGE * (i == j) * (i > 0) + 1e-9 for j in range(size)] for i in range(size)]
        for row, truth in zip(rows, truths, strict=True):
            p = 1 / (1 + exp(-sum(w * v for w, v in zip(found, row, strict=True))))
            for i in range(size):
                gradient[i] += (truth - p) * row[i]
                for j in range(size):
                    hessian[i][j] += p * (1 - p) * row[i] * row[j]
        step = _solve(hessian, gradient)
        found = [w + s for w, s in zip(found, step, strict=True)]
        if max(map(abs, step)) < 1e-8:
            break
    return found


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(rows[k][i]))
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for k in range(size):
            if k != i:
                factor = rows[k][i] / rows[i][i]
                rows[k] = [a - factor * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [rows[i][size] / rows[i][i] for i in range(size)]
