"""docs/contract/http.md section 16, row by row, refusals included."""

import csv
import io
import uuid
from datetime import UTC, datetime, timedelta

import django_rq
import pytest
from redis.exceptions import ConnectionError as RedisAway

from events import jobs
from events.models import CellExecution, CellProgress, HelpRequest, NotebookAccess
from instructors import reports
from instructors.models import AnalyticsReport, AuditLog
from lms.models import (
    AssignmentSubmission,
    Cell,
    Class,
    ClassAssignment,
    Notebook,
    Session,
    Student,
    StudentClass,
    Team,
)
from tests.instructors.api.conftest import api_of

pytestmark = pytest.mark.django_db

A = "/api/v1/analytics"
MINUTE = timedelta(minutes=1)


class Course:
    """Aoi and Ren of team Sora learn Python with Hanako; Ken learns elsewhere."""

    def __init__(self, teacher) -> None:
        self.now = datetime.now(UTC)
        self.class_ref = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
        self.notebook = Notebook.objects.create(path="course/one.ipynb", name="one.ipynb")
        self.cells = [
            Cell.objects.create(notebook=self.notebook, cell_id=f"c{number}", position=number) for number in range(10)
        ]
        self.work = ClassAssignment.objects.create(
            class_ref=self.class_ref, notebook=self.notebook, title="One", due_date=self.now + timedelta(days=3)
        )
        self.team = Team.objects.create(team_name="Sora")
        self.aoi, self.ren = self.student("aoi", self.team), self.student("ren", self.team)
        self.ken = Student.objects.create(email="ken@example.com", name="Ken")

    def student(self, name: str, team: Team | None = None) -> Student:
        student = Student.objects.create(email=f"{name}@example.com", name=name.title(), team=team)
        StudentClass.objects.create(student=student, class_ref=self.class_ref)
        return student

    def run(self, student: Student, ago: timedelta, *, cell: int = 0, status: str = "success", **fields) -> None:
        session, _ = Session.objects.get_or_create(student=student, session_id="s")
        places = {"student": student, "cell": self.cells[cell], "notebook": self.notebook}
        CellExecution.objects.create(**places, session=session, status=status, executed_at=self.now - ago, **fields)
        progress, _ = CellProgress.objects.get_or_create(
            **places, defaults={"last_status": status, "last_run_at": self.now - ago}
        )
        progress.run_count += 1
        progress.error_count += status == "error"
        progress.last_status, progress.last_run_at = status, self.now - ago
        progress.save()


@pytest.fixture
def course(hanako) -> Course:
    return Course(hanako)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/progress"), ("GET", "/teams/"), ("GET", "/predictions"), ("POST", "/reports"),
     ("GET", f"/reports/{uuid.uuid4()}"), ("GET", f"/reports/{uuid.uuid4()}/download")],
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
def test_two_hundred_students_cost_no_more_queries(as_hanako, course, path, django_assert_max_num_queries):
    for number in range(200):
        course.run(course.student(f"s{number}", course.team), MINUTE)
    with django_assert_max_num_queries(12):
        assert as_hanako("GET", f"{A}/{path.replace('{work}', str(course.work.pk))}").status_code == 200


# --- Reports --------------------------------------------------------------------------------------------------------


def work() -> int:
    """What a worker does with what is queued."""
    queue = django_rq.get_queue("low")
    found = queue.jobs
    for job in found:
        job.perform()
        job.delete()
    return len(found)


@pytest.fixture
def order(as_hanako, course):
    def post(**body):
        return as_hanako("POST", f"{A}/reports", {"report_type": "class", "target": "PY", **body})

    return post


def test_http_16_reports(as_hanako, course, order):
    course.run(course.aoi, 5 * MINUTE)
    made = order(time_range="24h")
    assert made.status_code == 201
    assert made.data.keys() == {"report_id", "status", "created_at", "download_url"}
    assert made.data["status"] == "pending"
    path = f"{A}/reports/{made.data['report_id']}"
    waiting = as_hanako("GET", path).data
    assert (waiting["status"], waiting["content"], waiting["finished_at"]) == ("pending", None, None)
    assert as_hanako("GET", made.data["download_url"]).status_code == 409
    assert work() == 1
    ready = as_hanako("GET", path + "/").data
    assert (ready["status"], ready["report_type"]) == ("ready", "class")
    content = ready["content"]
    assert content["title"] == "Python"
    assert content["figures"] | {"active_minutes": 1} == {
        "students": 2, "active_students": 1, "executions": 1, "errors": 0, "error_rate": 0, "active_minutes": 1,
    }  # fmt: skip
    assert [team["teamName"] for team in content["teams"]] == ["Sora"]
    assert (len(content["activity"]), sum(bucket["executions"] for bucket in content["activity"])) == (24, 1)
    file = as_hanako("GET", ready["download_url"])
    assert file.headers["Content-Type"] == "application/json"
    assert file.data == content
    assert AuditLog.objects.get(action="report_create").target_id == made.data["report_id"]


