"""The sockets. A consumer does the last hop: it coalesces what it hears and writes it to one peer."""

import asyncio
import contextlib
import time
import uuid
from typing import Any
from urllib.parse import parse_qs

import msgspec
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from lms.access import class_ids_of, may_see_class
from realtime import messages
from realtime.messages import Frame, StudentRow

TICK = 0.25  # seconds between two looks at what changed
ONCE_A_STUDENT = 1.0  # seconds between two rows of one student
LARGEST_FRAME = 64 * 1024  # bytes from a client
NORMAL, TOO_BIG = 1000, 1009


class DashboardConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # Channels has no types
    """W1 and W4: every student that the peer may see; with `?class=<id>` those of one class.

    Rows arrive as absolute state and are kept, the newest of each student, until the next tick: a slow peer gets
    fewer frames, never old ones, and holds nobody up. Notices (help, significant errors) go out at once.
    """

    async def connect(self) -> None:
        self.changed: dict[int, StudentRow] = {}
        self.sent_at: dict[int, float] = {}
        self.ticker: asyncio.Task[None] | None = None
        groups = await self._groups_of_peer()
        if groups is None:
            await self.close()  # before accept: the handshake is refused with 403
            return
        # Joined before the handshake is accepted: what is published after that arrives.
        self.joined = groups
        for group in groups:
            await self.channel_layer.group_add(group, self.channel_name)
        await self.accept()
        await self._write(messages.connection_established(client_id=str(uuid.uuid4()), client_type="dashboard"))
        self.ticker = asyncio.create_task(self._tick())

    async def _groups_of_peer(self) -> list[str] | None:
        """The groups to join; None where the peer may not listen."""
        user = self.scope.get("user")
        known = user is not None and user.is_authenticated
        if not known and settings.API_REQUIRE_AUTH:
            return None
        wanted = parse_qs(self.scope.get("query_string", b"").decode("latin-1")).get("class")
        if wanted:
            if not wanted[0].isdecimal():
                return None
            class_id = int(wanted[0])
            if known and not await database_sync_to_async(may_see_class)(user, class_id):
                return None
            return [messages.class_group(class_id)]
        if not settings.API_REQUIRE_AUTH or user.is_admin:
            return [messages.ALL_STUDENTS]
        return [messages.class_group(class_id) for class_id in await database_sync_to_async(class_ids_of)(user)]

    async def disconnect(self, code: int) -> None:
        if self.ticker:
            self.ticker.cancel()
        for group in getattr(self, "joined", []):
            await self.channel_layer.group_discard(group, self.channel_name)

    # --- From the peer ----------------------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        sent = text_data.encode(errors="replace") if text_data is not None else bytes_data or b""
        if len(sent) > LARGEST_FRAME:
            await self.close(TOO_BIG)
            return
        try:
            frame = msgspec.json.decode(sent)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            frame = None
        if not isinstance(frame, dict):
            await self._write(messages.error("A frame must be a JSON object"))
        elif frame.get("type") == "ping":
            await self._write(messages.pong())
        elif frame.get("type") == "refresh_request":
            await self._write(messages.refresh_required())
        else:
            await self._write(messages.error(f"Unknown message type: {str(frame.get('type'))[:100]}"))

    # --- From the channel layer -------------------------------------------------------------------------------------

    async def rows(self, message: dict[str, Any]) -> None:
        for row in message["rows"]:
            self.changed[row["studentId"]] = row

    async def notice(self, message: dict[str, Any]) -> None:
        await self._write(message["frame"])

    async def _tick(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(TICK)
                now = time.monotonic()
                due = [row for pk, row in self.changed.items() if now - self.sent_at.get(pk, 0.0) >= ONCE_A_STUDENT]
                if due:
                    for row in due:
                        self.changed.pop(row["studentId"])
                        self.sent_at[row["studentId"]] = now
                    await self._write(messages.progress_update(due))

    async def _write(self, frame: Frame) -> None:
        await self.send(text_data=msgspec.json.encode(frame).decode())
