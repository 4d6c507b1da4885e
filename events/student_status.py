"""The status row of a student in the overview, on the live page and in every live update.

Pages and updates use the same code, so that they always agree.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import QuerySet

from core.identity import display_name
from core.postgres import binary_cursor
from lms.access import EVERYTHING, Scope
from lms.models import Student
from lms.models.people import WITHOUT_KEY
from lms.resolved_rows import Member
from realtime.messages import timestamp
from realtime.rows import SignificantCell, Status, StudentRow

# http.md section 13: how long a failed run affects the status, and how long any activity counts as active.
ERROR_WINDOW = timedelta(minutes=5)
ACTIVE_WINDOW = timedelta(minutes=2)
NO_TEAM = "未割り当て"
NO_NOTEBOOK = "なし"


class StudentStatus(NamedTuple):
    """The columns of a student, team and notebook that are shown."""

    pk: int
    email: str
    name: str | None
    team: str | None
    notebook: str | None
    last_activity_at: datetime | None
    is_requesting_help: bool
    help_requested_at: datetime | None
    execution_count: int
    error_count: int
    last_run_failed: bool


LOOKUPS = {"team": "team__team_name", "notebook": "current_notebook__path"}
COLUMNS = [LOOKUPS.get(name, name) for name in StudentStatus._fields]
# The same in SQL, with the row's class first: 0 is the sum over all classes. By hand, because every batch of events
# asks, and Django took longer to build the statement, with a parameter for each student, than PostgreSQL to answer it.
_SQL_COLUMNS = {"pk": "s.id", "team": "t.team_name", "notebook": "n.path"}
_SHOWN = ", ".join(_SQL_COLUMNS.get(name, f"s.{name}") for name in StudentStatus._fields)
_NAMES = "LEFT JOIN teams t ON t.id = s.team_id LEFT JOIN notebooks n ON n.id = s.current_notebook_id"
ROWS_BY_CLASS = f"""
    SELECT {WITHOUT_KEY}::bigint, {_SHOWN} FROM students s {_NAMES} WHERE s.id = ANY(%s)
    UNION ALL
    SELECT s.class_id, {_SHOWN} FROM class_students s {_NAMES}
    WHERE s.id = ANY(%s) AND {{with_keyless}} s.with_keyless"""  # noqa: S608
SIGNIFICANT_CELLS = """
    SELECT student_id, class_id, cell_id, consecutive_error_count, last_error_at FROM cell_progress
    WHERE student_id = ANY(%s) AND is_significant_error {of_classes} ORDER BY id"""


def student_rows(students: QuerySet[Student], *, scope: Scope, now: datetime) -> list[StudentRow]:
    """Return the rows of these students in these classes, in order of open help requests, then of ids. Two queries.

    `students` are rows of `lms.access.students_seen_…`.
    """
    # Plain values, because model instances for 200 students cost more than the query.
    found = [StudentStatus._make(values) for values in students.values_list(*COLUMNS)]
    cells = _significant_cells([student.pk for student in found], scope)
    significant_of: dict[int, list[SignificantCell]] = defaultdict(list)
    for (student, _), flagged in cells.items():
        significant_of[student] += flagged
    found.sort(key=lambda s: (not s.is_requesting_help, s.help_requested_at if s.is_requesting_help else now, s.pk))
    return [_row(student, significant_of.get(student.pk, []), now) for student in found]


def rows_by_class(student_ids: Iterable[int], *, now: datetime) -> dict[Member, StudentRow]:
    """Return the rows of these students in each of their classes, by student and class. Class 0 is the sum over all
    classes. Two queries."""
    ids = list(student_ids)
    cells = _significant_cells(ids, EVERYTHING)
    significant_of: dict[int, list[SignificantCell]] = defaultdict(list)
    for (student_id, _), flagged in cells.items():
        significant_of[student_id] += flagged
    with binary_cursor() as cursor:
        cursor.execute(ROWS_BY_CLASS.format(with_keyless="NOT" if settings.EVENTS_REQUIRE_KEY else ""), [ids, ids])
        found = [(class_id, StudentStatus._make(values)) for class_id, *values in cursor.fetchall()]
    rows: dict[Member, StudentRow] = {}
    for class_id, student in found:
        if class_id == WITHOUT_KEY:
            of_class = significant_of.get(student.pk, [])
        else:
            numbers = Scope.of([class_id]).class_ids or ()
            of_class = [cell for number in numbers for cell in cells.get((student.pk, number), [])]
        rows[student.pk, class_id] = _row(student, of_class, now)
    return rows


def status_of(student: StudentStatus, *, significant: bool, now: datetime) -> Status:
    """Return the first status that applies of help, significant_error, error, active, idle."""
    idle = now - student.last_activity_at if student.last_activity_at else None
    if student.is_requesting_help:
        return "help"
    if significant:
        return "significant_error"
    if idle is not None and student.last_run_failed and idle < ERROR_WINDOW:
        return "error"
    return "active" if idle is not None and idle < ACTIVE_WINDOW else "idle"


def time_ago(moment: datetime | None, *, now: datetime) -> str:
    """Return the text that deployed dashboards parse: 今, N秒前, N分前, N時間前, N日前, 不明."""
    if moment is None:
        return "不明"
    seconds = int((now - moment).total_seconds())
    if seconds < 5:
        return "今"
    for unit, size in (("日前", 86_400), ("時間前", 3_600), ("分前", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}秒前"


def _significant_cells(student_ids: list[int], scope: Scope) -> dict[Member, list[SignificantCell]]:
    """Return the cells with significant errors by student and class. One query."""
    cells: dict[Member, list[SignificantCell]] = defaultdict(list)
    with binary_cursor() as cursor:
        cursor.execute(SIGNIFICANT_CELLS.format(of_classes=scope.sql()), [student_ids])
        for student, class_id, cell, count, failed_at in cursor.fetchall():
            cells[student, class_id].append(
                {
                    "cell_id": cell,
                    "consecutive_count": count,
                    "last_error_time": timestamp(failed_at) if failed_at else None,
                }
            )
    return cells


def _row(student: StudentStatus, cells: list[SignificantCell], now: datetime) -> StudentRow:
    return {
        "studentId": student.pk,
        "emailAddress": student.email,
        "userName": display_name(student.name, student.email),
        "teamName": NO_TEAM if student.team is None else student.team,
        "currentNotebook": NO_NOTEBOOK if student.notebook is None else student.notebook,
        "lastActivity": time_ago(student.last_activity_at, now=now),
        "lastActivityAt": timestamp(student.last_activity_at) if student.last_activity_at else None,
        "status": status_of(student, significant=bool(cells), now=now),
        "isRequestingHelp": student.is_requesting_help,
        "helpRequestedAt": timestamp(student.help_requested_at) if student.is_requesting_help else None,
        "cellExecutions": student.execution_count,
        "errorCount": student.error_count,
        "consecutiveErrorCount": max((cell["consecutive_count"] for cell in cells), default=0),
        "hasSignificantError": bool(cells),
        "significantErrorCells": cells,
    }
