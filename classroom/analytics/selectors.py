"""What students and teams did in a span of time (docs/contract/http.md section 16; docs/analytics.md).

PostgreSQL folds the executions to one row a student: what crosses the line grows with the students, not the runs.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import connection
from django.db.models import Count, QuerySet

from classroom.base.query_plans import planned_for_the_span
from classroom.progress import selectors as progress_selectors
from core.identity import label_key
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
USUAL = "7d"
# A pause up to this long between two signs of life is thinking, and counts as active; of a longer one, a minute.
LONGEST_THOUGHT = timedelta(minutes=5)
# What the score of a team is made of, in points of 100.
PARTICIPATION, SUCCESS, UNSTUCK = 40, 40, 20

WORKED = """
WITH runs AS (
  SELECT student_id, notebook_id, executed_at AS at, (status <> 'aborted')::int AS run, (status = 'error')::int AS error
  FROM cell_executions WHERE student_id IN (SELECT unnest(%(students)s::bigint[]))
    AND executed_at >= %(since)s AND executed_at < %(until)s {scope}
), opened AS (
  SELECT student_id, notebook_id, accessed_at AS at, 0 AS run, 0 AS error
  FROM notebook_accesses WHERE student_id IN (SELECT unnest(%(students)s::bigint[]))
    AND accessed_at >= %(since)s AND accessed_at < %(until)s {scope}
), signs AS NOT MATERIALIZED (SELECT * FROM runs UNION ALL SELECT * FROM opened
), paused AS (
  SELECT student_id, run, error, lead(at) OVER (PARTITION BY student_id ORDER BY at) - at AS pause FROM signs
), books AS (
  SELECT student_id, count(*) AS notebooks
  FROM (SELECT student_id, notebook_id FROM signs GROUP BY 1, 2) AS each_one GROUP BY 1
), worked AS (
  SELECT student_id, sum(run) AS runs, sum(error) AS errors,
         sum(CASE WHEN pause <= %(thought)s THEN pause ELSE interval '1 minute' END) AS active
  FROM paused GROUP BY 1
)
SELECT student_id, runs::bigint, errors::bigint, notebooks, round(extract(epoch FROM active) / 60)::int
FROM worked JOIN books USING (student_id)
"""

STUCK = """
SELECT student_id, count(DISTINCT cell_id) FROM cell_executions
WHERE is_significant_error AND student_id = ANY(%s)
  AND executed_at >= %s AND executed_at < %s {scope} GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A span of time up to now."""

    name: str
    since: datetime
    until: datetime

    @classmethod
    def of(cls, name: str | None, *, now: datetime) -> "Span":
        """An unknown name means seven days."""
        known = name if name in SPANS else USUAL
        return cls(known, now - SPANS[known], now)


@dataclass(frozen=True, slots=True)
class Work:
    """Of one student: runs that succeeded or failed, those that failed, notebooks, minutes of activity."""

    runs: int = 0
    errors: int = 0
    notebooks: int = 0
    minutes: int = 0


def work_of(students: Collection[int], span: Span, *, scope: Scope) -> dict[int, Work]:
    """Of those who did anything. One query, whose cost is that of the runs in the span."""
    if not students:
        return {}
    named: dict[str, Any] = {
        "students": list(students),
        "since": span.since,
        "until": span.until,
        "thought": LONGEST_THOUGHT,
    }
    with connection.cursor() as cursor:
        cursor.execute(WORKED.format(scope=scope.sql()), named)
        return {student: Work(*rest) for student, *rest in cursor.fetchall()}


def chosen_students(viewer: User, *, class_id: int | None = None, team: str = "") -> QuerySet[Student]:
    """Those that the viewer sees, of one class or of one team; the wire's word for no team chooses those of none."""
    if class_id is None:
        students = students_seen_by(viewer)
    else:
        visible = classes_of(viewer).filter(pk=class_id).values_list("pk", flat=True)
        students = cast("QuerySet[Student]", students_seen_through(visible).order_by("pk"))
    students = students.select_related("team")
    if team:
        students = students.filter(team=None) if team == NO_TEAM else students.filter(team__team_key=label_key(team))
    return students


@planned_for_the_span()
def progress_rows(viewer: User, students: Iterable[Student], span: Span, *, scope: Scope) -> list[dict[str, Any]]:
    """A row a student, quiet ones too. Eight statements, whatever the number."""
    found = list(students)
    ids = [student.pk for student in found]
    works = work_of(ids, span, scope=scope)
    known = progress_selectors.facts(viewer, ids, scope=scope, times=False)
    return [
        _row(student, works.get(student.pk, Work()), progress_selectors.summary(known, student)) for student in found
    ]


def _row(student: Student, work: Work, summary: dict[str, Any]) -> dict[str, Any]:
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


@planned_for_the_span()
def team_rows(students: Iterable[Student], span: Span, *, scope: Scope) -> list[dict[str, Any]]:
    """A row a team, by name, those of no team last. Four statements."""
    found = list(students)
    ids = [student.pk for student in found]
    works, stuck = work_of(ids, span, scope=scope), _stuck(ids, span, scope)
    asked = HelpRequest.objects.filter(scope.q(), student__in=ids, asked_at__gte=span.since, asked_at__lt=span.until)
    asking = dict(asked.order_by().values_list("student").annotate(Count("pk")))
    teams: dict[str, list[int]] = {}
    for student in found:
        teams.setdefault(team_of(student), []).append(student.pk)
    return [
        _team(name, members, works, stuck, asking)
        for name, members in sorted(teams.items(), key=lambda team: (team[0] == NO_TEAM, team[0]))
    ]


def _stuck(students: list[int], span: Span, scope: Scope) -> dict[int, int]:
    """Student → cells at which their errors became significant."""
    with connection.cursor() as cursor:
        cursor.execute(STUCK.format(scope=scope.sql()), [students, span.since, span.until])
        return dict(cursor.fetchall())


def _team(
    name: str, members: Sequence[int], works: dict[int, Work], stuck: dict[int, int], asking: dict[int, int]
) -> dict[str, Any]:
    runs = sum(works[member].runs for member in members if member in works)
    errors = sum(works[member].errors for member in members if member in works)
    active = sum(member in works for member in members)
    caught = sum(member in stuck for member in members)
    return {
        "teamName": name,
        "members": len(members),
        "active": active,
        "executions": runs,
        "error_rate": rate(errors, runs),
        "help_requests": sum(asking.get(member, 0) for member in members),
        "significant_errors": sum(stuck.get(member, 0) for member in members),
        "score": score(members=len(members), active=active, runs=runs, errors=errors, stuck=caught),
    }


def score(*, members: int, active: int, runs: int, errors: int, stuck: int) -> int:
    """0 to 100; 0 where nothing ran. Of a team: the share of members who worked, of runs that worked, and of members
    whom no cell caught. It compares teams in one span of time, and says nothing about a person."""
    if not runs or not members:
        return 0
    points = PARTICIPATION * active / members + SUCCESS * (1 - errors / runs) + UNSTUCK * (1 - stuck / members)
    return round(points)


def team_of(student: Student) -> str:
    return student.team.team_name if student.team else NO_TEAM


def rate(errors: int, runs: int) -> float:
    return round(errors / runs, 4) if runs else 0.0
