"""The shape of every message that we send, written down by hand from docs/contract/websocket.md, not from the code.

A shape is a type; a set of the values that may stand there; `STAMP`, a time in UTC with milliseconds; a dict, for an
object with exactly these fields (`?`: may be left out; `*`: any names); a list, for a list of its one shape; or a
tuple, for any of its shapes. `None` is null.
"""

import re
from typing import Any

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
NUMBER = (int, float)
ID = (int, str)
LEVELS = {"info", "warning", "critical"}
PLACE = {"emailAddress": str, "userName": str, "teamName": str, "notebookPath": str, "cellId": str}
ROW = {
    "studentId": int,
    "emailAddress": str,
    "userName": str,
    "teamName": str,
    "currentNotebook": str,
    "lastActivity": str,
    "lastActivityAt": (STAMP, None),
    "status": {"help", "significant_error", "error", "active", "idle"},
    "isRequestingHelp": bool,
    "helpRequestedAt": (STAMP, None),
    "cellExecutions": int,
    "errorCount": int,
    "consecutiveErrorCount": int,
    "hasSignificantError": bool,
    "significantErrorCells": [{"cell_id": int, "consecutive_count": int, "last_error_time": (STAMP, None)}],
}
UPDATE = {**ROW, "timestamp": STAMP, "isSignificantError": bool}
ALERT = {"type": {"significant_error_alert"}, "eventType": str, "alertLevel": {"warning"}, "message": str}
CLIENTS = {"student", "instructor", "dashboard", "admin"}
STATS = {
    "total_connections": int,
    "active_connections": int,
    "connections_by_type": dict.fromkeys(sorted(CLIENTS), int),
    "rooms": {"*": int},
    "messages_sent": int,
    "connections_detail?": [
        {"client_id": str, "type": CLIENTS, "room": (str, None), "connected_duration_seconds": int}
    ],
}
STATUS = {
    "instructor_id": int,
    "status": {"available", "in_session", "break", "offline"},
    "session_id": (int, None),
    "updated_at": STAMP,
}
TO_ALL = {**STATUS, "current_session_id": (int, None)}


def notice(data: Any, **more: Any) -> dict[str, Any]:
    return {"event": str, "timestamp": STAMP, "data": data, **more}


def flat(fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"event": str, **fields, "data": fields, **more}


