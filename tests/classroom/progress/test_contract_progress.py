"""docs/contract/http.md section 12, row by row, refusals included."""

import pytest
from django.utils import timezone

from events.contract import schema
from events.models import CellExecution, CellProgress
from events.queue import stream
from lms.models import AssignmentSubmission, Cell, Class, ClassAssignment, Notebook, Session, Student, StudentClass
from tests.classroom.api import api_of
from tests.lms.conftest import MISSING_UUID

pytestmark = pytest.mark.django_db

ASSIGNMENT_FIELDS = {
    "assignment_id", "assignment_name", "notebook_path", "overall_status", "progress_percentage", "total_cells",
    "completed_cells", "error_cells", "cells_progress", "submission_id", "submitted_at", "is_submitted",
}  # fmt: skip
SUMMARY_FIELDS = {
    "user_id", "user_name", "session_id", "total_assignments", "completed_assignments", "in_progress_assignments",
    "overall_progress_percentage", "assignments_progress", "total_execution_count", "total_execution_time_ms",
    "average_execution_time_ms", "error_rate", "first_activity_at", "last_activity_at",
}  # fmt: skip


class Course:
    """Two assignments of four cells each. Aoi is enrolled: half of the first, nothing of the second."""

    def __init__(self, teacher) -> None:
        self.class_ref = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
        self.first, self.second = self.assignment("one"), self.assignment("two")
        self.aoi = Student.objects.create(
            email="aoi@example.com", name="Aoi", execution_count=4, error_count=1, last_activity_at=timezone.now()
        )
        StudentClass.objects.create(student=self.aoi, class_ref=self.class_ref)
        self.session = Session.objects.create(student=self.aoi, session_id="s1")
        for index, status in enumerate(["success", "success", "error"]):
            self.runs(self.aoi, self.first, index, status)

    def assignment(self, name: str) -> ClassAssignment:
        notebook = Notebook.objects.create(path=f"course/{name}.ipynb", name=f"{name}.ipynb")
        for index in range(4):
            Cell.objects.create(notebook=notebook, cell_id=f"{name}-{index}", position=index)
        Cell.objects.create(notebook=notebook, cell_id=f"{name}-text", position=9, cell_type="markdown")
        return ClassAssignment.objects.create(class_ref=self.class_ref, notebook=notebook, title=name)

    def runs(self, student: Student, assignment: ClassAssignment, index: int, status: str) -> None:
        cell = assignment.notebook.cells.get(position=index)
        now = timezone.now()
        CellProgress.objects.create(
            student=student, cell=cell, notebook=assignment.notebook, run_count=2, last_status=status, last_run_at=now
        )
        CellExecution.objects.create(
            student=student, cell=cell, notebook=assignment.notebook, session=self.session, status=status, duration=0.5
        )

    def hands_in(self, student: Student, assignment: ClassAssignment, **fields) -> AssignmentSubmission:
        return AssignmentSubmission.objects.create(student=student, assignment=assignment, **fields)


@pytest.fixture
def course(hanako) -> Course:
    return Course(hanako)


@pytest.mark.parametrize("prefix", ["/api/v1/progress", "/api/v1/v1/progress"])
@pytest.mark.parametrize("tail", ["aoi@example.com", "AOI%40example.com/"])
def test_http_12_student(anyone, course, prefix, tail, django_assert_max_num_queries):
    with django_assert_max_num_queries(9):
        answer = anyone("GET", f"{prefix}/student/{tail}")
    assert answer.status_code == 200
    assert answer.data.keys() == {"message", "user_id", "progress", "retrieved_at"}
    found = answer.data["progress"]
    assert found.keys() >= SUMMARY_FIELDS
    assert (found["user_id"], found["user_name"], found["session_id"]) == ("aoi@example.com", "Aoi", "s1")
    assert (found["total_assignments"], found["completed_assignments"], found["in_progress_assignments"]) == (2, 0, 1)
    assert (found["overall_progress_percentage"], found["total_execution_count"], found["error_rate"]) == (25, 4, 0.25)
    assert (found["total_execution_time_ms"], found["average_execution_time_ms"]) == (1500, 500)
    first, second = found["assignments_progress"]
    assert first.keys() >= ASSIGNMENT_FIELDS
    assert (first["overall_status"], first["progress_percentage"]) == ("in_progress", 50)
    assert (first["total_cells"], first["completed_cells"], first["error_cells"]) == (4, 2, 1)
    assert (second["overall_status"], second["progress_percentage"]) == ("not_started", 0)


