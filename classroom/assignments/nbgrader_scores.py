"""Read the scores of `nbgrader export` (CSV), match them with hand-ins, and store them as grades.

nbgrader quotes nothing, so a line with another number of columns than the header cannot be read. A score belongs to the
hand-in of its timestamp, which comes from the exported folder; without one, to the student's newest.
"""

import csv
import io
import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from django.http import HttpRequest
from django.utils.translation import gettext

from classroom.assignments.nbgrader_export import student_folders, students_with_work
from classroom.assignments.selectors import name_of
from classroom.base.classrooms import Classroom
from classroom.base.display import Display
from core.identity import email_key
from instructors.models import Instructor
from lms.grading import Grade, GradedMeanwhile, give_grade, version_token
from lms.models import AssignmentSubmission, ClassAssignment

MAX_BYTES = 2 * 1024 * 1024
MAX_LINES = 10_000
NEEDED = ("assignment", "student_id", "score")

State = Literal["change", "same", "out_of_range", "no_hand_in", "unreadable"]


class UnreadableScores(Exception):
    """The file is no export of nbgrader, or has nothing of this assignment. The text says what to do."""


@dataclass(frozen=True, kw_only=True)
class Score:
    line: int
    student_id: str
    email: str
    points: float | None  # None: the line cannot be read
    submitted_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Match:
    """One line of the file, and the hand-in that it grades."""

    score: Score
    state: State
    name: str
    submission: AssignmentSubmission | None = None  # without its content
    has_newer: bool = False  # the student has handed in again since


def read_scores(file: bytes, *, assignment: str) -> list[Score]:
    """Return the lines of this assignment; a file with only one assignment is taken whatever that is called. Raises
    UnreadableScores."""
    if len(file) > MAX_BYTES:
        raise UnreadableScores(gettext("This file is too large. Export the scores of one course only."))
    try:
        rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error):
        raise UnreadableScores(
            gettext("This is not a CSV file in UTF-8. Choose the file that “nbgrader export” wrote.")
        ) from None
    head = [name.strip() for name in rows[0]] if rows else []
    if any(name not in head for name in NEEDED):
        words = gettext("The columns %(columns)s are needed. Choose the file that “nbgrader export” wrote.")
        raise UnreadableScores(words % {"columns": ", ".join(NEEDED)})
    lines = [(number, row) for number, row in enumerate(rows[1:], start=2) if any(cell.strip() for cell in row)]
    if len(lines) > MAX_LINES:
        raise UnreadableScores(gettext("This file is too large. Export the scores of one course only."))
    place = head.index("assignment")
    names = {row[place].strip() for _, row in lines if len(row) > place}
    if assignment not in names and len(names) != 1:
        words = gettext("The file has no assignment “%(name)s”, but these: %(others)s. Type one of them as the name.")
        raise UnreadableScores(words % {"name": assignment, "others": ", ".join(sorted(names)[:20])})
    wanted = assignment if assignment in names else names.pop()
    return [_score(number, row, head) for number, row in lines if len(row) > place and row[place].strip() == wanted]


def _score(number: int, row: list[str], head: list[str]) -> Score:
    values = dict(zip(head, (cell.strip() for cell in row), strict=False))
    points = _number(values.get("score", "")) if len(row) == len(head) else None
    return Score(
        line=number,
        student_id=values.get("student_id", ""),
        email=values.get("email", ""),
        points=points,
        submitted_at=_time(values.get("timestamp", "")),
    )


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _time(text: str) -> datetime | None:
    """Return the time; nbgrader stores UTC without saying so."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def matches(
    classroom: Classroom, assignment: ClassAssignment, scores: Iterable[Score], *, display: Display
) -> list[Match]:
    """Match scores with hand-ins, by folder or address of the student. Three queries."""
    students = students_with_work(assignment)
    by_folder = {folder.casefold(): pk for pk, folder in student_folders(students).items()}
    by_address = {email_key(each.email): each.pk for each in students}
    names = {each.pk: each for each in [*students, *classroom.students.only("email", "name")]}
    rows = AssignmentSubmission.objects.filter(assignment=assignment).defer("notebook_content")
    work: dict[int, list[AssignmentSubmission]] = {}
    for row in rows.order_by("-submitted_at", "-pk"):
        work.setdefault(row.student_id, []).append(row)
    found = []
    for score in scores:
        student = by_folder.get(score.student_id.casefold())
        for address in (score.student_id, score.email):
            student = student or (by_address.get(email_key(address)) if address else None)
        if student is None:
            found.append(Match(score=score, state="no_hand_in", name=display.name(0, score.student_id)))
            continue
        name = display.name(student, name_of(names[student]))
        submission = _graded_one(work[student], score.submitted_at)
        found.append(
            Match(
                score=score,
                state=_state(score, submission, most=assignment.points),
                name=name,
                submission=submission,
                has_newer=submission.pk != work[student][0].pk,
            )
        )
    return found


def _graded_one(work: list[AssignmentSubmission], at: datetime | None) -> AssignmentSubmission:
    """Return the hand-in of that time, to the second; else the newest."""
    same = (each for each in work if at is not None and abs((each.submitted_at - at).total_seconds()) < 1)
    return next(same, work[0])


def _state(score: Score, submission: AssignmentSubmission, *, most: float | None) -> State:
    if score.points is None:
        return "unreadable"
    if score.points < 0 or (most is not None and score.points > most):
        return "out_of_range"
    return "same" if submission.grade == score.points else "change"


Given = tuple[int, str, float]  # submission, the version token that was seen, points


def to_give(found: Iterable[Match]) -> list[Given]:
    """Return the scores to store, in a form that can be signed and sent to the page."""
    return [
        (each.submission.pk, version_token(each.submission), each.score.points)
        for each in found
        if each.state == "change" and each.submission is not None and each.score.points is not None
    ]


def give_scores(
    assignment: ClassAssignment, given: Iterable[Given], *, by: Instructor, request: HttpRequest
) -> tuple[int, int]:
    """Store the grades, except where somebody has graded meanwhile; feedback is kept. Return how many were stored, and
    how many were left out."""
    done = refused = 0
    rows = AssignmentSubmission.objects.filter(assignment=assignment).values_list("pk", "feedback")
    feedback = dict(rows)
    for submission_id, seen, points in given:
        if submission_id not in feedback:  # deleted meanwhile
            refused += 1
            continue
        grade = Grade(points=points, feedback=feedback[submission_id])
        try:
            give_grade(submission_id, grade, seen=seen, by=by, request=request)
            done += 1
        except (GradedMeanwhile, AssignmentSubmission.DoesNotExist):
            refused += 1
    return done, refused
