"""Who struggled in a lesson and did not ask for help. The words *tries* and *time* are those of `lesson_cells`.

Everybody fails now and then, and a cell that is hard for all stands among the hardest cells. Named here is who was
caught, and more than the others were:

- UNSOLVED_ERRORS errors at a cell that never worked for them; or
- MANY_ERRORS errors before it worked, over at least LASTING seconds (who hammers at a cell for half a minute is
  playing), and for longer than SLOWER of those in the class for whom it worked, where FEW of them can be compared.

Whoever had a request for help open at any time in the lesson is not among them. First come those for whom something
never worked, then who lost most time; MOST_NAMED stand on the page, the rest below a line that says how many.
"""

from dataclasses import dataclass

from classroom.base.classrooms import Classroom
from classroom.base.display import PLAIN, Display, cell_number
from classroom.lesson_report.cells import FEW, SCOPE, TRIES, rows_of
from classroom.lesson_report.lessons import Lesson

MANY_ERRORS, UNSOLVED_ERRORS = 5, 3
LASTING = 180  # seconds
SLOWER = 0.75
MOST_NAMED, MOST_STRUGGLING = 8, 100

STRUGGLING = f"""{TRIES}
, usual AS (
  SELECT cell_id, notebook_id, percentile_cont(%(slower)s) WITHIN GROUP (ORDER BY seconds) AS seconds
  FROM tries WHERE solved AND seconds IS NOT NULL GROUP BY 1, 2 HAVING count(*) >= %(few)s
), caught AS (
  SELECT t.* FROM tries t LEFT JOIN usual u USING (cell_id, notebook_id)
  WHERE (NOT t.solved AND t.errors >= %(unsolved)s)
     OR (t.errors >= %(many)s AND t.seconds >= %(lasting)s AND t.seconds >= coalesce(u.seconds, 0))
), worst AS (
  SELECT DISTINCT ON (student_id) student_id, cell_id, notebook_id, errors, solved, seconds,
         count(*) OVER (PARTITION BY student_id) AS cells, sum(seconds) OVER (PARTITION BY student_id) AS lost
  FROM caught ORDER BY student_id, solved, seconds DESC NULLS LAST, errors DESC, cell_id
)
SELECT w.student_id, c.position, n.name, w.errors, w.solved, w.seconds, w.cells
FROM worst w JOIN cells c ON c.id = w.cell_id
JOIN notebooks n ON n.id = w.notebook_id
WHERE NOT EXISTS (SELECT FROM help_requests h WHERE h.student_id = w.student_id {SCOPE}
                  AND h.asked_at < %(until)s AND coalesce(h.ended_at, %(until)s) >= %(since)s)
ORDER BY w.solved, w.lost DESC NULLS LAST, w.errors DESC, w.student_id LIMIT %(most)s
"""  # noqa: S608


@dataclass(frozen=True, kw_only=True, slots=True)
class Struggle:
    """Of one student who did not ask: the cell that was worst for them, and how many such there were."""

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
    classroom: Classroom, students: list[int], lesson: Lesson, *, display: Display = PLAIN
) -> list[Struggle]:
    """In the order in which they matter. Two queries."""
    rows = rows_of(
        STRUGGLING,
        students,
        lesson,
        scope=classroom.scope,
        many=MANY_ERRORS,
        unsolved=UNSOLVED_ERRORS,
        lasting=LASTING,
        slower=SLOWER,
        few=FEW,
        most=MOST_STRUGGLING,
    )
    people = {each.pk: each for each in classroom.students.filter(pk__in=[row[0] for row in rows])}
    return [
        Struggle(
            student_id=student,
            name=display.name(student, people[student].display_name),
            email=display.email(people[student].email),
            number=cell_number(position),
            notebook=notebook,
            errors=errors,
            is_solved=solved,
            seconds=seconds,
            cells=cells,
        )
        for student, position, notebook, errors, solved, seconds, cells in rows
        if student in people
    ]
