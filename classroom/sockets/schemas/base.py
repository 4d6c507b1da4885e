"""The strictness that all shapes share."""

import msgspec


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Message(Strict, tag_field="type"):
    pass


class Notice(Message):
    """What is sent to a group: its name twice, and when."""

    event: str
    timestamp: str
