"""Select one submission for reading and grading. The notebook's content is loaded only where it is shown."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.shortcuts import get_object_or_404

from classroom.assignments.selectors import assignments_in, name_of, next_ungraded
from classroom.base.classrooms import Classroom, name_in
from classroom.base.display import Display
from lms.api.notebook_content import receipt
from lms.due_dates import with_own_due
from lms.models import AssignmentStarter, AssignmentSubmission
from lms.submissions import RETURNED, is_graded, late_by, with_attempt


@dataclass(frozen=True, kw_only=True)
class Attempt:
    submission_id: int
    number: int
    submission: AssignmentSubmission
    late_by: timedelta | None


@dataclass(frozen=True, kw_only=True)
class SubmissionPage:
    submission: AssignmentSubmission  # without its content
    has_content: bool
    has_starter: bool
    name: str
    shown_email: str
    is_of_class: bool
    late_by: timedelta | None
    attempts: list[Attempt]  # newest first
    next_id: int | None  # the next to grade

    @property
    def extended(self) -> datetime | None:
        """Return the student's own due date, if it is later than the others'."""
        due: datetime | None = self.submission.own_due  # type: ignore[attr-defined]
        return due if due != self.submission.assignment.due_date else None

    @property
    def attempt(self) -> Attempt:
        return next(each for each in self.attempts if each.submission_id == self.submission.pk)

    @property
    def state(self) -> str:
        """Return `ungraded`, `graded` or `returned`, as on the assignment's page."""
        if self.submission.status.lower() == RETURNED:
            return "returned"
        return "graded" if is_graded(self.submission) else "ungraded"

    @property
    def is_newest(self) -> bool:
        return self.attempts[0].submission_id == self.submission.pk


def find_submission(classroom: Classroom, submission_id: int, *, with_content: bool = False) -> AssignmentSubmission:
    """Return the submission; raise Http404 if it does not belong to this class. One query."""
    rows = with_own_due(AssignmentSubmission.objects.filter(assignment__in=assignments_in(classroom)))
    rows = rows.select_related("assignment__notebook", "student").annotate(called=name_in(classroom))
    return get_object_or_404(rows if with_content else rows.defer("notebook_content"), pk=submission_id)


def submission_page(classroom: Classroom, submission: AssignmentSubmission, *, display: Display) -> SubmissionPage:
    """Return the page of a submission from `find_submission()`: the student, all attempts, the next. Six queries."""
    assignment, student = submission.assignment, submission.student
    member = classroom.students.filter(pk=student.pk).first()  # with the name that the class uses
    same = AssignmentSubmission.objects.filter(assignment=assignment, student=student)
    rows = with_attempt(with_own_due(same.defer("notebook_content", "feedback"))).order_by("-submitted_at", "-pk")
    return SubmissionPage(
        submission=submission,
        has_content=same.filter(pk=submission.pk, notebook_content__isnull=False).exists(),
        has_starter=AssignmentStarter.objects.filter(assignment=assignment).exists(),
        name=display.name(student.pk, name_of(member) if member else student.email),
        shown_email=display.email(student.email),
        is_of_class=member is not None,
        late_by=late_by(submission),
        attempts=[
            Attempt(submission_id=row.pk, number=row.attempt, submission=row, late_by=late_by(row))  # type: ignore[attr-defined]
            for row in rows
        ],
        next_id=next_ungraded(classroom, assignment_id=assignment.pk, after=submission.pk),
    )


def starter_of(submission: AssignmentSubmission) -> AssignmentStarter | None:
    return AssignmentStarter.objects.filter(assignment=submission.assignment_id).first()


def hash_of(submission: AssignmentSubmission) -> str:
    """Return the hash of the submission's content; it is computed for rows that have none stored."""
    content: dict[str, Any] | None = submission.notebook_content
    return submission.content_sha256 or receipt(content) or "nothing"
