"""W3: instructors, by the token that they got when they logged in."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from classroom.sockets import people, replies, requests
from classroom.sockets.consumers.dashboards import ScreenSocket
from classroom.sockets.people import Person
from classroom.sockets.requests import BadRequest
from instructors import audit
from instructors import status as statuses
from instructors.credentials import Account, account_of_token
from instructors.models import Instructor
from lms.access import User
from realtime import broadcast, groups, messages, presence
from realtime.connections import ClientType
from realtime.messages import Frame, timestamp


def _address(account: User, called: str) -> tuple[Person, list[str]]:
    """Whom this account means, and the groups of them to write to; none where they are not its student. Colleagues who
    follow the student hear it as far as they share the classes."""
    person = people.by_number(called)
    told = people.channel_groups(account, person, "notifications")
    return person, sorted({*told, *person.groups("notifications")}) if told else []


def _is_active(instructor_id: int) -> bool:
    return Instructor.objects.filter(pk=instructor_id, is_active=True).exists()


def _record_message(account_id: int, action: str, target_type: str, target_id: int | str, length: int) -> None:
    """Write into the audit log that an instructor wrote to somebody: of the text its length."""
    audit.record(
        action=action,
        actor=Instructor.objects.filter(pk=account_id).first(),
        request=None,
        target_type=target_type,
        target_id=target_id,
        details={"characters": length},
    )


def _change_status(instructor_id: int, status: str, session_id: int | None) -> None:
    """Set the status, keep its history, announce it. Raises BadRequest."""
    if status not in Instructor.Status.values:
        raise BadRequest(f"status must be one of {', '.join(Instructor.Status.values)}")
    try:
        changed = statuses.change_status(
            instructor_id=instructor_id, status=status, session_id=session_id, now=datetime.now(UTC)
        )
    except (statuses.UnknownSession, Instructor.DoesNotExist) as error:
        raise BadRequest(f"Unknown session: {session_id}") from error
    audit.record(
        action="status_change",
        actor=changed,
        request=None,
        target_type="instructor",
        target_id=instructor_id,
        details={"status": status},
    )
    statuses.announce_status(changed)


class InstructorSocket(ScreenSocket):
    kind: ClientType = "instructor"
    account: Account

    async def groups_to_join(self) -> list[str] | None:
        token = self.query.get("token", [""])[0].removeprefix("Bearer ")
        account = await database_sync_to_async(account_of_token)(token)
        named = self.scope["url_route"]["kwargs"].get("instructor_id")
        if account is None or (named is not None and named != str(account.pk)):
            return None
        self.account = self.user = account
        self.account_id, self.client_id = account.pk, str(account.pk)
        self.kind = "admin" if account.is_admin else "instructor"
        self.expire(account)
        own = groups.instructor_group(account.pk)
        return [own, groups.INSTRUCTORS, groups.BROADCAST, *await self.groups_of_students()]

    async def on_connected(self) -> None:
        await super().on_connected()
        self.send_frame(replies.connection_success(instructor_id=self.account.pk))

    def adapt(self, frame: Frame) -> Frame:
        return replies.flattened(frame)

    async def end_idle(self) -> None:
        """An instructor whose last socket fell asleep has left; one whose connection broke may be on the way back."""
        await super().end_idle()
        whole = await database_sync_to_async(presence.details)()
        if not whole.instructors.get(self.account.pk):
            await database_sync_to_async(_change_status)(self.account.pk, "offline", None)

    # --- From the peer ----------------------------------------------------------------------------------------------

    async def status(self, frame: Frame) -> None:
        wanted = requests.read(requests.flat(frame), requests.StatusUpdate)
        session = wanted.current_session_id if wanted.session_id is None else wanted.session_id
        session_id = None if session is None else requests.number(session)
        await database_sync_to_async(_change_status)(self.account.pk, wanted.status.strip().lower(), session_id)

    async def student_message(self, frame: Frame) -> None:
        """A program that speaks for a student with the instructor's own token."""
        said = requests.read(requests.flat(frame), requests.StudentMessage)
        if said.student_id is None:
            raise BadRequest("Object missing required field `student_id`")
        self.send_frame(
            replies.student_message_received(
                student_id=said.student_id, message=said.message, sent_at=said.timestamp or timestamp()
            )
        )

    async def reply(self, frame: Frame) -> None:
        """To a student of the sender's classes. The audit log hears of it, without the text."""
        said = requests.read(requests.flat(frame), requests.InstructorReply)
        written_at = said.timestamp or timestamp()
        person, told = await database_sync_to_async(_address)(self.account, str(said.student_id))
        if not told:
            raise BadRequest("Student not found")
        delivered = messages.instructor_message(
            student_id=said.student_id,
            instructor_id=self.account.pk,
            instructor_name=self.account.name,
            message=said.message,
            sent_at=written_at,
        )
        await self._record_message("student_reply", "student", person.student_id or str(said.student_id), said.message)
        await broadcast.send([(group, delivered) for group in told])
        self.send_frame(replies.reply_sent(student_id=said.student_id, message=said.message, written_at=written_at))

    async def to_colleague(self, frame: Frame) -> None:
        """Everybody who teaches here may write to everybody who does."""
        said = requests.read(requests.flat(frame), requests.InstructorToInstructor)
        target = requests.number(said.target_instructor_id)
        if not await database_sync_to_async(_is_active)(target):
            raise BadRequest("Instructor not found")
        received = replies.instructor_message_received(
            from_instructor_id=self.account.pk, message=said.message, sent_at=said.timestamp or timestamp()
        )
        await self._record_message("colleague_message", "instructor", target, said.message)
        await broadcast.send([(groups.instructor_group(target), received)])

    async def _record_message(self, action: str, kind: str, to: int | str, text: str) -> None:
        await database_sync_to_async(_record_message)(self.account.pk, action, kind, to, len(text))

    answers: ClassVar[dict[str, Any]] = {
        "status_update": status,
        "student_message": student_message,
        "instructor_reply": reply,
        "instructor_to_instructor": to_colleague,
    }
