"""How a student stands now: the row that the overview, the live page and every live update show.

One place computes it, so that a first paint and a later change can never disagree.
"""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import QuerySet

from events.models import CellProgress
from lms.models import Student
from lms.models.people import display_name
from realtime.messages import SignificantCell, Status, StudentRow, timestamp

# http.md section 13: how long a failed run colours the student, and how long any activity counts as active.
ERROR_WINDOW = timedelta(minutes=5)
ACTIVE_WINDOW = timedelta(minutes=2)
NO_TEAM = "未割り当て"
NO_NOTEBOOK = "なし"


class Standing(NamedTuple):
    """What of a student's row, team and notebook is shown."""

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


JOINED = {"team": "team__team_name", "notebook": "current_notebook__path"}
COLUMNS = [JOINED.get(name, name) for name in Standing._fields]


def student_rows(students: QuerySet[Student], *, now: datetime) -> list[StudentRow]:
    """The rows of these students: who asked for help longest ago first, then by id. Two queries for any number."""
    # Plain values: a model instance for each of 200 students costs more than the query.
    found = [Standing._make(values) for values in students.values_list(*COLUMNS)]
    cells = _significant_cells([student.pk for student in found])
    found.sort(key=lambda s: (not s.is_requesting_help, s.help_requested_at if s.is_requesting_help else now, s.pk))
    return [_row(student, cells.get(student.pk, []), now) for student in found]


def status_of(student: Standing, *, significant: bool, now: datetime) -> Status:
    """help > significant_error > error > active > idle; the first that holds."""
    quiet = now - student.last_activity_at if student.last_activity_at else None
    if student.is_requesting_help:
        return "help"
    if significant:
        return "significant_error"
    if quiet is not None and student.last_run_failed and quiet < ERROR_WINDOW:
        return "error"
    return "active" if quiet is not None and quiet < ACTIVE_WINDOW else "idle"


def time_ago(moment: datetime | None, *, now: datetime) -> str:
    """The text that dashboards in the field parse: 今, N秒前, N分前, N時間前, N日前, 不明."""
    if moment is None:
        return "不明"
    seconds = int((now - moment).total_seconds())
    if seconds < 5:
        return "今"
    for unit, size in (("日前", 86_400), ("時間前", 3_600), ("分前", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit}"
    return f"{seconds}秒前"


def _significant_cells(student_ids: list[int]) -> dict[int, list[SignificantCell]]:
    cells: dict[int, list[SignificantCell]] = defaultdict(list)
    flagged = CellProgress.objects.filter(student_id__in=student_ids, is_significant_error=True).order_by("id")
    columns = flagged.values_list("student_id", "cell_id", "consecutive_error_count", "last_error_at")
    for student, cell, count, failed_at in columns:
        cells[student].append(
            {
                "cell_id": cell,
                "consecutive_count": count,
                "last_error_time": timestamp(failed_at) if failed_at else None,
            }
        )
    return cells


def _row(student: Standing, cells: list[SignificantCell], now: datetime) -> StudentRow:
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
