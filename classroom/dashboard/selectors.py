"""Select the dashboard's data: students, metrics, chart, and one student's activity (http.md section 13)."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from classroom.base.recent_ranges import Range, chart
from events import timeseries
from events.models import CellExecution
from events.student_status import NO_TEAM, student_rows
from lms.access import User, scope_of, students_of, students_seen_by
from lms.models import Session, Student
from realtime.messages import timestamp
from realtime.rows import StudentRow

EXECUTIONS, SESSIONS = 50, 10


def overview(viewer: User, *, span: Range, now: datetime) -> dict[str, Any]:
    """Return students, metrics and chart. Five queries for any number of students."""
    scope = scope_of(viewer)
    rows = student_rows(students_seen_by(viewer), scope=scope, now=now)
    only = None if viewer.is_admin else [row["studentId"] for row in rows]
    return {"students": rows, "metrics": metrics_of(rows), "activityChart": chart(span, only, now, scope=scope)}


def metrics_of(rows: Sequence[StudentRow]) -> dict[str, int]:
    statuses = Counter(row["status"] for row in rows)
    return {
        "totalStudents": len(rows),
        "totalActive": statuses["active"],
        "errorCount": statuses["error"] + statuses["significant_error"],
        "significantErrorCount": sum(row["hasSignificantError"] for row in rows),
        "totalExecutions": sum(row["cellExecutions"] for row in rows),
        "helpCount": sum(row["isRequestingHelp"] for row in rows),
    }


def metrics(viewer: User, *, span: Range, now: datetime) -> dict[str, Any]:
    """Return the metrics of a range. Three queries, one of which reads the runs of the range."""
    students, scope = students_of(viewer), scope_of(viewer)
    sessions = Session.objects.filter(scope.q(), is_active=True)
    only: list[int] | None = None
    if not viewer.is_admin:
        only = list(students.order_by().values_list("pk", flat=True))
        sessions = sessions.filter(student__in=students.values("pk"))
    # Includes this moment.
    totals = timeseries.totals(
        since=now - span.length, until=now + timedelta(microseconds=1), students=only, scope=scope
    )
    return {
        "timeRange": span.name,
        "totalStudents": students.count() if only is None else len(only),
        "activeSessions": sessions.count(),
        "activityData": {
            "totalExecutions": totals.runs,
            "averageExecutionTime": totals.seconds or 0.0,
            "errorRate": totals.error_rate,
            "activeUsers": totals.active,
        },
        "generatedAt": timestamp(now),
    }


def student_activity(viewer: User, student: Student) -> dict[str, Any]:
    """Return the latest runs and sessions that the viewer may see, newest first. Three queries, each by an index."""
    scope = scope_of(viewer)
    runs = CellExecution.objects.filter(scope.q(), student=student.pk).order_by("-executed_at", "-pk")[:EXECUTIONS]
    sessions = Session.objects.filter(scope.q(), student=student.pk).order_by("-start_time", "-pk")[:SESSIONS]
    return {
        "student": {
            "emailAddress": student.email,
            "name": student.display_name,
            "teamName": student.team.team_name if student.team else NO_TEAM,
        },
        "recentExecutions": [_execution(run) for run in runs],
        "sessions": [
            {
                "id": session.pk,
                "sessionId": session.session_id,
                "startedAt": timestamp(session.start_time),
                "endedAt": timestamp(session.end_time) if session.end_time else None,
                "isActive": session.is_active,
            }
            for session in sessions
        ],
    }


def _execution(run: CellExecution) -> dict[str, Any]:
    return {
        "id": run.pk,
        "cellId": run.cell_id,
        "executionTime": run.duration,
        "executionDurationMs": None if run.duration is None else run.duration * 1000,
        "hasError": run.status == CellExecution.Status.ERROR,
        "timestamp": timestamp(run.executed_at),
        "status": run.status,
        "output": run.output,
        "errorMessage": run.error_message,
        "codeContent": run.code_content,
        "cellIndex": run.cell_index,
        "cellType": run.cell_type,
        "executionCount": run.execution_count,
        "consecutiveErrorCount": run.consecutive_error_count,
        "isSignificantError": run.is_significant_error,
        "runId": run.run_id,
        "startedAt": timestamp(run.started_at) if run.started_at else None,
        "queuedMs": run.queued_ms,
        "traceback": run.traceback,
    }
