"""Select a student's inbox: notifications, messages of instructors, the state of their help request, and a question to
answer."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from classroom.attention.help_status import HelpRequestStatus, help_of_student
from classroom.inbox.position import Position, parse
from classroom.questions.selectors import OpenQuestion, open_question
from lms.access import scope_of
from lms.credential_holders import StudentTokenHolder
from lms.models import ProgressNotification, Student
from lms.notifications import MESSAGE, store_grade_notifications

MAX_ITEMS = 100  # in one answer
IN_QUEUE = ("asked", "coming", "not_found")  # states of a request that goes on


@dataclass(frozen=True, kw_only=True)
class Inbox:
    items: list[ProgressNotification]  # unread ones that were not told yet, in the order of creation
    help: HelpRequestStatus
    question: OpenQuestion | None
    position: Position  # after these items and this state
    is_news: bool  # something is not told yet
    has_more: bool  # items after these

    @property
    def notifications(self) -> list[ProgressNotification]:
        return [item for item in self.items if item.level != MESSAGE]

    @property
    def messages(self) -> list[ProgressNotification]:
        return [item for item in self.items if item.level == MESSAGE]


def position_of(holder: StudentTokenHolder, since: str, *, now: datetime) -> Position:
    """Return the position that this device sent."""
    return parse(since, now=now, owner=f"{holder.student_id}-{holder.class_id}")


def read_inbox(holder: StudentTokenHolder, position: Position, *, now: datetime) -> Inbox:
    """Return what came after the position, at most MAX_ITEMS, of the class of the token. At most eight statements."""
    student = Student.objects.get(pk=holder.student_id)
    store_grade_notifications(student, now=now)
    items = _items(student, holder, position)
    is_all = len(items) <= MAX_ITEMS
    items = items[:MAX_ITEMS]
    help_status = help_of_student(student.pk, holder.class_id, now=now)
    is_asking = help_status.state in IN_QUEUE  # whoever asks for help need not be asked
    question = None if is_asking else open_question(holder, now=now)
    told = str(question.id) if question else ""
    reached = position.after([key_of(item) for item in items], now=now, is_all=is_all)
    return Inbox(
        items=items,
        help=help_status,
        question=question,
        position=reached.with_state(help=help_status.digest, question=told),
        is_news=bool(items) or (position.help, position.question) != (help_status.digest, told),
        has_more=not is_all,
    )


def key_of(item: ProgressNotification) -> tuple[datetime, int]:
    return item.created_at, item.pk


def _items(student: Student, holder: StudentTokenHolder, position: Position) -> list[ProgressNotification]:
    """Return at most one more than MAX_ITEMS."""
    at, pk = position.base
    theirs = ProgressNotification.objects.filter(scope_of(holder).q(), recipient_id=student.email_key, is_read=False)
    after = theirs.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk))
    untold = after.exclude(pk__in=[row for _, row in position.told])
    return list(untold.order_by("created_at", "pk")[: MAX_ITEMS + 1])
