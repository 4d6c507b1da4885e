"""Build the content of a report on a class, a team or a student: totals, chart buckets, and one row per student."""

from collections.abc import Mapping
from datetime import timedelta
from math import ceil
from typing import Any

from classroom.analytics.selectors import SPANS, TimeRange, chosen_students, progress_rows, rate, team_rows
from classroom.base.display import Display
from events import timeseries
from lms.access import Scope, User, scope_of
from lms.spreadsheets import table_csv
from realtime.messages import timestamp

BUCKETS = {"1h": timedelta(minutes=5), "24h": timedelta(hours=1), "7d": timedelta(hours=6), "30d": timedelta(days=1)}
COLUMNS = (
    "emailAddress", "userName", "teamName", "executions", "errors", "error_rate", "notebooks_opened", "active_minutes",
    "assignments_completed", "progress_percentage",
)  # fmt: skip


def content_of(viewer: User, *, report_type: str, parameters: Mapping[str, Any], span: TimeRange) -> dict[str, Any]:
    """Return the content. A constant number of queries, which read the runs of the span.

    `parameters` name a target that existed when the report was ordered; the content is limited to what the viewer may
    see now.
    """
    students = chosen_students(
        viewer,
        class_id=parameters["class_id"] if report_type == "class" else None,
        team=parameters["target"] if report_type == "team" else "",
    )
    if report_type == "student":
        students = students.filter(pk=parameters["student_id"])
    found = list(students)
    scope = Scope.of([parameters["class_id"]]) if report_type == "class" else scope_of(viewer)
    rows = progress_rows(viewer, found, span, scope=scope)
    runs, errors = sum(row["executions"] for row in rows), sum(row["errors"] for row in rows)
    return {
        "title": parameters["title"],
        "time_range": span.name,
        "since": timestamp(span.since),
        "until": timestamp(span.until),
        "figures": {
            "students": len(rows),
            "active_students": sum(row["active_minutes"] > 0 for row in rows),
            "executions": runs,
            "errors": errors,
            "error_rate": rate(errors, runs),
            "active_minutes": sum(row["active_minutes"] for row in rows),
        },
        "activity": activity(span, [student.pk for student in found], scope=scope),
        "teams": team_rows(found, span, scope=scope),
        "students": rows,
    }


def activity(span: TimeRange, students: list[int], *, scope: Scope) -> list[dict[str, Any]]:
    """Return contiguous buckets up to the end of the span, oldest first."""
    bucket = BUCKETS[span.name]
    since = span.until - ceil(SPANS[span.name] / bucket) * bucket
    return [
        {"time": found["time"], "executions": found["executionCount"], "errors": found["errorCount"],
         "help_requests": found["helpCount"]}
        for found in timeseries.activity(since=since, until=span.until, bucket=bucket, students=students, scope=scope)
    ]  # fmt: skip


def content_csv(content: Mapping[str, Any]) -> bytes:
    """Return the students' rows as CSV."""
    return table_csv(COLUMNS, ([row[name] for name in COLUMNS] for row in content["students"]))


def for_display(content: Mapping[str, Any], display: Display, *, is_of_student: bool) -> dict[str, Any]:
    """Return the content for a device; a projector view shows numbers instead of students, in the report's order."""
    if not display.projector:
        return dict(content)
    rows = [
        {**row, "userName": display.name(number, ""), "emailAddress": ""}
        for number, row in enumerate(content["students"], start=1)
    ]
    return {**content, "students": rows, "title": display.name(1, "") if is_of_student else content["title"]}
