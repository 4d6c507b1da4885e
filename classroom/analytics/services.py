"""Order and build reports: the API creates a row and enqueues a job, a worker fills in the content.

The row is authoritative. If Redis lost the job, the next request for the report enqueues it again.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from redis.exceptions import RedisError
from rest_framework.request import Request

from classroom.analytics.models import AnalyticsReport
from classroom.analytics.report_content import content_of
from classroom.analytics.selectors import TimeRange, chosen_students
from core.identity import row_number
from events.queue import jobs
from events.student_status import NO_TEAM
from instructors import audit
from instructors.models import Instructor
from lms.access import class_ids_of, classes_of, find_student, students_seen_by
from lms.models import Class

logger = logging.getLogger(__name__)

Status, Type = AnalyticsReport.Status, AnalyticsReport.Type
LOST = timedelta(minutes=3)  # after which an unfinished job is considered lost
FAILED = "The report could not be made. Order it again; if that fails too, ask whoever runs this server."


class NoTarget(Exception):
    """The account may see no such class, team or student."""


class JobNotEnqueued(Exception):
    """The job cannot be enqueued."""


def request_report(
    *, report_type: str, target: str, time_range: str, file_format: str, by: Instructor, request: Request, now: datetime
) -> AnalyticsReport:
    """Create a pending report and enqueue its job.

    Raises NoTarget, and JobNotEnqueued if Redis is not reachable; the row is deleted then.
    """
    parameters: dict[str, Any] = {
        "target": target,
        "time_range": TimeRange.of(time_range, now=now).name,
        "format": file_format,
        **_target(by, report_type, target),
    }
    with transaction.atomic():
        report = AnalyticsReport.objects.create(
            report_type=report_type, parameters=parameters, requested_by=by, created_at=now, queued_at=now
        )
        # A report on one student is recorded with the student as its target, like other accesses to their data.
        target_type, target_id = (
            ("student", parameters["student_id"]) if report_type == Type.STUDENT else ("report", str(report.report_id))
        )
        audit.record(
            "report_create",
            actor=by,
            request=request,
            target_type=target_type,
            target_id=target_id,
            details={"report_type": report_type, "target": target[:320], "report_id": str(report.report_id)},
        )
    try:
        jobs.enqueue_call(build_report, str(report.report_id))
    except (RedisError, OSError) as error:
        report.delete()
        raise JobNotEnqueued from error
    return report


def _target(by: Instructor, report_type: str, target: str) -> dict[str, Any]:
    if report_type == Type.CLASS:
        found = _class(by, target)
        if found is None:
            raise NoTarget(f"Class {target} not found")
        return {"class_id": found.pk, "title": found.name}
    if report_type == Type.TEAM:
        if not chosen_students(by, team=target).exists():
            raise NoTarget(f"Team {target} not found")
        return {"title": "" if target == NO_TEAM else target, "class_ids": sorted(class_ids_of(by))}
    student = find_student(by, target)
    if student is None:
        raise NoTarget("Student not found")
    return {"student_id": student.pk, "title": student.display_name}


def _class(by: Instructor, target: str) -> Class | None:
    """Return the class with this id, else with this code, which may look like an id."""
    mine = classes_of(by)
    return mine.filter(pk=row_number(target) or 0).first() or mine.filter(class_code=target).first()


def find_report(by: Instructor, report_id: str) -> AnalyticsReport | None:
    """Return a report that this account ordered and may still see, for an admin any; None for an unknown or malformed
    id. Two queries."""
    rows = AnalyticsReport.objects.all() if by.is_admin else AnalyticsReport.objects.filter(requested_by=by)
    try:
        found = rows.filter(report_id=report_id).first()
    except ValidationError:
        return None
    return found if found is not None and _may_see(by, found.parameters) else None


def _may_see(by: Instructor, parameters: Mapping[str, Any]) -> bool:
    """Return whether the account still sees what the report is about: it may have left the class since. A report on a
    team was limited to the account's classes of then."""
    if by.is_admin:
        return True
    if "student_id" in parameters:
        return students_seen_by(by).filter(pk=parameters["student_id"]).exists()
    through = {parameters["class_id"]} if "class_id" in parameters else {*parameters.get("class_ids", ())}
    return through <= {*class_ids_of(by)}


def requeue(report: AnalyticsReport, *, now: datetime) -> None:
    """Enqueue the job of a pending report again if it seems lost; only one of concurrent callers does."""
    if report.status != Status.PENDING or now - report.queued_at < LOST:
        return
    waiting = AnalyticsReport.objects.filter(pk=report.pk, status=Status.PENDING, queued_at=report.queued_at)
    if waiting.update(queued_at=now):
        try:
            jobs.enqueue_call(build_report, str(report.report_id))
        except (RedisError, OSError) as error:
            logger.warning("Report %s cannot be queued: %s", report.report_id, type(error).__name__)


def build_report(report_id: str) -> None:
    """Build the content of a pending report. Run as a job; does nothing for a finished report."""
    report = AnalyticsReport.objects.filter(report_id=report_id, status=Status.PENDING).first()
    if report is None:
        return
    now = datetime.now(UTC)
    content: dict[str, Any] = {"error": FAILED}
    status = Status.FAILED
    try:
        # The account may have been deleted or deactivated since: the report fails then.
        viewer = report.requested_by
        if viewer is not None and viewer.is_active:
            span = TimeRange.of(report.parameters["time_range"], now=report.created_at)
            content = content_of(viewer, report_type=report.report_type, parameters=report.parameters, span=span)
            status = Status.READY
    except Exception:
        logger.exception("Report %s failed", report_id)
    AnalyticsReport.objects.filter(pk=report.pk, status=Status.PENDING).update(
        status=status, content=content, finished_at=now
    )
