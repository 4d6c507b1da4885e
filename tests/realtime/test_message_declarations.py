"""Every message that we can send is as declared and as the contract says, every declared message can be sent, and no
field is left over."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from classroom.sockets import replies
from realtime import messages, rows
from tests.classroom.sockets.test_dashboard_socket import row
from tests.classroom.sockets.test_students_socket import graded
from tests.realtime.conftest import DECLARED, check, check_contract, check_declaration
from tests.realtime.shapes import SHAPES

CONTRACT = Path(__file__).parent.parent.parent / "docs/contract"
STAMP = messages.timestamp()
PLACE = {"emailAddress": "a@x.jp", "userName": "A", "teamName": "T", "notebookPath": "a.ipynb", "cellId": "c"}
STATUS = {"instructor_id": 1, "status": "break", "session_id": None, "updated_at": STAMP}
TO_ALL = {**STATUS, "current_session_id": None}
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
LAST = {"cellId": "c", "executionTime": 0.1, "success": True, "timestamp": STAMP}
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
    "notebook_path": "lesson.ipynb",
    "cell_id": None,
    "user_id": "a@x.jp",
    "is_read": False,
    "created_at": STAMP,
}
POSITIONS = {"A": messages.Position(12.5, 40.0), "B": None}
SAID = {"student_id": 1, "message": "m", "timestamp": "T"}

MESSAGES = {
    "connection_established": replies.ConnectionEstablished("a", "student"),
    "connection_success": replies.ConnectionSuccess(1),
    "pong": replies.Pong(),
    "error": replies.Error("e"),
    "refresh_required": replies.RefreshRequired(),
    "room_joined": replies.RoomJoined("a"),
    "subscribed": replies.Subscribed("broadcast"),
    "unsubscribed": replies.Unsubscribed("broadcast"),
    "status_response": replies.StatusResponse(STATS),
    "progress_broadcast": replies.ProgressBroadcast("a", {"any": 1}),
    "text_message": replies.TextMessage(from_client="a", message="m", room="r"),
    "initial_progress": replies.ProgressView("initial_progress", {}),
    "initial_data": replies.ProgressView("initial_data", {}),
    "all_progress_update": replies.ProgressView("all_progress_update", {}),
    "student_detail": replies.ProgressView("student_detail", {}),
    "execution_update": rows.ExecutionUpdate("progress:1", RUN),
    "assignment_graded": graded(),
    "assignment_created": messages.AssignmentCreated(messages.AssignmentCreatedData(1, 2, "t", STAMP)),
    "execution_confirmed": rows.ExecutionConfirmed(rows.ExecutionConfirmedData(0, 1)),
    "notification": messages.NotificationAdded("notifications:1", TOLD),
    "system_message": messages.SystemMessage(messages.SystemMessageData("m", "info")),
    "system_alert": messages.SystemAlert("redis", "critical", "m"),
    "progress_update": rows.progress_update([row(1)]),
    "significant_error_alert": rows.significant_error_alert(row(1), event_type="cell_executed"),
    "cell_execution": rows.cell_execution(row(1), LAST),
    "help_request": messages.HelpRequested(messages.HelpRequestData(**PLACE, timestamp=STAMP)),
    "help_resolved": messages.HelpResolved(messages.HelpResolvedData("a@x.jp", "student")),
    "error_alert": messages.ErrorAlert(messages.ErrorAlertData(**PLACE, errorMessage="m", timestamp=STAMP)),
    "student_error_resolved": messages.StudentErrorResolved(messages.StudentErrorResolvedData("a@x.jp", STAMP, "b")),
    "classroom_map": messages.ClassroomMapChanged(messages.ClassroomMapData(1, 2, POSITIONS)),
    "classroom_seats": messages.ClassroomSeats(messages.ClassroomSeatsData(1, 2)),
    "dismiss_help": messages.DismissHelp("a@x.jp"),
    "attention_update": messages.AttentionUpdate(1, "a@x.jp", "claimed", 2, "n"),
    "instructor_message": messages.InstructorMessage(
        "notifications:1", messages.InstructorMessageData(2, "n", "m", "T")
    ),
    "help_status": messages.HelpStatus(
        "notifications:1",
        messages.HelpStatusData(
            1, 2, "asked", place=1, of=3, since=STAMP, by_name=None, seats=[messages.OwnSeat("r", "s")]
        ),
    ),
    "stuck_question": messages.StuckQuestionAsked(
        "notifications:1", messages.StuckQuestionData(1, 2, id=3, asked_at=STAMP, until=STAMP)
    ),
    "status_updated": messages.StatusUpdated(**STATUS),
    "status_update": messages.StatusUpdate(**TO_ALL),
    "instructor_status_changed": messages.InstructorStatusChanged(**TO_ALL),
    "instructor_assigned": messages.InstructorAssigned(1, 2, 3, STAMP),
    "student_message_received": replies.StudentMessageReceived(**SAID),
    "reply_sent": replies.ReplySent(**SAID),
    "instructor_message_received": replies.InstructorMessageReceived(1, "m", "T"),
}
FRAMES = {name: json.loads(messages.encode(message)) for name, message in MESSAGES.items()}
# What W3 gets of section 4.3 has the fields of `data` flat as well.
ON_W3 = ("help_request", "help_resolved", "error_alert", "significant_error_alert", "cell_execution")


def assert_refused(frame: dict[str, Any]) -> None:
    """Both by the declaration and by the contract."""
    with pytest.raises((msgspec.ValidationError, AssertionError)):
        check_declaration(frame)
    with pytest.raises(AssertionError):
        check_contract(frame)


@pytest.mark.parametrize("name", FRAMES)
def test_message_is_as_declared(name):
    check(FRAMES[name])


@pytest.mark.parametrize("name", FRAMES)
def test_field_that_nobody_declared_fails(name):
    assert_refused({**FRAMES[name], "extra": 1})
    data = FRAMES[name].get("data")
    if isinstance(data, dict) and data and name != "progress_broadcast":
        assert_refused({**FRAMES[name], "data": {**data, "extra": 1}})


@pytest.mark.parametrize("name", FRAMES)
def test_field_that_is_missing_fails(name):
    for field in set(FRAMES[name]) - {"type"}:
        assert_refused({key: value for key, value in FRAMES[name].items() if key != field})
    data = FRAMES[name].get("data")
    if isinstance(data, dict) and name != "progress_broadcast":
        for field in set(data) - {"grade", "feedback"}:  # which unauthenticated clients do not get
            with pytest.raises(AssertionError):
                check_contract({**FRAMES[name], "data": {key: value for key, value in data.items() if key != field}})


@pytest.mark.parametrize("name", ON_W3)
def test_message_for_instructors_is_flat_too(name):
    frame = json.loads(replies.flattened(messages.encode(MESSAGES[name])))
    data = FRAMES[name]["data"]
    assert frame == {**data, **FRAMES[name]}
    check(frame)


def test_list_of_rows_stays_as_it_is_for_instructors():
    text = messages.encode(MESSAGES["progress_update"])
    assert replies.flattened(text) == text


def test_every_declared_message_is_in_the_table():
    assert {frame["type"] for frame in FRAMES.values()} == set(DECLARED) == set(SHAPES)


def test_notices_carry_their_name_twice():
    for frame in FRAMES.values():
        assert frame.get("event", frame["type"]) == frame["type"]


# --- The table and the text of the contract -------------------------------------------------------------------------

# Fields that stand in the contract apart from their messages, by a mark of their line.
APART = {"status_response": ("websocket.md", "`stats`: "), "progress_update": ("http.md", "- `students[]` (camelCase")}
UNWRITTEN = {"assignment_created"}  # http.md section 12 says only that it is sent
# Fields that the contract allows for ("…", or a row as the overview has it) and does not name.
ADDED = {"notification": {"is_read", "user_id"}, "progress_update": {"studentId", "helpRequestedAt"}}
OPTIONAL = {"metrics_update", "delta_update"}  # which we do not send
ENVELOPE = {"event", "data", "timestamp", "channel"}


def _fields(shape: Any) -> Iterator[str]:
    if isinstance(shape, dict):
        yield from (name.removesuffix("?") for name in shape if name != "*")
        for each in shape.values():
            yield from _fields(each)
    elif isinstance(shape, tuple | list):
        for each in shape:
            yield from _fields(each)


@pytest.mark.parametrize("name", sorted(SHAPES.keys() - UNWRITTEN))
def test_contract_names_every_field(name):
    text = (CONTRACT / "websocket.md").read_text()
    lines = [line for line in text.splitlines() if re.search(rf"\b{name}\b", line)]
    if name in APART:
        document, mark = APART[name]
        lines += [line for line in (CONTRACT / document).read_text().splitlines() if line.startswith(mark)]
    named = set(re.findall(r"\w+", " ".join(lines)))
    assert set(_fields(SHAPES[name])) - named - ENVELOPE == ADDED.get(name, set())


def test_every_field_of_the_contract_is_in_the_table():
    section = (CONTRACT / "websocket.md").read_text().split("### 4.2")[1].split("## 5.")[0]
    found = {}
    for line in re.findall(r"^\| (`.*) \|$", section.replace("\\|", "/"), re.MULTILINE):
        first, *_, last = line.split(" | ")
        if written := re.search(r"`([^`]*)`", last):  # the first code in the last column
            listed = set(re.findall(r"\w+", re.sub(r"\(.*?\)|<\w+>|/null|: [^,{}]*", "", written[1])))
            found |= dict.fromkeys(re.findall(r"`(\w+)`", first), listed)
    assert len(found) > 20
    for name in found.keys() - OPTIONAL:
        assert found[name] <= set(_fields(SHAPES[name])), name
