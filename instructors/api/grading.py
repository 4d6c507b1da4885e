"""Telling people of assignments and grades.

A row that is stored stays stored when nobody can be told: the failure is logged, and the client reads it over HTTP.
"""

from django.conf import settings

from instructors.live import tell
from lms.models import AssignmentSubmission, ClassAssignment
from realtime import broadcast, groups, messages


def tell_assignment(assignment: ClassAssignment) -> None:
    """To everybody who listens; with logins on, to the class's own dashboards."""
    group = groups.BROADCAST
    if settings.API_REQUIRE_AUTH:
        group = groups.class_group(assignment.class_ref_id)
    frame = messages.assignment_created(
        assignment_id=assignment.pk,
        class_id=assignment.class_ref_id,
        title=assignment.title,
        due_date=assignment.due_date,
    )
    tell(lambda: broadcast.publish({}, [(group, frame)], outside=[frame]))


def tell_grade(submission: AssignmentSubmission) -> None:
    """To the student. With logins on, without what was graded: anybody can listen under a student's name, so the
    client reads it over HTTP (websocket.md section 1)."""
    is_private = settings.API_REQUIRE_AUTH
    frame = messages.assignment_graded(
        assignment_id=submission.assignment_id,
        submission_id=submission.pk,
        student_id=submission.student_id,
        title=submission.assignment.title,
        status=submission.status,
        result=None if is_private else (submission.grade, submission.feedback),
    )
    student = submission.student
    told = groups.student_groups("notifications", student_id=student.pk, email=student.email)
    tell(lambda: broadcast.publish({}, [(group, frame) for group in told], outside=[frame]))
