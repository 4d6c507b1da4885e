"""A student's own page, and the requests that an instructor sees."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from classroom.privacy.models import ErasureRequest
from classroom.privacy.services import open_requests
from classroom.privacy.stored import Counted, counted
from core.identity import display_name
from events.models import CellProgress
from lms.access import assignments_of, scope_of, students_seen_by, submissions_of
from lms.api.assignments import set_own_due
from lms.credential_holders import StudentTokenHolder
from lms.models import AssignmentSubmission, Class, ClassAssignment
from lms.submissions import latest

MAX_REQUESTS = 200


@dataclass(frozen=True, kw_only=True)
class OwnPageAssignment:
    assignment: ClassAssignment  # with the due date of this student
    submission: AssignmentSubmission | None  # the newest
    is_extended: bool  # it is later than that of everybody


@dataclass(frozen=True, kw_only=True)
class OwnPageNotebook:
    path: str
    cells: int  # with code that were run
    solved: int  # whose last run succeeded
    last_run_at: datetime


@dataclass(frozen=True, kw_only=True)
class OwnPage:
    class_name: str
    email: str
    name: str
    work: Sequence[OwnPageAssignment]
    notebooks: Sequence[OwnPageNotebook]
    stored: Sequence[Counted]
    erasure: ErasureRequest | None  # the newest request


def own_page(holder: StudentTokenHolder) -> OwnPage:
    """Return the page: eight queries, and one for each kind of data that is counted."""
    newest = {row.assignment_id: row for row in latest(submissions_of(holder)).defer("notebook_content")}
    assignments = list(assignments_of(holder).order_by("due_date", "pk").defer("description"))
    due_of_everybody = {each.pk: each.due_date for each in assignments}
    set_own_due(assignments, holder)
    student = students_seen_by(holder).first()
    asked = ErasureRequest.objects.filter(student=holder.student_id, class_ref=holder.class_id)
    return OwnPage(
        class_name=Class.objects.values_list("name", flat=True).get(pk=holder.class_id),
        email=holder.email,
        name=display_name(student.name if student else None, holder.email),
        work=[
            OwnPageAssignment(
                assignment=each,
                submission=newest.get(each.pk),
                is_extended=each.due_date != due_of_everybody[each.pk],
            )
            for each in assignments
        ],
        notebooks=_notebooks(holder),
        stored=counted(holder),
        erasure=asked.order_by("-pk").first(),
    )


def _notebooks(holder: StudentTokenHolder) -> list[OwnPageNotebook]:
    seen: Any = CellProgress.objects.filter(scope_of(holder).q(), student=holder.student_id, cell__cell_type="code")
    rows = (
        seen.values("notebook__path")
        .annotate(
            cells=Count("cell", distinct=True),
            solved=Count("cell", filter=Q(last_status="success"), distinct=True),
            last=Max("last_run_at"),
        )
        .order_by("-last")
    )
    return [
        OwnPageNotebook(path=row["notebook__path"], cells=row["cells"], solved=row["solved"], last_run_at=row["last"])
        for row in rows
    ]


def requests_of(class_ref: Class) -> QuerySet[ErasureRequest]:
    """Return the open requests of the class, the oldest first. One query."""
    return open_requests(class_ref.pk).select_related("student").order_by("asked_at", "pk")[:MAX_REQUESTS]
