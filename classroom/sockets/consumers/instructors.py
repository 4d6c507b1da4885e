"""W3: instructors, authenticated by their login token."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from channels.db import database_sync_to_async

from classroom.sockets import people, replies, requests
from classroom.sockets.consumers.dashboards import RowSocket
from classroom.sockets.people import StudentIdentity
from classroom.sockets.requests import BadRequest, Frame
from instructors import audit
from instructors import status as statuses
from instructors.credentials import Account, account_of_token
from instructors.models import Instructor
from lms.access import User
from lms.models import Student
from lms.notifications import store_message
from realtime import broadcast, groups, messages, presence
from realtime.connections import ClientType
from realtime.messages import timestamp


def _recipient(account: User, student_id: str) -> tuple[StudentIdentity, list[str]]:
    """Return the student and the groups that receive a message; no groups if it is not the account's student.

    Colleagues who follow the student receive it if they share the class.
    """
    person = people.by_number(student_id)
    recipients = people.channel_groups(account, person, "notifications")
    return person, sorted({*recipients, *person.groups("notifications")}) if recipients else []


def _store_message(account: Account, student_id: int, text: str) -> None:
    """Store a message to a student, who may read it later. Four queries."""
    student = Student.objects.get(pk=student_id)
    class_ids = people.shared_classes(account, student_id)
    store_message(student, class_ids, by_name=account.name, text=text, now=datetime.now(UTC))


def _is_active(instructor_id: int) -> bool:
    return Instructor.objects.filter(pk=instructor_id, is_active=True).exists()


def _record_message(account_id: int, action: str, target_type: str, target_id: int | str, length: int) -> None:
    """Record in the audit log that an instructor sent a message, with the length of its text only."""
    audit.record(
        action,
        actor=Instructor.objects.filter(pk=account_id).first(),
        request=None,
        target_type=target_type,
        target_id=target_id,
        details={"characters": length},
    )


def _change_status(instructor_id: int, status: str, session_id: int | None) -> None:
    """Set the status, store its history and announce it. Raises BadRequest."""
    if status not in Instructor.Status.values:
        raise BadRequest(f"status must be one of {', '.join(Instructor.Status.values)}")
    try:
        changed = statuses.change_status(
            instructor_id=instructor_id, status=status, session_id=session_id, now=datetime.now(UTC)
        )
    except (statuses.UnknownSession, Instructor.DoesNotExist) as error:
        raise BadRequest(f"Unknown session: {session_id}") from error
    audit.record(
        "status_change",
        actor=changed,
        request=None,
        target_type="instructor",
        target_id=instructor_id,
        details={"status": status},
    )
    statuses.announce_status(changed)


class InstructorSocket(RowSocket):
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
        await self.note_classes()
        own = groups.instructor_group(account.pk)
        return [own, groups.INSTRUCTORS, groups.BROADCAST, *await self.groups_of_students()]

    async def on_connected(self) -> None:
        self.send_frame(replies.ConnectionSuccess(self.account.pk))

    def adapt(self, name: str, text: str) -> str:
        return replies.flattened(text)

    async def end_idle(self) -> None:
        """Close, and set the instructor to offline if this was the last socket.

        A broken connection does not change the status: the client may reconnect.
        """
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
        """Acknowledge a student's message that a client sends with the instructor's token."""
        request = requests.read(requests.flat(frame), requests.StudentMessage)
        if request.student_id is None:
            raise BadRequest("Object missing required field `student_id`")
        self.send_frame(
            replies.StudentMessageReceived(
                student_id=request.student_id, message=request.message, timestamp=request.timestamp or timestamp()
            )
        )

    async def reply(self, frame: Frame) -> None:
        """Send a message to a student of the instructor's classes. The audit log records it without the text."""
        request = requests.read(requests.flat(frame), requests.InstructorReply)
        written_at = request.timestamp or timestamp()
        person, recipients = await database_sync_to_async(_recipient)(self.account, str(request.student_id))
        if not recipients:
            raise BadRequest("Student not found")
        data = messages.InstructorMessageData(
            instructor_id=self.account.pk,
            instructor_name=self.account.name,
            message=request.message,
            timestamp=written_at,
        )
        delivered = messages.InstructorMessage(f"notifications:{request.student_id}", data)
        await self._record_message(
            "student_reply", "student", person.student_id or str(request.student_id), request.message
        )
        if person.student_id is not None:
            await database_sync_to_async(_store_message)(self.account, person.student_id, request.message)
        await broadcast.send([(group, delivered) for group in recipients])
        if person.student_id is not None:
            await broadcast.awake_inboxes([person.student_id])
        self.send_frame(replies.ReplySent(student_id=request.student_id, message=request.message, timestamp=written_at))

    async def to_colleague(self, frame: Frame) -> None:
        """Send a message to another instructor; any instructor may write to any active one."""
        request = requests.read(requests.flat(frame), requests.InstructorToInstructor)
        target = requests.number(request.target_instructor_id)
        if not await database_sync_to_async(_is_active)(target):
            raise BadRequest("Instructor not found")
        received = replies.InstructorMessageReceived(
            from_instructor_id=self.account.pk, message=request.message, timestamp=request.timestamp or timestamp()
        )
        await self._record_message("colleague_message", "instructor", target, request.message)
        await broadcast.send([(groups.instructor_group(target), received)])

    async def _record_message(self, action: str, kind: str, to: int | str, text: str) -> None:
        await database_sync_to_async(_record_message)(self.account.pk, action, kind, to, len(text))

    answers: ClassVar[dict[str, Any]] = {
        "status_update": status,
        "student_message": student_message,
        "instructor_reply": reply,
        "instructor_to_instructor": to_colleague,
    }
