"""The state of students' help requests, for the students themselves: the same queue that their teachers see.

A student learns their own place and who is on the way to them, and about others only how many are waiting.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, cast

from django.db.models import QuerySet

from classroom.attention.selectors import HelpQueue, help_queue
from classroom.base.classrooms import Classroom
from events.models import HelpRequest
from lms.access import Scope, students_seen_through
from lms.models import Class, Student
from lms.rooms import SeatOf
from realtime.messages import HelpState, HelpStatus, HelpStatusData, OwnSeat, timestamp

ANSWERED_FOR = timedelta(minutes=10)  # for so long a student reads that they were helped, unless they ask again


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpRequestStatus:
    state: HelpState = "off"
    place: int | None = None  # from 1, among those to whom nobody is on the way
    of: int | None = None  # how many those are
    since: str | None = None  # asked, or answered
    by_name: str | None = None  # who is on the way, or who helped
    seats: tuple[OwnSeat, ...] = ()  # where teachers look for who asks: one seat in each room

    @property
    def data(self) -> dict[str, Any]:
        return {**self._fields, "seats": [{"room": each.room, "seat": each.seat} for each in self.seats]}

    @property
    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def digest(self) -> str:
        """Return a short text that differs from that of any other state."""
        return sha256(repr(self.data).encode()).hexdigest()[:12]

    def frame(self, student_id: int, class_id: int) -> HelpStatus:
        """Return the message of it for sockets."""
        data = HelpStatusData(student_id=student_id, class_id=class_id, **{**self._fields, "seats": list(self.seats)})
        return HelpStatus(f"notifications:{student_id}", data)


OFF = HelpRequestStatus()


def help_of_class(class_id: int, about: Collection[int] = (), *, now: datetime) -> dict[int, HelpRequestStatus]:
    """Return the state of all who ask for help in the class, and of these students. At most four queries."""
    students = cast("QuerySet[Student]", students_seen_through([class_id]))
    classroom = Classroom(Class(pk=class_id), students, may_teach=False)
    queue = help_queue(classroom, now=now)
    found = _in_queue(queue, classroom.seats if queue.help_requests else {}, now)
    ended = [student_id for student_id in about if student_id not in found]
    return {**_after_the_end(ended, classroom.scope, now), **found} if ended else found


def help_of_student(student_id: int, class_id: int, *, now: datetime) -> HelpRequestStatus:
    """Return the state of one student in the class. Two queries if they do not ask, else four."""
    open_requests = HelpRequest.objects.filter(Scope.of([class_id]).q(), student=student_id, ended_at=None)
    if open_requests.exists():
        return help_of_class(class_id, [student_id], now=now)[student_id]
    return _after_the_end([student_id], Scope.of([class_id]), now)[student_id]


def _in_queue(queue: HelpQueue, sitting: Mapping[int, list[SeatOf]], now: datetime) -> dict[int, HelpRequestStatus]:
    ordered = queue.queue(now)
    free = [request for request in ordered if request.student_id not in queue.claims]
    places = {request.pk: place for place, request in enumerate(free, start=1)}
    found: dict[int, HelpRequestStatus] = {}
    for request in ordered:
        since, claim = timestamp(request.asked_at), queue.claims.get(request.student_id)
        seats = tuple(OwnSeat(room=seat.room, seat=seat.label) for seat in sitting.get(request.student_id, ()))
        if claim is not None:
            status = HelpRequestStatus(state="coming", since=since, by_name=claim.by, seats=seats)
        else:
            state: HelpState = "not_found" if queue.looked_for_at(request) else "asked"
            status = HelpRequestStatus(state=state, place=places[request.pk], of=len(free), since=since, seats=seats)
        found.setdefault(request.student_id, status)
    return found


def _after_the_end(student_ids: Collection[int], scope: Scope, now: datetime) -> dict[int, HelpRequestStatus]:
    """Return the state of students who do not ask: helped a moment ago, or off. One query."""
    ended = HelpRequest.objects.filter(scope.q(), student__in=list(student_ids), ended_at__gt=now - ANSWERED_FOR)
    newest = ended.select_related("ended_by").order_by("student_id", "-ended_at", "-pk").distinct("student_id")
    found = dict.fromkeys(student_ids, OFF)
    for request in newest:
        if request.ending == HelpRequest.Ending.RESOLVED and request.ended_at:
            by_name = request.ended_by.name if request.ended_by else None
            found[request.student_id] = HelpRequestStatus(
                state="answered", since=timestamp(request.ended_at), by_name=by_name
            )
    return found
