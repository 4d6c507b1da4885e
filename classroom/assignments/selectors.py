"""Select the assignments of a class, with the number of submissions and each student's work.

Each student's latest submission counts (lms.submissions.latest). *Assigned* are the students of the class and those who
submitted and have left it. *Graded* includes *returned*.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from django.db.models import Count, Q, QuerySet
from django.shortcuts import get_object_or_404

from classroom.base.classrooms import Classroom
from classroom.base.display import PLAIN, Display
from core.identity import visible
from instructors.models import Instructor
from lms.access import notebooks_of
from lms.due_dates import extended_dates, own_due, with_own_due
from lms.models import AssignmentStarter, AssignmentSubmission, ClassAssignment, Student
from lms.submissions import (
    IS_GRADED,
    IS_LATE,
    IS_RETURNED,
    RETURNED,
    is_graded,
    is_over,
    late_by,
    latest,
    with_known_status,
)

FILTERS = ("ungraded", "late", "missing")


@dataclass(frozen=True, kw_only=True)
class Counts:
    assigned: int
    submitted: int = 0
    late: int = 0
    graded: int = 0
    returned: int = 0

    @property
    def ungraded(self) -> int:
        return self.submitted - self.graded


@dataclass(frozen=True, kw_only=True)
class StudentWork:
    """One student and their latest submission to an assignment, if any."""

    student_id: int
    name: str
    shown_email: str
    is_of_class: bool
    submission: AssignmentSubmission | None
    attempts: int
    late_by: timedelta | None
    is_overdue: bool  # nothing was submitted by the student's due date
    extended: datetime | None  # their own due date, if it is later than the others'

    @property
    def state(self) -> str:
        """Return `missing`, `ungraded`, `graded` or `returned`."""
        if self.submission is None:
            return "missing"
        if self.submission.status.lower() == RETURNED:
            return "returned"
        return "graded" if is_graded(self.submission) else "ungraded"

    def matches(self, chosen: str) -> bool:
        return not chosen or (self.late_by is not None if chosen == "late" else self.state == chosen)


@dataclass(frozen=True, kw_only=True)
class AssignmentPage:
    assignment: ClassAssignment
    has_starter: bool
    works: list[StudentWork]
    chosen: str  # one of FILTERS, or empty

    @cached_property
    def shown(self) -> list[StudentWork]:
        return [work for work in self.works if work.matches(self.chosen)]

    @property
    def groups(self) -> list[tuple[bool, list[StudentWork]]]:
        """Return the shown students in two groups: those who handed in, and those who did not. None is empty."""
        handed_in = [work for work in self.shown if work.submission is not None]
        missing = [work for work in self.shown if work.submission is None]
        return [(is_in, group) for is_in, group in ((True, handed_in), (False, missing)) if group]

    @cached_property
    def counts(self) -> dict[str, int]:
        """Return the number of students for each filter; the empty name stands for all."""
        return {chosen: sum(work.matches(chosen) for work in self.works) for chosen in ("", *FILTERS)}

    @cached_property
    def figures(self) -> Counts:
        states = [work.state for work in self.works]
        return Counts(
            assigned=len(states),
            submitted=len(states) - states.count("missing"),
            late=self.counts["late"],
            graded=states.count("graded") + states.count("returned"),
            returned=states.count("returned"),
        )


def assignments_in(classroom: Classroom) -> QuerySet[ClassAssignment]:
    return ClassAssignment.objects.filter(class_ref=classroom.class_ref)


def find_assignment(classroom: Classroom, assignment_id: int) -> ClassAssignment:
    """Return the assignment; raise Http404 if it does not belong to this class. One query."""
    return get_object_or_404(assignments_in(classroom).select_related("notebook"), pk=assignment_id)


def assignment_list(classroom: Classroom) -> list[tuple[ClassAssignment, Counts]]:
    """Return the assignments with their counts: the latest due date first, those without one last. Three queries."""
    found = list(assignments_in(classroom).select_related("notebook").order_by("due_date", "pk").reverse())
    found.sort(key=lambda assignment: assignment.due_date is None)
    members = classroom.students.count()
    of_class = Q(student__in=classroom.students.values("pk"))
    handed_in = AssignmentSubmission.objects.filter(assignment__in=[assignment.pk for assignment in found])
    grouped = with_own_due(with_known_status(latest(handed_in))).values("assignment").annotate(
        submitted=Count("pk"),
        late=Count("pk", filter=IS_LATE),
        graded=Count("pk", filter=IS_GRADED),
        returned=Count("pk", filter=IS_RETURNED),
        guests=Count("pk", filter=~of_class),
    )  # fmt: skip
    rows = grouped.values_list("assignment", "guests", "submitted", "late", "graded", "returned")
    counts = {
        pk: Counts(assigned=members + guests, submitted=submitted, late=late, graded=graded, returned=returned)
        for pk, guests, submitted, late, graded, returned in rows
    }
    return [(assignment, counts.get(assignment.pk, Counts(assigned=members))) for assignment in found]


def assignment_page(
    classroom: Classroom, *, assignment_id: int, chosen: str, now: datetime, display: Display
) -> AssignmentPage:
    """Return the page's students: hand-ins by name, then who is missing. An unknown filter is ignored. Six queries for
    any number of students."""
    assignment = find_assignment(classroom, assignment_id)
    return AssignmentPage(
        assignment=assignment,
        has_starter=AssignmentStarter.objects.filter(assignment=assignment).exists(),
        works=works(classroom, assignment, now=now, display=display),
        chosen=chosen if chosen in FILTERS else "",
    )


def works(
    classroom: Classroom, assignment: ClassAssignment, *, now: datetime, display: Display = PLAIN
) -> list[StudentWork]:
    """Return the work of all assigned students, hand-ins first, then who is missing; by reading, then by name. Five
    queries."""
    handed_in = AssignmentSubmission.objects.filter(assignment=assignment)
    newest = with_own_due(latest(handed_in)).select_related("student").defer("notebook_content", "feedback")
    submissions = {submission.student_id: submission for submission in newest}
    attempts = dict(handed_in.order_by().values_list("student").annotate(Count("pk")))
    members = {student.pk: student for student in classroom.students.only("email", "name")}
    # Former members are shown by their e-mail: names belong to the members of a class.
    former = {pk: Student(pk=pk, email=each.student.email) for pk, each in submissions.items() if pk not in members}
    readings = {} if display.projector else {pk: person.reading_key for pk, person in classroom.people.items()}

    def place(student: Student) -> tuple[bool, bool, str, int]:
        reading = readings.get(student.pk)
        return student.pk not in submissions, not reading, reading or name_of(student).casefold(), student.pk

    students = sorted([*members.values(), *former.values()], key=place)
    extended = extended_dates([assignment])
    found = []
    for student in students:
        submission = submissions.get(student.pk)
        due = own_due(assignment, extended.get((assignment.pk, student.pk)))
        found.append(
            StudentWork(
                student_id=student.pk,
                name=display.name(student.pk, name_of(student)),
                shown_email=display.email(student.email),
                is_of_class=student.pk in members,
                submission=submission,
                attempts=attempts.get(student.pk, 0),
                late_by=late_by(submission) if submission else None,
                is_overdue=submission is None and is_over(due, now=now),
                extended=due if due != assignment.due_date else None,
            )
        )
    return found


def name_of(student: Student) -> str:
    return visible(student.name) or student.email


def next_ungraded(classroom: Classroom, *, assignment_id: int, after: int | None = None) -> int | None:
    """Return the id of the next submission to grade, oldest first and following `after`; None if all are graded.

    One query, two with `after`.
    """
    rows = with_known_status(latest(AssignmentSubmission.objects.filter(assignment__in=assignments_in(classroom))))
    waiting = rows.filter(assignment=assignment_id).exclude(IS_GRADED).order_by("submitted_at", "pk")
    ids = list(waiting.values_list("pk", "submitted_at"))
    if after is None:
        return ids[0][0] if ids else None
    passed = AssignmentSubmission.objects.filter(pk=after).values_list("submitted_at", flat=True).first()
    others = [(pk, at) for pk, at in ids if pk != after]
    later = [pk for pk, at in others if passed is not None and (at, pk) > (passed, after)]
    return later[0] if later else others[0][0] if others else None


def notebook_paths(user: Instructor) -> list[str]:
    """Return the paths that the form offers: the newest 200 notebooks that this user may see. One query."""
    return list(notebooks_of(user).order_by("-pk").values_list("path", flat=True)[:200])
