"""Handle `subscribe` and `unsubscribe` to channels by name."""

from abc import abstractmethod
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from classroom.sockets import people, replies, requests
from classroom.sockets.consumers.authentication import AuthenticatedSocket
from classroom.sockets.people import StudentIdentity
from classroom.sockets.requests import BadRequest, Frame
from realtime import groups
from realtime.groups import Channel


class FollowingSocket(AuthenticatedSocket):
    """A socket that may join and leave `progress:…`, `notifications:…` and `broadcast`."""

    @abstractmethod
    async def channel_groups(self, channel: Channel, person: StudentIdentity) -> list[str]:
        """Return the groups of the person's channel that this peer may join; an empty list if none."""

    async def subscribe(self, frame: Frame) -> None:
        name = requests.read(frame, requests.Subscription).channel
        found = await self._channel_of(name)
        if found is None:
            await self.join_group(groups.BROADCAST)
        else:
            channel, person = found
            await self.note_classes()
            names = await self.channel_groups(channel, person)
            if not names:
                raise BadRequest(f"Not your channel: {name[:100]}")
            if channel == "progress":
                self.followed |= set(person.first_forms)
                await self.background.follow(person.first_forms)
            for group in names:
                await self.join_group(group)
        self.send_frame(replies.Subscribed(name))

    async def unsubscribe(self, frame: Frame) -> None:
        name = requests.read(frame, requests.Subscription).channel
        found = await self._channel_of(name)
        if found is None:
            await self.leave_group(groups.BROADCAST)
        else:
            channel, person = found
            for group in groups.groups_of_student_in(channel, person.forms, among=self.joined):
                await self.leave_group(group)
            if channel == "progress":
                self.followed -= set(person.first_forms)
        self.send_frame(replies.Unsubscribed(name))

    async def _channel_of(self, name: str) -> tuple[Channel, StudentIdentity] | None:
        """Return the channel and the student; None for `broadcast`. Raises BadRequest for an unknown name."""
        if name == groups.BROADCAST:
            return None
        channel = people.channel_of(name)
        if channel is None:
            raise BadRequest(f"Unknown channel: {name[:100]}")
        return channel[0], await database_sync_to_async(people.by_number)(channel[1])

    answers: ClassVar[dict[str, Any]] = {"subscribe": subscribe, "unsubscribe": unsubscribe}
