"""Events about instructors: docs/contract/events.md section 3.4."""

import json
from datetime import UTC, datetime

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model

from events.intake import app as intake_app
from events.models import StudentEvent
from instructors import tokens
from instructors.models import InstructorStatusHistory

Instructor = get_user_model()


@pytest.fixture
def hanako(transactional_db):
    return Instructor.objects.create(email="hanako@school.example", name="Hanako", password="!", status="available")


@pytest.fixture
def send(event_pipeline):
    def send(record, *, token=None):
        admitted = intake_app.admit_body(json.dumps([record]).encode(), class_id=None)
        headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
        async_to_sync(intake_app.authorise)({"headers": headers}, admitted.events)
        event_pipeline.put(admitted.events)
        event_pipeline.drain()

    return send


def token_of(instructor):
    return tokens.issue(instructor, now=datetime.now(UTC))


def status(instructor):
    instructor.refresh_from_db()
    return instructor.status


@pytest.mark.parametrize("place", [lambda pk: {"instructor_id": pk}, lambda pk: {"metadata": {"instructor_id": pk}}])
def test_session_start_puts_the_instructor_in_session(send, hanako, place):
    send({"eventType": "student_session_start", **place(hanako.pk)}, token=token_of(hanako))
    assert status(hanako) == "in_session"
    assert InstructorStatusHistory.objects.get(ended_at=None).status == "in_session"


@pytest.mark.parametrize("instructor_id", [None, 999_999, "x", -1, 2**70])
def test_session_start_of_nobody_changes_nothing(send, hanako, instructor_id):
    send({"eventType": "student_session_start", "instructor_id": instructor_id}, token=token_of(hanako))
    assert status(hanako) == "available"
    assert StudentEvent.objects.count() == 1


def test_assignment_takes_the_first_who_is_free(send, hanako):
    taro = Instructor.objects.create(email="taro@school.example", name="Taro", password="!", status="available")
    record = {"eventType": "instructor_assignment", "student_id": 5, "class_id": 7}
    send(record, token=token_of(taro))
    assert (status(hanako), status(taro)) == ("in_session", "available")
    send(record, token=token_of(taro))
    assert status(taro) == "in_session"
    send(record, token=token_of(taro))  # nobody is left
    assert StudentEvent.objects.count() == 3


def test_event_that_comes_twice_is_done_once(send, hanako):
    taro = Instructor.objects.create(email="taro@school.example", name="Taro", password="!", status="available")
    for _ in range(2):
        send({"eventId": "e1", "eventType": "instructor_assignment"}, token=token_of(taro))
    assert (status(hanako), status(taro)) == ("in_session", "available")


@pytest.mark.parametrize("token", [None, "made-up"])
def test_without_an_instructors_token_it_is_an_event_like_any_other(send, hanako, token):
    send({"eventType": "student_session_start", "instructor_id": hanako.pk}, token=token)
    assert status(hanako) == "available"
    assert StudentEvent.objects.get().event_type == "student_session_start"


def test_deactivated_instructors_token_is_none(send, hanako):
    gone = Instructor.objects.create(email="gone@school.example", name="Gone", password="!", is_active=False)
    send({"eventType": "student_session_start", "instructor_id": hanako.pk}, token=token_of(gone))
    assert status(hanako) == "available"
