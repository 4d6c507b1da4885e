"""docs/contract/http.md section 9, row by row, refusals included."""

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from instructors.models import AuditLog, Instructor, InstructorStatusHistory
from instructors.status import UnknownSession, change_status
from lms.models import Session, Student
from tests.classroom.api import types_heard

pytestmark = pytest.mark.django_db

PATH = "/api/v1/instructor_status"


@pytest.fixture
def session(db) -> Session:
    return Session.objects.create(student=Student.objects.create(email="s@example.com"), session_id="s1")


# --- The one function -------------------------------------------------------------------------------------------------


def test_each_change_closes_the_open_row_and_opens_the_next(hanako, session):
    begun = timezone.now()
    change_status(instructor_id=hanako.pk, status="available", now=begun)
    change_status(
        instructor_id=hanako.pk, status="in_session", session_id=session.pk, now=begun + timedelta(seconds=119)
    )
    changed = change_status(instructor_id=hanako.pk, status="break", now=begun + timedelta(minutes=30))
    rows = InstructorStatusHistory.objects.order_by("pk").values_list("status", "session_id", "duration_minutes")
    assert list(rows) == [("available", None, 1), ("in_session", session.pk, 28), ("break", None, None)]
    ends = list(InstructorStatusHistory.objects.order_by("pk").values_list("started_at", "ended_at"))
    assert [ended for _, ended in ends[:2]] == [started for started, _ in ends[1:]]
    assert (changed.status, changed.current_session_id, changed.status_updated_at) == (
        "break", None, begun + timedelta(minutes=30),
    )  # fmt: skip


def test_a_clock_that_went_back_makes_no_negative_time(hanako):
    now = timezone.now()
    change_status(instructor_id=hanako.pk, status="available", now=now)
    change_status(instructor_id=hanako.pk, status="break", now=now - timedelta(minutes=5))
    assert InstructorStatusHistory.objects.get(status="available").duration_minutes == 0


def test_a_change_is_all_or_nothing(hanako):
    change_status(instructor_id=hanako.pk, status="available", now=timezone.now())
    with pytest.raises(UnknownSession):
        change_status(instructor_id=hanako.pk, status="in_session", session_id=99, now=timezone.now())
    hanako.refresh_from_db()
    assert (hanako.status, InstructorStatusHistory.objects.get().ended_at) == ("available", None)


def test_two_open_rows_are_impossible(hanako):
    InstructorStatusHistory.objects.create(instructor=hanako, status="break")
    with pytest.raises(IntegrityError), transaction.atomic():
        InstructorStatusHistory.objects.create(instructor=hanako, status="break")


def test_what_a_change_costs(hanako, session, django_assert_num_queries):
    change_status(instructor_id=hanako.pk, status="available", now=timezone.now())
    with django_assert_num_queries(8):  # two are the savepoint of the test's transaction
        change_status(instructor_id=hanako.pk, status="in_session", session_id=session.pk, now=timezone.now())


# --- GET and PUT ------------------------------------------------------------------------------------------------------


def test_http_9_get_200(as_hanako, taro):
    answer = as_hanako("GET", f"{PATH}/{taro.pk}/")
    assert answer.status_code == 200
    assert answer.data.keys() == {"instructor_id", "status", "current_session_id", "status_updated_at"}
    assert (answer.data["instructor_id"], answer.data["status"]) == (taro.pk, "offline")


@pytest.mark.parametrize("sent", ["in_session", "IN_SESSION", "In_Session"], ids=lambda s: f"http §9 PUT {s} → 200")
def test_put(as_hanako, hanako, taro, session, heard, sent):
    answer = as_hanako("PUT", f"{PATH}/{taro.pk}", {"status": sent, "current_session_id": session.pk})
    assert answer.status_code == 200
    assert (answer.data["status"], answer.data["current_session_id"]) == ("in_session", session.pk)
    assert datetime.fromisoformat(answer.data["status_updated_at"]) > taro.status_updated_at
    row = InstructorStatusHistory.objects.get(instructor=taro)
    assert (row.status, row.session_id, row.ended_at) == ("in_session", session.pk, None)
    assert types_heard(heard) == {
        ("instructors", "status_update"),
        ("instructors", "instructor_status_changed"),
        (f"instructor.{taro.pk}", "status_updated"),
    }
    fields = {"instructor_id", "status", "current_session_id", "session_id", "updated_at"}
    for _, frame in heard:
        names = fields - {"current_session_id"} if frame["type"] == "status_updated" else fields
        assert frame["data"].keys() == names
        assert frame.items() >= frame["data"].items()
        assert (frame["status"], frame["session_id"]) == ("in_session", session.pk)
    entry = AuditLog.objects.get()
    assert (entry.action, entry.actor_id, entry.target_id) == ("status_change", hanako.pk, str(taro.pk))
    assert entry.details == {"from": "offline", "to": "in_session", "session_id": session.pk}


