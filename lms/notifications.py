"""Notifications of students: a submission was graded, a hint was sent, an instructor wrote a message.

That of a grade is created from the stored grade when notifications are first read. Its id is a hash of its content, so
that it is created once, and again if the grade changes. A message of an instructor is a notification with the level
MESSAGE and the instructor's name as its title.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection

from lms.access import Scope, User, scope_of, students_of
from lms.models import ProgressNotification, Student
from lms.models.people import WITHOUT_KEY
from realtime.messages import NotificationData, timestamp

MESSAGE = "message"
TITLE_LENGTH = 255

INSERT_MISSING = """
INSERT INTO progress_notifications (notification_id, recipient_id, recipient_type, title, message, level,
    assignment_id, class_id, user_id, is_read, created_at)
SELECT md5(concat_ws(':', 'graded', s.id, s.status, s.grade, s.feedback))::uuid, p.email_key, 'student',
    a.title, concat_ws(' ', 'Graded:', s.grade, s.feedback), 'success', a.id, a.class_id, p.email, false,
    %s::timestamptz
FROM assignment_submissions s JOIN class_assignments a ON a.id = s.assignment_id JOIN students p ON p.id = s.student_id
WHERE s.student_id = %s AND (s.grade IS NOT NULL OR s.status IN ('graded', 'returned'))
ON CONFLICT (notification_id) DO NOTHING
"""


def store_grade_notifications(student: Student, *, now: datetime) -> None:
    """Create the notifications of the student's grades that have none. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(INSERT_MISSING, [now, student.pk])


def store_message(student: Student, class_ids: Iterable[int], *, by_name: str, text: str, now: datetime) -> None:
    """Store what an instructor wrote to the student, once for each of these classes, or without a class. One statement.

    Once for each, because the student's device in a class reads what came through that class.
    """
    ProgressNotification.objects.bulk_create(
        ProgressNotification(
            notification_id=uuid.uuid4(),
            recipient_id=student.email_key,
            user_id=student.email,
            class_id=class_id,
            level=MESSAGE,
            title=by_name[:TITLE_LENGTH],
            message=text.replace("\0", ""),
            created_at=now,
        )
        for class_id in list(class_ids) or [WITHOUT_KEY]
    )


def notifications(student: Student, *, scope: Scope, unread_only: bool, limit: int, now: datetime) -> dict[str, Any]:
    """Return the student's notifications in these classes, newest first, and their counts. Two statements."""
    store_grade_notifications(student, now=now)
    theirs = ProgressNotification.objects.filter(scope.q(), recipient_id=student.email_key)
    rows = list(theirs.order_by("-created_at", "-pk"))
    unread = [row for row in rows if not row.is_read]
    shown = (unread if unread_only else rows)[:limit]
    return {
        "total_notifications": len(rows),
        "returned_notifications": len(shown),
        "unread_count": len(unread),
        "notifications": [notification_data(row) for row in shown],
    }


def mark_read(viewer: User, notification_id: str) -> bool:
    """Mark a notification as read. Return False unless it belongs to a student of the viewer. One statement."""
    try:
        known = uuid.UUID(notification_id)
    except ValueError:
        return False
    students = students_of(viewer).values("email_key")
    theirs = ProgressNotification.objects.filter(scope_of(viewer).q(), recipient_id__in=students)
    return theirs.filter(notification_id=known).update(is_read=True) > 0


def notification_data(row: ProgressNotification) -> NotificationData:
    """Return the notification as HTTP and the student's socket send it (websocket.md section 4.4)."""
    return {
        "notification_id": str(row.notification_id),
        "title": row.title,
        "message": row.message,
        "level": row.level,
        "assignment_id": row.assignment_id,
        "notebook_path": row.notebook_path,
        "cell_id": row.cell_id,
        "user_id": row.user_id,
        "is_read": row.is_read,
        "created_at": timestamp(row.created_at),
    }


def message_data(row: ProgressNotification) -> dict[str, str]:
    """Return a message of an instructor as the inbox and the student's socket send it."""
    return {
        "notification_id": str(row.notification_id),
        "instructor_name": row.title,
        "message": row.message,
        "timestamp": timestamp(row.created_at),
    }
