"""Find the students who struggled in a lesson and did not ask for help.

*Tries* and *time* are defined in `classroom.lesson_report.cells`. A student is listed with, at one cell,

- at least UNSOLVED_ERRORS errors and no success; or
- at least MANY_ERRORS errors before the success, over at least MIN_SECONDS (many runs in half a minute are no
  struggle), and more time than the quantile SLOWER of the students with a success, if there are at least FEW of them.

Students who had a help request open at any time in the lesson are left out. Students with an unsolved cell come first,
then those who lost most time; the page shows MAX_NAMED and collapses the rest.
"""

from dataclasses import dataclass

from classroom.base.classrooms import Classroom
from classroom.base.display import Display
from classroom.lesson_report.cells import FEW, SCOPE, TRIES, rows_of
from classroom.lesson_report.lessons import Lesson
from classroom.lesson_report.places import Places

MANY_ERRORS, UNSOLVED_ERRORS = 5, 3
MIN_SECONDS = 180
SLOWER = 0.75
MAX_NAMED, MAX_STRUGGLING = 8, 100

STRUGGLING = f"""{TRIES}
, usual AS (
  SELECT cell_id, notebook_id, percentile_cont(%(slower)s) WITHIN GROUP (ORDER BY seconds) AS seconds
  FROM tries WHERE solved AND seconds IS NOT NULL GROUP BY 1, 2 HAVING count(*) >= %(few)s
), caught AS (
  SELECT t.* FROM tries t LEFT JOIN usual u USING (cell_id, notebook_id)
  WHERE (NOT t.solved AND t.errors >= %(unsolved)s)
     OR (t.errors >= %(many)s AND t.seconds >= %(min_seconds)s AND t.seconds >= coalesce(u.seconds, 0))
), worst AS (
  SELECT DISTINCT ON (student_id) student_id, cell_id, notebook_id, errors, solved, seconds,
         count(*) OVER (PARTITION BY student_id) AS cells, sum(seconds) OVER (PARTITION BY student_id) AS lost
  FROM caught ORDER BY student_id, solved, seconds DESC NULLS LAST, errors DESC, cell_id
)
SELECT w.student_id, c.id, c.position, n.name, w.errors, w.solved, w.seconds, w.cells
FROM worst w JOIN cells c ON c.id = w.cell_id
JOIN notebooks n ON n.id = w.notebook_id
WHERE NOT EXISTS (SELECT FROM help_requests h WHERE h.student_id = w.student_id {SCOPE}
                  AND h.asked_at < %(until)s AND coalesce(h.ended_at, %(until)s) >= %(since)s)
ORDER BY w.solved, w.lost DESC NULLS LAST, w.errors DESC, w.student_id LIMIT %(maximum)s
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True, slots=True)
class Struggle:
    """One student: their worst cell, and the number of cells at which they struggled."""

    student_id: int
    name: str
    email: str
    number: str
    notebook: str
    errors: int
    is_solved: bool
    seconds: float | None  # at that cell
    cells: int


def struggled_silently(
    classroom: Classroom, students: list[int], lesson: Lesson, *, places: Places, display: Display
) -> list[Struggle]:
    """Return the students in the order described above. Two queries."""
    rows = rows_of(
        STRUGGLING,
        students,
        lesson,
        scope=classroom.scope,
        many=MANY_ERRORS,
        unsolved=UNSOLVED_ERRORS,
        min_seconds=MIN_SECONDS,
        slower=SLOWER,
        few=FEW,
        maximum=MAX_STRUGGLING,
    )
    people = {each.pk: each for each in classroom.students.filter(pk__in=[row[0] for row in rows])}
    return [
        Struggle(
            student_id=student,
            name=display.name(student, people[student].display_name),
            email=display.email(people[student].email),
            number=places.number(cell, position),
            notebook=notebook,
            errors=errors,
            is_solved=solved,
            seconds=seconds,
            cells=cells,
        )
        for student, cell, position, notebook, errors, solved, seconds, cells in rows
        if student in people
    ]
