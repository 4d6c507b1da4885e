"""Find the errors that several students of a lesson had: failed runs grouped by cell and fingerprint."""

from dataclasses import dataclass, field

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, F

from classroom.base.display import PLAIN, Display
from classroom.base.error_fingerprints import Fingerprint, fingerprint
from classroom.errors.clusters import MIN_STUDENTS, message_of_run
from classroom.lesson_report.lessons import Lesson
from classroom.lesson_report.places import Places
from events.models import CellExecution
from lms.access import Scope

MAX_MESSAGES = 2_000  # distinct messages that are read, the most common first
MAX_SHARED = 50


@dataclass(kw_only=True, slots=True)
class SharedError:
    cell_id: int
    number: str
    notebook: str
    print: Fingerprint
    line: str  # the most common wording; on a projector the pattern
    runs: int = 0
    students: set[int] = field(default_factory=set)

    @property
    def count(self) -> int:
        return len(self.students)


def shared_errors(
    students: list[int], lesson: Lesson, *, scope: Scope, places: Places, display: Display = PLAIN
) -> list[SharedError]:
    """Return the shared errors, those with most students first. One query, which groups equal messages of a cell."""
    failed = CellExecution.objects.filter(
        scope.q(),
        status=CellExecution.Status.ERROR,
        executed_at__gte=lesson.since,
        executed_at__lt=lesson.until,
        student__in=students,
    )
    messages = failed.annotate(message=message_of_run()).order_by().values("cell_id", "message")
    rows = messages.annotate(
        runs=Count("pk"),
        students=ArrayAgg("student_id", distinct=True),
        position=F("cell__position"),
        notebook_name=F("notebook__name"),
    ).order_by("-runs", "cell_id", "message")[:MAX_MESSAGES]
    found: dict[tuple[int, str], SharedError] = {}
    for row in rows:
        mark = fingerprint(row["message"])
        one = found.get((row["cell_id"], mark.digest))
        if one is None:
            one = found[row["cell_id"], mark.digest] = SharedError(
                cell_id=row["cell_id"],
                number=places.number(row["cell_id"], row["position"]),
                notebook=row["notebook_name"],
                print=mark,
                line=mark.text if display.projector else mark.line,
            )
        one.runs += row["runs"]
        one.students.update(row["students"])
    shared = [one for one in found.values() if one.count >= MIN_STUDENTS]
    return sorted(shared, key=lambda one: (-one.count, -one.runs, one.cell_id))[:MAX_SHARED]
