"""Strict msgspec schemas of every message that a socket may receive: no field may be added or missing.

Tests validate each frame with them. Source: docs/contract/websocket.md sections 3 and 4.
"""

from typing import Any

import msgspec

from classroom.sockets.schemas import notices, people
from classroom.sockets.schemas import replies as schemas_replies
from classroom.sockets.schemas.base import Message
from realtime.messages import Frame


def declared() -> dict[str, type[Message]]:
    """Return all schemas by the type of the message."""
    found = (value for module in (schemas_replies, notices, people) for value in vars(module).values())
    schemas = {str(s.__struct_config__.tag): s for s in found if isinstance(s, type) and issubclass(s, Message)}
    return {tag: schema for tag, schema in schemas.items() if tag.islower()}  # a base class is tagged with its own name


def check(frame: Frame) -> None:
    """Validate a frame. Raises KeyError for an undeclared type, msgspec.ValidationError for a wrong field."""
    schema: Any = DECLARED[frame["type"]]
    msgspec.convert(frame, schema)


DECLARED = declared()
