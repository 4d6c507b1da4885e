"""Those whom grades and new assignments concern are notified (http.md sections 4 and 5)."""

import logging
import threading
import time

import msgspec
import pytest
from django.db import connection, transaction
from redis.exceptions import ConnectionError as RedisIsAway

from lms import grading
from realtime import broadcast
from realtime.groups import email_form
from tests.lms.conftest import filled

NEW = {"assignment_id": "{loops}", "student_id": "{hanako}"}


repeated: list[tuple[list[str], dict]] = []


@pytest.fixture
def notified(monkeypatch):
    """What would be sent: (groups, frame). Notifications repeat it for who looks later; they are in `repeated`."""
    sent = []
    repeated.clear()

    def publish(rows, notices, *, outside):
        assert not rows
        (frame,) = outside
        assert all(noticed is frame for _, noticed in notices)
        to = sent if frame.event != "notification" else repeated
        to.append(([group for group, _ in notices], msgspec.to_builtins(frame)))

    monkeypatch.setattr(broadcast, "publish", publish)
    return sent


@pytest.fixture
def made(api, cast, notified):
    return api("POST", "/submissions", filled(NEW, cast.ids())).json()


def test_a_hand_in_tells_nobody(made, notified):
    assert notified == []


def test_a_grade_is_told_to_the_student(api, cast, made, notified):
    api("PUT", f"/submissions/{made['id']}", {"grade": 8, "feedback": "Good", "status": "graded"})
    [(told_groups, frame)] = notified
    assert told_groups[0] == f"notifications.{cast.hanako.pk}"
    assert told_groups[1] == f"notifications.{email_form(cast.hanako.email)}"
    assert all(group.endswith(f".{cast.python.pk}") for group in told_groups[2:]), "who came with the class's key"
    [(also_told, notification)] = repeated
    assert also_told == told_groups
    assert (notification["data"]["title"], notification["data"]["level"]) == ("Loops", "success")
    listed = api("GET", f"/progress/notifications/{cast.hanako.email}").json()["notifications"]
    assert notification["data"] == listed[0]
    assert set(frame) == {"type", "event", "data", "timestamp", "channel"}
    assert (frame["type"], frame["event"]) == ("assignment_graded", "assignment_graded")
    assert frame["channel"] == f"notifications:{cast.hanako.pk}"
    assert frame["data"].pop("graded_at")
    assert frame["data"] == {
        "assignment_id": cast.loops.pk,
        "submission_id": made["id"],
        "student_id": cast.hanako.pk,
        "title": "Loops",
        "grade": 8.0,
        "feedback": "Good",
        "status": "graded",
    }


@pytest.mark.parametrize(
    ("changes", "times"),
    [
        ({"grade": 0}, 1),
        ({"status": "graded"}, 1),
        ({"feedback": "Hm"}, 0),
        ({"status": "returned"}, 0),
        ({"grade": None}, 0),
        ({}, 0),
    ],
)
def test_what_counts_as_grading(api, made, notified, changes, times):
    api("PUT", f"/submissions/{made['id']}", changes)
    assert len(notified) == times


def test_graded_is_told_when_it_becomes_so(api, made, notified):
    for _ in range(2):
        api("PUT", f"/submissions/{made['id']}", {"status": "graded"})
    assert len(notified) == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_set_it_to_graded_at_the_same_moment_one_tells(api, made, notified):
    def put():
        api("PUT", f"/submissions/{made['id']}", {"status": "graded"})
        connection.close()

    def is_waiting():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")  # a transaction keeps what it has read
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            )
            return cursor.fetchone() is not None

    second = threading.Thread(target=put)
    with transaction.atomic():
        locked = grading.locked_submissions().get(pk=made["id"])
        notify_student = grading.write(locked, {"status": "graded"}, by=None, request=None)
        second.start()
        deadline = time.monotonic() + 20
        while not is_waiting():
            assert time.monotonic() < deadline, "the second does not wait for the first"
            time.sleep(0.05)
    second.join()
    notify_student()
    assert len(notified) == 1


@pytest.mark.parametrize("fields", [{"grade": 5}, {"status": "graded"}])
def test_a_submission_that_arrives_graded_is_told(api, cast, notified, fields):
    api("POST", "/submissions", {**filled(NEW, cast.ids()), **fields})
    assert len(notified) == 1


@pytest.mark.usefixtures("locked")
def test_with_logins_the_grade_itself_is_not_told(api, cast, notified):
    api("POST", "/submissions", {**filled(NEW, cast.ids()), "grade": 5, "feedback": "x"}, user=cast.sato)
    [(_, frame)] = notified
    assert not {"grade", "feedback"} & set(frame["data"])
    assert repeated[0][1]["data"]["message"] == "Graded"


def create_assignment(api, cast, **who):
    body = {
        "class_id": cast.python.pk,
        "notebook_id": cast.notebook.pk,
        "title": "New",
        "due_date": "2025-05-12T08:00Z",
    }
    return api("POST", "/assignments", body, **who).json()


def test_a_new_assignment_is_told_to_everybody(api, cast, notified):
    made = create_assignment(api, cast)
    [(told_groups, frame)] = notified
    # The devices of the class are not in `broadcast`, which has rows of students.
    assert told_groups == ["broadcast", f"class.{cast.python.pk}.students"]
    assert (frame["type"], frame["channel"]) == ("assignment_created", "broadcast")
    assert frame["data"] == {
        "assignment_id": made["id"],
        "class_id": cast.python.pk,
        "title": "New",
        "due_date": "2025-05-12T08:00:00.000Z",
    }


@pytest.mark.usefixtures("locked")
def test_with_logins_a_new_assignment_is_told_to_its_class(api, cast, notified):
    create_assignment(api, cast, user=cast.sato)
    assert [told_groups for told_groups, _ in notified] == [
        [f"class.{cast.python.pk}", f"class.{cast.python.pk}.students"]
    ]


def test_a_grade_that_nobody_can_be_told_is_stored_all_the_same(api, made, monkeypatch, caplog):
    def publish(*args, **kwargs):
        raise RedisIsAway

    monkeypatch.setattr(broadcast, "publish", publish)
    with caplog.at_level(logging.WARNING):
        assert api("PUT", f"/submissions/{made['id']}", {"grade": 8}).json()["grade"] == 8.0
    assert "A live notice was not sent" in caplog.text


def test_the_real_channel_carries_it(api, made, redis, monkeypatch):
    monkeypatch.undo()
    listener = redis.pubsub()
    listener.subscribe(broadcast.OUTSIDE_CHANNEL)
    assert listener.get_message(timeout=5)["type"] == "subscribe"
    api("PUT", f"/submissions/{made['id']}", {"grade": 8})
    message = listener.get_message(timeout=5)
    listener.close()
    assert b"assignment_graded" in message["data"]
