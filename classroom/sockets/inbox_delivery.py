"""Deliver news to the students who wait for it in this web process. A background task, once in each.

A signal of `realtime.broadcast.wake_inboxes` says only whose news it is. Long polls and devices' sockets
(`realtime.watchers`) are woken and read it. The help queue of a class is read here once for all its students, because
one claim changes the place of everybody behind it. Students whose state changed are woken, and their other sockets (W2)
receive the frame `help_status`.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import DatabaseError
from django.utils import timezone

from classroom.attention.help_status import OFF, HelpRequestStatus, help_of_class
from lms.models import Student
from lms.models.people import WITHOUT_KEY
from realtime import groups
from realtime.connections import connections
from realtime.messages import encode
from realtime.watchers import watchers

logger = logging.getLogger(__name__)

# Seconds between two looks at the queues without a signal: claims and snoozes end by themselves, and a signal may be
# lost with Redis.
REPEAT_INTERVAL = 30.0
RETRY_DELAY = 1.0  # seconds


class InboxDelivery:
    def __init__(self) -> None:
        self._told: dict[int, dict[int, HelpRequestStatus]] = {}  # by class and student
        self._students: set[int] = set()
        self._changed: defaultdict[int, set[int]] = defaultdict(set)  # by class: students whose request changed
        self._arrived = asyncio.Event()

    async def prepare(self) -> None:
        """Join the group: every signal sent after this returns is received."""
        self._layer: Any = get_channel_layer()
        self._channel = await self._layer.new_channel()
        await self._layer.group_add(groups.INBOXES, self._channel)

    async def listen(self) -> None:
        while True:
            self._collect(await self._layer.receive(self._channel))

    def _collect(self, message: dict[str, Any]) -> None:
        students = set(message["students"])
        self._students |= students
        classes = set(message["help_in"])
        if WITHOUT_KEY in classes:  # it counts in every class of the student
            classes = (classes | self._heard_classes()) - {WITHOUT_KEY}
        for class_id in classes:
            self._changed[class_id] |= students
        self._arrived.set()

    async def work(self) -> None:
        """Handle what has arrived. Signals that arrive meanwhile are handled together."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            students, self._students = self._students, set()
            changed, self._changed = self._changed, defaultdict(set)
            watchers.wake(students)
            for class_id, of_class in changed.items():
                try:
                    await self._tell_help(class_id, of_class)
                except DatabaseError as error:
                    logger.warning("A help queue could not be read: %s", type(error).__name__)
                    self._changed[class_id] |= of_class
            if self._changed and not self._arrived.is_set():
                await asyncio.sleep(RETRY_DELAY)
                self._arrived.set()

    async def repeat(self) -> None:
        """Check the queues regularly, and let devices read their inboxes."""
        while True:
            await asyncio.sleep(REPEAT_INTERVAL)
            for class_id in self._heard_classes():
                self._changed[class_id] |= set()
            self._students |= {watcher.student_id for watcher in watchers.all}
            self._arrived.set()

    def _heard_classes(self) -> set[int]:
        return watchers.classes | set(self._told)

    async def _tell_help(self, class_id: int, students: Collection[int]) -> None:
        """Send each student of the class whose state changed their `help_status`."""
        if not watchers.all and not any(name.startswith("notifications.") for name in connections.groups):
            self._told.pop(class_id, None)
            return
        before = self._told.get(class_id, {})
        about = {*students, *before}
        found = await database_sync_to_async(help_of_class)(class_id, about, now=timezone.now())
        self._told[class_id] = {pk: status for pk, status in found.items() if status != OFF}
        if not self._told[class_id]:
            del self._told[class_id]
        changed = {pk for pk, status in found.items() if pk in students or before.get(pk, OFF) != status}
        if not changed:
            return
        emails = await database_sync_to_async(_emails)(changed)
        for pk, email in emails.items():
            names = groups.student_groups("notifications", student_id=pk, email=email, class_ids=[class_id])
            text = encode(found[pk].frame(pk, class_id))
            for socket in connections.members(names):
                if socket.token_id is None:  # a device reads it itself, so that no older state comes after a newer one
                    socket.send_text(text)
        watchers.wake(changed)


def _emails(student_ids: Collection[int]) -> dict[int, str]:
    return dict(Student.objects.filter(pk__in=student_ids).values_list("pk", "email"))
