"""One ear of each process on what concerns many of its sockets at once: heard, decoded and encoded once, for all.

If each of 200 students' sockets heard the rows of 200 students for itself, a process would decode 40,000 rows a second
to say one thing. The hub sits in two groups: everybody's rows, of which `broadcast` carries a frame a second while
nobody has to log in, and the runs of each batch, which go to the students' `progress` channels.
"""

import asyncio
import logging
from typing import Any

import msgspec
from channels.layers import get_channel_layer

from core.login_requirement import logins_required
from realtime import groups, messages
from realtime.connections import connections
from realtime.row_buffer import RowBuffer

logger = logging.getLogger(__name__)

PAUSE = 1.0  # seconds between two frames to `broadcast`


class FanOut:
    def __init__(self) -> None:
        self.changed = RowBuffer()

    async def prepare(self) -> None:
        """Join; after this nothing is missed."""
        self.layer = get_channel_layer()
        assert self.layer is not None
        self.channel = await self.layer.new_channel()
        for group in (groups.ALL_STUDENTS, groups.RUNS):
            await self.layer.group_add(group, self.channel)

    async def listen(self) -> None:
        while True:
            message = await self.layer.receive(self.channel)
            try:
                self._hear(message)
            except (KeyError, TypeError, ValueError):
                logger.exception("A message to the hub could not be read")

    async def repeat(self) -> None:
        """The broadcast of rows, at most one frame a second."""
        while True:
            await asyncio.sleep(PAUSE)
            self.send_rows()

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "runs":
            for run in message["runs"]:
                self._send_run(run)
        elif message["type"] == "rows" and not logins_required() and groups.BROADCAST in connections.groups:
            self.changed.note(message["rows"])

    def _send_run(self, run: messages.RunNotice) -> None:
        names = groups.student_groups(
            "progress", student_id=run["student_id"], email=run["emailAddress"], class_ids=[run["class_id"]]
        )
        if members := connections.members(names):
            text = msgspec.json.encode(messages.execution_update(run)).decode()
            for socket in members:
                socket.send_text(text)
        if run["status"] != "executing":
            self._confirm(run)

    def _confirm(self, run: messages.RunNotice) -> None:
        """To the student's own clients, that what they ran has arrived."""
        names = groups.student_groups("client", student_id=run["student_id"], email=run["emailAddress"])
        if members := connections.members(names):
            text = msgspec.json.encode(messages.execution_confirmed(run)).decode()
            for socket in members:
                socket.send_text(text)

    def send_rows(self) -> None:
        rows = self.changed.take()
        if rows:
            # A dashboard hears its rows anyway, so that a subscription to `broadcast` brings it none of these.
            text = msgspec.json.encode(messages.progress_update(rows)).decode()
            for socket in connections.members([groups.BROADCAST]):
                if socket.kind == "student":
                    socket.send_text(text)
