"""Telling people of assignments and grades.

A row that is stored stays stored when nobody can be told: the failure is logged, and the client reads it over HTTP.
"""

import logging

from django.conf import settings
from redis.exceptions import RedisError

from lms.models import AssignmentSubmission, ClassAssignment
from realtime import broadcast, messages

logger = logging.getLogger(__name__)


def tell(group: str, frame: messages.Frame) -> None:
    try:
        broadcast.publish({}, [(group, frame)], outside=[frame])
    except (RedisError, OSError):
        logger.exception("Nobody was told of %s", frame["type"])


def tell_assignment(assignment: ClassAssignment) -> None:
    """To everybody who listens; with logins on, to the class's own dashboards."""
    group = messages.BROADCAST
    if settings.API_REQUIRE_AUTH:
        group = messages.class_group(assignment.class_ref_id)
    frame = messages.assignment_created(
        assignment_id=assignment.pk,
        class_id=assignment.class_ref_id,
        title=assignment.title,
        due_date=assignment.due_date,
    )
    tell(group, frame)


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
    tell(messages.notifications_group(submission.student_id), frame)
