"""Compute the students' progress with their assignments from their runs and submissions (http.md section 12).

A student's assignments are those of their classes, and any other whose notebook they ran or which they submitted, so
that work counts without an enrolment.
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Exists, Max, Min, OuterRef, Q, QuerySet, Sum

from events.counted_runs import COUNTED
from events.models import CellExecution, CellProgress
from lms.access import Scope, User, classes_of, scope_of
from lms.due_dates import Extended, extended_dates, own_due
from lms.models import AssignmentSubmission, Cell, ClassAssignment, Session, Student, StudentClass
from realtime.messages import timestamp

DONE = {"completed", "submitted", "reviewed"}


@dataclass(slots=True)
class NotebookWork:
    """What a student did in the code cells of one notebook."""

    completed: int = 0
    failing: int = 0
    runs: int = 0
    last: datetime | None = None


@dataclass(frozen=True, slots=True)
class Times:
    seconds: float = 0.0  # of all runs with a known duration
    timed: int = 0  # number of those runs
    first: datetime | None = None


@dataclass(slots=True)
class Facts:
    """The data of some students, by their ids."""

    assignments: list[ClassAssignment]
    cells: dict[int, int]  # notebook → code cells
    classes: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))  # student → classes
    worked: dict[tuple[int, int], NotebookWork] = field(default_factory=dict)  # student, notebook
    submitted: dict[tuple[int, int], AssignmentSubmission] = field(default_factory=dict)  # student, assignment
    sessions: dict[int, str] = field(default_factory=dict)  # student → newest session
    times: dict[int, Times] = field(default_factory=dict)
    extended: Extended = field(default_factory=dict)

    def due(self, student: int, assignment: ClassAssignment) -> datetime | None:
        return own_due(assignment, self.extended.get((assignment.pk, student)))

    def assignments_of(self, student: int) -> list[ClassAssignment]:
        return [
            a
            for a in self.assignments
            if a.class_ref_id in self.classes[student]
            or (student, a.pk) in self.submitted
            or (student, a.notebook_id) in self.worked
        ]


def facts(
    viewer: User, students: Collection[int], *, scope: Scope | None = None, only: int | None = None, times: bool = True
) -> Facts:
    """Load the data of students; with `only` for one assignment.

    Nine queries for any number of students; eight without `times`, none of which reads executions.
    """
    assignments = ClassAssignment.objects.filter(class_ref__in=classes_of(viewer)).select_related("notebook")
    found = list(assignments.filter(pk=only) if only is not None else assignments.order_by("pk"))
    notebooks = {a.notebook_id for a in found}
    scope = scope or scope_of(viewer)
    code = _code_cells(scope).filter(notebook__in=notebooks).order_by().values_list("notebook")
    known = Facts(found, dict(code.annotate(Count("pk"))))
    for student, class_id in StudentClass.objects.filter(student__in=students).values_list("student", "class_ref"):
        known.classes[student].add(class_id)
    known.worked = _worked(students, notebooks, scope)
    handed_in = AssignmentSubmission.objects.filter(student__in=students, assignment__in=[a.pk for a in found])
    for submission in handed_in.defer("notebook_content").order_by("submitted_at", "pk"):
        known.submitted[submission.student_id, submission.assignment_id] = submission
    known.extended = extended_dates(found, students=students)
    newest = Session.objects.filter(scope.q(), student__in=students).order_by("student", "-start_time", "-pk")
    known.sessions = dict(newest.distinct("student").values_list("student", "session_id"))
    if times:
        known.times = _times_of(students, scope=scope)
    return known


def _worked(students: Collection[int], notebooks: Collection[int], scope: Scope) -> dict[tuple[int, int], NotebookWork]:
    ran = CellProgress.objects.filter(scope.q(), student__in=students, notebook__in=notebooks, cell__cell_type="code")
    grouped = ran.order_by().values_list("student", "notebook")
    found = grouped.annotate(
        completed=Count("cell", filter=Q(last_status="success"), distinct=True),
        failing=Count("cell", filter=Q(last_status="error"), distinct=True),
        runs=Sum("run_count"),
        last=Max("last_run_at"),
    )
    return {(student, notebook): NotebookWork(*rest) for student, notebook, *rest in found}


def _times_of(students: Collection[int], *, scope: Scope) -> dict[int, Times]:
    """Return the durations and first runs by student. One query, which reads all their executions: not for polling."""
    runs = CellExecution.objects.filter(scope.q(), student__in=students).order_by().values_list("student")
    found = runs.annotate(
        seconds=Sum("duration", filter=COUNTED), timed=Count("duration", filter=COUNTED), first=Min("executed_at")
    )
    return {student: Times(seconds or 0.0, timed, first) for student, seconds, timed, first in found}


def assignment_progress(known: Facts, student: Student, assignment: ClassAssignment) -> dict[str, Any]:
    """Return the `AssignmentProgressInfo` of a student and an assignment, without the cells. No query."""
    worked = known.worked.get((student.pk, assignment.notebook_id), NotebookWork())
    submission = known.submitted.get((student.pk, assignment.pk))
    due = known.due(student.pk, assignment)
    total = max(known.cells.get(assignment.notebook_id, 0), worked.completed + worked.failing)
    status = _status(worked, total, submission)
    share = 100.0 if status in DONE else 100.0 * worked.completed / total if total else 0.0
    return {
        "assignment_id": assignment.pk,
        "assignment_name": assignment.title,
        "notebook_path": assignment.notebook.path,
        "overall_status": status,
        "progress_percentage": round(share, 1),
        "total_cells": total,
        "completed_cells": worked.completed,
        "error_cells": worked.failing,
        "total_execution_count": worked.runs,
        "cells_progress": [],
        "due_date": timestamp(due) if due else None,
        "last_activity_at": timestamp(worked.last) if worked.last else None,
        "submission_id": submission.pk if submission else None,
        "submitted_at": timestamp(submission.submitted_at) if submission else None,
        "is_submitted": submission is not None,
    }


def _status(worked: NotebookWork, total: int, submission: AssignmentSubmission | None) -> str:
    if submission is not None:
        known = {"graded": "reviewed", "returned": "reviewed", "failed": "failed"}
        return known.get(submission.status.lower(), "submitted")
    if not worked.runs:
        return "not_started"
    return "completed" if worked.completed >= total else "in_progress"


def summary(known: Facts, student: Student) -> dict[str, Any]:
    """Return the `StudentProgressSummary` of a student. No query."""
    assignments = [assignment_progress(known, student, a) for a in known.assignments_of(student.pk)]
    done = sum(a["overall_status"] in DONE for a in assignments)
    started = sum(a["overall_status"] == "in_progress" for a in assignments)
    times = known.times.get(student.pk, Times())
    share = sum(a["progress_percentage"] for a in assignments) / len(assignments) if assignments else 0.0
    return {
        "user_id": student.email,
        "student_id": student.pk,
        "user_name": student.display_name,
        "session_id": known.sessions.get(student.pk),
        "total_assignments": len(assignments),
        "completed_assignments": done,
        "in_progress_assignments": started,
        "overall_progress_percentage": round(share, 1),
        "assignments_progress": assignments,
        "total_execution_count": student.execution_count,
        "total_execution_time_ms": round(times.seconds * 1000, 1),
        "average_execution_time_ms": round(times.seconds * 1000 / times.timed, 1) if times.timed else 0.0,
        "error_rate": student.error_count / student.execution_count if student.execution_count else 0.0,
        "first_activity_at": timestamp(times.first) if times.first else None,
        "last_activity_at": timestamp(student.last_activity_at) if student.last_activity_at else None,
        "is_requesting_help": student.is_requesting_help,
    }


def cells_of(viewer: User, student: Student, assignment: ClassAssignment) -> list[dict[str, Any]]:
    """Return each code cell of the assignment's notebook with the student's progress. Three queries."""
    scope = scope_of(viewer)
    ran = CellProgress.objects.filter(scope.q(), student=student.pk, notebook=assignment.notebook_id)
    by_cell = {progress.cell_id: progress for progress in ran.order_by("last_run_at")}  # the latest of two classes
    cells = _code_cells(scope).filter(notebook=assignment.notebook_id).order_by("position", "pk")
    return [_cell(cell, by_cell.get(cell.pk)) for cell in cells.defer("content", "cell_metadata")]


def _code_cells(scope: Scope) -> QuerySet[Cell]:
    """Return the code cells except those that were run only in other classes. No query.

    Students of other classes may have cells of their own in a notebook with the same path. Cells that no student has
    run yet are included.
    """
    cells = Cell.objects.filter(cell_type="code")
    if scope.class_ids is None:
        return cells
    ran = CellProgress.objects.filter(cell=OuterRef("pk"))
    return cells.filter(~Exists(ran) | Exists(ran.filter(scope.q())))


def _cell(cell: Cell, progress: CellProgress | None) -> dict[str, Any]:
    words = {"success": "completed", "error": "error"}
    return {
        "cell_id": cell.cell_id,
        "cell_index": cell.position,
        "status": words.get(progress.last_status, "not_started") if progress else "not_started",
        "execution_count": progress.run_count if progress else 0,
        "error_count": progress.error_count if progress else 0,
        "last_executed_at": timestamp(progress.last_run_at) if progress else None,
    }
