"""One student over the lessons of a term: attendance, runs, help requests and solved cells."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from classroom.base.classrooms import Classroom
from classroom.base.plots import Columns, columns
from classroom.base.spans import Span
from classroom.lesson_report.lessons import LESSONS_GIVEN, SLOT, Lesson, edges_of, full_lessons, lessons_of
from core.postgres import fetch_all

MAX_LESSONS = 400

# Runs and errors are sums of whole slots, which hold no runs of another lesson. A cell is solved where it worked first.
OF_STUDENT = """{lessons}, ran AS (
  SELECT lesson, sum(runs)::bigint AS runs, sum(errors)::bigint AS errors
  FROM lessons JOIN run_counts ON slot > since - %(slot)s AND slot < until
  WHERE student_id = %(student)s {scope} GROUP BY 1
), asked AS (
  SELECT lesson, count(*) AS asked FROM lessons JOIN help_requests ON asked_at >= since AND asked_at < until
  WHERE student_id = %(student)s {scope} GROUP BY 1
), solved AS (
  SELECT lesson, count(*) AS solved FROM lessons JOIN (
    SELECT cell_id, min(executed_at) AS solved_at FROM cell_executions
    WHERE student_id = %(student)s AND status = 'success' AND coalesce(cell_type, 'code') = 'code' {scope} GROUP BY 1
  ) AS cells ON solved_at >= since AND solved_at < until GROUP BY 1
)
SELECT coalesce(runs, 0), coalesce(errors, 0), coalesce(asked, 0), coalesce(solved, 0),
  EXISTS (SELECT FROM notebook_accesses WHERE student_id = %(student)s {scope}
          AND accessed_at >= since AND accessed_at < until) OR
  EXISTS (SELECT FROM student_events WHERE student_id = %(student)s {scope}
          AND occurred_at >= since AND occurred_at < until)
FROM lessons LEFT JOIN ran USING (lesson) LEFT JOIN asked USING (lesson) LEFT JOIN solved USING (lesson) ORDER BY lesson
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class StudentLesson:
    lesson: Lesson
    runs: int
    errors: int
    help_requests: int
    solved: int  # cells that worked for the first time
    was_heard: bool  # something of them was heard, if only that they opened a notebook
    is_before: bool  # they joined the class later

    @property
    def presence(self) -> str:
        """One of present, quiet (there, and ran nothing), absent, before."""
        if self.runs:
            return "present"
        if self.was_heard or self.help_requests:
            return "quiet"
        return "before" if self.is_before else "absent"


@dataclass(frozen=True, kw_only=True, slots=True)
class StudentTerm:
    span: Span
    lessons: Sequence[StudentLesson]  # oldest first
    plot: Columns


def student_term(
    classroom: Classroom, student_id: int, span: Span, *, joined_at: datetime | None, now: datetime
) -> StudentTerm:
    """Return one student's lessons in a span, those with a fifth of the class or more. Four queries."""
    enrolled = classroom.students.count()
    lessons = full_lessons(lessons_of(classroom, now=now, span=span, limit=MAX_LESSONS), enrolled=enrolled)[::-1]
    query = OF_STUDENT.format(lessons=LESSONS_GIVEN, scope=classroom.scope.sql())
    rows = fetch_all(query, edges_of(lessons) | {"student": student_id, "slot": SLOT})
    found = [
        StudentLesson(
            lesson=lesson,
            runs=runs,
            errors=errors,
            help_requests=asked,
            solved=solved,
            was_heard=heard,
            is_before=joined_at is not None and joined_at >= lesson.until,
        )
        for lesson, (runs, errors, asked, solved, heard) in zip(lessons, rows, strict=True)
    ]
    return StudentTerm(
        span=span, lessons=found, plot=columns([(each.lesson.since, each.runs, each.errors) for each in found])
    )
