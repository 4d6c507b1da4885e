"""W1 and W4: dashboards and monitors, which receive the rows of all students that they may see."""

import contextlib
import uuid
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from redis.exceptions import RedisError

from classroom.sockets import people, replies
from classroom.sockets.consumers.following import FollowingSocket
from classroom.sockets.people import StudentIdentity
from classroom.sockets.requests import Frame
from core.identity import row_number
from core.login_requirement import logins_required
from lms.access import may_see_class
from realtime import groups
from realtime.groups import Channel


class RowSocket(FollowingSocket):
    """A socket that receives rows of students, from the feed of the groups in `row_groups`."""

    with_runs = True

    def __init__(self) -> None:
        super().__init__()
        self.row_groups: list[str] = []
        self.has_feed = False

    async def on_joined(self) -> None:
        if self.row_groups:
            self.has_feed = True
            await self.background.fanout.add_subscriber(self, self.row_groups)

    async def _leave(self) -> None:
        try:
            if self.has_feed:
                with contextlib.suppress(RedisError, OSError):
                    await self.background.fanout.remove_subscriber(self, self.row_groups)
        finally:
            await super()._leave()

    @property
    def is_read(self) -> bool:
        return self.send_queue.is_empty

    async def channel_groups(self, channel: Channel, person: StudentIdentity) -> list[str]:
        names: list[str] = await database_sync_to_async(people.channel_groups)(self.user, person, channel)
        if names:
            await self.record_view(person, "follow")
        return names

    async def groups_of_students(self) -> list[str]:
        """Return the groups with the rows that this account may see, which from then on are its `row_groups`. Call it
        after `note_classes`."""
        if not logins_required() or (self.user and self.user.is_admin):
            self.row_groups = [groups.ALL_STUDENTS]
        else:
            assert self.user is not None
            self.row_groups = [groups.class_group(pk) for pk in sorted(self.class_ids)]
        return self.row_groups


class DashboardSocket(RowSocket):
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
        self.row_groups = [groups.class_group(class_id)]
        self.class_ids &= {class_id}  # another class that the account loses is nothing to this page
        return [*self.row_groups, groups.DASHBOARDS]

    async def on_connected(self) -> None:
        self.send_frame(replies.ConnectionEstablished(self.client_id, "dashboard"))

    async def refresh(self, frame: Frame) -> None:
        self.send_frame(replies.RefreshRequired())

    answers: ClassVar[dict[str, Any]] = {**FollowingSocket.answers, "refresh_request": refresh}
