"""Clients of the whole ASGI application, with a real channel layer. Every frame that one receives is held against its
declaration and, apart from that, against the contract."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec
import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model

from classroom.sockets import background_tasks, replies
from config.asgi import application
from instructors import tokens
from realtime import broadcast, messages
from tests.realtime.communicators import WAIT, PatientCommunicator
from tests.realtime.shapes import SHAPES, fits

INSTRUCTOR_FRAMES = ("help_request", "help_resolved", "error_alert", "progress_update", "cell_execution")


def declarations(of: type[messages.Message] = messages.Message) -> Iterator[tuple[str, type[msgspec.Struct]]]:
    for one in of.__subclasses__():
        yield str(one.__struct_config__.tag), one
        yield from declarations(one)


VIEWS = get_args(replies.ProgressView.__annotations__["type"])
DECLARED: dict[str, type[msgspec.Struct]] = {
    **dict.fromkeys(VIEWS, replies.ProgressView),
    **{name: one for name, one in declarations() if name.islower()},  # a base class is tagged with its own name
}


@pytest.fixture(autouse=True)
async def caretaker_stops():
    yield
    await background_tasks.stop()


class Peer:
    """One client. `get` reads on to the next frame of a type; `rest` is what came before it and is still there."""

    def __init__(self, communicator: PatientCommunicator) -> None:
        self.communicator = communicator
        self.first: dict = {}

    async def say(self, **frame) -> None:
        await self.communicator.send_json_to(frame)

    async def say_text(self, text: str) -> None:
        await self.communicator.send_to(text_data=text)

    async def hear(self, timeout: float = WAIT) -> dict:
        frame = json.loads(await self.communicator.receive_from(timeout=timeout), object_pairs_hook=_without_repeats)
        check(frame)
        return frame

    async def get(self, kind: str, timeout: float = WAIT) -> dict:
        async with asyncio.timeout(timeout):
            while (frame := await self.hear(timeout))["type"] != kind:
                pass
        return frame

    async def ask(self, **frame) -> dict:
        await self.say(**frame)
        return await self.hear()

    async def hears_nothing(self, timeout: float = 0.3) -> bool:
        return await self.communicator.receive_nothing(timeout=timeout)

    async def close_code(self, timeout: float = WAIT) -> int:
        async with asyncio.timeout(timeout):
            while (output := await self.communicator.receive_output(timeout))["type"] != "websocket.close":
                pass
        return output["code"]


def _without_repeats(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(fields)) == len(fields)
    return dict(fields)


def check(frame: dict) -> None:
    """As declared and as the contract says. A notice of section 4.3 on W3 has the fields of its data flat as well."""
    if frame["type"] in INSTRUCTOR_FRAMES and isinstance(frame["data"], dict) and "emailAddress" in frame:
        flat = {key: value for key, value in frame["data"].items() if key not in ("type", "timestamp")}
        assert flat.items() <= frame.items()
        frame = {key: value for key, value in frame.items() if key not in flat}
    check_declaration(frame)
    check_contract(frame)


def check_declaration(frame: dict) -> None:
    """Decode it strictly; nothing may be lost, and no default may be added."""
    declared = msgspec.json.decode(msgspec.json.encode(frame), type=DECLARED[frame["type"]])
    assert msgspec.to_builtins(declared) == frame


def check_contract(frame: dict) -> None:
    fields = {name: value for name, value in frame.items() if name != "type"}
    assert fits(fields, SHAPES[frame["type"]]), frame
    assert frame.get("event", frame["type"]) == frame["type"]


def _communicator(path: str, headers: dict[str, str]) -> PatientCommunicator:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return PatientCommunicator(application, path, headers=[(b"host", b"server"), *sent])


@asynccontextmanager
async def connected(path: str, **headers: str):
    """A client whose first frame is in `first`."""
    communicator = _communicator(path, headers)
    accepted, _ = await communicator.connect()
    assert accepted, "refused"
    peer = Peer(communicator)
    try:
        peer.first = await peer.hear()
        yield peer
    finally:
        await communicator.disconnect()


async def refusal(path: str, **headers: str) -> int | None:
    """The close code of a handshake that is refused; None where it is accepted."""
    communicator = _communicator(path, headers)
    accepted, code = await communicator.connect()
    await communicator.disconnect()
    return None if accepted else code


def system_message(text: str) -> messages.SystemMessage:
    return messages.SystemMessage(messages.SystemMessageData(text))


def help_resolved(email: str = "s1@x.jp") -> messages.HelpResolved:
    return messages.HelpResolved(messages.HelpResolvedData(email, "student"))


def wire(message: messages.Message) -> dict:
    """As a client receives it."""
    return json.loads(messages.encode(message))


async def send_frame(group: str, *frames: messages.Message) -> None:
    await asyncio.to_thread(broadcast.publish, {}, [(group, frame) for frame in frames], outside=[])


@database_sync_to_async
def instructor(email: str = "teacher@example.com", **fields):
    """An instructor with a `token`."""
    made = get_user_model().objects.create_user(email, "password123", **fields)
    made.token = tokens.issue(made, now=datetime.now(UTC))
    return made


@pytest.fixture
def authentication(settings):
    settings.API_REQUIRE_AUTH = True
