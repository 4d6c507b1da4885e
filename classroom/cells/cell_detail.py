"""One student's cells in one notebook, in figures: what the cell map says about the cell under the pointer."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.shortcuts import get_object_or_404

from classroom.base.classrooms import Classroom
from classroom.errors.fingerprints import fingerprint
from events.cell_progress import progress_seen
from lms.models import Notebook

DETAILS = """
SELECT p.cell_id, p.run_count, p.error_count, p.consecutive_error_count, p.last_run_at, e.message
FROM {progress} AS p JOIN cells c ON c.id = p.cell_id
LEFT JOIN LATERAL (
    SELECT left(coalesce(nullif(x.error_message, ''), x.output), 1000) || E'\\n'
        || right(coalesce(nullif(x.error_message, ''), x.output), 3000) AS message
    FROM cell_executions x
    WHERE p.error_count > 0 AND x.student_id = p.student_id AND x.cell_id = p.cell_id AND x.status = 'error' {scope}
    ORDER BY x.executed_at DESC, x.id DESC LIMIT 1
) AS e ON true
WHERE c.notebook_id = %s AND c.cell_type = 'code' AND p.run_count > 0
"""


@dataclass(frozen=True)
class CellDetail:
    cell_id: int
    runs: int
    errors: int
    consecutive: int
    last_run: datetime
    error: str  # the name of the last error, or its one line where it has no name; "" where nothing failed


def cell_details(classroom: Classroom, *, student_id: int, notebook: Notebook) -> list[CellDetail]:
    """404 for a student who is not of the room. Two queries."""
    get_object_or_404(classroom.students.only("pk"), pk=student_id)
    progress = progress_seen(classroom.scope, where="student_id = %s")
    with connection.cursor() as cursor:
        cursor.execute(
            DETAILS.format(progress=progress, scope=classroom.scope.sql("x.class_id")), [student_id, notebook.pk]
        )
        return [
            CellDetail(cell, runs, errors, consecutive, last_run, _name(message))
            for cell, runs, errors, consecutive, last_run, message in cursor.fetchall()
        ]


def _name(message: str | None) -> str:
    if message is None:
        return ""
    found = fingerprint(message)
    return found.name or found.line[:60]
