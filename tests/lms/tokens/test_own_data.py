"""What a student's token opens of the class and of the student: their own, and nobody else's."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from events.models import HelpRequest
from lms.client_terms import newest_wheel
from lms.models import (
    AssignmentStarter,
    AssignmentSubmission,
    EnvironmentSnapshot,
    ProgressNotification,
    Student,
    StudentClass,
    Team,
)
from tests.lms.conftest import key_of
from tests.lms.tokens.conftest import device_of

pytestmark = pytest.mark.usefixtures("locked")

NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture
def token(cast) -> str:
    return device_of(cast.python, "hanako@example.com")[1]


@pytest.fixture
def jiro(cast) -> Student:
    """A classmate."""
    made = Student.objects.create(email="jiro@example.com", name="Jiro")
    StudentClass.objects.create(student=made, class_ref=cast.python)
    return made


def hand_in(cast, student, **fields) -> AssignmentSubmission:
    return AssignmentSubmission.objects.create(assignment=cast.loops, student=student, **fields)


# --- /me ----------------------------------------------------------------------------------------------------------


def test_me_before_the_first_event(cast, ask, token):
    told = ask("GET", "/me", token=token).json()
    assert told["student_id"] == cast.hanako.pk
    assert told["student"] == {"name": "Hanako", "team": None}
    assert told["help"] == {"state": "off", "place": None, "of": None, "since": None, "by_name": None, "seats": []}
    assert [each["id"] for each in told["classes"]] == [cast.python.pk]
    [work] = told["assignments"]
    assert (work["submitted_at"], work["attempts"], work["grade"], work["status"]) == (None, 0, None, None)


def test_me_tells_what_the_panel_shows(cast, ask, token):
    team = Team.objects.create(team_name="チームA")
    StudentClass.objects.filter(student=cast.hanako).update(team=team)
    type(cast.python).objects.update(description="Every Tuesday")
    type(cast.loops).objects.filter(pk=cast.loops.pk).update(description="Write a loop.", points=10)
    AssignmentStarter.objects.create(assignment=cast.loops, content=NOTEBOOK, content_sha256="0" * 64)
    early = datetime.now(UTC) - timedelta(hours=1)
    hand_in(cast, cast.hanako, submitted_at=early, grade=2, feedback="Again", status="graded")
    newest = hand_in(cast, cast.hanako, grade=8.5, feedback="Well done", status="graded")
    told = ask("GET", "/me", token=token).json()
    assert told["student"] == {"name": "Hanako", "team": "チームA"}
    assert told["classes"] == [
        {"id": cast.python.pk, "name": "Python", "class_code": "PY-101", "description": "Every Tuesday"}
    ]
    [work] = told["assignments"]
    assert datetime.fromisoformat(work.pop("submitted_at")) == newest.submitted_at
    assert work == {
        "id": cast.loops.pk,
        "title": "Loops",
        "notebook_path": "lesson/loops.ipynb",
        "due_date": "2030-01-01T00:00:00Z",
        "description": "Write a loop.",
        "points": 10.0,
        "has_starter": True,
        "attempts": 2,
        "grade": 8.5,
        "feedback": "Well done",
        "status": "graded",
        "rubric": [],
    }


def test_me_tells_nothing_of_a_classmates_work(cast, ask, token, jiro):
    hand_in(cast, jiro, grade=9, feedback="Jiro's alone")
    answer = ask("GET", "/me", token=token)
    assert answer.json()["assignments"][0]["grade"] is None
    assert b"Jiro" not in answer.content


def test_me_says_whether_they_ask_for_help(cast, ask, token, settings):
    since = datetime.now(UTC).replace(microsecond=0)
    HelpRequest.objects.create(
        student=cast.hanako, class_id=cast.python.pk, asked_at=since, last_asked_at=since, last_heard_at=since
    )
    told = ask("GET", "/me", token=token).json()["help"]
    assert (told["state"], datetime.fromisoformat(told["since"])) == ("asked", since)


def test_me_gives_the_client_its_terms(ask, token, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    folder = tmp_path / "static" / "extension"
    folder.mkdir(parents=True)
    (folder / "cell_monitor_lab-0.10.0-py3-none-any.whl").touch()
    (folder / "cell_monitor_lab-0.9.0-py3-none-any.whl").touch()
    settings.RETENTION_DAYS = {**settings.RETENTION_DAYS, "executions": 400}
    told = ask("GET", "/me", token=token).json()["client"]
    assert told.pop("consent_text").startswith("While you work")
    assert told == {
        "max_output": 16384,
        "max_source": 65536,
        "retention_days": 400,
        "min_version": "0.1.0",
        "wheel_url": "http://testserver/static/extension/cell_monitor_lab-0.10.0-py3-none-any.whl",
    }


def test_the_words_of_the_consent_may_be_the_schools(ask, token, settings):
    settings.CONSENT_TEXT = "Our school's own words."
    assert ask("GET", "/me", token=token).json()["client"]["consent_text"] == "Our school's own words."


def test_no_wheel_no_address(tmp_path):
    (tmp_path / "notes.txt").touch()
    (tmp_path / "broken.whl").touch()
    assert newest_wheel([tmp_path, tmp_path / "nowhere"]) is None


def test_me_with_a_class_key_is_as_it_was(cast, ask):
    hand_in(cast, cast.hanako, grade=8.5, feedback="Well done")
    headers = {"X-Class-Key": key_of(cast.python, "key of Python")}
    told = ask("GET", "/me?email=hanako@example.com", **headers).json()
    assert set(told) == {"student_id", "classes", "assignments"}
    [work] = told["assignments"]
    assert set(work) == {"id", "title", "notebook_path", "due_date", "submitted_at"}
    assert work["submitted_at"] is None
    assert set(told["classes"][0]) == {"id", "name", "class_code"}
    assert ask("GET", "/me", **headers).status_code == 422


def test_a_token_counts_where_a_key_is_sent_too(cast, ask, token, jiro):
    headers = {"X-Class-Key": key_of(cast.rust, "key of Rust")}
    told = ask("GET", "/me?email=ken@example.com", token=token, **headers).json()
    assert told["student_id"] == cast.hanako.pk


# --- Submissions ----------------------------------------------------------------------------------------------------


def test_handing_in(cast, ask, token):
    body = {"assignment_id": cast.loops.pk, "notebook_content": NOTEBOOK, "grade": 10, "status": "graded"}
    response = ask("POST", "/submissions", body, token=token)
    assert response.status_code == 201
    row = AssignmentSubmission.objects.get()
    assert (row.student, row.status, row.grade) == (cast.hanako, "submitted", None)
    assert response.json()["content_sha256"] == row.content_sha256


def test_handing_in_for_a_classmate(cast, ask, token, jiro):
    body = {"assignment_id": cast.loops.pk, "student_id": jiro.pk, "notebook_content": NOTEBOOK}
    response = ask("POST", "/submissions", body, token=token)
    assert (response.status_code, response.json()) == (404, {"detail": f"Student with id {jiro.pk} not found"})
    assert not AssignmentSubmission.objects.exists()


def test_handing_in_to_another_class(cast, ask, token):
    body = {"assignment_id": cast.traits.pk, "notebook_content": NOTEBOOK}
    assert ask("POST", "/submissions", body, token=token).status_code == 404


def test_only_ones_own_submissions_are_listed(cast, ask, token, jiro):
    mine = hand_in(cast, cast.hanako, grade=8.5)
    theirs = hand_in(cast, jiro, feedback="Jiro's alone")
    for query, found in {
        "": [mine.pk],
        f"?assignment_id={cast.loops.pk}": [mine.pk],
        f"?student_id={jiro.pk}": [],
        "?email=jiro@example.com": [],
    }.items():
        listed = ask("GET", f"/submissions{query}", token=token).json()
        assert [each["id"] for each in listed] == found, query
    assert ask("GET", f"/submissions/{mine.pk}", token=token).json()["grade"] == 8.5
    assert ask("GET", f"/submissions/{theirs.pk}", token=token).status_code == 404


def test_submissions_of_another_class_of_the_same_student_are_not_listed(cast, ask, token):
    StudentClass.objects.create(student=cast.hanako, class_ref=cast.rust)
    AssignmentSubmission.objects.create(assignment=cast.traits, student=cast.hanako)
    assert ask("GET", "/submissions", token=token).json() == []


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_student_changes_no_submission(cast, ask, token, method):
    mine = hand_in(cast, cast.hanako)
    assert ask(method, f"/submissions/{mine.pk}", {"grade": 10}, token=token).status_code == 403
    mine.refresh_from_db()
    assert mine.grade is None


def test_a_waiting_device_reads_and_writes_nothing(cast, ask, token):
    waiting = device_of(cast.python, "hanako@example.com")[1]
    hand_in(cast, cast.hanako)
    body = {"assignment_id": cast.loops.pk, "notebook_content": NOTEBOOK}
    for method, path, sent in (
        ("GET", "/submissions", None),
        ("POST", "/submissions", body),
        ("GET", "/me", None),
        ("GET", "/progress/student/hanako@example.com", None),
        ("GET", "/progress/notifications/hanako@example.com", None),
        ("POST", "/environment/snapshot", {"environment": {}}),
    ):
        assert ask(method, path, sent, token=waiting).status_code == 403, path
    assert AssignmentSubmission.objects.count() == 1


def test_a_token_restricts_where_no_login_is_needed(cast, ask, token, jiro, settings):
    """A token that is sent is who somebody is, whether or not the copy asks."""
    settings.API_REQUIRE_AUTH = False
    hand_in(cast, jiro)
    assert ask("GET", "/submissions", token=token).json() == []
    assert ask("GET", "/submissions", token="guessed").status_code == 401


# --- Environments, progress, notifications -------------------------------------------------------------------------


def test_an_environment_is_the_students_own(cast, ask, token):
    response = ask("POST", "/environment/snapshot", {"environment": {"packages": {"numpy": "2"}}}, token=token)
    assert response.status_code == 201
    row = EnvironmentSnapshot.objects.get()
    assert (row.student, row.class_ref) == (cast.hanako, cast.python)


def test_an_environment_of_somebody_else_is_refused(cast, ask, token, jiro):
    body = {"environment": {}, "student_email": "jiro@example.com"}
    assert ask("POST", "/environment/snapshot", body, token=token).status_code == 404
    assert not EnvironmentSnapshot.objects.exists()
    assert ask("POST", "/environment/snapshot", {}, token=token).status_code == 422


def test_progress_is_ones_own(cast, ask, token, jiro):
    told = ask("GET", "/progress/student/hanako@example.com", token=token).json()
    assert told["progress"]["student_id"] == cast.hanako.pk
    path = f"/progress/assignment/hanako@example.com/{cast.loops.pk}"
    assert ask("GET", path, token=token).status_code == 200
    assert ask("GET", "/progress/student/jiro@example.com", token=token).status_code == 404
    assert ask("GET", path.replace("hanako", "jiro"), token=token).status_code == 404
    assert ask("GET", "/progress/all-students", token=token).status_code == 403


def test_notifications_are_ones_own(cast, ask, token, jiro):
    for number, student in enumerate((cast.hanako, jiro)):
        ProgressNotification.objects.create(
            notification_id=f"00000000-0000-4000-8000-00000000000{number}",
            recipient_id=student.email_key,
            title=f"To {student.name}",
            message="m",
            class_id=cast.python.pk,
        )
    told = ask("GET", "/progress/notifications/hanako@example.com", token=token).json()
    assert [each["title"] for each in told["notifications"]] == ["To Hanako"]
    others = ask("GET", "/progress/notifications/jiro@example.com", token=token).json()
    assert others["notifications"] == []
    assert others["unread_count"] == 0
    read = "/progress/notifications/00000000-0000-4000-8000-00000000000{}/read"
    assert ask("POST", read.format(0), token=token).status_code == 200
    assert ask("POST", read.format(1), token=token).status_code == 404
    assert list(ProgressNotification.objects.filter(is_read=True).values_list("title", flat=True)) == ["To Hanako"]


def test_assignments_of_the_class(cast, ask, token):
    assert [each["id"] for each in ask("GET", "/assignments", token=token).json()] == [cast.loops.pk]
    assert ask("GET", f"/assignments/{cast.traits.pk}", token=token).status_code == 404
    assert ask("PUT", f"/assignments/{cast.loops.pk}", {"title": "x"}, token=token).status_code == 403


def test_nobody_is_found_by_guessing_numbers(cast, ask, token, jiro):
    """Every address of a student, with every number: of others no byte comes."""
    work = hand_in(cast, jiro, feedback="Jiro's alone")
    for number in range(max(1, work.pk - 3), work.pk + 3):
        for path in ("/submissions/{}", "/students/{}", "/submissions?student_id={}"):
            answer = ask("GET", path.format(number), token=token)
            assert b"Jiro" not in answer.content
            assert json.loads(answer.content) == [] or answer.status_code in (403, 404), path
