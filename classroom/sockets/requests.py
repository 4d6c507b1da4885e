"""The frames that a client may send, by type: websocket.md section 3. On W3 fields may be flat or under `data`."""

from typing import Any, TypeVar

import msgspec

from core.identity import row_number
from realtime.messages import Id  # a student's, or their e-mail; `classroom.sockets.people` resolves it

Frame = dict[str, Any]  # a JSON object from a client


class JoinRoom(msgspec.Struct):
    room: str = "default"


class Subscription(msgspec.Struct):
    channel: str


class Progress(msgspec.Struct):
    data: dict[str, Any]


class StatusUpdate(msgspec.Struct):
    status: str
    session_id: int | str | None = None
    current_session_id: int | str | None = None


class StudentMessage(msgspec.Struct):
    message: str
    student_id: Id | None = None
    timestamp: str | None = None
    instructor_id: int | str | None = None


class InstructorReply(msgspec.Struct):
    student_id: Id
    message: str
    timestamp: str | None = None


class InstructorToInstructor(msgspec.Struct):
    target_instructor_id: int | str
    message: str
    timestamp: str | None = None


class StudentDetail(msgspec.Struct):
    user_id: Id


class BadRequest(Exception):
    """The frame is not valid for its type; the text says why."""


Request = TypeVar("Request", bound=msgspec.Struct)


def read(frame: Frame, shape: type[Request]) -> Request:
    """Return the frame's fields, validated. Raises BadRequest."""
    try:
        return msgspec.convert(frame, shape)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None


def flat(frame: Frame) -> Frame:
    """Return the frame with the fields of `data`, if any, merged into it."""
    data = frame.get("data")
    return {**frame, **data, "type": frame.get("type")} if isinstance(data, dict) else frame


def number(value: int | str) -> int:
    """Return the row id that a number or digits stand for. Raises BadRequest."""
    found = row_number(str(value))
    if found is None:
        raise BadRequest(f"Not an id: {str(value).strip()[:50]}")
    return found
