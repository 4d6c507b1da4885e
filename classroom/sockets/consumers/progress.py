"""W5: the progress views, by request and response."""

import uuid
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from django.db.models import QuerySet

from classroom.sockets import people, progress, replies, requests
from classroom.sockets.consumers.authentication import AuthenticatedSocket
from classroom.sockets.consumers.dashboards import DashboardSocket
from classroom.sockets.people import StudentIdentity
from classroom.sockets.requests import BadRequest, Frame
from core.login_requirement import logins_required
from lms.access import ANYONE, User, classes_of, students_seen_by
from lms.models import Student


def _summary_of(user_id: str | int, user: User) -> dict[str, Any] | None:
    """Return the summary of a student; None unless this account may see them."""
    person = people.by_either(user_id)
    if person.student_id is None:
        return None
    found = progress.summaries(students_seen_by(user).filter(pk=person.student_id), classes=classes_of(user))
    return found[0] if found else None


def _summaries(user: User) -> dict[str, Any]:
    visible: QuerySet[Student] = students_seen_by(user)
    rows = progress.summaries(visible, classes=classes_of(user))
    return {"students_progress": rows, "stats": progress.stats(rows)}


class StudentProgressSocket(AuthenticatedSocket):
    """The progress of one student.

    If logins are required, an account sees its students; a class key connects, but sees the student as unknown, because
    classmates share it; any other peer is refused.
    """

    kind = "student"

    async def groups_to_join(self) -> list[str] | None:
        self.client_id = self.scope["url_route"]["kwargs"]["user_id"]
        if logins_required():
            is_valid = await self.authenticate(with_key=True)
            if not is_valid or (self.user is None and self.holder is None):
                return None
        self.person: StudentIdentity = await database_sync_to_async(people.by_either)(self.client_id)
        names: list[str] = await database_sync_to_async(people.channel_groups)(self.user, self.person, "progress")
        if names:
            self.followed |= set(self.person.first_forms)
        return names

    async def on_connected(self) -> None:
        if self.joined:
            await self.record_view(self.person, "progress")
        self.send_frame(replies.ProgressView("initial_progress", await self._data()))

    async def own(self, frame: Frame) -> None:
        self.send_frame(replies.ProgressView("progress_update", await self._data()))

    async def _data(self) -> dict[str, Any]:
        unknown = {"user_id": self.client_id}
        viewer = self.user if logins_required() else ANYONE
        if viewer is None:
            return unknown
        return await database_sync_to_async(_summary_of)(self.client_id, viewer) or unknown

    answers: ClassVar[dict[str, Any]] = {"get_progress": own}


class InstructorProgressSocket(DashboardSocket):
    """The progress of all students that the account may see."""

    async def groups_to_join(self) -> list[str] | None:
        self.client_id = str(uuid.uuid4())
        await self.authenticate()
        return None if self.user is None and logins_required() else []

    @property
    def viewer(self) -> User:
        return self.user if logins_required() and self.user is not None else ANYONE

    async def on_connected(self) -> None:
        data = await database_sync_to_async(_summaries)(self.viewer)
        self.send_frame(replies.ProgressView("initial_data", data))

    async def every(self, frame: Frame) -> None:
        data = await database_sync_to_async(_summaries)(self.viewer)
        self.send_frame(replies.ProgressView("all_progress_update", data))

    async def detail(self, frame: Frame) -> None:
        user_id = requests.read(requests.flat(frame), requests.StudentDetail).user_id
        found = await database_sync_to_async(_summary_of)(user_id, self.viewer)
        if found is None:
            raise BadRequest("Student not found")
        await self.record_view(await database_sync_to_async(people.by_either)(user_id), "progress")
        self.send_frame(replies.ProgressView("student_detail", found))

    answers: ClassVar[dict[str, Any]] = {"get_all_progress": every, "get_student_detail": detail}
