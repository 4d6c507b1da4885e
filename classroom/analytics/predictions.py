"""Predict which students will finish which assignments in time, by `classroom.analytics.prediction_rule`.

Certain cases need no model: the probability of a submitted assignment is 1 and of an overdue one 0, with confidence 1.
A student with too few runs has no probability, but the reasons still say what is known.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from classroom.analytics.prediction_rule import MIN_RUNS, Evidence, predict
from classroom.progress import selectors as progress
from core.postgres import fetch_all
from events.cell_progress import progress_seen
from lms.access import Scope, User, scope_of
from lms.dates import deadline
from lms.models import ClassAssignment, Student
from lms.submissions import is_over
from realtime.messages import timestamp

LONG_QUIET = timedelta(days=1)

WORKED = """
SELECT p.student_id, p.notebook_id, count(*) FILTER (WHERE p.last_status = 'success'),
       count(*) FILTER (WHERE p.last_status = 'error'), sum(p.run_count), sum(p.error_count),
       min(first.executed_at), max(p.last_run_at)
FROM {progress} AS p JOIN cells c ON c.id = p.cell_id AND c.cell_type = 'code'
LEFT JOIN LATERAL (SELECT executed_at FROM cell_executions e
                   WHERE e.student_id = p.student_id AND e.cell_id = p.cell_id AND e.status <> 'aborted' {scope}
                   ORDER BY executed_at LIMIT 1) first ON true
GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Worked:
    done: int = 0
    failing: int = 0
    runs: int = 0
    errors: int = 0
    first: datetime | None = None
    last: datetime | None = None


def predictions(
    viewer: User, students: Sequence[Student], *, now: datetime, assignment: ClassAssignment | None
) -> list[dict[str, Any]]:
    """Return one row per student and assignment, by assignment and student. Eight queries for any number of rows."""
    ids = [student.pk for student in students]
    known = progress.facts(viewer, ids, only=assignment.pk if assignment else None, times=False)
    worked = worked_in(ids, {each.notebook_id for each in known.assignments}, scope=scope_of(viewer))
    found = [
        (each, student, worked.get((student.pk, each.notebook_id), Worked()))
        for student in students
        for each in known.assignments_of(student.pk)
    ]
    found.sort(key=lambda row: (row[0].pk, row[1].pk))
    return [_row(known, each, student, work, now) for each, student, work in found]


def worked_in(students: Collection[int], notebooks: Collection[int], *, scope: Scope) -> dict[tuple[int, int], Worked]:
    """Return the work in code cells by student and notebook. One query, with an index lookup per student and cell."""
    progress = progress_seen(scope, where="student_id = ANY(%s) AND notebook_id = ANY(%s)")
    found = fetch_all(
        WORKED.format(progress=progress, scope=scope.sql("e.class_id")), [list(students), list(notebooks)]
    )
    return {(student, notebook): Worked(*rest) for student, notebook, *rest in found}


def evidence_of(worked: Worked, *, cells: int, due: datetime | None, now: datetime) -> Evidence:
    return Evidence(
        cells=max(cells, worked.done + worked.failing),
        done=worked.done,
        failing=worked.failing,
        runs=worked.runs,
        errors=worked.errors,
        first=worked.first,
        last=worked.last,
        due=due,
        now=now,
    )


def _row(
    known: progress.Facts, assignment: ClassAssignment, student: Student, worked: Worked, now: datetime
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "emailAddress": student.email,
        "assignment_id": assignment.pk,
        "completion_probability": None,
        "estimated_completion_at": None,
        "at_risk": None,
        "reasons": [],
        "confidence": 0.0,
    }
    own_due = known.due(student.pk, assignment)
    due = deadline(own_due) if own_due else None
    submission = known.submitted.get((student.pk, assignment.pk))
    if submission is not None:
        at = timestamp(submission.submitted_at)
        is_late = is_over(own_due, now=submission.submitted_at)
        reason = f"Handed in {'late ' if is_late else ''}on {_day(submission.submitted_at)}"
        certain = {"completion_probability": 0.0 if is_late else 1.0, "at_risk": False, "confidence": 1.0}
        return row | certain | {"estimated_completion_at": at, "reasons": [reason]}
    evidence = evidence_of(worked, cells=known.cells.get(assignment.notebook_id, 0), due=due, now=now)
    reasons = reasons_of(evidence)
    if is_over(own_due, now=now):
        return row | {"completion_probability": 0.0, "at_risk": True, "confidence": 1.0, "reasons": reasons}
    found = predict(evidence)
    if found is None:
        return row | {"reasons": reasons}
    return row | {
        "completion_probability": found.probability,
        "estimated_completion_at": timestamp(found.estimated_at) if found.estimated_at else None,
        "at_risk": found.is_at_risk,
        "reasons": reasons,
        "confidence": found.confidence,
    }


def reasons_of(evidence: Evidence) -> list[str]:
    """Return the reasons for and against, as English sentences; never empty."""
    reasons = []
    if evidence.due is not None and evidence.due < evidence.now:
        reasons.append(f"Was due on {_day(evidence.due)}, and nothing is handed in")
    if not evidence.cells:
        return [*reasons, "Nothing is known of the notebook's cells yet"]
    if not evidence.runs or evidence.first is None:
        return [*reasons, "Has run nothing in this notebook yet"]
    reasons.append(f"{evidence.done} of {evidence.cells} cells work")
    if not evidence.is_enough:
        reasons.append(f"Only {evidence.runs} runs: with fewer than {MIN_RUNS} nothing can be foreseen")
    if evidence.failing:
        reasons.append(f"{evidence.failing} {'cell fails' if evidence.failing == 1 else 'cells fail'} now")
    if evidence.due is None:
        reasons.append("Nothing is due: this is about the next seven days")
    elif evidence.left > timedelta(0) and evidence.remaining:
        needed = evidence.remaining / max(1.0, evidence.left.total_seconds() / 3600)
        reasons.append(f"{24 * evidence.pace:.1f} cells a day so far; in time with {24 * needed:.1f} a day")
    if evidence.last is not None and evidence.now - evidence.last >= LONG_QUIET:
        reasons.append(f"Last ran something {(evidence.now - evidence.last).days} days ago")
    return reasons


def _day(moment: datetime) -> str:
    return timestamp(moment)[:16].replace("T", " ") + " UTC"
