"""docs/contract/http.md section 13, row by row, refusals included: one student, and what an instructor does."""

from datetime import datetime
from urllib.parse import quote

import pytest

from events.models import CellExecution, CellProgress, HelpRequest
from events.processing import help_requests
from events.timeseries import buffer as timeseries_buffer
from instructors.models import AuditLog
from lms.models import Session
from realtime.groups import email_form
from tests.classroom.api import types_heard

pytestmark = pytest.mark.django_db


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
    assert (request.ending, request.ended_by) == (help_requests.Ending.DISMISSED, hanako)
    told = types_heard(heard)
    assert {("dashboard", "help_resolved"), (f"class.{lesson.class_ref.pk}", "help_resolved")} <= told
    assert {
        (f"client.{email_form('aoi@example.com')}", "dismiss_help"),
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
    lines = [line for entry in timeseries_buffer.oldest(redis, lines=10) for line in entry.lines]
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
