"""Every message that a socket may be sent, declared strictly: a field more or less is a mistake.

Tests hold each frame against these. Source: docs/contract/websocket.md sections 3 and 4.
"""

from typing import Any

import msgspec

from classroom.sockets.schemas import notices, people
from classroom.sockets.schemas import replies as schemas_replies
from classroom.sockets.schemas.base import Message
from realtime.messages import Frame


def declared() -> dict[str, type[Message]]:
    """All shapes, by the type of the message."""
    found = (value for module in (schemas_replies, notices, people) for value in vars(module).values())
    shapes = {str(s.__struct_config__.tag): s for s in found if isinstance(s, type) and issubclass(s, Message)}
    return {tag: shape for tag, shape in shapes.items() if tag.islower()}  # a base is tagged with its own name


def check(frame: Frame) -> None:
    """Raises KeyError for a type that nobody declared, msgspec.ValidationError for a field that does not belong."""
    shape: Any = DECLARED[frame["type"]]
    msgspec.convert(frame, shape)


DECLARED = declared()