def status_of(anyone, course, assignment) -> dict:
    path = f"/api/v1/progress/assignment/aoi@example.com/{assignment.pk}"
    answer = anyone("GET", path)
    assert answer.status_code == 200
    assert answer.data.keys() == {"message", "user_id", "assignment_id", "progress", "retrieved_at"}
    return answer.data["progress"]


def test_http_12_assignment(anyone, course):
    found = status_of(anyone, course, course.first)
    assert found.keys() >= ASSIGNMENT_FIELDS
    assert [cell["status"] for cell in found["cells_progress"]] == ["completed", "completed", "error", "not_started"]
    assert found["cells_progress"][0].keys() >= {"cell_id", "execution_count", "last_executed_at"}
    assert (found["is_submitted"], found["submission_id"]) == (False, None)


@pytest.mark.parametrize(
    ("submission", "status"),
    [("submitted", "submitted"), ("resubmitted", "submitted"), ("graded", "reviewed"), ("returned", "reviewed"),
     ("failed", "failed")],
)  # fmt: skip
def test_overall_status_of_what_was_handed_in(anyone, course, submission, status):
    course.hands_in(course.aoi, course.second, status="submitted")
    latest = course.hands_in(course.aoi, course.second, status=submission)
    found = status_of(anyone, course, course.second)
    assert (found["overall_status"], found["submission_id"], found["is_submitted"]) == (status, latest.pk, True)
    assert found["progress_percentage"] == (0 if status == "failed" else 100)


def test_overall_status_completed(anyone, course):
    CellProgress.objects.update(last_status="success")
    course.runs(course.aoi, course.first, 3, "success")
    found = status_of(anyone, course, course.first)
    assert (found["overall_status"], found["progress_percentage"]) == ("completed", 100)


def test_work_counts_without_enrolment(anyone, course):
    ren = Student.objects.create(email="ren@example.com")
    assert anyone("GET", "/api/v1/progress/student/ren@example.com").data["progress"]["total_assignments"] == 0
    course.runs(ren, course.first, 0, "success")
    course.hands_in(ren, course.second)
    found = anyone("GET", "/api/v1/progress/student/ren@example.com").data["progress"]
    assert (found["total_assignments"], found["completed_assignments"]) == (2, 1)


@pytest.mark.parametrize(
    ("path", "status", "detail"),
    [
        ("student/nobody@example.com", 404, "Student not found"),
        ("student/a%00b", 404, "Student not found"),
        ("assignment/nobody@example.com/1", 404, "Student not found"),
        ("assignment/aoi@example.com/999999", 404, "Assignment with id 999999 not found"),
        ("assignment/aoi@example.com/" + "9" * 30, 404, None),
        ("assignment/aoi@example.com/x", 422, None),
    ],
    ids=lambda value: f"http §12 GET {value}" if isinstance(value, str) else "",
)
def test_what_is_not_there(anyone, course, path, status, detail):
    answer = anyone("GET", f"/api/v1/progress/{path}")
    assert answer.status_code == status
    assert detail in (None, answer.data["detail"])


def test_http_12_all_students(anyone, course, django_assert_max_num_queries):
    for index in range(3):
        Student.objects.create(email=f"s{index}@example.com")
    with django_assert_max_num_queries(11):
        answer = anyone("GET", "/api/v1/progress/all-students?limit=2")
    assert answer.status_code == 200
    assert answer.data.keys() == {"message", "stats", "students_progress", "retrieved_at"}
    assert answer.data["stats"] == {
        "total_students": 4, "returned_students": 2, "active_students": 1, "average_progress": 12.5
    }  # fmt: skip
    assert [row["user_id"] for row in answer.data["students_progress"]] == ["aoi@example.com", "s0@example.com"]
    assert "assignments_progress" not in answer.data["students_progress"][0]
    details = anyone("GET", "/api/v1/progress/all-students/?include_details=true").data["students_progress"]
    assert len(details[0]["assignments_progress"]) == 2


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "include_details=perhaps"])
def test_http_12_all_students_422(anyone, query):
    assert anyone("GET", f"/api/v1/progress/all-students?{query}").status_code == 422


