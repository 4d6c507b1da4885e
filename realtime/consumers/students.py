"""W2: students' JupyterLab, or any client, under the id that it gives itself. Nothing proves who it is."""

import time
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from lms.logins import logins_required
from realtime import broadcast, groups, people, presence, replies, requests
from realtime.consumers.following import FollowingSocket
from realtime.messages import Frame, timestamp
from realtime.people import Person
from realtime.sockets import NORMAL

LONGEST_ID = 320
LONGEST_ROOM = 200
PRIVATE = ("grade", "feedback")  # what an unproven client re-reads over HTTP


class StudentSocket(FollowingSocket):
    kind = "student"

    async def admit(self) -> list[str] | None:
        self.client_id = self.scope["url_route"]["kwargs"]["client_id"]
        self.room = self.query.get("room", ["default"])[0][:LONGEST_ROOM]
        if len(self.client_id) > LONGEST_ID:
            return None
        self.person = await database_sync_to_async(people.find_person)(self.client_id)
        self.followed |= set(self.person.first_forms)
        own = [name for channel in ("client", "progress", "notifications") for name in self.person.groups(channel)]
        return [*own, groups.room_group(self.room), groups.BROADCAST]

    async def welcome(self) -> None:
        self.tell(replies.connection_established(client_id=self.client_id, client_type=self.kind))
        # The newest of this id stays. The age decides, so that two that come at once do not end each other.
        self.age = f"{time.time_ns():020} {self.channel_name}"
        group = groups.client_group(self.client_id)
        same = {"type": "newcomer", "client_id": self.client_id, "age": self.age}
        await self.channel_layer.group_send(group, same)

    async def newcomer(self, message: dict[str, Any]) -> None:
        if message["client_id"] == self.client_id and message["age"] > self.age:
            self.end(NORMAL)

    async def may_follow(self, person: Person) -> bool:
        """Where people have to log in, a client has its own channels only."""
        return not logins_required() or not set(person.forms).isdisjoint(self.person.forms)

    def dressed(self, frame: Frame) -> Frame:
        if frame.get("type") == "assignment_graded" and logins_required():
            return {**frame, "data": {key: value for key, value in frame["data"].items() if key not in PRIVATE}}
        return frame

    # --- From the peer ----------------------------------------------------------------------------------------------

    async def on_text(self, text: str) -> None:
        frame = replies.text_message(from_client=self.client_id, message=text, room=self.room or "")
        await self._tell_room(frame)

    async def join_room(self, frame: Frame) -> None:
        room = requests.read(frame, requests.JoinRoom).room[:LONGEST_ROOM]
        if room != self.room:
            await self.part(groups.room_group(self.room or ""))
            self.room = room
            await self.join(groups.room_group(room))
        self.tell(replies.room_joined(room))

    async def progress(self, frame: Frame) -> None:
        data = requests.read(frame, requests.Progress).data
        await self._tell_room(replies.progress_broadcast(from_client=self.client_id, data=data))

    async def status(self, frame: Frame) -> None:
        self.tell(replies.status_response(await presence.astats()))

    async def message(self, frame: Frame) -> None:
        """To the instructor who is named, or to all of them."""
        said = requests.read(requests.flat(frame), requests.StudentMessage)
        to = groups.INSTRUCTORS
        if said.instructor_id is not None:
            to = groups.instructor_group(requests.number(said.instructor_id))
        received = replies.student_message_received(
            student_id=self.client_id if said.student_id is None else said.student_id,
            message=said.message,
            sent_at=said.timestamp or timestamp(),
        )
        await broadcast.send([(to, received)])

    async def _tell_room(self, frame: Frame) -> None:
        await broadcast.send([(groups.room_group(self.room or ""), frame)])

    answers: ClassVar[dict[str, Any]] = {
        **FollowingSocket.answers,
        "join_room": join_room,
        "progress_update": progress,
        "status_request": status,
        "student_message": message,
    }
