"""Declare the messages that answer one peer: about its connection or its own frame (websocket.md sections 3 and 4)."""

from typing import Any, Literal

import msgspec

from realtime.connections import ClientType
from realtime.messages import STAMP, Flat, Id, Message, MessagePart, Named
from realtime.presence import Stats


class ConnectionEstablished(Named, tag="connection_established"):
    client_id: str
    client_type: ClientType
    connected_at: str = STAMP
    message: str = "Connected"


class Pong(Message, tag="pong"):
    timestamp: str = STAMP


class Error(Message, tag="error"):
    message: str


class RefreshRequired(Message, tag="refresh_required"):
    message: str = "Reload the state"


class Subscribed(Message, tag="subscribed"):
    channel: str


class Unsubscribed(Message, tag="unsubscribed"):
    channel: str


class RoomJoined(Message, tag="room_joined"):
    room: str


class StatusResponse(Message, tag="status_response"):
    stats: Stats
    timestamp: str = STAMP


class ProgressBroadcast(Message, tag="progress_broadcast"):
    from_client: str
    data: dict[str, Any]
    timestamp: str = STAMP


class TextMessage(Message, tag="text_message"):
    from_client: str
    message: str
    room: str
    timestamp: str = STAMP


class ProgressView(MessagePart):
    """W5. `classroom.sockets.progress` selects the data."""

    type: Literal["initial_progress", "progress_update", "initial_data", "all_progress_update", "student_detail"]
    data: dict[str, Any]
    timestamp: str = STAMP


# --- W3 -------------------------------------------------------------------------------------------------------------


def flattened(text: str) -> str:
    """Return an encoded notice of section 4.3 for an instructor, with the fields of `data` merged into it."""
    frame = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    data = frame.get("data")
    if data is None or not bytes(data).startswith(b"{"):
        return text
    return msgspec.json.encode({**msgspec.json.decode(data, type=dict[str, msgspec.Raw]), **frame}).decode()


class ConnectionSuccess(Flat, tag="connection_success"):
    instructor_id: int
    connected_at: str = STAMP
    message: str = "Connected"


class StudentMessageReceived(Flat, tag="student_message_received"):
    student_id: Id
    message: str
    timestamp: str
    received_at: str = STAMP
    verified: bool = False  # the student wrote it and is authenticated


class ReplySent(Flat, tag="reply_sent"):
    student_id: Id
    message: str
    timestamp: str
    sent_at: str = STAMP


class InstructorMessageReceived(Flat, tag="instructor_message_received"):
    from_instructor_id: int
    message: str
    timestamp: str
    received_at: str = STAMP
