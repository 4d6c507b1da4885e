"""`subscribe` and `unsubscribe`: the channels that a client asks for by name."""

from abc import abstractmethod
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from realtime import groups, people, replies, requests
from realtime.messages import Frame
from realtime.people import Person
from realtime.requests import BadRequest
from realtime.sockets import Socket


class FollowingSocket(Socket):
    """A socket that may join and leave `progress:…`, `notifications:…` and `broadcast`."""

    @abstractmethod
    async def may_follow(self, person: Person) -> bool:
        """Whether this peer may hear what concerns the person."""

    async def subscribe(self, frame: Frame) -> None:
        name = requests.read(frame, requests.Subscription).channel
        names, person = await self._groups_of(name)
        if person is not None:
            if not await self.may_follow(person):
                raise BadRequest(f"Not your channel: {name[:100]}")
            if name.startswith("progress:"):
                self.followed |= set(person.first_forms)
                await self.caretaker.follow(person.first_forms)
        for group in names:
            await self.join(group)
        self.tell(replies.subscribed(name))

    async def unsubscribe(self, frame: Frame) -> None:
        name = requests.read(frame, requests.Subscription).channel
        names, person = await self._groups_of(name)
        for group in names:
            await self.part(group)
        if person is not None and name.startswith("progress:"):
            self.followed -= set(person.first_forms)
        self.tell(replies.unsubscribed(name))

    async def _groups_of(self, name: str) -> tuple[list[str], Person | None]:
        if name == groups.BROADCAST:
            return [groups.BROADCAST], None
        channel = people.channel_of(name)
        if channel is None:
            raise BadRequest(f"Unknown channel: {name[:100]}")
        person = await database_sync_to_async(people.find_person)(channel[1])
        return person.groups(channel[0]), person

    answers: ClassVar[dict[str, Any]] = {"subscribe": subscribe, "unsubscribe": unsubscribe}
