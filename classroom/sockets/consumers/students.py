"""W2: students' JupyterLab, or any client, under the id that it gives itself. That id proves nothing.

Where people have to log in, what a client hears of a person depends on what it shows (`RecognisingSocket`):

    an account's token or cookie   the channels of students whom the account sees
    a class key                    that a request for help of the student it names, one of the class, was dismissed;
                                   nothing else: the key is shared by classmates
    nothing                        nothing of anybody, and its rooms hold nobody else
"""

import time
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from classroom.sockets import people, replies, requests
from classroom.sockets.base import NORMAL
from classroom.sockets.consumers.following import FollowingSocket
from classroom.sockets.people import Person
from classroom.sockets.requests import BadRequest
from core.login_requirement import logins_required
from lms.access import KeyHolder, classes_of, staff_of, students_in
from realtime import broadcast, groups, presence
from realtime.groups import Channel
from realtime.messages import Frame, timestamp

LONGEST_ID = 320
LONGEST_ROOM = 200
PRIVATE = ("grade", "feedback")  # what an unproven client re-reads over HTTP
OWN: tuple[Channel, ...] = ("client", "progress", "notifications")


class StudentSocket(FollowingSocket):
    kind = "student"

    async def groups_to_join(self) -> list[str] | None:
        self.client_id = self.scope["url_route"]["kwargs"]["client_id"]
        self.room = self.query.get("room", ["default"])[0][:LONGEST_ROOM]
        if len(self.client_id) > LONGEST_ID:
            return None
        if logins_required() and not await self.authenticate(with_key=True):
            return None
        self.person = await database_sync_to_async(people.by_either)(self.client_id)
        own = await database_sync_to_async(self._own_groups)()
        socket = [groups.connection_group(self.client_id, proof=self.seat_proof)] if self.seat_proof else []
        return [*own, *socket, *self._room_groups(self.room), groups.BROADCAST]

    def _own_groups(self) -> list[str]:
        """Where this client hears what concerns the one whom it names. At most six queries."""
        if self.holder is not None:
            return self._groups_with_key(self.holder)
        found = [name for channel in OWN for name in people.channel_groups(self.user, self.person, channel)]
        if found:
            self.followed |= set(self.person.first_forms)
        return found

    def _groups_with_key(self, holder: KeyHolder) -> list[str]:
        """A student of the class, or somebody who may become one: what comes through the class is sent there then."""
        pk = self.person.student_id
        if pk is not None and not students_in(classes_of(holder)).filter(pk=pk).exists():
            return []
        return groups.in_class("help", self.person.forms, holder.class_id)

    @property
    def seat_proof(self) -> str | None:
        """Who has one socket a client id: while nobody logs in everybody together, as the earlier server had it; else
        each who proved who they are. Nobody ends the connection of somebody else."""
        return self.proof if logins_required() else "anybody"

    def _room_groups(self, room: str) -> list[str]:
        """A room holds those who showed the same. Programs outside, which name a room alone, reach all who showed
        anything."""
        if not logins_required():
            return [groups.room_group(room)]
        own = self._room_group(room)
        return [own] if self.holder is None and self.proof is None else [own, groups.room_group(room)]

    def _room_group(self, room: str) -> str:
        """The one to which this client speaks."""
        if not logins_required():
            return groups.room_group(room)
        with_key = f"class {self.holder.class_id}" if self.holder else ""
        return groups.room_group(room, of=self.proof or with_key or f"connection {self.channel_name}")

    async def on_connected(self) -> None:
        self.send_frame(replies.connection_established(client_id=self.client_id, client_type=self.kind))
        if self.user is not None and self.followed:
            await self.record_view(self.person, "follow")
        # The newest of this id stays. The age decides, so that two that come at once do not end each other.
        self.age = f"{time.time_ns():020} {self.channel_name}"
        if self.seat_proof:
            group = groups.connection_group(self.client_id, proof=self.seat_proof)
            await self.channel_layer.group_send(group, {"type": "newcomer", "age": self.age})

    async def newcomer(self, message: dict[str, Any]) -> None:
        if message["age"] > self.age:
            self.end(NORMAL)

    async def channel_groups(self, channel: Channel, person: Person) -> list[str]:
        """Where people have to log in, an account follows its students; a class key, or nothing, follows nobody."""
        names: list[str] = await database_sync_to_async(people.channel_groups)(self.user, person, channel)
        if names:
            await self.record_view(person, "follow")
        return names

    def adapt(self, frame: Frame) -> Frame:
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
            for group in self._room_groups(self.room or ""):
                await self.leave_group(group)
            self.room = room
            for group in self._room_groups(room):
                await self.join_group(group)
        self.send_frame(replies.room_joined(room))

    async def progress(self, frame: Frame) -> None:
        data = requests.read(frame, requests.Progress).data
        await self._tell_room(replies.progress_broadcast(from_client=self.client_id, data=data))

    async def status(self, frame: Frame) -> None:
        self.send_frame(replies.status_response(await presence.astats()))

    async def message(self, frame: Frame) -> None:
        """To the instructor who is named, or to all of them; where people have to log in, of the student's class."""
        said = requests.read(requests.flat(frame), requests.StudentMessage)
        named = None if said.instructor_id is None else requests.number(said.instructor_id)
        if logins_required():
            to = await database_sync_to_async(self._teachers)(said.student_id, named)
        else:
            to = [groups.INSTRUCTORS if named is None else groups.instructor_group(named)]
        received = replies.student_message_received(
            student_id=self.client_id if said.student_id is None else said.student_id,
            message=said.message,
            sent_at=said.timestamp or timestamp(),
            is_verified=self.proven_student is not None,
        )
        await broadcast.send([(group, received) for group in to])

    def _teachers(self, student_id: int | str | None, named: int | None) -> list[str]:
        """The groups of those who teach this client's student in the class of its key. Raises BadRequest."""
        if self.holder is None:
            raise BadRequest("Show the class key of the student who writes: X-Class-Key, or ?key=<class key>")
        person = people.by_either(self.client_id)  # again: an event may have made the student known meanwhile
        if student_id is not None and people.by_number(student_id).student_id != person.student_id:
            raise BadRequest("This connection is another student's")
        pk = person.student_id
        if pk is None or not students_in(classes_of(self.holder)).filter(pk=pk).exists():
            raise BadRequest("This client is no student of the class")
        teachers = staff_of(self.holder.class_id)
        if named is not None and named not in teachers:
            raise BadRequest("Instructor not found")
        return [groups.instructor_group(each) for each in sorted(teachers if named is None else {named})]

    async def _tell_room(self, frame: Frame) -> None:
        await broadcast.send([(self._room_group(self.room or ""), frame)])

    answers: ClassVar[dict[str, Any]] = {
        **FollowingSocket.answers,
        "join_room": join_room,
        "progress_update": progress,
        "status_request": status,
        "student_message": message,
    }
