"""W6: a student's own device, by its student token (docs/contract/websocket.md section 1).

Notifications and messages are read from PostgreSQL, from the position that the client sends as `since`: a message of
the channel layer only says when to read. So nothing is lost or sent twice after a gap.
"""

from typing import Any

import msgspec
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from classroom.inbox.position import Position
from classroom.inbox.selectors import Inbox, key_of, position_of, read_inbox
from classroom.questions.selectors import OpenQuestion
from classroom.sockets import replies
from classroom.sockets.base import NORMAL, Socket
from lms.access import submissions_of
from lms.credential_holders import StudentTokenHolder, holder_of_token, record_token_use
from lms.models import ProgressNotification, Student
from lms.notifications import MESSAGE, message_data, notification_data
from realtime import groups
from realtime.connections import connections
from realtime.groups import Channel
from realtime.messages import (
    AssignmentGraded,
    InstructorMessage,
    InstructorMessageData,
    Message,
    NotificationAdded,
    StuckQuestionAsked,
    StuckQuestionData,
    encode,
)
from realtime.watchers import watchers

MAX_SOCKETS = 20  # of a student in a class in this process: one student must not use up what is there for all
OWN: tuple[Channel, ...] = ("progress", "notifications")
# Notices that are passed on as they are; others are read from PostgreSQL, or are for older clients.
PASSED_ON = {"system_message", "assignment_created", "dismiss_help"}


class DeviceSocket(Socket):
    """Several of a student at once; the oldest is closed for one too many. The token goes in a header alone: addresses
    end up in logs of proxies, and a token does not expire. Scripts of a page cannot set headers of a WebSocket; they
    read the inbox over HTTP."""

    kind = "student"
    holder: StudentTokenHolder
    position: Position

    async def groups_to_join(self) -> list[str] | None:
        holder = await database_sync_to_async(_holder_of)(self._token())
        if holder is None:
            return None
        self.holder, self.token_id, self.client_id = holder, holder.token_id, str(holder.student_id)
        self.position = position_of(holder, self.query.get("since", [""])[-1], now=timezone.now())
        self.followed |= {str(holder.student_id)}
        # What came without a key counts in every class where keys are optional.
        through: list[int | None] = [holder.class_id, *([] if settings.EVENTS_REQUIRE_KEY else [None])]
        forms = groups.forms_of_student(holder.student_id, holder.email)
        own = [name for channel in OWN for class_id in through for name in groups.in_class(channel, forms, class_id)]
        return [*own, groups.class_students_group(holder.class_id), groups.DEVICES]

    def _token(self) -> str:
        for name, value in self.scope.get("headers", ()):
            if name == b"authorization":
                scheme, _, token = value.decode("latin-1").partition(" ")
                return str(token.strip()) if scheme.lower() == "student" else ""
        return ""

    async def on_joined(self) -> None:
        """Close the oldest of this student's, as far as there are too many: it may be of a network that is gone."""
        me = (self.holder.student_id, self.holder.class_id)
        others = [
            each
            for each in connections.all
            if isinstance(each, DeviceSocket)
            and not each.ending
            and (each.holder.student_id, each.holder.class_id) == me
        ]
        others.sort(key=lambda each: each.connected_at)
        for each in others[: max(0, len(others) - MAX_SOCKETS + 1)]:
            each.end(NORMAL)

    async def on_connected(self) -> None:
        self.send_frame(replies.ConnectionEstablished(self.client_id, self.kind))
        self.run(self._tell_news())

    async def end_idle(self) -> None:
        """Stay: a device has nothing to say for hours. The server's pings find peers that are gone."""

    # --- News -------------------------------------------------------------------------------------------------------

    async def _tell_news(self) -> None:
        """Send what is new since the position, now and whenever there may be more."""
        with watchers.watch(self.holder.student_id, self.holder.class_id) as watcher:
            is_first = True
            while True:
                watcher.news.clear()
                try:
                    inbox = await database_sync_to_async(read_inbox)(self.holder, self.position, now=timezone.now())
                except DatabaseError:
                    inbox = None  # `InboxDelivery.repeat` wakes this again
                except Student.DoesNotExist:  # deleted; the look at tokens closes the socket
                    return
                if inbox is not None:
                    self._tell(inbox, with_help=is_first)
                    is_first = False
                    if inbox.has_more:
                        continue
                await watcher.news.wait()

    def _tell(self, inbox: Inbox, *, with_help: bool) -> None:
        now = timezone.now()
        for item in inbox.items:
            self.position = self.position.after([key_of(item)], now=now, is_all=False)
            self.send_frame(self._frame(item, str(self.position)))
        if with_help or inbox.help.digest != self.position.help:
            self.send_frame(inbox.help.frame(self.holder.student_id, self.holder.class_id))
        if inbox.position.question != self.position.question or (with_help and inbox.question):
            self.send_frame(self._question_frame(inbox.question))
        self.position = inbox.position

    def _question_frame(self, question: OpenQuestion | None) -> Message:
        more = question.data if question else {"id": None, "asked_at": None, "until": None}
        data = StuckQuestionData(self.holder.student_id, self.holder.class_id, **more)
        return StuckQuestionAsked(f"notifications:{self.holder.student_id}", data)

    def _frame(self, item: ProgressNotification, position: str) -> Message:
        channel = f"notifications:{self.holder.student_id}"
        if item.level == MESSAGE:
            return InstructorMessage(channel, InstructorMessageData(None, **message_data(item)), next=position)
        return NotificationAdded(channel, notification_data(item), next=position)

    # --- From the channel layer -------------------------------------------------------------------------------------

    async def notice(self, message: dict[str, Any]) -> None:
        name = message["name"]
        if name in PASSED_ON:
            await super().notice(message)
        elif name == "assignment_graded" and message["key"] not in self.known_keys:
            self.known_keys.append(message["key"])
            self.run(self._tell_grade(message["text"]))

    async def _tell_grade(self, text: str) -> None:
        """Send the notice with grade and feedback, which the channel layer may leave out."""
        graded = msgspec.json.decode(text, type=AssignmentGraded)
        find = database_sync_to_async(_grade_of)
        graded.data.grade, graded.data.feedback = await find(self.holder, graded.data.submission_id)
        self.send_text(encode(graded))


def _holder_of(token: str) -> StudentTokenHolder | None:
    """Return the holder of a confirmed token of an active class, and record its use. Two statements."""
    found = holder_of_token(token) if token else None
    if found is None or not found.is_confirmed or not found.is_active:
        return None
    record_token_use(found)
    return found


def _grade_of(holder: StudentTokenHolder, submission_id: int) -> tuple[float | None, str | None]:
    found = submissions_of(holder).filter(pk=submission_id).values_list("grade", "feedback").first()
    return found or (None, None)