def test_http_12_stats(anyone, course):
    answer = anyone("GET", "/api/v1/progress/stats")
    assert answer.status_code == 200
    assert answer.data.keys() == {"message", "stats", "retrieved_at"}
    assert answer.data["stats"].items() >= {"total_students": 1, "average_progress": 25.0, "error_rate": 0.25}.items()


def test_teachers_see_their_own(settings, course, hanako, taro):
    settings.API_REQUIRE_AUTH = True
    path = "/api/v1/progress/student/aoi@example.com"
    assert api_of(hanako)("GET", path).status_code == 200
    assert api_of(taro)("GET", path).status_code == 404
    assert api_of(taro)("GET", "/api/v1/progress/all-students").data["students_progress"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "student/aoi@example.com"), ("GET", "assignment/aoi@example.com/1"), ("GET", "all-students"),
     ("GET", "stats"), ("GET", "notifications/aoi@example.com"), ("POST", f"notifications/{MISSING_UUID}/read"),
     ("POST", "process-event?user_id=a&assignment_id=1&cell_id=c")],
    ids=lambda value: f"http §12 {value} closed → 403",
)  # fmt: skip
def test_no_token_where_one_is_required(settings, anyone, method, path):
    settings.API_REQUIRE_AUTH = True
    assert anyone(method, f"/api/v1/progress/{path}", {}).status_code == 403


# --- Notifications ----------------------------------------------------------------------------------------------------


def told(anyone, query: str = "") -> dict:
    answer = anyone("GET", f"/api/v1/progress/notifications/aoi@example.com{query}")
    assert answer.status_code == 200
    assert answer.data.keys() == {
        "message", "user_id", "total_notifications", "returned_notifications", "unread_count", "notifications",
        "retrieved_at",
    }  # fmt: skip
    return answer.data


def test_http_12_notifications(anyone, course):
    assert told(anyone)["notifications"] == []
    submission = course.hands_in(course.aoi, course.first, grade=80, feedback="Good", status="graded")
    course.hands_in(course.aoi, course.second)
    (notification,) = told(anyone)["notifications"]
    assert (notification["title"], notification["level"], notification["is_read"]) == ("one", "success", False)
    assert "80" in notification["message"]
    read = anyone("POST", f"/api/v1/progress/notifications/{notification['notification_id']}/read/")
    assert (read.status_code, read.data["notification_id"]) == (200, notification["notification_id"])
    assert read.data.keys() == {"message", "notification_id", "marked_at"}
    found = told(anyone)
    assert (found["total_notifications"], found["unread_count"], found["notifications"]) == (1, 0, [])
    assert told(anyone, "?unread_only=false")["returned_notifications"] == 1
    submission.grade = 90
    submission.save()
    assert told(anyone, "?limit=1")["unread_count"] == 1, "a grade that changes is told again"


def test_http_12_notifications_of_somebody_unknown(anyone):
    answer = anyone("GET", "/api/v1/progress/notifications/nobody@example.com")
    assert (answer.status_code, answer.data["notifications"]) == (200, [])


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "unread_only=x"])
def test_http_12_notifications_422(anyone, query):
    assert anyone("GET", f"/api/v1/progress/notifications/aoi@example.com?{query}").status_code == 422


@pytest.mark.parametrize("given", ["x", MISSING_UUID])
def test_http_12_read_unknown_404(anyone, given):
    answer = anyone("POST", f"/api/v1/progress/notifications/{given}/read")
    assert (answer.status_code, answer.data) == (404, {"detail": "Notification not found"})


def test_only_one_s_own_students_notifications_are_marked(settings, anyone, course, taro):
    course.hands_in(course.aoi, course.first, grade=80)
    (notification,) = told(anyone)["notifications"]
    settings.API_REQUIRE_AUTH = True
    path = f"/api/v1/progress/notifications/{notification['notification_id']}/read"
    assert api_of(taro)("POST", path).status_code == 404