SHAPES: dict[str, dict[str, Any]] = {
    # 4.1, and the replies of section 3
    "connection_established": {
        "event": str,
        "client_id": str,
        "client_type": CLIENTS,
        "connected_at": STAMP,
        "message": str,
    },
    "connection_success": flat({"instructor_id": int, "connected_at": STAMP, "message": str}),
    "initial_progress": {"data": dict, "timestamp": STAMP},
    "initial_data": {"data": dict, "timestamp": STAMP},
    "all_progress_update": {"data": dict, "timestamp": STAMP},
    "student_detail": {"data": dict, "timestamp": STAMP},
    "pong": {"timestamp": STAMP},
    "error": {"message": str},
    "room_joined": {"room": str},
    "subscribed": {"channel": str},
    "unsubscribed": {"channel": str},
    "refresh_required": {"message": str},
    "status_response": {"stats": STATS, "timestamp": STAMP},
    "progress_broadcast": {"from_client": str, "data": dict, "timestamp": STAMP},
    "text_message": {"from_client": str, "message": str, "room": str, "timestamp": STAMP},
    # 4.2
    "execution_update": notice(
        {
            "emailAddress": str,
            "student_id": int,
            "notebookPath": str,
            "cellId": str,
            "cellIndex": (int, None),
            "executionCount": (int, None),
            "status": {"executing", "success", "error", "aborted"},
            "hasError": bool,
            "errorMessage": (str, None),
            "executionDurationMs": (*NUMBER, None),
            "consecutiveErrorCount": int,
            "runId?": str,
        },
        channel=str,
    ),
    "assignment_graded": notice(
        {
            "assignment_id": int,
            "submission_id": int,
            "student_id": int,
            "title": str,
            "grade?": (*NUMBER, None),
            "feedback?": (str, None),
            "status": str,
            "graded_at": STAMP,
        },
        channel=str,
    ),
    "assignment_created": notice(
        {"assignment_id": int, "class_id": int, "title": str, "due_date": (STAMP, None)}, channel=str
    ),
    "system_message": notice({"message": str, "level": LEVELS}, channel=str),
    # 4.3
    "progress_update": notice(([{**UPDATE, "type": {"student_progress_update"}}], {**UPDATE, **ALERT})),
    "cell_execution": notice(
        {
            "emailAddress": str,
            "cellId": str,
            "cellExecutions": int,
            "executionTime": (*NUMBER, None),
            "success": bool,
            "lastActivity": {"今"},
            "status": ROW["status"],
            "timestamp": STAMP,
        }
    ),
    "help_request": notice(
        {
            **PLACE,
            "isRequestingHelp": {True},
            "status": {"help"},
            "lastActivity": {"今"},
            "priority": {"urgent"},
            "timestamp": STAMP,
        }
    ),
    "help_resolved": notice(
        {
            "emailAddress": str,
            "isRequestingHelp": {False},
            "lastActivity": {"今"},
            "resolvedBy": str,
            "timestamp": STAMP,
        }
    ),
    "error_alert": notice({**PLACE, "errorMessage": str, "severity": {"high"}, "timestamp": STAMP}),
    "student_error_resolved": notice({"emailAddress": str, "resolvedAt": STAMP, "resolvedBy": str}),
    "system_alert": flat({"alert_type": str, "severity": LEVELS, "message": str}, timestamp=STAMP),
    "classroom_map": notice(
        {
            "class_id": (int, None),
            "map_id": (int, None),
            "team_positions": {"*": ({"x": NUMBER, "y": NUMBER}, None)},
        }
    ),
    "classroom_seats": notice({"class_id": int, "room_id": int}),
    "attention_update": flat(
        {
            "studentId": int,
            "emailAddress": str,
            "action": {"claimed", "released", "snoozed", "dismissed", "resolved", "not_found"},
            "instructorId": int,
            "instructorName": str,
        },
        timestamp=STAMP,
    ),
    # 4.4
    "dismiss_help": flat({"emailAddress": str}, timestamp=STAMP),
    "execution_confirmed": notice({"cell_index": (int, None), "execution_count": (int, None)}, message=str),
    "instructor_message": notice(
        {
            "instructor_id": (int, None),  # null on W6
            "notification_id?": str,  # W6 alone, as `next`
            "instructor_name": str,
            "message": str,
            "timestamp": str,
        },
        channel=str,
        **{"next?": str},
    ),
    "help_status": notice(
        {
            "student_id": int,
            "class_id": int,
            "state": {"off", "asked", "coming", "not_found", "answered"},
            "place": (int, None),
            "of": (int, None),
            "since": (STAMP, None),
            "by_name": (str, None),
            "seats": [{"room": str, "seat": str}],
        },
        channel=str,
    ),
    "stuck_question": notice(
        {
            "student_id": int,
            "class_id": int,
            "id": (int, None),
            "asked_at": (STAMP, None),
            "until": (STAMP, None),
        },
        channel=str,
    ),
    "notification": notice(
        {
            "notification_id": str,
            "title": str,
            "message": str,
            "level": {"info", "success", "warning", "error"},
            "assignment_id": (int, None),
            "notebook_path": (str, None),
            "cell_id": (str, None),
            "user_id": (str, None),
            "is_read": bool,
            "created_at": STAMP,
        },
        channel=str,
        **{"next?": str},  # on W6
    ),
    # 4.5; what a client wrote as `timestamp` is repeated as it is
    "status_updated": flat(STATUS, timestamp=STAMP),
    "status_update": flat(TO_ALL, timestamp=STAMP),
    "instructor_status_changed": flat(TO_ALL, timestamp=STAMP),
    "instructor_assigned": flat(
        {"instructor_id": int, "student_id": (*ID, None), "class_id": (*ID, None), "assigned_at": STAMP},
        timestamp=STAMP,
    ),
    "student_message_received": flat(
        {"student_id": ID, "message": str, "timestamp": str, "received_at": STAMP, "verified": bool}
    ),
    "reply_sent": flat({"student_id": ID, "message": str, "timestamp": str, "sent_at": STAMP}),
    "instructor_message_received": flat(
        {"from_instructor_id": int, "message": str, "timestamp": str, "received_at": STAMP}
    ),
}


def fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, tuple):
        return any(fits(value, each) for each in shape)
    if isinstance(shape, dict) and "*" in shape:
        return isinstance(value, dict) and all(fits(each, shape["*"]) for each in value.values())
    if isinstance(shape, dict):
        known = {name.removesuffix("?") for name in shape}
        return isinstance(value, dict) and value.keys() <= known and all(_has(value, *field) for field in shape.items())
    if isinstance(shape, list):
        return isinstance(value, list) and all(fits(each, shape[0]) for each in value)
    if isinstance(shape, set):
        return type(value) in map(type, shape) and value in shape
    if isinstance(shape, re.Pattern):
        return isinstance(value, str) and shape.fullmatch(value) is not None
    return value is None if shape is None else type(value) is shape


def _has(value: dict[str, Any], name: str, shape: Any) -> bool:
    plain = name.removesuffix("?")
    return fits(value[plain], shape) if plain in value else plain != name
