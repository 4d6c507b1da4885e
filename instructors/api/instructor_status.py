"""Status of instructors: read, set, set in bulk, history (docs/contract/http.md section 9)."""

from typing import Any, ClassVar

from django.db import transaction
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from core.json_values import TooDeep, storable
from instructors import audit
from instructors.api.callers import account_of, refuse_unless
from instructors.api.fields import StatusField
from instructors.api.instructors import find_instructor
from instructors.models import Instructor
from instructors.permissions import may_manage
from instructors.rest.exceptions import BadRequest, Unprocessable
from instructors.rest.fields import RowId
from instructors.rest.openapi import PAGING, documented
from instructors.rest.parameters import validated
from instructors.rest.permissions import LoginRequired
from instructors.rest.views import ApiView
from instructors.status import UnknownSession, announce_status, change_status

UNKNOWN_SESSION = "Session does not exist"
# These endpoints answer REST framework's text instead of that of `RowId`.
INVALID_ID = {"invalid": serializers.IntegerField.default_error_messages["invalid"]}


class StatusResponse(serializers.Serializer[Any]):
    instructor_id = serializers.IntegerField(source="pk")
    status = StatusField()
    current_session_id = serializers.IntegerField(allow_null=True)
    status_updated_at = serializers.DateTimeField()


class HistoryResponse(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    instructor_id = serializers.IntegerField()
    status = StatusField()
    session_id = serializers.IntegerField(allow_null=True)
    started_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    duration_minutes = serializers.IntegerField(allow_null=True, help_text="Whole minutes; null while it lasts.")


class StatusRequest(serializers.Serializer[Any]):
    status = StatusField()
    current_session_id = RowId(required=False, allow_null=True, error_messages=INVALID_ID)


class BulkEntry(StatusRequest):
    instructor_id = RowId(error_messages=INVALID_ID)


class Updates(serializers.ListField):
    """A list with at least one entry. The view answers 400 to an empty one."""

    documented: ClassVar = {"minItems": 1}


class BulkRequest(serializers.Serializer[Any]):
    # Entries are validated one by one in the view: a bad one fails alone.
    updates = Updates(child=serializers.JSONField(allow_null=True), help_text="`BulkEntry` objects.")


class BulkResult(serializers.Serializer[Any]):
    instructor_id = serializers.JSONField(allow_null=True)
    success = serializers.BooleanField()
    status = StatusField(required=False)
    current_session_id = serializers.IntegerField(required=False, allow_null=True)
    error = serializers.CharField(required=False)


class BulkResponse(serializers.Serializer[Any]):
    updated_count = serializers.IntegerField()
    results = BulkResult(many=True)


class StatusView(ApiView):
    permission_classes = (LoginRequired,)
    action = "set the status"

    @documented(summary="An instructor's status", responses={200: StatusResponse}, errors=(404,))
    def get(self, request: Request, instructor_id: str) -> Response:
        return Response(StatusResponse(find_instructor(instructor_id)).data)

    @documented(
        summary="Set an instructor's status", request=StatusRequest, responses={200: StatusResponse}, errors=(404,)
    )
    def put(self, request: Request, instructor_id: str) -> Response:
        """Set the caller's own status, or, as an admin, that of any account. The same status again counts as a change.
        Without `current_session_id` the session stays."""
        found = find_instructor(instructor_id)
        refuse_unless(_may_set(account_of(request), found))
        sent = validated(StatusRequest(data=request.data))
        try:
            changed = _set_status(request, found, sent)
        except UnknownSession:
            raise Unprocessable(["body", "current_session_id"], UNKNOWN_SESSION) from None
        return Response(StatusResponse(changed).data)


class HistoryView(ApiView):
    permission_classes = (LoginRequired,)

    @documented(
        summary="What an instructor did",
        responses={200: HistoryResponse(many=True)},
        errors=(404,),
        parameters=PAGING,
    )
    def get(self, request: Request, instructor_id: str) -> Response:
        """List the status history, newest first."""
        rows = find_instructor(instructor_id).status_history.order_by("-started_at", "-pk")
        return Response(HistoryResponse(self.paginate_queryset(rows), many=True).data)


class BulkView(ApiView):
    permission_classes = (LoginRequired,)
    action = "set the statuses"

    @documented(
        summary="Set the statuses of several instructors",
        request=BulkRequest,
        responses={200: BulkResponse, 207: OpenApiResponse(BulkResponse, "At least one entry failed.")},
        errors=(400,),
    )
    def post(self, request: Request) -> Response:
        """Set each status in a transaction of its own, in the order of the request."""
        updates = validated(BulkRequest(data=request.data))["updates"]
        if not updates:
            raise BadRequest("No updates provided")
        results = [self._apply(request, entry) for entry in updates]
        done = sum(result["success"] for result in results)
        return Response({"updated_count": done, "results": results}, status=200 if done == len(results) else 207)

    def _apply(self, request: Request, entry: Any) -> dict[str, Any]:
        """Set one status. Return its entry of the response; errors are part of it."""
        serializer = BulkEntry(data=entry)
        try:
            given = storable(entry.get("instructor_id")) if isinstance(entry, dict) else None
        except TooDeep:
            raise BadRequest("instructor_id is nested too deeply") from None
        if not serializer.is_valid():
            return {"instructor_id": given, "success": False, "error": _first_error(serializer.errors)}
        sent: dict[str, Any] = serializer.validated_data
        pk = sent.pop("instructor_id")
        found = Instructor.objects.filter(pk=pk).first()
        if found is None:
            return {"instructor_id": pk, "success": False, "error": "Instructor not found"}
        if not _may_set(account_of(request), found):
            return {"instructor_id": pk, "success": False, "error": "Not enough permissions"}
        try:
            changed = _set_status(request, found, sent)
        except UnknownSession:
            return {"instructor_id": pk, "success": False, "error": UNKNOWN_SESSION}
        return {
            "instructor_id": pk,
            "success": True,
            "status": changed.status,
            "current_session_id": changed.current_session_id,
        }


def _may_set(caller: Instructor, account: Instructor) -> bool:
    """Return whether this is the caller's own account or one they manage (http.md section 9)."""
    return caller.pk == account.pk or may_manage(caller, account)


def _set_status(request: Request, account: Instructor, sent: dict[str, Any]) -> Instructor:
    """Set the status, record it in the audit log and announce it. Raises UnknownSession."""
    session_id = sent.get("current_session_id", account.current_session_id)
    with transaction.atomic():
        changed = change_status(
            instructor_id=account.pk, status=sent["status"], session_id=session_id, now=timezone.now()
        )
        audit.record(
            "status_change",
            account,
            actor=account_of(request),
            request=request,
            details={"from": account.status, "to": changed.status, "session_id": session_id},
        )
    announce_status(changed)
    return changed


def _first_error(errors: Any) -> str:
    """Return the first of a serializer's errors as a sentence that names its field."""
    field, problems = next(iter(errors.items()))
    text = str(problems[0])
    return text if field == "non_field_errors" else f"{field}: {text}"
