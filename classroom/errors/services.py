"""Sending a hint to all students who currently make the same mistake at the same cell."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext

from classroom.base.classrooms import Classroom
from classroom.errors.clusters import Failing, failing_at
from classroom.errors.models import Hint, HintRecipient
from core.identity import email_key
from instructors import audit
from instructors.models import Instructor
from lms.models import Cell, ProgressNotification
from lms.models.people import WITHOUT_KEY
from lms.notifications import notification_data
from realtime import broadcast, groups, messages
from realtime.broadcast import best_effort

MAX_TEXT_LENGTH = 500  # characters


class HintRefused(Exception):
    """The hint was not sent; the message for the sender says what to do."""


@dataclass(frozen=True, kw_only=True)
class Sent:
    hint: Hint
    students: int
    is_repeated: bool  # the same form was sent before; nothing was sent again


def send_hint(
    classroom: Classroom,
    *,
    cell: Cell,
    digest: str,
    text: str,
    nonce: str,
    by: Instructor,
    request: HttpRequest,
    now: datetime,
) -> Sent:
    """Send the hint to the students who have the error now, over WebSockets and as stored notifications.

    Raises HintRefused if the text is empty or too long, or if no student has the error any more. At most nine queries,
    whatever the number of students.
    """
    form_id = _nonce(nonce)
    before = Hint.objects.filter(nonce=form_id).first()
    if before is not None:
        return _repeated(before, by)
    text = _text(text)
    students = failing_at(classroom, cell_id=cell.pk, digest=digest, now=now)
    if not students:
        raise HintRefused(gettext("Nobody has this error any more, so nothing was sent."))
    with transaction.atomic():
        hint, is_new = Hint.objects.get_or_create(
            nonce=form_id,
            defaults={
                "class_ref": classroom.class_ref, "notebook_id": cell.notebook_id, "cell": cell, "text": text,
                "error_name": students[0].print.name, "fingerprint": digest, "sent_by": by, "sent_at": now,
            },
        )  # fmt: skip
        if not is_new:  # a second click was faster
            return _repeated(hint, by)
        HintRecipient.objects.bulk_create([HintRecipient(hint=hint, student_id=one.student_id) for one in students])
        notices = ProgressNotification.objects.bulk_create([_notice(hint, one, cell) for one in students])
        audit.record(
            "hint_send",
            cell,
            actor=by,
            request=request,
            details={"hint": hint.pk, "students": [one.student_id for one in students]},
        )
    best_effort(lambda: _announce_hint(students, notices, class_id=hint.class_ref_id))
    return Sent(hint=hint, students=len(students), is_repeated=False)


def _repeated(hint: Hint, by: Instructor) -> Sent:
    if hint.sent_by_id != by.pk:
        raise HintRefused(gettext("This form is out of date. Load the page again and send it from there."))
    return Sent(hint=hint, students=hint.sent_to.count(), is_repeated=True)


def _nonce(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        raise HintRefused(gettext("This form is out of date. Load the page again and send it from there.")) from None


def _text(text: str) -> str:
    text = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not text:
        raise HintRefused(gettext("Write what should help, then send it."))
    if len(text) > MAX_TEXT_LENGTH:
        words = gettext("This is too long: %(length)d characters. Shorten it to %(most)d and send it again.")
        raise HintRefused(words % {"length": len(text), "most": MAX_TEXT_LENGTH})
    return text


def _notice(hint: Hint, student: Failing, cell: Cell) -> ProgressNotification:
    return ProgressNotification(
        notification_id=uuid.uuid5(hint.nonce, str(student.student_id)),
        recipient_id=email_key(student.email),
        user_id=student.email,
        class_id=hint.class_ref_id or WITHOUT_KEY,
        title=gettext("Hint for cell %(number)s") % {"number": student.number},
        message=hint.text,
        notebook_path=cell.notebook.path,
        cell_id=cell.cell_id,
        created_at=hint.sent_at,
    )


def _announce_hint(students: list[Failing], notices: list[ProgressNotification], *, class_id: int | None) -> None:
    """Send the notices to both groups of each student's own channel, and to subscribers in the class."""
    frames = [
        (one, messages.NotificationAdded(f"notifications:{one.student_id}", notification_data(notice)))
        for one, notice in zip(students, notices, strict=True)
    ]
    addressed = [
        (group, frame)
        for one, frame in frames
        for group in groups.student_groups(
            "notifications", student_id=one.student_id, email=one.email, class_ids=[class_id]
        )
    ]
    broadcast.publish_notices(addressed, outside=[frame for _, frame in frames])
    broadcast.wake_inboxes([one.student_id for one in students])