@pytest.mark.parametrize(
    ("body", "who"),
    [({"target": "{class}"}, 2), ({"report_type": "team", "target": "Sora"}, 2),
     ({"report_type": "student", "target": "aoi@example.com"}, 1)],
)  # fmt: skip
def test_http_16_reports_of_every_type(as_hanako, course, order, body, who):
    body = {name: value.replace("{class}", str(course.class_ref.pk)) for name, value in body.items()}
    made = order(**body, format="csv")
    work()
    file = as_hanako.client.get(made.data["download_url"], headers=as_hanako.headers)
    assert file.headers["Content-Type"].startswith("text/csv")
    lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert len(lines) == who
    assert lines[0]["emailAddress"] == "aoi@example.com"


def test_a_name_is_no_formula(as_hanako, course, order):
    Student.objects.filter(pk=course.aoi.pk).update(name="=1+1")
    made = order(format="csv")
    work()
    file = as_hanako.client.get(made.data["download_url"], headers=as_hanako.headers)
    assert "'=1+1" in file.content.decode()


@pytest.mark.parametrize(
    ("body", "status"),
    [({"target": "XX"}, 404), ({"target": "999999999999999999999"}, 404), ({"report_type": "team"}, 404),
     ({"report_type": "student", "target": "ken@example.com"}, 404), ({"report_type": "school"}, 422),
     ({"target": None}, 422), ({"format": "pdf"}, 422), ({"target": 7}, 422), ({"target": "a\0"}, 422)],
)  # fmt: skip
def test_http_16_reports_refused(order, body, status):
    assert order(**body).status_code == status
    assert not AnalyticsReport.objects.exists()


@pytest.mark.parametrize("report_id", ["nothing", str(uuid.uuid4()), "1"])
def test_http_16_no_such_report(as_hanako, report_id):
    assert as_hanako("GET", f"{A}/reports/{report_id}").status_code == 404


def test_a_report_is_of_whoever_ordered_it(taro, as_admin, order):
    path = f"{A}/reports/{order().data['report_id']}"
    assert api_of(taro)("GET", path).status_code == 404
    assert as_admin("GET", path).status_code == 200


def test_who_lost_the_class_gets_nothing_of_it(as_hanako, course, order, taro):
    made = order()
    Class.objects.update(instructor=taro)
    work()
    assert as_hanako("GET", f"{A}/reports/{made.data['report_id']}").data["content"]["students"] == []


def test_without_redis_nothing_is_ordered(order, monkeypatch):
    def away(*_):
        raise RedisAway

    monkeypatch.setattr(jobs, "hand_over", away)
    assert order().status_code == 503
    assert not AnalyticsReport.objects.exists()


def test_a_lost_job_is_queued_again(as_hanako, order):
    made = order()
    django_rq.get_queue("low").empty()
    path = f"{A}/reports/{made.data['report_id']}"
    as_hanako("GET", path)
    assert work() == 0, "it may still be on its way"
    AnalyticsReport.objects.update(queued_at=datetime.now(UTC) - reports.LOST)
    as_hanako("GET", path)
    as_hanako("GET", path)
    assert work() == 1
    assert as_hanako("GET", path).data["status"] == "ready"


def test_a_report_that_fails_says_what_to_do(as_hanako, order, monkeypatch):
    made = order()

    def broken(*_, **__):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(reports, "content_of", broken)
    work()
    found = as_hanako("GET", f"{A}/reports/{made.data['report_id']}").data
    assert found["status"] == "failed"
    assert "Order it again" in found["content"]["error"]
    assert "secret" not in str(found)
    assert as_hanako("GET", made.data["download_url"]).status_code == 409
