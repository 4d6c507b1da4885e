"""Clients of the whole ASGI application, with a real channel layer. Every frame that one receives is held against its
declared shape."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth import get_user_model

from classroom.sockets import background_tasks
from classroom.sockets import schemas as sockets_schemas
from config.asgi import application
from instructors import tokens
from realtime import broadcast

INSTRUCTOR_FRAMES = ("help_request", "help_resolved", "error_alert", "progress_update")


@pytest.fixture(autouse=True)
async def caretaker_stops():
    yield
    await background_tasks.stop()


class Peer:
    """One client. `get` reads on to the next frame of a type; `rest` is what came before it and is still there."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self.communicator = communicator
        self.first: dict = {}

    async def say(self, **frame) -> None:
        await self.communicator.send_json_to(frame)

    async def say_text(self, text: str) -> None:
        await self.communicator.send_to(text_data=text)

    async def hear(self, timeout: float = 3) -> dict:
        frame = await self.communicator.receive_json_from(timeout=timeout)
        check(frame)
        return frame

    async def get(self, kind: str, timeout: float = 3) -> dict:
        async with asyncio.timeout(timeout):
            while (frame := await self.hear(timeout))["type"] != kind:
                pass
        return frame

    async def ask(self, **frame) -> dict:
        await self.say(**frame)
        return await self.hear()

    async def hears_nothing(self, timeout: float = 0.3) -> bool:
        return await self.communicator.receive_nothing(timeout=timeout)

    async def close_code(self, timeout: float = 3) -> int:
        async with asyncio.timeout(timeout):
            while (output := await self.communicator.receive_output(timeout))["type"] != "websocket.close":
                pass
        return output["code"]


def check(frame: dict) -> None:
    """As declared. A notice of section 4.3 on W3 has the fields of its data flat as well."""
    if frame["type"] in INSTRUCTOR_FRAMES and isinstance(frame["data"], dict) and "emailAddress" in frame:
        flat = {key: value for key, value in frame["data"].items() if key not in ("type", "timestamp")}
        assert flat.items() <= frame.items()
        frame = {key: value for key, value in frame.items() if key not in flat}
    sockets_schemas.check(frame)


def _communicator(path: str, headers: dict[str, str]) -> WebsocketCommunicator:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return WebsocketCommunicator(application, path, headers=[(b"host", b"server"), *sent])


@asynccontextmanager
async def connected(path: str, **headers: str):
    """A client whose first frame is in `first`."""
    communicator = _communicator(path, headers)
    accepted, _ = await communicator.connect(timeout=5)
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
    accepted, code = await communicator.connect(timeout=5)
    await communicator.disconnect()
    return None if accepted else code


async def send_frame(group: str, *frames: dict) -> None:
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
