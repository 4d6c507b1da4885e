"""W1 and W4: the dashboards and monitors, which hear of every student that they may see."""

import asyncio
import uuid
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from classroom.sockets import people, replies
from classroom.sockets.consumers.following import FollowingSocket
from classroom.sockets.people import Person
from core.login_requirement import logins_required
from lms.access import class_ids_of, may_see_class
from realtime import groups
from realtime.groups import Channel
from realtime.messages import Frame
from realtime.row_buffer import RowBuffer

TICK = 0.05  # seconds between two looks at what changed; a look costs a tenth of what a batch does (events.worker.tasks.MIN_BATCH_INTERVAL)


class ScreenSocket(FollowingSocket):
    """A socket with rows of students on it.

    Rows arrive as absolute state and are kept, the newest of each student, until the next look, and longer while the
    peer has not yet taken what it was sent: a slow peer gets fewer frames, never old ones.
    """

    with_runs = True

    async def on_connected(self) -> None:
        self.changed = RowBuffer()
        self.run(self._look())

    async def rows(self, message: dict[str, Any]) -> None:
        if self.accepted:
            self.changed.note(message["rows"])

    async def last_runs(self, message: dict[str, Any]) -> None:
        if self.accepted:
            self.changed.note_runs(message["runs"])

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            if self.send_queue.is_empty:
                self.send_frames(self.adapt(frame) for frame in self.changed.take_frames(with_runs=self.with_runs))

    async def channel_groups(self, channel: Channel, person: Person) -> list[str]:
        names: list[str] = await database_sync_to_async(people.channel_groups)(self.user, person, channel)
        if names:
            await self.record_view(person, "follow")
        return names

    async def groups_of_students(self) -> list[str]:
        """The groups with the rows that this account may see."""
        if not logins_required() or (self.user and self.user.is_admin):
            return [groups.ALL_STUDENTS]
        assert self.user is not None
        return [groups.class_group(pk) for pk in await database_sync_to_async(class_ids_of)(self.user)]


class DashboardSocket(ScreenSocket):
    """With `?class=<id>` the students of one class only, with `?runs=0` without `cell_execution`: it says nothing that
    the rows do not. The login cookie of our own pages opens it, or `?token=`."""

    async def groups_to_join(self) -> list[str] | None:
        self.client_id = str(uuid.uuid4())
        self.with_runs = self.query.get("runs") != ["0"]
        await self.authenticate()
        if self.user is None and logins_required():
            return None
        wanted = self.query.get("class")
        if not wanted:
            return [*await self.groups_of_students(), groups.DASHBOARDS]
        if not (wanted[0].isascii() and wanted[0].isdigit() and len(wanted[0]) < 19):
            return None
        class_id = int(wanted[0])
        if self.user is not None and not await database_sync_to_async(may_see_class)(self.user, class_id):
            return None
        return [groups.class_group(class_id), groups.DASHBOARDS]

    async def on_connected(self) -> None:
        await super().on_connected()
        self.send_frame(replies.connection_established(client_id=self.client_id, client_type="dashboard"))

    async def refresh(self, frame: Frame) -> None:
        self.send_frame(replies.refresh_required())

    answers: ClassVar[dict[str, Any]] = {**FollowingSocket.answers, "refresh_request": refresh}
