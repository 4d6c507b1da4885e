"""Notifications of students: a submission was graded, a hint was sent, an instructor wrote a message, or the due date
of one student changed.

That of a grade is created from the stored grade when notifications are first read. Its id is a hash of its content and
of the number of those that told an earlier grade of the hand-in: it is created once, and again after each change. A
message of an instructor is a notification with the level MESSAGE and the instructor's name as its title.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from core.postgres import execute
from lms.access import Scope, User, scope_of, students_of
from lms.models import ClassAssignment, ProgressNotification, Student
from lms.models.people import WITHOUT_KEY
from realtime.messages import NotificationData, timestamp

MESSAGE = "message"
TITLE_LENGTH = 255

# `ids` has the id of the next notification, and the one that the last has if the grade is still what it told.
INSERT_MISSING = """
WITH told AS (
    SELECT submission_id, count(*) AS number, (array_agg(notification_id ORDER BY id DESC))[1] AS last
    FROM progress_notifications WHERE recipient_id = %(recipient)s AND submission_id IS NOT NULL GROUP BY submission_id
), ids AS (
    SELECT s.id, s.assignment_id, concat_ws(' ', 'Graded:', s.grade, s.feedback) AS message, told.last,
        md5(concat_ws(':', content, nullif(number, 0)))::uuid AS next,
        md5(concat_ws(':', content, nullif(number - 1, 0)))::uuid AS if_unchanged
    FROM assignment_submissions s LEFT JOIN told ON told.submission_id = s.id,
        LATERAL (SELECT concat_ws(':', 'graded', s.id, s.status, s.grade, s.feedback) AS content) AS contents
    WHERE s.student_id = %(student)s AND (s.grade IS NOT NULL OR s.status IN ('graded', 'returned'))
)
INSERT INTO progress_notifications (notification_id, recipient_id, recipient_type, title, message, level,
    assignment_id, submission_id, class_id, user_id, is_read, created_at)
SELECT ids.next, %(recipient)s, 'student', a.title, ids.message, 'success', a.id, ids.id, a.class_id, %(email)s, false,
    %(now)s::timestamptz
FROM ids JOIN class_assignments a ON a.id = ids.assignment_id
WHERE ids.last IS DISTINCT FROM ids.if_unchanged
ON CONFLICT (notification_id) DO NOTHING
"""


def store_grade_notifications(student: Student, *, now: datetime) -> None:
    """Create the notifications of the student's grades that have none. One statement."""
    execute(
        INSERT_MISSING,
        {"student": student.pk, "recipient": student.email_key, "email": student.email, "now": now},
    )


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


def store_due_date(student: Student, assignment: ClassAssignment, *, text: str, now: datetime) -> ProgressNotification:
    """Store that the due date of one student has changed; `text` says what holds now. One statement."""
    return ProgressNotification.objects.create(
        notification_id=uuid.uuid4(),
        recipient_id=student.email_key,
        user_id=student.email,
        class_id=assignment.class_ref_id or WITHOUT_KEY,
        assignment_id=assignment.pk,
        title=assignment.title,
        message=text,
        created_at=now,
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
