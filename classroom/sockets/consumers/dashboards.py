"""W1 and W4: dashboards and monitors, which receive the rows of all students that they may see."""

import asyncio
import uuid
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from classroom.sockets import people, replies
from classroom.sockets.consumers.following import FollowingSocket
from classroom.sockets.people import Person
from classroom.sockets.requests import Frame
from core.identity import row_number
from core.login_requirement import logins_required
from lms.access import class_ids_of, may_see_class
from realtime import groups
from realtime.groups import Channel
from realtime.messages import encode, name_of
from realtime.row_buffer import RowBuffer

TICK = 0.05  # seconds between two polls of changed rows; a poll costs a tenth of a batch


class ScreenSocket(FollowingSocket):
    """A socket that receives rows of students.

    Rows are absolute state. The newest row of each student is buffered until the next poll, or until the peer has read
    the previous frames: a slow peer receives fewer frames, never old ones.
    """

    with_runs = True

    async def on_connected(self) -> None:
        self.changed = RowBuffer()
        self.run(self._poll())

    async def rows(self, message: dict[str, Any]) -> None:
        if self.accepted:
            self.changed.add(message["rows"])

    async def last_runs(self, message: dict[str, Any]) -> None:
        if self.accepted:
            self.changed.add_runs(message["runs"])

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            if self.send_queue.is_empty:
                for frame in self.changed.take_frames(with_runs=self.with_runs):
                    self.send_text(self.adapt(name_of(frame), encode(frame)))

    async def channel_groups(self, channel: Channel, person: Person) -> list[str]:
        names: list[str] = await database_sync_to_async(people.channel_groups)(self.user, person, channel)
        if names:
            await self.record_view(person, "follow")
        return names

    async def groups_of_students(self) -> list[str]:
        """Return the groups with the rows that this account may see."""
        if not logins_required() or (self.user and self.user.is_admin):
            return [groups.ALL_STUDENTS]
        assert self.user is not None
        return [groups.class_group(pk) for pk in await database_sync_to_async(class_ids_of)(self.user)]


class DashboardSocket(ScreenSocket):
    """The dashboard, authenticated by session cookie or `?token=`.

    `?class=<id>` limits it to one class; `?runs=0` leaves out `cell_execution`, which repeats what the rows say.
    """

    async def groups_to_join(self) -> list[str] | None:
        self.client_id = str(uuid.uuid4())
        self.with_runs = self.query.get("runs") != ["0"]
        await self.authenticate()
        if self.user is None and logins_required():
            return None
        wanted = self.query.get("class")
        if not wanted:
            return [*await self.groups_of_students(), groups.DASHBOARDS]
        class_id = row_number(wanted[0])
        if class_id is None:
            return None
        if self.user is not None and not await database_sync_to_async(may_see_class)(self.user, class_id):
            return None
        return [groups.class_group(class_id), groups.DASHBOARDS]

    async def on_connected(self) -> None:
        await super().on_connected()
        self.send_frame(replies.ConnectionEstablished(self.client_id, "dashboard"))

    async def refresh(self, frame: Frame) -> None:
        self.send_frame(replies.RefreshRequired())

    answers: ClassVar[dict[str, Any]] = {**FollowingSocket.answers, "refresh_request": refresh}
