"""The progress API: docs/contract/http.md section 12. Everything is derived from stored rows."""

from typing import Any

from django.utils import timezone
from rest_framework.exceptions import APIException, NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.progress import selectors as progress_selectors
from classroom.progress import serializers
from core.identity import row_number
from core.validators import MAX_BIGINT
from events.contract.records import BadBody
from events.intake.request import RequestRefused
from events.intake.submit import submit
from events.student_status import ACTIVE_WINDOW
from instructors.rest.exceptions import Unprocessable
from instructors.rest.openapi import documented
from instructors.rest.parameters import path_id, query_boolean, query_integer
from lms import notifications
from lms.access import classes_of, find_student, scope_of, students_seen_by
from lms.api.base import ApiView
from lms.api.permissions import ClassKeyOrLogin
from realtime.messages import timestamp


class SummaryView(ApiView):
    action = "get progress"
    token_methods = frozenset({"GET"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="A student's progress",
        responses={200: serializers.SummaryResponse},
        errors=(404,),
        parameters=[serializers.USER],
    )
    def get(self, request: Request, user_id: str) -> Response:
        student = self.find_recorded(user_id)
        found = progress_selectors.summary(progress_selectors.facts(self.viewer, [student.pk]), student)
        return _answer("Student progress retrieved successfully", user_id=student.email, progress=found)


class AssignmentView(ApiView):
    action = "get progress"
    token_methods = frozenset({"GET"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="A student's progress with one assignment",
        responses={200: serializers.AssignmentProgressResponse},
        errors=(404,),
        parameters=[serializers.USER],
    )
    def get(self, request: Request, user_id: str, assignment_id: str) -> Response:
        pk = path_id(assignment_id, "assignment_id")
        student = self.find_recorded(user_id)
        known = progress_selectors.facts(
            self.viewer, [student.pk], only=pk if abs(pk) <= MAX_BIGINT else 0, times=False
        )
        if not known.assignments:
            raise NotFound(f"Assignment with id {pk} not found")
        (assignment,) = known.assignments
        found = progress_selectors.assignment_progress(known, student, assignment)
        found["cells_progress"] = progress_selectors.cells_of(self.viewer, student, assignment)
        return _answer(
            "Assignment progress retrieved successfully", user_id=student.email, assignment_id=pk, progress=found
        )


class AllStudentsView(ApiView):
    action = "get the progress of all students"

    @documented(
        summary="All students' progress",
        responses={200: serializers.AllStudentsResponse},
        parameters=[serializers.INCLUDE_DETAILS, serializers.limit(200, 50)],
    )
    def get(self, request: Request) -> Response:
        details = query_boolean(request, "include_details", False)
        limit = query_integer(request, "limit", 50, minimum=1, maximum=200)
        students = list(students_seen_by(self.viewer).order_by("pk")[:limit])
        known = progress_selectors.facts(self.viewer, [student.pk for student in students])
        rows = [progress_selectors.summary(known, student) for student in students]
        stats = _stats(self, rows) | {"returned_students": len(rows)}
        if not details:
            rows = [{k: v for k, v in row.items() if k != "assignments_progress"} for row in rows]
        return _answer("Progress of all students retrieved successfully", stats=stats, students_progress=rows)


class StatsView(ApiView):
    action = "get progress figures"

    @documented(summary="Figures of all students' progress", responses={200: serializers.StatsResponse})
    def get(self, request: Request) -> Response:
        students = list(students_seen_by(self.viewer))
        known = progress_selectors.facts(self.viewer, [student.pk for student in students], times=False)
        rows = [progress_selectors.summary(known, student) for student in students]
        runs = sum(student.execution_count for student in students)
        errors = sum(student.error_count for student in students)
        stats = _stats(self, rows) | {
            "total_assignments": len(known.assignments),
            "total_executions": runs,
            "error_rate": errors / runs if runs else 0.0,
        }
        return _answer("Progress statistics retrieved successfully", stats=stats)


def _stats(view: ApiView, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Return figures of all visible students; the average is that of `rows`. Two queries."""
    students = students_seen_by(view.viewer)
    shares = [row["overall_progress_percentage"] for row in rows]
    return {
        "total_students": students.count(),
        "active_students": students.filter(last_activity_at__gt=timezone.now() - ACTIVE_WINDOW).count(),
        "average_progress": round(sum(shares) / len(shares), 1) if shares else 0.0,
    }


class NotificationsView(ApiView):
    action = "get notifications"
    token_methods = frozenset({"GET"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="A student's notifications",
        responses={200: serializers.NotificationsResponse},
        parameters=[serializers.USER, serializers.ONLY_UNREAD, serializers.limit(100, 20)],
    )
    def get(self, request: Request, user_id: str) -> Response:
        """An unknown student has an empty list."""
        unread_only = bool(query_boolean(request, "unread_only", True))
        limit = query_integer(request, "limit", 20, minimum=1, maximum=100)
        student = find_student(self.viewer, user_id)
        found: dict[str, Any] = dict.fromkeys(("total_notifications", "returned_notifications", "unread_count"), 0)
        found["notifications"] = []
        if student:
            self.record_view(student.pk)
            found = notifications.notifications(
                student, scope=scope_of(self.viewer), unread_only=unread_only, limit=limit, now=timezone.now()
            )
        return _answer("Notifications retrieved successfully", user_id=student.email if student else user_id, **found)


class ReadView(ApiView):
    action = "mark the notification"
    token_methods = frozenset({"POST"})
    permission_classes = (ClassKeyOrLogin,)

    @documented(
        summary="Mark a notification as read",
        responses={200: serializers.ReadResponse},
        errors=(404,),
        parameters=[serializers.NOTIFICATION],
    )
    def post(self, request: Request, notification_id: str) -> Response:
        if not notifications.mark_read(self.viewer, notification_id):
            raise NotFound("Notification not found")
        answer = {"message": "Notification marked as read", "notification_id": notification_id}
        return Response({**answer, "marked_at": timestamp()})


class ProcessEventView(ApiView):
    action = "process the event"

    @documented(
        summary="An event about an assignment",
        request={"application/json": {"$ref": "#/components/schemas/ProgressEvent"}},
        responses={202: serializers.ProcessedResponse},
        errors=(404, 422, 503),
        parameters=[serializers.named(name) for name in ("user_id", "assignment_id", "cell_id")],
    )
    def post(self, request: Request) -> Response:
        """Queued as if posted to `/events`, with the identity and the cell of the query. With a login, the student
        must be one of the caller's, and the event counts for the class of the assignment."""
        named = {}
        for name in ("user_id", "assignment_id", "cell_id"):
            named[name] = request.query_params.get(name, "").strip()
            if not named[name]:
                raise Unprocessable(["query", name], "Field required", "missing")
        if not isinstance(request.data, dict):
            raise Unprocessable(["body"], "Input should be a valid dictionary", "dict_type")
        now, class_id = timezone.now(), self.class_of(named["user_id"], named["assignment_id"])
        given = {name: value for name, value in request.data.items() if value is not None}
        record = {"eventType": "progress_update", **given}
        record |= {"emailAddress": named["user_id"], "cellId": named["cell_id"]}
        if isinstance(record.setdefault("metadata", {}), dict):  # other types are rejected below
            record["metadata"] = {**record["metadata"], "assignment_id": named["assignment_id"]}
        try:
            submit(record, received=int(now.timestamp() * 1000), class_id=class_id)
        except BadBody as error:
            refusal = Unprocessable(["body"], "")
            refusal.problems = error.problems
            raise refusal from None
        except RequestRefused as error:
            unavailable = APIException(error.detail)
            unavailable.status_code = error.status
            raise unavailable from None
        answer = {"message": "Event queued for processing", **named, "processed_at": timestamp(now)}
        return Response(answer, status=202)

    def class_of(self, user_id: str, assignment_id: str) -> int | None:
        """Return the caller's class that the event counts for: the assignment's, else the student's first.

        None for admins and while logins are not required. Raises NotFound for a student whom the caller may not see.
        """
        if self.viewer.is_admin:
            return None
        student = self.find_student(user_id)
        shared = classes_of(self.viewer).filter(enrolments__student=student.pk).order_by("pk")
        named = shared.filter(assignments=row_number(assignment_id) or 0).first()
        return (named or shared[0]).pk


def _answer(message: str, **parts: Any) -> Response:
    return Response({"message": message, **parts, "retrieved_at": timestamp()})
