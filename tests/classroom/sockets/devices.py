"""A class whose students have a device each: what opens its socket, and what asks for its inbox."""

import asyncio
import uuid
from datetime import UTC, datetime

from channels.db import database_sync_to_async
from httpx import ASGITransport, AsyncClient

from classroom.attention.services import perform
from classroom.base.classrooms import classroom_of_class
from config.asgi import application
from events.changes import HelpTransition
from events.models import HelpRequest
from events.processing import notifications
from lms.models import Class, ProgressNotification, Student, StudentToken
from realtime import broadcast
from tests.lms.tokens.conftest import device_of
from tests.realtime.conftest import connected, instructor

from .test_notices_to_students import assignment_of

PATH, INBOX = "/api/v1/ws/me", "/api/v1/me/inbox"


class Lesson:
    """A class with two students, who have a device each, and its teacher."""

    @classmethod
    async def begin(cls) -> "Lesson":
        self = cls()
        self.teacher = await instructor(name="Ms Ito")
        self.work = await assignment_of("PY")
        self.class_id = self.work.class_ref_id
        await Class.objects.filter(pk=self.class_id).aupdate(instructor=self.teacher)
        self.class_ref = await Class.objects.aget(pk=self.class_id)
        self.row, self.hanako_token = await self.device("hanako@example.com")
        _, self.jiro_token = await self.device("jiro@example.com")
        self.hanako = await Student.objects.aget(email="hanako@example.com")
        self.jiro = await Student.objects.aget(email="jiro@example.com")
        return self

    async def device(self, email: str) -> tuple[StudentToken, str]:
        """A confirmed one, however many there are."""
        row, token = await database_sync_to_async(device_of)(self.class_ref, email)
        await StudentToken.objects.filter(pk=row.pk).aupdate(confirmed_at=datetime.now(UTC))
        return row, token

    async def hint(self, student: Student, text: str) -> ProgressNotification:
        row = await ProgressNotification.objects.acreate(
            notification_id=uuid.uuid4(), recipient_id=student.email_key, title=text, message="m",
            class_id=self.class_id,
        )  # fmt: skip
        await asyncio.to_thread(broadcast.wake_inboxes, [student.pk])
        return row

    @database_sync_to_async
    def asks(self, student: Student) -> None:
        now = datetime.now(UTC)
        HelpRequest.objects.create(
            student=student, class_id=self.class_id, asked_at=now, last_asked_at=now, last_heard_at=now
        )
        notifications.announce_transitions([HelpTransition(student.pk, self.class_id, True, now)])

    @database_sync_to_async
    def act(self, student: Student, what: str) -> None:
        room = classroom_of_class(user=self.teacher, class_id=self.class_id)
        perform(room, student, what, by=self.teacher, request=None, student_name="x", now=datetime.now(UTC))


def device(token: str, since: str = ""):
    return connected(f"{PATH}?since={since}", authorization=f"Student {token}")


def http() -> AsyncClient:
    return AsyncClient(transport=ASGITransport(application), base_url="http://testserver", timeout=30)


async def poll(client: AsyncClient, token: str, since: str = "", wait: int = 25) -> dict:
    headers = {"Authorization": f"Student {token}"}
    answer = await client.get(INBOX, params={"since": since, "wait": wait}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()
