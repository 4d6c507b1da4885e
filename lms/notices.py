"""Announcements of assignments, grades and due dates to sockets and external subscribers.

A failure is logged and does not undo the stored row; clients can read it over HTTP.
"""

from django.utils import timezone

from core.login_requirement import logins_required
from lms.access import Scope
from lms.models import AssignmentSubmission, ClassAssignment, ProgressNotification, Student
from lms.notifications import notification_data, notifications
from realtime import broadcast, groups, messages
from realtime.broadcast import best_effort, notify


def announce_assignment(assignment: ClassAssignment) -> None:
    """Send a new assignment to all sockets; while logins are required, to the dashboards and students of its class."""
    class_id = assignment.class_ref_id
    staff = groups.class_group(class_id) if logins_required() else groups.BROADCAST
    recipients = [staff, groups.class_students_group(class_id)]
    data = messages.AssignmentCreatedData(
        assignment_id=assignment.pk,
        class_id=assignment.class_ref_id,
        title=assignment.title,
        due_date=messages.timestamp(assignment.due_date) if assignment.due_date else None,
    )
    frame = messages.AssignmentCreated(data)
    notify(recipients, frame, also_outside=True)


def announce_grade(submission: AssignmentSubmission) -> None:
    """Send a grade to the student. While logins are required, grade and feedback are left out: the client reads them
    over HTTP (websocket.md section 1)."""
    is_private = logins_required()
    student, channel = submission.student, f"notifications:{submission.student_id}"
    data = messages.AssignmentGradedData(
        assignment_id=submission.assignment_id,
        submission_id=submission.pk,
        student_id=student.pk,
        title=submission.assignment.title,
        status=submission.status,
    )
    if not is_private:
        data.grade, data.feedback = submission.grade, submission.feedback
    # The same id as under /progress/notifications.
    of_class = Scope((submission.assignment.class_ref_id,))
    found = notifications(student, scope=of_class, unread_only=True, limit=1, now=timezone.now())
    newest: list[messages.NotificationData] = found["notifications"]
    frames: list[messages.Message] = [messages.AssignmentGraded(channel, data)]
    for fields in newest:
        frames.append(messages.NotificationAdded(channel, {**fields, "message": "Graded"} if is_private else fields))
    recipients = groups.student_groups(
        "notifications",
        student_id=student.pk,
        email=student.email,
        class_ids=[submission.assignment.class_ref_id],
    )
    for each in frames:
        notify(recipients, each, also_outside=True)
    best_effort(lambda: broadcast.wake_inboxes([student.pk]))


def announce_due_date(notice: ProgressNotification, student: Student) -> None:
    """Send the stored notification of a changed due date to the student."""
    frame = messages.NotificationAdded(f"notifications:{student.pk}", notification_data(notice))
    recipients = groups.student_groups(
        "notifications", student_id=student.pk, email=student.email, class_ids=[notice.class_id]
    )
    notify(recipients, frame, also_outside=True)
    best_effort(lambda: broadcast.wake_inboxes([student.pk]))
