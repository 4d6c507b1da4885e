"""The base classes of all schemas."""

import msgspec


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Message(Strict, tag_field="type"):
    pass


class Notice(Message):
    """A message to a group, with its name as `type` and as `event`."""

    event: str
    timestamp: str
