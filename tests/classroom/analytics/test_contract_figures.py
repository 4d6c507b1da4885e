"""docs/contract/http.md section 16, row by row, refusals included: progress, teams, predictions."""

from datetime import datetime, timedelta

import pytest

from events.models import HelpRequest, NotebookAccess
from instructors.models import AuditLog
from lms.models import (
    AssignmentSubmission,
    ClassAssignment,
    Notebook,
)
from tests.classroom.analytics.conftest import MINUTE, A
from tests.classroom.api import api_of
from tests.lms.conftest import MISSING_UUID

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/progress"), ("GET", "/teams/"), ("GET", "/predictions"), ("POST", "/reports"),
     ("GET", f"/reports/{MISSING_UUID}"), ("GET", f"/reports/{MISSING_UUID}/download")],
)  # fmt: skip
def test_http_16_wants_a_token(anyone, method, path):
    answer = anyone(method, A + path)
    assert (answer.status_code, answer.data) == (403, {"detail": "Not authenticated"})
    assert anyone(method, A + path, Authorization="Bearer nonsense").status_code == 401


@pytest.mark.parametrize("prefix", ["/api/v1/analytics", "/api/v1/v1/analytics"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_http_16_progress(as_hanako, course, prefix, slash):
    course.run(course.aoi, 10 * MINUTE)
    course.run(course.aoi, 8 * MINUTE, cell=1, status="error")
    course.run(course.aoi, 8 * MINUTE, cell=2, status="aborted")
    course.run(course.aoi, timedelta(days=40))
    NotebookAccess.objects.create(
        student=course.aoi, notebook=Notebook.objects.create(path="two", name="two"), action="open"
    )
    answer = as_hanako("GET", f"{prefix}/progress{slash}")
    assert answer.status_code == 200
    assert answer.data.keys() == {"generated_at", "time_range", "students"}
    assert answer.data["time_range"] == "7d"
    aoi, ren = answer.data["students"]
    assert aoi == {
        "emailAddress": "aoi@example.com", "userName": "Aoi", "teamName": "Sora", "executions": 2, "errors": 1,
        "error_rate": 0.5, "notebooks_opened": 2, "active_minutes": 4, "assignments_completed": 0,
        "progress_percentage": 10.0,
    }, "two minutes of thought, the minute before the long pause, and the last one"  # fmt: skip
    assert (ren["executions"], ren["error_rate"], ren["active_minutes"]) == (0, 0, 0)


@pytest.mark.parametrize(("name", "runs"), [("1h", 1), ("24h", 2), ("7d", 3), ("30d", 4), ("never", 3), ("", 3)])
def test_http_16_progress_of_a_span(as_hanako, course, name, runs):
    for ago in (MINUTE, timedelta(hours=5), timedelta(days=3), timedelta(days=20), timedelta(days=31)):
        course.run(course.aoi, ago)
    assert as_hanako("GET", f"{A}/progress?time_range={name}").data["students"][0]["executions"] == runs


@pytest.mark.parametrize(
    ("query", "who"),
    [("email=AOI@example.com", ["aoi"]), ("team=Sora", ["aoi", "ren"]), ("team=nobody", []),
     ("team=%E6%9C%AA%E5%89%B2%E3%82%8A%E5%BD%93%E3%81%A6", []), ("class_id={class}", ["aoi", "ren"]),
     ("class_id={class}&email=ren@example.com", ["ren"])],
)  # fmt: skip
def test_http_16_progress_narrowed(as_hanako, course, query, who):
    answer = as_hanako("GET", f"{A}/progress?{query.replace('{class}', str(course.class_ref.pk))}")
    assert [row["emailAddress"].partition("@")[0] for row in answer.data["students"]] == who


@pytest.mark.parametrize(
    ("query", "status"),
    [("email=ken@example.com", 404), ("email=nobody", 404), ("class_id=999999", 404), ("class_id=x", 422),
     ("email=%00", 422)],
)  # fmt: skip
def test_http_16_progress_refused(as_hanako, course, query, status):
    assert as_hanako("GET", f"{A}/progress?{query}").status_code == status


def test_a_class_of_somebody_else_does_not_exist(taro, course):
    taro = api_of(taro)
    assert taro("GET", f"{A}/progress?class_id={course.class_ref.pk}").status_code == 404
    assert taro("GET", f"{A}/progress").data["students"] == []
    assert taro("GET", f"{A}/teams").data["teams"] == []
    assert taro("GET", f"{A}/predictions?assignment_id={course.work.pk}").status_code == 404
    assert taro("POST", f"{A}/reports", {"report_type": "class", "target": "PY"}).status_code == 404


def test_looking_at_one_student_is_recorded(as_hanako, course):
    as_hanako("GET", f"{A}/progress?email=aoi@example.com")
    as_hanako("GET", f"{A}/predictions?email=aoi@example.com")
    as_hanako("GET", f"{A}/progress")
    views = AuditLog.objects.filter(action="student_view", target_id=str(course.aoi.pk))
    assert sorted(view.details["of"] for view in views) == ["analyse progress", "predict"]


def test_http_16_teams(as_hanako, course):
    course.student("yui")
    course.run(course.aoi, 3 * MINUTE)
    for _ in range(3):
        course.run(course.aoi, 2 * MINUTE, cell=1, status="error", is_significant_error=True)
    now = course.now
    HelpRequest.objects.create(student=course.ren, asked_at=now, last_asked_at=now, last_heard_at=now)
    answer = as_hanako("GET", f"{A}/teams?time_range=1h")
    assert answer.data.keys() == {"generated_at", "time_range", "teams"}
    sora, none = answer.data["teams"]
    assert sora == {
        "teamName": "Sora", "members": 2, "active": 1, "executions": 4, "error_rate": 0.75, "help_requests": 1,
        "significant_errors": 1, "score": 40,
    }  # fmt: skip
    assert (none["teamName"], none["score"]) == ("未割り当て", 0)


def prediction(as_hanako, course, query: str = "email=aoi@example.com") -> dict:
    answer = as_hanako("GET", f"{A}/predictions?{query}")
    assert answer.status_code == 200
    assert answer.data.keys() == {"generated_at", "predictions"}
    return answer.data["predictions"][0]


def test_http_16_predictions(as_hanako, course):
    for number in range(6):
        course.run(course.aoi, (120 - 10 * number) * MINUTE, cell=number)
    found = prediction(as_hanako, course)
    assert found.keys() == {
        "emailAddress", "assignment_id", "completion_probability", "estimated_completion_at", "at_risk", "reasons",
        "confidence",
    }  # fmt: skip
    assert 0.5 < found["completion_probability"] < 1
    assert found["at_risk"] is False
    assert 0 < found["confidence"] < 1
    assert found["reasons"][0] == "6 of 10 cells work"
    assert datetime.fromisoformat(found["estimated_completion_at"]) > course.now


def test_too_little_data_is_no_number(as_hanako, course):
    nothing = prediction(as_hanako, course)
    assert (nothing["completion_probability"], nothing["estimated_completion_at"], nothing["at_risk"]) == (None,) * 3
    assert nothing["confidence"] == 0
    assert nothing["reasons"] == ["Has run nothing in this notebook yet"]
    course.run(course.aoi, 5 * MINUTE)
    little = prediction(as_hanako, course)
    assert (little["completion_probability"], little["confidence"]) == (None, 0)
    assert "Only 1 runs" in little["reasons"][1]


def test_what_is_handed_in_is_certain(as_hanako, course):
    AssignmentSubmission.objects.create(assignment=course.work, student=course.aoi)
    found = prediction(as_hanako, course)
    assert (found["completion_probability"], found["at_risk"], found["confidence"]) == (1, False, 1)
    assert found["reasons"][0].startswith("Handed in on")


def test_what_is_overdue_is_certain(as_hanako, course):
    ClassAssignment.objects.update(due_date=course.now - MINUTE)
    found = prediction(as_hanako, course)
    assert (found["completion_probability"], found["at_risk"], found["confidence"]) == (0, True, 1)


def test_http_16_predictions_of_an_assignment(as_hanako, course):
    answer = as_hanako("GET", f"{A}/predictions?assignment_id={course.work.pk}")
    assert [row["emailAddress"] for row in answer.data["predictions"]] == ["aoi@example.com", "ren@example.com"]
    both = as_hanako("GET", f"{A}/predictions?assignment_id={course.work.pk}&email=ren@example.com")
    assert [row["emailAddress"] for row in both.data["predictions"]] == ["ren@example.com"]


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 422), ("email=ken@example.com", 404), ("assignment_id=999999", 404), ("assignment_id=x", 422)],
)
def test_http_16_predictions_refused(as_hanako, course, query, status):
    assert as_hanako("GET", f"{A}/predictions?{query}").status_code == status


@pytest.mark.parametrize("path", ["progress", "teams", "predictions?assignment_id={work}"])
def test_forty_students_cost_no_more_queries(as_hanako, course, path, django_assert_max_num_queries):
    for number in range(40):
        course.run(course.student(f"s{number}", course.team), MINUTE)
    with django_assert_max_num_queries(14):
        assert as_hanako("GET", f"{A}/{path.replace('{work}', str(course.work.pk))}").status_code == 200
