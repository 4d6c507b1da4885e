"""What a client may send, by type: websocket.md section 3. Pure. Fields may stand flat or under `data` on W3."""

from typing import Any, TypeVar

import msgspec

from core.identity import row_number
from realtime.messages import Frame

Text = str | int  # a student's id or address, taken and echoed as given; `classroom.sockets.people` says which it is


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
    student_id: Text | None = None
    timestamp: str | None = None
    instructor_id: int | str | None = None


class InstructorReply(msgspec.Struct):
    student_id: Text
    message: str
    timestamp: str | None = None


class InstructorToInstructor(msgspec.Struct):
    target_instructor_id: int | str
    message: str
    timestamp: str | None = None


class StudentDetail(msgspec.Struct):
    user_id: Text


class BadRequest(Exception):
    """The frame lacks what its type needs; the text says what."""


Request = TypeVar("Request", bound=msgspec.Struct)


def read(frame: Frame, shape: type[Request]) -> Request:
    """The frame's fields as its type declares them. Raises BadRequest."""
    try:
        return msgspec.convert(frame, shape)
    except msgspec.ValidationError as error:
        raise BadRequest(str(error)) from None


def flat(frame: Frame) -> Frame:
    """The fields of `data`, where there are any, beside the others."""
    data = frame.get("data")
    return {**frame, **data, "type": frame.get("type")} if isinstance(data, dict) else frame


def number(value: int | str) -> int:
    """A row id as a number or in digits. Raises BadRequest."""
    found = row_number(str(value))
    if found is None:
        raise BadRequest(f"Not an id: {str(value).strip()[:50]}")
    return found
