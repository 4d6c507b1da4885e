"""docs/contract/http.md section 13, row by row, refusals included."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from urllib.parse import quote

import pytest
from django.utils import timezone

from events import points, tickets
from events.models import CellExecution, CellProgress, HelpRequest
from events.points import waiting
from instructors.models import AuditLog
from lms.models import Cell, Class, Notebook, Session, Student, StudentClass, Team
from realtime.groups import client_group
from tests.instructors.api.conftest import api_of, types_heard

pytestmark = pytest.mark.django_db

ROW = {
    "studentId", "emailAddress", "userName", "teamName", "currentNotebook", "lastActivity", "lastActivityAt", "status",
    "isRequestingHelp", "helpRequestedAt", "cellExecutions", "errorCount", "consecutiveErrorCount",
    "hasSignificantError", "significantErrorCells",
}  # fmt: skip


class Lesson:
    """Aoi asks for help, Ren is stuck on a cell, Mio works, Sora has never been heard of since."""

    def __init__(self, teacher) -> None:
        self.now = timezone.now()
        self.notebook = Notebook.objects.create(path="course/week1.ipynb", name="week1.ipynb")
        self.cell = Cell.objects.create(notebook=self.notebook, cell_id="c1")
        self.class_ref = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
        team = Team.objects.create(team_name="チームA")
        self.aoi = self.student("aoi", name="Aoi", team=team, current_notebook=self.notebook, last_activity_at=self.now)
        self.ren = self.student("ren", last_activity_at=self.now, execution_count=5, last_run_failed=True)
        self.mio = self.student("mio", last_activity_at=self.now, execution_count=2)
        self.sora = Student.objects.create(email="sora@example.com")

    def student(self, given: str, **state) -> Student:
        state.setdefault("email", f"{given}@example.com")
        made = Student.objects.create(**state)
        StudentClass.objects.create(student=made, class_ref=self.class_ref)
        return made

    def asks(self, student: Student, minutes_ago: float = 1) -> HelpRequest:
        asked_at = self.now - timedelta(minutes=minutes_ago)
        student.is_requesting_help, student.help_requested_at = True, asked_at
        student.save()
        return HelpRequest.objects.create(
            student=student, session_id="s1", notebook_path="a.ipynb", asked_at=asked_at, last_asked_at=asked_at,
            last_heard_at=self.now,
        )  # fmt: skip

    def runs(self, student: Student, status="success", minutes_ago: float = 1, **fields) -> CellExecution:
        session, _ = Session.objects.get_or_create(student=student, session_id="s1")
        return CellExecution.objects.create(
            student=student, notebook=self.notebook, cell=self.cell, session=session, status=status,
            executed_at=self.now - timedelta(minutes=minutes_ago), **fields,
        )  # fmt: skip

    def is_stuck(self, student: Student, count: int = 3) -> CellProgress:
        for index in range(count):
            self.runs(student, "error", consecutive_error_count=index + 1, is_significant_error=index >= 2)
        return CellProgress.objects.create(
            student=student, cell=self.cell, notebook=self.notebook, run_count=count, error_count=count,
            last_status="error", last_run_at=self.now, last_error_at=self.now, consecutive_error_count=count,
            is_significant_error=True,
        )  # fmt: skip


@pytest.fixture
def lesson(hanako) -> Lesson:
    made = Lesson(hanako)
    made.asks(made.aoi)
    made.is_stuck(made.ren)
    made.runs(made.mio, duration=0.5)
    made.runs(made.mio, duration=1.5)
    made.runs(made.mio, "aborted")
    return made


OVERVIEW = "/api/v1/dashboard/overview"


@pytest.mark.parametrize(
    "path",
    [OVERVIEW, f"{OVERVIEW}/", "/api/v1/v1/dashboard/overview"],
    ids=lambda path: f"http §13 GET {path} → 200",
)
def test_overview(anyone, lesson, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):
        answer = anyone("GET", path)
    assert answer.status_code == 200
    assert set(answer.data) == {"students", "metrics", "activityChart"}
    aoi, ren, mio, sora = answer.data["students"]
    assert all(set(row) >= ROW for row in (aoi, ren, mio, sora))
    assert [row["status"] for row in (aoi, ren, mio, sora)] == ["help", "significant_error", "active", "idle"]
    assert (aoi["teamName"], aoi["currentNotebook"], aoi["lastActivity"]) == ("チームA", "course/week1.ipynb", "今")
    assert (sora["teamName"], sora["currentNotebook"], sora["lastActivity"]) == ("未割り当て", "なし", "不明")
    assert (ren["consecutiveErrorCount"], ren["significantErrorCells"][0]["cell_id"]) == (3, lesson.cell.pk)
    assert answer.data["metrics"] == {
        "totalStudents": 4,
        "totalActive": 1,
        "errorCount": 1,
        "significantErrorCount": 1,
        "totalExecutions": 7,
        "helpCount": 1,
    }


@pytest.mark.parametrize(
    ("query", "buckets", "step"),
    [("", 12, 300), ("?time_range=1h", 12, 300), ("?time_range=24h", 24, 3600), ("?time_range=7d", 42, 14400),
     ("?time_range=a-year", 12, 300)],
    ids=["none → 1h", "1h", "24h", "7d", "unknown → 1h"],
)  # fmt: skip
def test_activity_chart(anyone, lesson, query, buckets, step):
    chart = anyone("GET", OVERVIEW + query).data["activityChart"]
    times = [datetime.fromisoformat(bucket["time"]) for bucket in chart]
    assert len(chart) == buckets
    assert {(b - a).total_seconds() for a, b in pairwise(times)} == {step}
    assert times[-1] <= datetime.now(UTC) < times[-1] + timedelta(seconds=step)
    totals = {key: sum(bucket[key] for bucket in chart) for key in ("executionCount", "errorCount", "helpCount")}
    assert totals == {"executionCount": 5, "errorCount": 3, "helpCount": 1}, "aborted runs are neither"


def test_activity_counts_each_bucket(lesson):
    since = lesson.now - timedelta(minutes=60)
    lesson.runs(lesson.mio, minutes_ago=60)
    lesson.runs(lesson.mio, "error", minutes_ago=61)
    found = points.activity(since=since, until=lesson.now, bucket=timedelta(minutes=30), students=[lesson.mio.pk])
    assert [(b["executionCount"], b["errorCount"], b["helpCount"]) for b in found] == [(1, 0, 0), (2, 0, 0)]


def test_http_13_teachers_see_their_own_students(settings, as_hanako, as_admin, lesson, django_assert_max_num_queries):
    settings.API_REQUIRE_AUTH = True
    with django_assert_max_num_queries(6):
        mine = as_hanako("GET", OVERVIEW).data
    assert [row["emailAddress"] for row in mine["students"]] == [s.email for s in (lesson.aoi, lesson.ren, lesson.mio)]
    assert mine["metrics"]["totalStudents"] == 3
    assert len(as_admin("GET", OVERVIEW).data["students"]) == 4


def test_a_teacher_of_others_sees_nothing(settings, taro, lesson):
    settings.API_REQUIRE_AUTH = True
    found = api_of(taro)("GET", OVERVIEW).data
    assert (found["students"], sum(b["executionCount"] + b["helpCount"] for b in found["activityChart"])) == ([], 0)
    metrics = api_of(taro)("GET", "/api/v1/dashboard/metrics").data
    assert (metrics["totalStudents"], metrics["activityData"]["totalExecutions"]) == (0, 0)
    for method, verb in [("GET", "activity"), ("POST", "dismiss-help"), ("POST", "resolve-error")]:
        answer = api_of(taro)(method, f"/api/v1/dashboard/students/aoi@example.com/{verb}")
        assert (answer.status_code, answer.data) == (404, {"detail": "Student not found"})
    assert HelpRequest.objects.get().ended_at is None


ROWS = [
    ("GET", "overview"), ("GET", "metrics"), ("GET", "students/aoi@example.com/activity"),
    ("POST", "students/aoi@example.com/dismiss-help"), ("POST", "students/aoi@example.com/resolve-error"),
    ("GET", "ws/dashboard/status"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROWS, ids=[f"http §13 {m} {p} closed → 403" for m, p in ROWS])
def test_no_token_where_one_is_required(settings, anyone, lesson, method, path):
    settings.API_REQUIRE_AUTH = True
    answer = anyone(method, f"/api/v1/dashboard/{path}")
    assert (answer.status_code, answer.data) == (403, {"detail": "Not authenticated"})


@pytest.mark.parametrize(("method", "path"), ROWS, ids=[f"http §13 {m} {p} ignores a bad token → 200" for m, p in ROWS])
def test_a_bad_token_where_none_is_required(anyone, lesson, method, path):
    assert anyone(method, f"/api/v1/dashboard/{path}", Authorization="Bearer rubbish").status_code == 200


# --- Metrics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "name", "runs"),
    [("", "1h", 5), ("?time_range=24h", "24h", 6), ("?range=24h", "24h", 6), ("?range=7d", "7d", 6),
     ("?range=soon", "1h", 5)],
)  # fmt: skip
def test_http_13_metrics(anyone, lesson, query, name, runs):
    lesson.runs(lesson.mio, minutes_ago=120)
    answer = anyone("GET", f"/api/v1/dashboard/metrics{query}")
    assert answer.status_code == 200
    assert set(answer.data) == {"timeRange", "totalStudents", "activeSessions", "activityData", "generatedAt"}
    assert (answer.data["timeRange"], answer.data["totalStudents"], answer.data["activeSessions"]) == (name, 4, 2)
    data = answer.data["activityData"]
    assert (data["totalExecutions"], data["averageExecutionTime"], data["activeUsers"]) == (runs, 1.0, 2)
    assert data["errorRate"] == pytest.approx(3 / runs)


def test_http_13_metrics_of_nothing(anyone):
    data = anyone("GET", "/api/v1/dashboard/metrics").data["activityData"]
    assert data == {"totalExecutions": 0, "averageExecutionTime": 0.0, "errorRate": 0.0, "activeUsers": 0}


def test_http_13_overview_500_names_the_action(anyone, settings, monkeypatch):
    settings.DEBUG = False

    def fail(*args, **kwargs):
        raise RuntimeError("secret")

    monkeypatch.setattr("instructors.queries.dashboard.overview", fail)
    answer = anyone("GET", OVERVIEW)
    assert (answer.status_code, answer.data) == (500, {"detail": "Failed to get dashboard overview"})


# --- One student ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("email", ["mio@example.com", "MIO@Example.com", "mio%40example.com"])
def test_http_13_student_activity(anyone, lesson, email):
    run = lesson.runs(
        lesson.mio, "error", minutes_ago=0, duration=0.25, output="o", error_message="E", code_content="1/0",
        cell_index=4, cell_type="code", execution_count=9,
    )  # fmt: skip
    answer = anyone("GET", f"/api/v1/dashboard/students/{email}/activity/")
    assert answer.status_code == 200
    assert answer.data["student"] == {"emailAddress": "mio@example.com", "name": "mio", "teamName": "未割り当て"}
    first, *rest = answer.data["recentExecutions"]
    assert len(rest) == 3
    assert first.items() >= {
        "cellId": lesson.cell.pk, "executionTime": 0.25, "executionDurationMs": 250, "hasError": True,
        "status": "error", "output": "o", "errorMessage": "E", "codeContent": "1/0", "cellIndex": 4,
        "cellType": "code", "executionCount": 9,
    }.items()  # fmt: skip
    assert datetime.fromisoformat(first["timestamp"]) <= run.executed_at
    (session,) = answer.data["sessions"]
    assert (session["sessionId"], session["endedAt"], session["isActive"]) == ("s1", None, True)


def test_activity_has_its_limits(anyone, lesson, django_assert_num_queries):
    for index in range(60):
        lesson.runs(lesson.mio, minutes_ago=index)
        Session.objects.create(student=lesson.mio, session_id=f"n{index}")
    with django_assert_num_queries(3):
        answer = anyone("GET", "/api/v1/dashboard/students/mio@example.com/activity")
    assert (len(answer.data["recentExecutions"]), len(answer.data["sessions"])) == (50, 10)
    times = [run["timestamp"] for run in answer.data["recentExecutions"]]
    assert times == sorted(times, reverse=True)


def test_an_identity_may_be_any_text(anyone, lesson):
    lesson.student("odd", email="学生 1/2 & ?#")
    answer = anyone("GET", f"/api/v1/dashboard/students/{quote('学生 1/2 & ?#', safe='')}/activity")
    assert (answer.status_code, answer.data["student"]["emailAddress"]) == (200, "学生 1/2 & ?#")


@pytest.mark.parametrize("email", ["nobody@example.com", "a%00b", "%20"])
@pytest.mark.parametrize(("method", "verb"), [("GET", "activity"), ("POST", "dismiss-help"), ("POST", "resolve-error")])
def test_http_13_unknown_student_404(anyone, lesson, email, method, verb):
    answer = anyone(method, f"/api/v1/dashboard/students/{email}/{verb}")
    assert (answer.status_code, answer.data) == (404, {"detail": "Student not found"})


# --- What an instructor does ------------------------------------------------------------------------------------------


def test_http_13_dismiss_help(as_hanako, hanako, lesson, heard):
    answer = as_hanako("POST", "/api/v1/dashboard/students/AOI@example.com/dismiss-help")
    assert answer.status_code == 200
    assert (answer.data["success"], answer.data["emailAddress"]) == (True, "aoi@example.com")
    assert answer.data["message"]
    lesson.aoi.refresh_from_db()
    assert (lesson.aoi.is_requesting_help, lesson.aoi.help_dismissed_at is not None) == (False, True)
    request = HelpRequest.objects.get()
    assert (request.ending, request.ended_by) == (tickets.Ending.DISMISSED, hanako)
    told = types_heard(heard)
    assert {("dashboard", "help_resolved"), (f"class.{lesson.class_ref.pk}", "help_resolved")} <= told
    assert {
        (client_group("aoi@example.com"), "dismiss_help"),
        (f"notifications.{lesson.aoi.pk}", "dismiss_help"),
        ("broadcast", "dismiss_help"),
    } <= told
    frame = next(frame for _, frame in heard if frame["type"] == "dismiss_help")
    assert frame["emailAddress"] == frame["data"]["emailAddress"] == "aoi@example.com"
    entry = AuditLog.objects.get()
    assert (entry.action, entry.actor_id, entry.target_id) == ("help_dismiss", hanako.pk, "aoi@example.com")


def test_http_13_dismiss_help_twice(anyone, lesson, heard):
    path = "/api/v1/dashboard/students/aoi@example.com/dismiss-help"
    first = anyone("POST", path)
    heard.clear()
    again = anyone("POST", path)
    assert (again.status_code, again.data) == (200, first.data)
    assert "help_resolved" not in {frame["type"] for _, frame in heard}
    assert {entry.actor_type for entry in AuditLog.objects.all()} == {"anonymous"}


def test_http_13_resolve_error(as_hanako, hanako, lesson, heard):
    answer = as_hanako("POST", "/api/v1/dashboard/students/ren@example.com/resolve-error/")
    assert (answer.status_code, answer.data["success"], answer.data["emailAddress"]) == (200, True, "ren@example.com")
    lesson.ren.refresh_from_db()
    assert lesson.ren.errors_resolved_at is not None
    assert not CellExecution.objects.filter(student=lesson.ren, is_significant_error=True).exists()
    progress = CellProgress.objects.get(student=lesson.ren)
    assert (progress.consecutive_error_count, progress.is_significant_error) == (0, False)
    assert ("dashboard", "student_error_resolved") in types_heard(heard)
    frame = next(frame for _, frame in heard if frame["type"] == "student_error_resolved")
    assert set(frame["data"]) == {"emailAddress", "resolvedAt", "resolvedBy"}
    rows = next(frame["rows"] for group, frame in heard if group == "dashboard" and frame["type"] == "rows")
    assert rows[0]["hasSignificantError"] is False
    entry = AuditLog.objects.get()
    assert (entry.action, entry.actor_id, entry.details) == ("error_resolve", hanako.pk, {"was_flagged": True})


def test_http_13_resolve_error_twice(anyone, lesson):
    path = "/api/v1/dashboard/students/ren@example.com/resolve-error"
    assert [anyone("POST", path).status_code for _ in range(2)] == [200, 200]
    assert [entry.details["was_flagged"] for entry in AuditLog.objects.order_by("pk")] == [True, False]


def test_actions_write_points_where_influxdb_is_configured(anyone, lesson, heard, settings, redis):
    settings.INFLUXDB_URL = "http://influxdb"
    anyone("POST", "/api/v1/dashboard/students/aoi@example.com/dismiss-help")
    anyone("POST", "/api/v1/dashboard/students/ren@example.com/resolve-error")
    lines = [line for entry in waiting.oldest(redis, lines=10) for line in entry.lines]
    assert ["event=help_stop" in lines[0], "event=error_resolved" in lines[1]] == [True, True]
    assert all('resolvedBy="instructor"' in line and "success=true" in line for line in lines)
    assert "teamName=チームA" in lines[0]


def test_actions_hold_while_redis_is_away(anyone, lesson, monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr("realtime.broadcast.publish", fail)
    assert anyone("POST", "/api/v1/dashboard/students/aoi@example.com/dismiss-help").status_code == 200
    assert anyone("POST", "/api/v1/dashboard/students/ren@example.com/resolve-error").status_code == 200
    assert HelpRequest.objects.get().ended_at is not None


# --- Sockets ----------------------------------------------------------------------------------------------------------


def test_http_13_ws_status(anyone):
    answer = anyone("GET", "/api/v1/dashboard/ws/dashboard/status")
    assert answer.status_code == 200
    assert set(answer.data) == {
        "connected_clients", "connection_ids", "total_system_connections", "connections_by_type",
        "dashboard_connections",
    }  # fmt: skip
    assert set(answer.data["connections_by_type"]) == {"student", "instructor", "dashboard", "admin"}


def test_http_18_instructor_ws_status(as_hanako, anyone):
    path = "/api/v1/instructor/ws/instructor/status"
    assert set(as_hanako("GET", path).data) == {"connected_instructors", "total_connections"}
    assert anyone("GET", path).status_code == 403
