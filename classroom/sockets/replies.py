"""Build the frames that answer one peer: about its connection or its own frame (websocket.md sections 3 and 4.1)."""

from typing import Any

from realtime.messages import Frame, timestamp


def connection_established(*, client_id: str, client_type: str) -> Frame:
    return {
        "type": "connection_established",
        "event": "connection_established",
        "client_id": client_id,
        "client_type": client_type,
        "connected_at": timestamp(),
        "message": "Connected",
    }


def pong() -> Frame:
    return {"type": "pong", "timestamp": timestamp()}


def error(message: str) -> Frame:
    return {"type": "error", "message": message}


def unknown_type(kind: Any) -> Frame:
    return error(f"Unknown message type: {str(kind)[:100]}")


def refresh_required() -> Frame:
    return {"type": "refresh_required", "message": "Reload the state"}


def subscribed(channel: str) -> Frame:
    return {"type": "subscribed", "channel": channel}


def unsubscribed(channel: str) -> Frame:
    return {"type": "unsubscribed", "channel": channel}


def room_joined(room: str) -> Frame:
    return {"type": "room_joined", "room": room}


def status_response(stats: dict[str, Any]) -> Frame:
    return {"type": "status_response", "stats": stats, "timestamp": timestamp()}


def progress_broadcast(*, from_client: str, data: dict[str, Any]) -> Frame:
    return {"type": "progress_broadcast", "from_client": from_client, "data": data, "timestamp": timestamp()}


def text_message(*, from_client: str, message: str, room: str) -> Frame:
    return {
        "type": "text_message",
        "from_client": from_client,
        "message": message,
        "room": room,
        "timestamp": timestamp(),
    }


# --- W3: fields are flat, as the earlier server sent them, and under `data`, as the specification says --------------


def both_ways(kind: str, **fields: Any) -> Frame:
    return {**fields, "type": kind, "event": kind, "data": fields}


def flattened(frame: Frame) -> Frame:
    """Return a notice of section 4.3 for an instructor, with the fields of `data` merged into it."""
    data = frame.get("data")
    return {**data, **frame} if isinstance(data, dict) else frame


def connection_success(*, instructor_id: int) -> Frame:
    return both_ways("connection_success", instructor_id=instructor_id, connected_at=timestamp(), message="Connected")


def student_message_received(*, student_id: str | int, message: str, sent_at: str, is_verified: bool = False) -> Frame:
    """`verified`: the student wrote it and is authenticated."""
    return both_ways(
        "student_message_received",
        student_id=student_id,
        message=message,
        timestamp=sent_at,
        received_at=timestamp(),
        verified=is_verified,
    )


def reply_sent(*, student_id: str | int, message: str, written_at: str) -> Frame:
    return both_ways("reply_sent", student_id=student_id, message=message, timestamp=written_at, sent_at=timestamp())


def instructor_message_received(*, from_instructor_id: int, message: str, sent_at: str) -> Frame:
    return both_ways(
        "instructor_message_received",
        from_instructor_id=from_instructor_id,
        message=message,
        timestamp=sent_at,
        received_at=timestamp(),
    )


# --- W5 -------------------------------------------------------------------------------------------------------------


def progress_view(kind: str, data: dict[str, Any]) -> Frame:
    return {"type": kind, "data": data, "timestamp": timestamp()}
