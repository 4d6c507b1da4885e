"""Every message that we can send is declared, every declared message can be sent, and no field is left over."""

from datetime import UTC, datetime

import msgspec
import pytest

from classroom.sockets import replies
from classroom.sockets import schemas as sockets_schemas
from realtime import messages
from tests.realtime.conftest import check
from tests.realtime.test_dashboard_socket import row
from tests.realtime.test_students_socket import graded

NOW = datetime.now(UTC)
NOTICE = {"emailAddress": "a@x.jp", "userName": "A", "teamName": "T", "notebookPath": "a.ipynb", "cellId": "c"}
STATUS = {"instructor_id": 1, "status": "break", "session_id": None, "updated_at": NOW}
RUN = {
    "emailAddress": "a@x.jp",
    "student_id": 1,
    "notebookPath": "a.ipynb",
    "cellId": "c",
    "cellIndex": 0,
    "executionCount": 1,
    "status": "success",
    "hasError": False,
    "errorMessage": None,
    "executionDurationMs": 1.5,
    "consecutiveErrorCount": 0,
}
LAST = {"cellId": "c", "executionTime": 0.1, "success": True, "timestamp": messages.timestamp()}
STATS = {
    "total_connections": 1,
    "active_connections": 1,
    "connections_by_type": {"student": 1, "instructor": 0, "dashboard": 0, "admin": 0},
    "rooms": {"default": 1},
    "messages_sent": 3,
}
TOLD = {
    "notification_id": "n",
    "title": "t",
    "message": "m",
    "level": "success",
    "assignment_id": 1,
    "user_id": "a@x.jp",
    "is_read": False,
    "created_at": messages.timestamp(),
}
SAID = {"student_id": 1, "message": "m", "sent_at": "T"}

FRAMES = {
    "connection_established": replies.connection_established(client_id="a", client_type="student"),
    "connection_success": replies.connection_success(instructor_id=1),
    "pong": replies.pong(),
    "error": replies.error("e"),
    "unknown type": replies.unknown_type(["x"]),
    "refresh_required": replies.refresh_required(),
    "room_joined": replies.room_joined("a"),
    "subscribed": replies.subscribed("broadcast"),
    "unsubscribed": replies.unsubscribed("broadcast"),
    "status_response": replies.status_response(STATS),
    "progress_broadcast": replies.progress_broadcast(from_client="a", data={"any": 1}),
    "text_message": replies.text_message(from_client="a", message="m", room="r"),
    "initial_progress": replies.progress_view("initial_progress", {}),
    "initial_data": replies.progress_view("initial_data", {}),
    "all_progress_update": replies.progress_view("all_progress_update", {}),
    "student_detail": replies.progress_view("student_detail", {}),
    "execution_update": messages.execution_update(RUN),
    "assignment_graded": graded(),
    "assignment_created": messages.assignment_created(assignment_id=1, class_id=2, title="t", due_date=NOW),
    "execution_confirmed": messages.execution_confirmed(RUN),
    "notification": messages.notification(student_id=1, fields=TOLD),
    "system_message": messages.system_message("m", level="info"),
    "system_alert": messages.system_alert("m", alert_type="redis", severity="critical"),
    "progress_update": messages.progress_update([row(1)]),
    "significant_error_alert": messages.significant_error_alert(row(1), event_type="cell_executed"),
    "cell_execution": messages.cell_execution(row(1), LAST),
    "help_request": messages.help_request(NOTICE, asked_at=NOW),
    "help_resolved": messages.help_resolved(email="a@x.jp", resolved_by="student"),
    "error_alert": messages.error_alert(NOTICE, message="m", happened_at=NOW),
    "student_error_resolved": messages.student_error_resolved(email="a@x.jp", resolved_by="b", resolved_at=NOW),
    "classroom_map": messages.classroom_map(class_id=1, map_id=2, positions={"A": (12.5, 40.0), "B": None}),
    "dismiss_help": messages.dismiss_help("a@x.jp"),
    "attention_update": messages.attention_update(
        student_id=1, email="a@x.jp", action="claimed", instructor_id=2, instructor_name="n"
    ),
    "instructor_message": messages.instructor_message(
        student_id=1, instructor_id=2, instructor_name="n", message="m", sent_at="T"
    ),
    "status_updated": messages.status_updated(**STATUS),
    "status_update": messages.status_update(**STATUS),
    "instructor_status_changed": messages.instructor_status_changed(**STATUS),
    "instructor_assigned": messages.instructor_assigned(instructor_id=1, student_id=2, class_id=3, assigned_at=NOW),
    "student_message_received": replies.student_message_received(**SAID),
    "reply_sent": replies.reply_sent(student_id=1, message="m", written_at="T"),
    "instructor_message_received": replies.instructor_message_received(from_instructor_id=1, message="m", sent_at="T"),
}
# What W3 gets of section 4.3 has the fields of `data` flat as well.
ON_W3 = ("help_request", "help_resolved", "error_alert", "significant_error_alert")


@pytest.mark.parametrize("name", FRAMES)
def test_message_is_as_declared(name):
    sockets_schemas.check(FRAMES[name])
    assert msgspec.json.decode(msgspec.json.encode(FRAMES[name])) == FRAMES[name]


@pytest.mark.parametrize("name", FRAMES)
def test_field_that_nobody_declared_fails(name):
    with pytest.raises(msgspec.ValidationError):
        sockets_schemas.check({**FRAMES[name], "extra": 1})
    data = FRAMES[name].get("data")
    if name in ("help_request", "system_message", "significant_error_alert", "execution_update", "status_update"):
        with pytest.raises(msgspec.ValidationError):
            sockets_schemas.check({**FRAMES[name], "data": {**data, "extra": 1}})


@pytest.mark.parametrize("name", FRAMES)
def test_field_that_is_missing_fails(name):
    for field in set(FRAMES[name]) - {"type"}:
        with pytest.raises(msgspec.ValidationError):
            sockets_schemas.check({key: value for key, value in FRAMES[name].items() if key != field})


@pytest.mark.parametrize("name", ON_W3)
def test_message_for_instructors_is_flat_too(name):
    frame = replies.flattened(FRAMES[name])
    assert frame["type"] == FRAMES[name]["type"]
    check(frame)


def test_every_declared_message_is_in_the_table():
    assert {frame["type"] for frame in FRAMES.values()} == set(sockets_schemas.DECLARED)


def test_notices_carry_their_name_twice():
    for frame in FRAMES.values():
        assert frame.get("event", frame["type"]) == frame["type"]
