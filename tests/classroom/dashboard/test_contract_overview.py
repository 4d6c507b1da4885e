"""docs/contract/http.md section 13, row by row, refusals included: everybody at a glance."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from events import timeseries
from events.models import HelpRequest
from tests.classroom.api import api_of

pytestmark = pytest.mark.django_db


ROW = {
    "studentId", "emailAddress", "userName", "teamName", "currentNotebook", "lastActivity", "lastActivityAt", "status",
    "isRequestingHelp", "helpRequestedAt", "cellExecutions", "errorCount", "consecutiveErrorCount",
    "hasSignificantError", "significantErrorCells",
}  # fmt: skip


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
    found = timeseries.activity(since=since, until=lesson.now, bucket=timedelta(minutes=30), students=[lesson.mio.pk])
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

    monkeypatch.setattr("classroom.dashboard.selectors.overview", fail)
    answer = anyone("GET", OVERVIEW)
    assert (answer.status_code, answer.data) == (500, {"detail": "Failed to get dashboard overview"})


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