def test_http_9_put_absent_session_stays_null_clears(as_hanako, hanako, session):
    path = f"{PATH}/{hanako.pk}"
    as_hanako("PUT", path, {"status": "in_session", "current_session_id": session.pk})
    assert as_hanako("PUT", path, {"status": "break"}).data["current_session_id"] == session.pk
    assert as_hanako("PUT", path, {"status": "break", "current_session_id": None}).data["current_session_id"] is None


def test_http_9_put_the_same_status_is_a_change(as_hanako, hanako):
    first = as_hanako("PUT", f"{PATH}/{hanako.pk}", {"status": "break"}).data
    again = as_hanako("PUT", f"{PATH}/{hanako.pk}", {"status": "break"}).data
    assert again["status_updated_at"] > first["status_updated_at"]
    assert InstructorStatusHistory.objects.filter(instructor=hanako, status="break").count() == 2


BAD = {
    "no status": ({}, "status", "missing"),
    "an unknown status": ({"status": "asleep"}, "status", "literal_error"),
    "a null status": ({"status": None}, "status", "null_not_allowed"),
    "a number for a status": ({"status": 1}, "status", "literal_error"),
    "a list for a status": ({"status": []}, "status", "literal_error"),
    "a lone surrogate": ({"status": "\ud800"}, "status", "literal_error"),
    "an unknown session": ({"status": "break", "current_session_id": 99}, "current_session_id", "value_error"),
    "a session beyond bigint": (
        {"status": "break", "current_session_id": 2**70},
        "current_session_id",
        "less_than_equal",
    ),
    "a session that is no number": (
        {"status": "break", "current_session_id": "x"},
        "current_session_id",
        "value_error",
    ),
}


@pytest.mark.parametrize(("body", "field", "kind"), BAD.values(), ids=[f"http §9 PUT {name} → 422" for name in BAD])
def test_put_is_refused(as_hanako, hanako, body, field, kind):
    answer = as_hanako("PUT", f"{PATH}/{hanako.pk}", body)
    assert answer.status_code == 422
    problem = answer.data["detail"][0]
    assert (problem["loc"], problem["type"]) == (["body", field], kind)
    assert not InstructorStatusHistory.objects.exists()


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("PUT", ""), ("GET", "/history")])
@pytest.mark.parametrize(("given", "status"), [("999999", 404), ("x", 422)])
def test_http_9_ids(as_hanako, method, tail, given, status):
    answer = as_hanako(method, f"{PATH}/{given}{tail}", {"status": "break"})
    assert answer.status_code == status
    if status == 404:
        assert answer.data == {"detail": "Instructor not found"}


