"""Select the gradebook of a class: its students, its assignments, and each student's mark in each assignment.

The newest hand-in of a student counts, as on the assignment's page. People who have left the class are listed if they
handed something in.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from classroom.assignments.selectors import assignments_in
from classroom.assignments.totals import Mark, State, Total, mean, total_of
from classroom.base.classrooms import Classroom
from classroom.base.display import PLAIN, Display
from classroom.base.namesakes import NamedStudent
from core.identity import visible
from lms.due_dates import extended_dates, own_due, with_own_due
from lms.models import AssignmentSubmission, ClassAssignment
from lms.submissions import is_graded, is_over, late_by, latest

SORTS = ("name", "total")

# What identifies a student: the head of the column in the CSV, and how to read it.
IDENTITY: tuple[tuple[str, Callable[[NamedStudent], str | None]], ...] = (
    ("student_number", lambda person: person.student_number),
    ("name", lambda person: person.name),
    ("reading", lambda person: person.reading),
    ("email", lambda person: person.email),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GradebookCell:
    """The mark of a student in an assignment, and the hand-in behind it."""

    assignment_id: int
    mark: Mark
    submission_id: int | None
    submitted_at: datetime | None
    is_late: bool
    extended: datetime | None  # the student's own due date, if it is later than the others'


@dataclass(frozen=True, slots=True, kw_only=True)
class GradebookRow:
    person: NamedStudent
    name: str
    shown_email: str
    is_of_class: bool
    cells: list[GradebookCell]
    total: Total


@dataclass(frozen=True, kw_only=True)
class Gradebook:
    assignments: list[ClassAssignment]
    rows: list[GradebookRow]
    sort: str

    @cached_property
    def means(self) -> list[float | None]:
        """Return the mean grade of each assignment, of those who have one."""
        return [mean(row.cells[at].mark.grade for row in self.rows) for at in range(len(self.assignments))]

    @cached_property
    def mean_total(self) -> float | None:
        return mean(row.total.percent for row in self.rows)


def gradebook(classroom: Classroom, *, now: datetime, sort: str = "", display: Display = PLAIN) -> Gradebook:
    """Return the gradebook, by reading and name or, with `sort="total"`, the lowest total first. Assignments are in
    the order of their due dates, those without one last. Four queries."""
    # No descriptions, which may be long.
    columns = assignments_in(classroom).only("title", "due_date", "points", "weight", "class_ref")
    assignments = sorted(columns, key=lambda each: (each.due_date is None, each.due_date, each.pk))
    handed_in = AssignmentSubmission.objects.filter(assignment__in=[each.pk for each in assignments])
    newest = with_own_due(latest(handed_in)).select_related("student")
    heavy = ("notebook_content", "feedback", "submission_comment", "sent_with_key")
    submissions = {(each.assignment_id, each.student_id): each for each in newest.defer(*heavy)}
    extended = extended_dates(assignments)
    members = classroom.people
    # Former members are shown by their e-mail: names belong to the members of a class.
    former = {
        student: NamedStudent(student, None, each.student.email)
        for (_, student), each in submissions.items()
        if student not in members
    }
    people = [*members.values(), *former.values()]
    # On a projector, where students are numbers, an order by reading would reveal who is who.
    people.sort(key=lambda person: person.student_id if display.projector else person.order)
    rows = []
    for person in people:
        is_of_class = person.student_id in members
        cells = [
            cell(
                assignment,
                submissions.get((assignment.pk, person.student_id)),
                due=own_due(assignment, extended.get((assignment.pk, person.student_id))),
                is_of_class=is_of_class,
                now=now,
            )
            for assignment in assignments
        ]
        rows.append(
            GradebookRow(
                person=person,
                name=display.name(person.student_id, visible(person.name) or person.email),
                shown_email=display.email(person.email),
                is_of_class=is_of_class,
                cells=cells,
                total=total_of(each.mark for each in cells),
            )
        )
    if sort == "total":
        rows.sort(key=lambda row: (row.total.percent is None, row.total.percent or 0))
    return Gradebook(assignments=assignments, rows=rows, sort=sort if sort in SORTS else "name")


def cell(
    assignment: ClassAssignment,
    submission: AssignmentSubmission | None,
    *,
    due: datetime | None,
    is_of_class: bool,
    now: datetime,
) -> GradebookCell:
    """Return the cell of a student whose own due date is `due`."""
    return GradebookCell(
        assignment_id=assignment.pk,
        mark=Mark(
            state=_state(submission, is_overdue=is_over(due, now=now), is_of_class=is_of_class),
            grade=submission.grade if submission else None,
            points=assignment.points,
            weight=assignment.weight,
        ),
        submission_id=submission.pk if submission else None,
        submitted_at=submission.submitted_at if submission else None,
        is_late=submission is not None and late_by(submission) is not None,
        extended=due if due != assignment.due_date else None,
    )


def _state(submission: AssignmentSubmission | None, *, is_overdue: bool, is_of_class: bool) -> State:
    if submission is None:
        return "none" if not is_of_class else "missing" if is_overdue else "open"
    if submission.grade is not None:
        return "graded"
    # Handed back without points: nothing is waiting, and nothing counts.
    return "returned" if is_graded(submission) else "ungraded"