# --- Events -----------------------------------------------------------------------------------------------------------

PROCESS = "/api/v1/progress/process-event"
QUERY = "user_id=aoi@example.com&assignment_id=7&cell_id=c1"


def queued(redis) -> list[schema.Event]:
    found = []
    for key in redis.keys("events:*:*"):
        if redis.type(key) == b"stream":
            for _, fields in redis.xrange(key):
                found += schema.unpack(fields[b"b"])
    return found


def test_http_12_process_event_202(anyone, redis, monkeypatch):
    woken = []
    monkeypatch.setattr("events.queue.jobs.enqueue_drain", lambda shard, *rest: woken.append(shard))
    body = {"eventType": "cell_executed", "notebookPath": "a.ipynb", "emailAddress": "other", "metadata": {"a": 1}}
    answer = anyone("POST", f"{PROCESS}?{QUERY}", body)
    assert answer.status_code == 202
    assert answer.data.keys() == {"message", "user_id", "assignment_id", "cell_id", "processed_at"}
    (event,) = queued(redis)
    assert (event.event_type, event.email, event.cell) == ("cell_executed", "aoi@example.com", "c1")
    assert len(woken) == 1
    assert redis.smembers(stream.SHARDS_KEY)


def test_http_12_process_event_of_no_type(anyone, redis, monkeypatch):
    monkeypatch.setattr("events.queue.jobs.enqueue_drain", lambda *rest: None)
    assert anyone("POST", f"{PROCESS}/?{QUERY}", {}).status_code == 202
    assert queued(redis)[0].event_type == "progress_update"


def test_http_12_process_event_of_ones_own_students_only(settings, course, hanako, taro, kaoru, redis, monkeypatch):
    """It comes through the class of the assignment, else through the first that the teacher shares with the student."""
    monkeypatch.setattr("events.queue.jobs.enqueue_drain", lambda *rest: None)
    settings.API_REQUIRE_AUTH = True
    other = Class.objects.create(class_code="RS", name="Rust", instructor=hanako)
    StudentClass.objects.create(student=course.aoi, class_ref=other)
    second = ClassAssignment.objects.create(class_ref=other, notebook=course.first.notebook, title="r")
    theirs = Student.objects.create(email="ken@example.com")
    StudentClass.objects.create(
        student=theirs, class_ref=Class.objects.create(class_code="T", name="T", instructor=taro)
    )

    def ask(who, user_id, assignment_id):
        path = f"{PROCESS}?user_id={user_id}&assignment_id={assignment_id}&cell_id=c"
        return api_of(who)("POST", path, {}).status_code

    for who, user_id in ((hanako, "ken@example.com"), (taro, "aoi@example.com"), (hanako, "nobody")):
        assert ask(who, user_id, second.pk) == 404, user_id
    assert queued(redis) == []
    for assignment in (second.pk, course.first.pk, "x", 10**30):
        assert ask(hanako, "AOI@example.com", assignment) == 202
    assert [event.class_id for event in queued(redis)] == [other.pk, *[course.class_ref.pk] * 3]
    assert ask(kaoru, "nobody", 1) == 202  # an admin sees everybody, those too who come to be


@pytest.mark.parametrize("name", ["user_id", "assignment_id", "cell_id"])
def test_http_12_process_event_422_query(anyone, name, redis):
    query = "&".join(part for part in QUERY.split("&") if not part.startswith(name))
    answer = anyone("POST", f"{PROCESS}?{query}", {})
    assert answer.status_code == 422
    assert (answer.data["detail"][0]["loc"], answer.data["detail"][0]["type"]) == (["query", name], "missing")


@pytest.mark.parametrize("body", [[], "x", {"executionCount": "many"}])
def test_http_12_process_event_422_body(anyone, body, redis):
    answer = anyone("POST", f"{PROCESS}?{QUERY}", body)
    assert answer.status_code == 422
    assert answer.data["detail"][0]["loc"][0] == "body"
    assert queued(redis) == []


def test_process_event_without_redis_503(anyone, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9"
    answer = anyone("POST", f"{PROCESS}?{QUERY}", {})
    assert (answer.status_code, answer.data) == (503, {"detail": "The event queue is not available; try again"})
