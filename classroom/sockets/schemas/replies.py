"""The messages of websocket.md sections 3 and 4.1: about the peer's connection, and responses to its frames."""

from typing import Any

import msgspec

from classroom.sockets.schemas.base import Message, Strict
from realtime.connections import ClientType


class ConnectionEstablished(Message, tag="connection_established"):
    event: str
    client_id: str
    client_type: ClientType
    connected_at: str
    message: str


class Pong(Message, tag="pong"):
    timestamp: str


class Error(Message, tag="error"):
    message: str


class RefreshRequired(Message, tag="refresh_required"):
    message: str


class RoomJoined(Message, tag="room_joined"):
    room: str


class Subscribed(Message, tag="subscribed"):
    channel: str


class Unsubscribed(Message, tag="unsubscribed"):
    channel: str


class Detail(Strict):
    client_id: str
    type: ClientType
    room: str | None
    connected_duration_seconds: int


class ByType(Strict):
    student: int
    instructor: int
    dashboard: int
    admin: int


class Stats(Strict):
    total_connections: int
    active_connections: int
    connections_by_type: ByType
    rooms: dict[str, int]
    messages_sent: int
    connections_detail: list[Detail] | msgspec.UnsetType = msgspec.UNSET  # with DEBUG only: contains e-mails


class StatusResponse(Message, tag="status_response"):
    stats: Stats
    timestamp: str


class ProgressBroadcast(Message, tag="progress_broadcast"):
    from_client: str
    data: dict[str, Any]
    timestamp: str


class TextMessage(Message, tag="text_message"):
    from_client: str
    message: str
    room: str
    timestamp: str


class ProgressView(Message):
    """W5. `classroom.sockets.progress` builds the data."""

    data: dict[str, Any]
    timestamp: str


class InitialProgress(ProgressView, tag="initial_progress"):
    pass


class InitialData(ProgressView, tag="initial_data"):
    pass


class AllProgress(ProgressView, tag="all_progress_update"):
    pass


class StudentDetail(ProgressView, tag="student_detail"):
    pass
