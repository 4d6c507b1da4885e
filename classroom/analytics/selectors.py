"""Select what students and teams did in a span of time (docs/contract/http.md section 16; docs/analytics.md).

PostgreSQL groups the executions into one row per student, so that results grow with the students, not the runs.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db.models import Count, QuerySet

from classroom.progress import selectors as progress_selectors
from core.identity import label_key
from core.postgres import fetch_all
from events.counted_runs import COUNTED_SQL
from events.models import HelpRequest
from events.student_status import NO_TEAM
from lms.access import Scope, User, classes_of, students_seen_by, students_seen_through
from lms.models import Student

SPANS = {
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "30d": timedelta(days=30),
}
DEFAULT_SPAN = "7d"
# A pause up to this long between two actions counts as active time; a longer one counts as one minute.
MAX_PAUSE = timedelta(minutes=5)
# The parts of a team's score, in points of 100.
PARTICIPATION, SUCCESS, UNSTUCK = 40, 40, 20

WORKED = f"""
WITH runs AS (
  SELECT student_id, notebook_id, executed_at AS at, ({COUNTED_SQL})::int AS run,
         ({COUNTED_SQL} AND status = 'error')::int AS error
  FROM cell_executions WHERE student_id IN (SELECT unnest(%(students)s::bigint[]))
    AND executed_at >= %(since)s AND executed_at < %(until)s {{scope}}
), opened AS (
  SELECT student_id, notebook_id, accessed_at AS at, 0 AS run, 0 AS error
  FROM notebook_accesses WHERE student_id IN (SELECT unnest(%(students)s::bigint[]))
    AND accessed_at >= %(since)s AND accessed_at < %(until)s {{scope}}
), signs AS NOT MATERIALIZED (SELECT * FROM runs UNION ALL SELECT * FROM opened
), paused AS (
  SELECT student_id, run, error, lead(at) OVER (PARTITION BY student_id ORDER BY at) - at AS pause FROM signs
), books AS (
  SELECT student_id, count(*) AS notebooks
  FROM (SELECT student_id, notebook_id FROM signs GROUP BY 1, 2) AS each_one GROUP BY 1
), worked AS (
  SELECT student_id, sum(run) AS runs, sum(error) AS errors,
         sum(CASE WHEN pause <= %(max_pause)s THEN pause ELSE interval '1 minute' END) AS active
  FROM paused GROUP BY 1
)
SELECT student_id, runs::bigint, errors::bigint, notebooks, round(extract(epoch FROM active) / 60)::int
FROM worked JOIN books USING (student_id)
"""  # noqa: S608

STUCK = """
SELECT student_id, count(DISTINCT cell_id) FROM cell_executions
WHERE is_significant_error AND student_id = ANY(%s)
  AND executed_at >= %s AND executed_at < %s {scope} GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A span of time up to now."""

    name: str
    since: datetime
    until: datetime

    @classmethod
    def of(cls, name: str | None, *, now: datetime) -> "TimeRange":
        """Return the span of that name; an unknown name means seven days."""
        known = name if name in SPANS else DEFAULT_SPAN
        return cls(known, now - SPANS[known], now)


@dataclass(frozen=True, slots=True)
class StudentActivity:
    """One student's runs that succeeded or failed, those that failed, notebooks, and active minutes."""

    runs: int = 0
    errors: int = 0
    notebooks: int = 0
    minutes: int = 0


def work_of(students: Collection[int], span: TimeRange, *, scope: Scope) -> dict[int, StudentActivity]:
    """Return the work of the students who did anything. One query, which reads the runs of the span."""
    if not students:
        return {}
    named: dict[str, Any] = {
        "students": list(students),
        "since": span.since,
        "until": span.until,
        "max_pause": MAX_PAUSE,
    }
    return {student: StudentActivity(*rest) for student, *rest in fetch_all(WORKED.format(scope=scope.sql()), named)}