def test_the_change_holds_while_redis_is_away(as_hanako, hanako, monkeypatch):
    def fail(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr("realtime.broadcast.publish", fail)
    assert as_hanako("PUT", f"{PATH}/{hanako.pk}", {"status": "break"}).status_code == 200


# --- History ----------------------------------------------------------------------------------------------------------


def test_http_9_history_newest_first(as_hanako, taro):
    for status in ("available", "break", "offline"):
        as_hanako("PUT", f"{PATH}/{taro.pk}", {"status": status})
    answer = as_hanako("GET", f"{PATH}/{taro.pk}/history/")
    assert answer.status_code == 200
    assert [row["status"] for row in answer.data] == ["offline", "break", "available"]
    assert answer.data[0].keys() == {
        "id", "instructor_id", "status", "session_id", "started_at", "ended_at", "duration_minutes"
    }  # fmt: skip
    assert [(row["ended_at"] is None, row["duration_minutes"]) for row in answer.data] == [
        (True, None), (False, 0), (False, 0)
    ]  # fmt: skip
    page = as_hanako("GET", f"{PATH}/{taro.pk}/history?skip=1&limit=1").data
    assert [row["status"] for row in page] == ["break"]


def test_http_9_history_limit_422(as_hanako, taro):
    assert as_hanako("GET", f"{PATH}/{taro.pk}/history?limit=1001").status_code == 422


# --- Bulk -------------------------------------------------------------------------------------------------------------


def bulk(api, *updates):
    return api("POST", f"{PATH}/bulk", {"updates": list(updates)})


def test_http_9_bulk_all_done_200(as_hanako, hanako, taro, session, heard):
    answer = bulk(
        as_hanako,
        {"instructor_id": taro.pk, "status": "IN_SESSION", "current_session_id": session.pk},
        {"instructor_id": hanako.pk, "status": "break"},
    )
    assert answer.status_code == 200
    assert answer.data == {
        "updated_count": 2,
        "results": [
            {"instructor_id": taro.pk, "success": True, "status": "in_session", "current_session_id": session.pk},
            {"instructor_id": hanako.pk, "success": True, "status": "break", "current_session_id": None},
        ],
    }
    assert AuditLog.objects.filter(action="status_change").count() == 2
    assert len(heard) == 6


FAILING = {
    "unknown id": ({"instructor_id": 999999, "status": "break"}, 999999, "Instructor not found"),
    "bad status": ({"instructor_id": 1, "status": "asleep"}, 1, "status: "),
    "no status": ({"instructor_id": 1}, 1, "status: "),
    "no id": ({"status": "break"}, None, "instructor_id: "),
    "id that is no number": ({"instructor_id": "x", "status": "break"}, "x", "instructor_id: "),
    "id beyond bigint": ({"instructor_id": 2**70, "status": "break"}, 2**70, "instructor_id: "),
    "lone surrogate": ({"instructor_id": "\ud800", "status": "break"}, "\ufffd", "instructor_id: "),
    "no object": ("break", None, ""),
    "null": (None, None, ""),
}


@pytest.mark.parametrize(
    ("entry", "given", "error"), FAILING.values(), ids=[f"http §9 POST bulk one bad ({name}) → 207" for name in FAILING]
)
def test_bulk_with_a_bad_entry(as_hanako, hanako, taro, entry, given, error):
    good = [{"instructor_id": taro.pk, "status": "break"}, {"instructor_id": hanako.pk, "status": "break"}]
    answer = bulk(as_hanako, good[0], entry, good[1])
    assert answer.status_code == 207
    assert answer.data["updated_count"] == 2
    first, bad, last = answer.data["results"]
    assert (first["success"], last["success"]) == (True, True)
    assert (bad["instructor_id"], bad["success"]) == (given, False)
    assert bad["error"]
    assert bad["error"].startswith(error)
    assert set(Instructor.objects.values_list("status", flat=True)) == {"break"}


def test_http_9_bulk_unknown_session_207(as_hanako, hanako, taro):
    answer = bulk(as_hanako, {"instructor_id": taro.pk, "status": "break", "current_session_id": 99})
    assert (answer.status_code, answer.data["updated_count"]) == (207, 0)
    assert answer.data["results"][0]["error"] == "Session does not exist"


def test_http_9_bulk_the_same_one_twice(as_hanako, taro):
    updates = [{"instructor_id": taro.pk, "status": status} for status in ("break", "available")]
    assert bulk(as_hanako, *updates).status_code == 200
    taro.refresh_from_db()
    assert taro.status == "available"


def test_http_9_bulk_no_updates_400(as_hanako):
    answer = bulk(as_hanako)
    assert (answer.status_code, answer.data) == (400, {"detail": "No updates provided"})


@pytest.mark.parametrize(
    "body", [{}, {"updates": None}, {"updates": {}}, {"updates": "x"}, [], [{"instructor_id": 1}]],
    ids=lambda body: f"http §9 POST bulk {body} → 422",
)  # fmt: skip
def test_bulk_is_refused(as_hanako, body):
    assert as_hanako("POST", f"{PATH}/bulk/", body).status_code == 422


def test_http_9_bulk_wins_over_an_id(as_hanako):
    answer = as_hanako("GET", f"{PATH}/bulk")
    assert (answer.status_code, answer.data) == (405, {"detail": "Method Not Allowed"})


@pytest.mark.parametrize(("method", "tail"), [("GET", "/1"), ("PUT", "/x"), ("GET", "/1/history"), ("POST", "/bulk")])
def test_http_9_no_token_403(anyone, method, tail):
    assert anyone(method, PATH + tail, {}).data == {"detail": "Not authenticated"}
