"""W2: students' JupyterLab, or any client, under an id of its own choice, which authenticates nothing.

If logins are required, what a client receives depends on its credential (`AuthenticatedSocket`):

    an account's token or cookie   the channels of students whom the account may see
    a class key                    what the class is set to do, and that a help request of the student it names, a
                                   member of the class, was dismissed: classmates share the key
    none                           nothing about any student, and chat rooms of its own
"""

import time
from typing import Any, ClassVar

import msgspec
from channels.db import database_sync_to_async

from classroom.sockets import people, replies, requests
from classroom.sockets.base import NORMAL
from classroom.sockets.consumers.following import FollowingSocket
from classroom.sockets.people import StudentIdentity
from classroom.sockets.requests import BadRequest, Frame
from core.login_requirement import logins_required
from lms.access import classes_of, staff_of, students_in
from lms.credential_holders import ClassKeyHolder
from realtime import broadcast, groups, presence
from realtime.groups import Channel
from realtime.messages import AssignmentGraded, Message, encode, timestamp

MAX_ID_LENGTH = 320
MAX_ROOM_LENGTH = 200
OWN: tuple[Channel, ...] = ("client", "progress", "notifications")


class StudentSocket(FollowingSocket):
    kind = "student"

    async def groups_to_join(self) -> list[str] | None:
        self.client_id = self.scope["url_route"]["kwargs"]["client_id"]
        self.room = self.query.get("room", ["default"])[0][:MAX_ROOM_LENGTH]
        if len(self.client_id) > MAX_ID_LENGTH:
            return None
        if logins_required() and not await self.authenticate(with_key=True):
            return None
        self.person = await database_sync_to_async(people.by_either)(self.client_id)
        own = await database_sync_to_async(self._own_groups)()
        socket = [groups.connection_group(self.client_id, proof=self.connection_proof)] if self.connection_proof else []
        return [*own, *socket, *self._room_groups(self.room), groups.BROADCAST]

    def _own_groups(self) -> list[str]:
        """Return the groups for the student that the client id names. At most six queries."""
        if self.holder is not None:
            return self._groups_with_key(self.holder)
        found = [name for channel in OWN for name in people.channel_groups(self.user, self.person, channel)]
        if found:
            self.followed |= set(self.person.first_forms)
        return found

    def _groups_with_key(self, holder: ClassKeyHolder) -> list[str]:
        """Return the group of the class's students, and the `help` groups of a student of the class, or of an unknown
        student, who may join it later."""
        of_class = [groups.class_students_group(holder.class_id)]
        pk = self.person.student_id
        if pk is not None and not students_in(classes_of(holder)).filter(pk=pk).exists():
            return of_class
        return [*of_class, *groups.in_class("help", self.person.forms, holder.class_id)]

    @property
    def connection_proof(self) -> str | None:
        """Return the identity that is limited to one connection per client id; None for no limit.

        While logins are not required, all peers count as one, as on the earlier server. Otherwise each authenticated
        person counts, so that no one can close another person's connection.
        """
        return self.proof if logins_required() else "anybody"

    def _room_groups(self, room: str) -> list[str]:
        """Return the groups of a chat room: that of the peers with the same credential, and that of the room's name.

        External programs name only the room and so reach all peers with a credential.
        """
        if not logins_required():
            return [groups.room_group(room)]
        own = self._room_group(room)
        return [own] if self.holder is None and self.proof is None else [own, groups.room_group(room)]

    def _room_group(self, room: str) -> str:
        """Return the group that this client sends to."""
        if not logins_required():
            return groups.room_group(room)
        with_key = f"class {self.holder.class_id}" if self.holder else ""
        return groups.room_group(room, of=self.proof or with_key or f"connection {self.channel_name}")

    async def on_connected(self) -> None:
        self.send_frame(replies.ConnectionEstablished(self.client_id, self.kind))
        if self.user is not None and self.followed:
            await self.record_view(self.person, "follow")
        # The newest connection of this id stays. Ages are compared, so that concurrent ones do not close each other.
        self.age = f"{time.time_ns():020} {self.channel_name}"
        if self.connection_proof:
            group = groups.connection_group(self.client_id, proof=self.connection_proof)
            await self.channel_layer.group_send(group, {"type": "newcomer", "age": self.age})

    async def newcomer(self, message: dict[str, Any]) -> None:
        if message["age"] > self.age:
            self.end(NORMAL)

    async def channel_groups(self, channel: Channel, person: StudentIdentity) -> list[str]:
        """Return the groups of the channel; if logins are required, only an account may follow students."""
        names: list[str] = await database_sync_to_async(people.channel_groups)(self.user, person, channel)
        if names:
            await self.record_view(person, "follow")
        return names

    def adapt(self, name: str, text: str) -> str:
        if name == "assignment_graded" and logins_required():
            graded = msgspec.json.decode(text, type=AssignmentGraded)
            graded.data.grade = graded.data.feedback = msgspec.UNSET
            return encode(graded)
        return text

    # --- From the peer ----------------------------------------------------------------------------------------------

    async def on_text(self, text: str) -> None:
        await self._send_to_room(replies.TextMessage(from_client=self.client_id, message=text, room=self.room or ""))

    async def join_room(self, frame: Frame) -> None:
        room = requests.read(frame, requests.JoinRoom).room[:MAX_ROOM_LENGTH]
        if room != self.room:
            for group in self._room_groups(self.room or ""):
                await self.leave_group(group)
            self.room = room
            for group in self._room_groups(room):
                await self.join_group(group)
        self.send_frame(replies.RoomJoined(room))

    async def progress(self, frame: Frame) -> None:
        data = requests.read(frame, requests.Progress).data
        await self._send_to_room(replies.ProgressBroadcast(self.client_id, data))

    async def status(self, frame: Frame) -> None:
        self.send_frame(replies.StatusResponse(await presence.astats()))

    async def message(self, frame: Frame) -> None:
        """Send a message to the named instructor or to all; if logins are required, of the student's class only."""
        request = requests.read(requests.flat(frame), requests.StudentMessage)
        named = None if request.instructor_id is None else requests.number(request.instructor_id)
        if logins_required():
            recipients = await database_sync_to_async(self._instructors)(request.student_id, named)
        else:
            recipients = [groups.INSTRUCTORS if named is None else groups.instructor_group(named)]
        received = replies.StudentMessageReceived(
            student_id=self.client_id if request.student_id is None else request.student_id,
            message=request.message,
            timestamp=request.timestamp or timestamp(),
            verified=self.proven_student is not None,
        )
        await broadcast.send([(group, received) for group in recipients])

    def _instructors(self, student_id: int | str | None, named: int | None) -> list[str]:
        """Return the groups of the staff of the class key's class. Raises BadRequest."""
        if self.holder is None:
            raise BadRequest("Show the class key of the student who writes: X-Class-Key, or ?key=<class key>")
        person = people.by_either(self.client_id)  # again: an event may have created the student
        if student_id is not None and people.by_number(student_id).student_id != person.student_id:
            raise BadRequest("This connection is another student's")
        pk = person.student_id
        if pk is None or not students_in(classes_of(self.holder)).filter(pk=pk).exists():
            raise BadRequest("This client is no student of the class")
        teachers = staff_of(self.holder.class_id)
        if named is not None and named not in teachers:
            raise BadRequest("Instructor not found")
        return [groups.instructor_group(each) for each in sorted(teachers if named is None else {named})]

    async def _send_to_room(self, frame: Message) -> None:
        await broadcast.send([(self._room_group(self.room or ""), frame)])

    answers: ClassVar[dict[str, Any]] = {
        **FollowingSocket.answers,
        "join_room": join_room,
        "progress_update": progress,
        "status_request": status,
        "student_message": message,
    }
