"""Count a term again from the raw rows, in plain Python: nothing of the product's own queries or rules is used.

The rules are those of docs/grades.md and docs/analytics.md. Rows are dicts with the columns of their tables.
"""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

Row = dict[str, Any]
TABLES = (
    "students",
    "student_classes",
    "notebooks",
    "cells",
    "cell_executions",
    "help_requests",
    "class_assignments",
    "assignment_submissions",
    "due_date_extensions",
)


@dataclass(kw_only=True)
class Rows:
    """All rows of the tables, and who is in the class."""

    class_id: int
    tables: dict[str, list[Row]]

    @classmethod
    def read(cls, database_url: str, class_id: int) -> "Rows":
        with psycopg.connect(database_url, row_factory=dict_row) as database:
            return cls(
                class_id=class_id, tables={name: database.execute(f"TABLE {name}").fetchall() for name in TABLES}
            )  # type: ignore[call-overload]

    def of_class(self, table: str) -> list[Row]:
        return [row for row in self.tables[table] if row["class_id"] == self.class_id]

    @property
    def members(self) -> dict[int, Row]:
        enrolled = {row["student_id"] for row in self.of_class("student_classes") if row["role"] == "student"}
        return {row["id"]: row for row in self.tables["students"] if row["id"] in enrolled}

    @property
    def runs(self) -> list[Row]:
        mine = [row for row in self.of_class("cell_executions") if row["status"] != "aborted"]
        return sorted(mine, key=lambda row: (row["executed_at"], row["id"]))

    def name_of(self, table: str, pk: int) -> Row:
        return next(row for row in self.tables[table] if row["id"] == pk)


def counts(run: Row) -> bool:
    """Return whether a run counts: the rendering of a text cell does not (docs/contract/events.md section 5)."""
    return (run["cell_type"] or "code") == "code"


def quantile(values: Iterable[float], share: float) -> float:
    """Return the quantile with linear interpolation, as PostgreSQL's percentile_cont and spreadsheets have it."""
    known = sorted(values)
    place = share * (len(known) - 1)
    low = math.floor(place)
    return known[low] + (known[min(low + 1, len(known) - 1)] - known[low]) * (place - low)


# --- Grades -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Mark:
    grade: float | None
    state: str
    submitted_at: datetime | None
    extended: datetime | None


def holding(due: datetime) -> datetime:
    """Return until when a due date holds: one without seconds until the end of its minute."""
    return due + timedelta(minutes=1) if due.second == due.microsecond == 0 else due


def marks(rows: Rows, now: datetime) -> dict[tuple[int, int], Mark]:
    """Return the marks by student and assignment."""
    extended = {
        (row["student_id"], row["assignment_id"]): row["due_date"] for row in rows.tables["due_date_extensions"]
    }
    handed_in: dict[tuple[int, int], list[Row]] = defaultdict(list)
    for row in rows.tables["assignment_submissions"]:
        handed_in[row["student_id"], row["assignment_id"]].append(row)
    found = {}
    for assignment in rows.of_class("class_assignments"):
        for student in rows.members:
            key = student, assignment["id"]
            due = max(assignment["due_date"], extended.get(key, assignment["due_date"]))
            last = max(handed_in[key], key=lambda row: (row["submitted_at"], row["id"]), default=None)
            own = due if due != assignment["due_date"] else None
            if last is None:
                state = "missing" if now >= holding(due) else "not handed in yet"
                found[key] = Mark(None, state, None, own)
                continue
            is_graded = last["grade"] is not None
            state = "graded" if is_graded else "not graded"
            if not is_graded and (last["status"] or "").lower() in ("graded", "returned"):
                state = "returned without grade"
            late = ", late" if last["submitted_at"] >= holding(due) else ""
            found[key] = Mark(last["grade"], state + late, last["submitted_at"], own)
    return found


def total(assignments: Sequence[Row], mine: Sequence[Mark]) -> tuple[float | None, int]:
    """Return the total in percent and how many marks count."""
    parts = []
    for assignment, mark in zip(assignments, mine, strict=True):
        if not assignment["points"] or assignment["weight"] <= 0:
            continue
        if mark.state == "missing":
            parts.append((assignment["weight"], 0.0))
        elif mark.grade is not None:
            parts.append((assignment["weight"], float(mark.grade) / float(assignment["points"])))
    weights = sum(weight for weight, _ in parts)
    return (100 * sum(weight * share for weight, share in parts) / weights if weights else None), len(parts)


# --- Lessons ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Tries:
    """What one student did at one cell until it worked."""

    student: int
    cell: int
    notebook: int
    tries: int
    errors: int
    solved: bool
    seconds: float | None