def chosen_students(viewer: User, *, class_id: int | None = None, team: str = "") -> QuerySet[Student]:
    """Return the students whom the viewer may see, of one class or one team; NO_TEAM selects those without a team."""
    if class_id is None:
        students = students_seen_by(viewer)
    else:
        visible = classes_of(viewer).filter(pk=class_id).values_list("pk", flat=True)
        students = cast("QuerySet[Student]", students_seen_through(visible).order_by("pk"))
    students = students.select_related("team")
    if team:
        students = students.filter(team=None) if team == NO_TEAM else students.filter(team__team_key=label_key(team))
    return students


def progress_rows(viewer: User, students: Iterable[Student], span: TimeRange, *, scope: Scope) -> list[dict[str, Any]]:
    """Return one row per student, including inactive ones. Eight queries for any number of students."""
    found = list(students)
    ids = [student.pk for student in found]
    works = work_of(ids, span, scope=scope)
    known = progress_selectors.facts(viewer, ids, scope=scope, times=False)
    return [
        _row(student, works.get(student.pk, StudentActivity()), progress_selectors.summary(known, student))
        for student in found
    ]


def _row(student: Student, work: StudentActivity, summary: dict[str, Any]) -> dict[str, Any]:
    return {
        "emailAddress": student.email,
        "userName": student.display_name,
        "teamName": team_of(student),
        "executions": work.runs,
        "errors": work.errors,
        "error_rate": rate(work.errors, work.runs),
        "notebooks_opened": work.notebooks,
        "active_minutes": work.minutes,
        "assignments_completed": summary["completed_assignments"],
        "progress_percentage": summary["overall_progress_percentage"],
    }


def team_rows(students: Iterable[Student], span: TimeRange, *, scope: Scope) -> list[dict[str, Any]]:
    """Return one row per team, by name, students without a team last. Four queries."""
    found = list(students)
    ids = [student.pk for student in found]
    works, stuck = work_of(ids, span, scope=scope), _stuck(ids, span, scope)
    asked = HelpRequest.objects.filter(scope.q(), student__in=ids, asked_at__gte=span.since, asked_at__lt=span.until)
    requests = dict(asked.order_by().values_list("student").annotate(Count("pk")))
    teams: dict[str, list[int]] = {}
    for student in found:
        teams.setdefault(team_of(student), []).append(student.pk)
    return [
        _team(name, members, works, stuck, requests)
        for name, members in sorted(teams.items(), key=lambda team: (team[0] == NO_TEAM, team[0]))
    ]


def _stuck(students: list[int], span: TimeRange, scope: Scope) -> dict[int, int]:
    """Return the number of cells with significant errors by student."""
    return dict(fetch_all(STUCK.format(scope=scope.sql()), [students, span.since, span.until]))


def _team(
    name: str,
    members: Sequence[int],
    works: dict[int, StudentActivity],
    stuck: dict[int, int],
    requests: dict[int, int],
) -> dict[str, Any]:
    runs = sum(works[member].runs for member in members if member in works)
    errors = sum(works[member].errors for member in members if member in works)
    active = sum(member in works for member in members)
    stuck_members = sum(member in stuck for member in members)
    return {
        "teamName": name,
        "members": len(members),
        "active": active,
        "executions": runs,
        "error_rate": rate(errors, runs),
        "help_requests": sum(requests.get(member, 0) for member in members),
        "significant_errors": sum(stuck.get(member, 0) for member in members),
        "score": score(members=len(members), active=active, runs=runs, errors=errors, stuck=stuck_members),
    }


def score(*, members: int, active: int, runs: int, errors: int, stuck: int) -> int:
    """Return a team's score, 0 to 100; 0 without runs.

    It adds the shares of active members, of successful runs, and of members without significant errors. It compares
    teams in one span of time and says nothing about a person.
    """
    if not runs or not members:
        return 0
    points = PARTICIPATION * active / members + SUCCESS * (1 - errors / runs) + UNSTUCK * (1 - stuck / members)
    return round(points)


def team_of(student: Student) -> str:
    return student.team.team_name if student.team else NO_TEAM


def rate(errors: int, runs: int) -> float:
    return round(errors / runs, 4) if runs else 0.0
