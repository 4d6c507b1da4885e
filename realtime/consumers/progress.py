"""W5: the progress views, which ask and are answered."""

import uuid
from typing import Any, ClassVar

from channels.db import database_sync_to_async
from django.db.models import QuerySet

from lms.access import ANYONE, User, students_of
from lms.logins import logins_required
from lms.models import Student
from realtime import people, progress, replies, requests
from realtime.consumers.dashboards import DashboardSocket
from realtime.messages import Frame
from realtime.people import Person
from realtime.requests import BadRequest
from realtime.sockets import Socket


def _summary_of(called: str, user: User) -> dict[str, Any] | None:
    """Of the student whom this text means, if this account may see them."""
    person = people.find_person(called)
    found = progress.summaries(students_of(user).filter(pk=person.student_id)) if person.student_id else []
    return found[0] if found else None


def _summaries(user: User) -> dict[str, Any]:
    visible: QuerySet[Student] = students_of(user)
    rows = progress.summaries(visible)
    return {"students_progress": rows, "stats": progress.stats(rows)}


class StudentProgressSocket(Socket):
    """One student's view of themselves. Open: with nothing to prove who asks, it tells no more than W2 does."""

    kind = "student"

    async def admit(self) -> list[str] | None:
        self.client_id = self.scope["url_route"]["kwargs"]["user_id"]
        person: Person = await database_sync_to_async(people.find_person)(self.client_id)
        self.followed |= set(person.first_forms)
        return person.groups("progress")

    async def welcome(self) -> None:
        self.tell(replies.progress_view("initial_progress", await self._data()))

    async def own(self, frame: Frame) -> None:
        self.tell(replies.progress_view("progress_update", await self._data()))

    async def _data(self) -> dict[str, Any]:
        return await database_sync_to_async(_summary_of)(self.client_id, ANYONE) or {"user_id": self.client_id}

    answers: ClassVar[dict[str, Any]] = {"get_progress": own}


class InstructorProgressSocket(DashboardSocket):
    """Everybody's progress, for those who may see it."""

    async def admit(self) -> list[str] | None:
        self.client_id = str(uuid.uuid4())
        await self._recognise()
        return None if self.user is None and logins_required() else []

    @property
    def viewer(self) -> User:
        return self.user if logins_required() and self.user is not None else ANYONE

    async def welcome(self) -> None:
        data = await database_sync_to_async(_summaries)(self.viewer)
        self.tell(replies.progress_view("initial_data", data))

    async def every(self, frame: Frame) -> None:
        data = await database_sync_to_async(_summaries)(self.viewer)
        self.tell(replies.progress_view("all_progress_update", data))

    async def detail(self, frame: Frame) -> None:
        called = str(requests.read(requests.flat(frame), requests.StudentDetail).user_id)
        found = await database_sync_to_async(_summary_of)(called, self.viewer)
        if found is None:
            raise BadRequest("Student not found")
        await self.note_look(await database_sync_to_async(people.find_person)(called), "progress")
        self.tell(replies.progress_view("student_detail", found))

    answers: ClassVar[dict[str, Any]] = {"get_all_progress": every, "get_student_detail": detail}