def tries_in(runs: Sequence[Row]) -> list[Tries]:
    """Return the tries of the runs of a lesson, which are in order of time."""
    by_student: dict[int, list[Row]] = defaultdict(list)
    for run in runs:
        by_student[run["student_id"]].append(run)
    found = []
    for student, mine in by_student.items():
        solved_at: dict[int, datetime] = {}
        for run in mine:
            if run["status"] == "success":
                solved_at.setdefault(run["cell_id"], run["executed_at"])
        counted: dict[tuple[int, int], list[tuple[Row, timedelta | None]]] = defaultdict(list)
        before = None
        for run in mine:
            gap = None if before is None else run["executed_at"] - before
            before = run["executed_at"]
            is_try = run["cell_id"] not in solved_at or run["executed_at"] <= solved_at[run["cell_id"]]
            if is_try and counts(run):
                counted[run["cell_id"], run["notebook_id"]].append((run, gap))
        for (cell, notebook), tries in counted.items():
            gaps = [gap.total_seconds() for _, gap in tries if gap is not None and gap <= timedelta(minutes=10)]
            errors = sum(run["status"] == "error" for run, _ in tries)
            found.append(
                Tries(
                    student=student,
                    cell=cell,
                    notebook=notebook,
                    tries=len(tries),
                    errors=errors,
                    solved=any(run["status"] == "success" for run, _ in tries),
                    seconds=sum(gaps) if gaps else None,
                )
            )
    return found


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """The figures of the runs between two moments."""

    present: int
    runs: int
    errors: int
    helps: int
    waits: list[float]  # seconds
    cells: dict[tuple[int, int], list[Tries]]
    struggling: dict[int, tuple[int, bool]]  # by student: at how many cells, and whether their worst one worked
    absent: set[int]

    def hardest(self) -> list[tuple[int, int]]:
        """Return the three hardest cells, which the lesson's table names."""

        def key(cell: tuple[int, int]) -> tuple[float, float, int]:
            tries = self.cells[cell]
            failed, unsolved = sum(each.errors > 0 for each in tries), sum(not each.solved for each in tries)
            return -(failed + unsolved) / (len(tries) + 4), -statistics.median(each.tries for each in tries), cell[0]

        failed = [cell for cell, tries in self.cells.items() if any(each.errors for each in tries)]
        return sorted(failed, key=key)[:3]


def lesson(rows: Rows, since: datetime, until: datetime) -> Lesson:
    members = rows.members
    runs = [run for run in rows.runs if since <= run["executed_at"] < until and run["student_id"] in members]
    helps = [row for row in rows.of_class("help_requests") if row["student_id"] in members]
    asked = [row for row in helps if since <= row["asked_at"] < until]
    tries = tries_in(runs)
    cells: dict[tuple[int, int], list[Tries]] = defaultdict(list)
    for each in tries:
        cells[each.cell, each.notebook].append(each)
    had_help = {row["student_id"] for row in helps if row["asked_at"] < until and (row["ended_at"] or until) >= since}
    seen = {run["student_id"] for run in runs}
    for row in rows.of_class("cell_executions"):
        if since <= row["executed_at"] < until:
            seen.add(row["student_id"])
    return Lesson(
        present=len({run["student_id"] for run in runs}),
        runs=sum(map(counts, runs)),
        errors=sum(run["status"] == "error" for run in runs),
        helps=len(asked),
        waits=[max(0.0, ((row["claimed_at"] or row["ended_at"]) - row["asked_at"]).total_seconds()) for row in asked],
        cells={cell: found for cell, found in cells.items() if len(found) >= 2},
        struggling=_struggling(cells, had_help),
        absent=set(members) - seen,
    )


def _struggling(cells: dict[tuple[int, int], list[Tries]], had_help: set[int]) -> dict[int, tuple[int, bool]]:
    caught: dict[int, list[Tries]] = defaultdict(list)
    for tries in cells.values():
        usual = [each.seconds for each in tries if each.solved and each.seconds is not None]
        limit = max(180.0, quantile(usual, 0.75)) if len(usual) >= 4 else 180.0
        for each in tries:
            never = not each.solved and each.errors >= 3
            long = each.errors >= 5 and each.seconds is not None and each.seconds >= limit
            if (never or long) and each.student not in had_help:
                caught[each.student].append(each)
    return {student: (len(mine), all(each.solved for each in mine)) for student, mine in caught.items()}


def shared_errors(rows: Rows, since: datetime, until: datetime) -> Counter[tuple[int, str]]:
    """Return how many students had the same message at the same cell, for those whom two or more had."""
    who: dict[tuple[int, str], set[int]] = defaultdict(set)
    for run in rows.runs:
        if since <= run["executed_at"] < until and run["status"] == "error":
            who[run["cell_id"], run["error_message"]].add(run["student_id"])
    return Counter({key: len(students) for key, students in who.items() if len(students) >= 2})
