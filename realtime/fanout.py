"""Fan out messages that concern many sockets of a process: receive, decode and encode them once per process.

If each of 200 sockets subscribed to the rows of 200 students, a process would decode 40,000 rows a second. The fan-out
is a member of these groups: the rows of all students, sent to `broadcast` once a second while logins are not required;
the rows of each group that a dashboard here sees (`realtime.row_feeds`); and the runs of each batch, sent to the
students' `progress` channels.
"""

import asyncio
import logging
from collections.abc import Collection
from typing import Any

from channels.layers import get_channel_layer

from core.login_requirement import logins_required
from realtime import groups
from realtime.connections import connections
from realtime.messages import encode
from realtime.row_buffer import RowBuffer
from realtime.row_feeds import RowFeeds, RowSubscriber
from realtime.rows import ExecutionConfirmed, ExecutionConfirmedData, ExecutionUpdate, RunNotice, progress_update

logger = logging.getLogger(__name__)

PAUSE = 1.0  # seconds between two frames to `broadcast`


class FanOut:
    def __init__(self) -> None:
        self.changed = RowBuffer()
        self.feeds = RowFeeds()

    async def prepare(self) -> None:
        """Join the groups: every message sent after this returns is received."""
        self.layer = get_channel_layer()
        assert self.layer is not None
        self.channel = await self.layer.new_channel()
        for group in (groups.row_group(groups.ALL_STUDENTS), groups.RUNS):
            await self.layer.group_add(group, self.channel)

    async def add_subscriber(self, subscriber: RowSubscriber, names: Collection[str]) -> None:
        """Let a subscriber receive the rows of these groups: all that are sent after this returns."""
        self.feeds.add_subscriber(subscriber, names)
        for name in names:
            await self.layer.group_add(groups.row_group(name), self.channel)

    async def remove_subscriber(self, subscriber: RowSubscriber, names: Collection[str]) -> None:
        self.feeds.remove_subscriber(subscriber)
        for name in names:
            if name != groups.ALL_STUDENTS and name not in self.feeds.groups:
                await self.layer.group_discard(groups.row_group(name), self.channel)

    async def listen(self) -> None:
        while True:
            message = await self.layer.receive(self.channel)
            try:
                self._handle(message)
            except (KeyError, TypeError, ValueError):
                logger.exception("The fan-out received a message that it cannot read")

    async def repeat(self) -> None:
        """Send changed rows to `broadcast`, at most one frame a second."""
        while True:
            await asyncio.sleep(PAUSE)
            self.send_rows()

    def _handle(self, message: dict[str, Any]) -> None:
        if message["type"] == "runs":
            for class_id, run in message["runs"]:
                self._send_run(class_id, run)
        else:
            self.feeds.receive(message)
            is_of_all = message["type"] == "rows" and message["group"] == groups.ALL_STUDENTS
            if is_of_all and not logins_required() and groups.BROADCAST in connections.groups:
                self.changed.add(message["rows"])

    def _send_run(self, class_id: int | None, run: RunNotice) -> None:
        names = groups.student_groups(
            "progress", student_id=run["student_id"], email=run["emailAddress"], class_ids=[class_id]
        )
        if members := connections.members(names):
            text = encode(ExecutionUpdate(f"progress:{run['student_id']}", run))
            for socket in members:
                socket.send_text(text)
        if run["status"] != "executing":
            self._confirm(run)

    def _confirm(self, run: RunNotice) -> None:
        """Confirm to the student's own clients that their run was recorded."""
        names = groups.student_groups("client", student_id=run["student_id"], email=run["emailAddress"])
        if members := connections.members(names):
            text = encode(ExecutionConfirmed(ExecutionConfirmedData(run["cellIndex"], run["executionCount"])))
            for socket in members:
                socket.send_text(text)

    def send_rows(self) -> None:
        rows = self.changed.take().rows
        if rows:
            # Students only: a dashboard that has subscribed to `broadcast` already receives rows by its own groups.
            text = encode(progress_update(rows))
            for socket in connections.members([groups.BROADCAST]):
                if socket.kind == "student":
                    socket.send_text(text)
