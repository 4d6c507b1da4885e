"""The API of the offline queue (docs/contract/http.md section 6)."""

from collections.abc import Callable
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone
from redis.exceptions import RedisError
from rest_framework.exceptions import APIException, AuthenticationFailed, ParseError, PermissionDenied
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from events.contract import records as contract_records
from events.intake.class_keys import ClassKeyCache, KeyRefused
from events.offline import queue as offline_queue
from events.offline import sync as offline_sync
from events.offline import undelivered
from events.offline.serializers import (
    MAX_LISTED,
    Cleared,
    FailedEntry,
    FailedList,
    NewEntries,
    Queued,
    StatusReport,
    SyncReport,
    SyncRequest,
)
from events.processing import instructor_events
from events.queue import jobs
from events.queue.enqueue import event_of
from instructors import audit
from instructors.api.callers import known_caller
from instructors.rest.exceptions import BadRequest, ServiceUnavailable, TooLarge
from instructors.rest.openapi import documented
from instructors.rest.parameters import validated
from instructors.rest.parsers import GzipJSONParser
from lms.api.base import ApiView

MAX_RECORDS = 100

EXAMPLE = {"eventType": "notebook_opened", "emailAddress": "student001@example.com", "notebookPath": "lesson/a.ipynb"}

_class_keys = ClassKeyCache(settings.EVENTS_REQUIRE_KEY)


class SyncFailed(APIException):
    status_code = 500


class EventsParser(GzipJSONParser):
    """A parser as lenient as the intake's."""

    def loads(self, content: bytes) -> Any:
        value = contract_records.loads(content)
        try:
            contract_records.refuse_depth(value)
        except contract_records.BadBody as error:
            raise ParseError(str(error)) from None
        return value


class QueueView(ApiView):
    action = "queue offline events"
    permission_classes = (AllowAny,)
    key_methods = frozenset({"POST"})
    parser_classes = (EventsParser,)
    throttle_classes = ()  # a refused event would be lost
    class_id: int | None = None

    def perform_authentication(self, request: Request) -> None:
        """Check the class key like the intake, with a cache, so that events are accepted while PostgreSQL is down."""
        key = request.headers.get("X-Class-Key") or request.query_params.get("key") or ""
        try:
            self.class_id = async_to_sync(_class_keys.class_of)(key.strip() or None)
        except KeyRefused as refusal:
            kinds = {401: AuthenticationFailed, 403: PermissionDenied}
            raise kinds.get(refusal.status, ServiceUnavailable)(refusal.detail) from None

    @documented(
        summary="Queue events",
        request=NewEntries,
        responses={202: Queued},
        errors=(400, 503),
        example={"events": [EXAMPLE], "priority": 1},
    )
    def post(self, request: Request) -> Response:
        """Deliver the events at once if possible, unless `force_queue` is set."""
        fields = validated(NewEntries(data=request.data))
        records = fields["events"]
        if not records:
            raise BadRequest("No events provided")
        if len(records) > MAX_RECORDS:
            raise TooLarge(f"Batch size {len(records)} exceeds maximum allowed size of {MAX_RECORDS}")
        taken = offline_queue.take(
            records,
            priority=fields["priority"],
            is_forced=fields["force_queue"],
            class_id=self.class_id,
            is_authorised=self.authorisation(),
            enqueue_drains=jobs.enqueue_drains,
            now=timezone.now(),
        )
        if not taken.entries and any(error == offline_queue.UNAVAILABLE for _, error in taken.failed):
            raise ServiceUnavailable("The offline queue is not available; try again")
        answer: dict[str, Any] = {
            "message": f"{len(taken.entries)} events queued for offline sync",
            "queued_event_ids": [entry.queue_id for entry in taken.entries],
            "successful_count": len(taken.entries),
            "failed_count": len(taken.failed),
        }
        if taken.failed:
            answer["failed_events"] = [{"event": record, "error": error} for record, error in taken.failed]
        return Response(answer, status=202)

    def authorisation(self) -> Callable[[dict[str, Any]], bool]:
        """Return a function that tells whether the caller may send a record about instructors (events.md section 3.4).

        While PostgreSQL is unavailable it returns False, and the records are delivered without that effect.
        """
        try:
            caller = self.caller
        except DatabaseError:
            caller = None
        return lambda record: caller is not None and _allows(caller, record)


def _allows(caller: Any, record: dict[str, Any]) -> bool:
    try:
        return instructor_events.allows(caller, event_of(record, received=0))
    except (DatabaseError, contract_records.BadBody):
        return False


class StatusView(ApiView):
    action = "get offline sync status"

    @documented(summary="The offline queue", responses={200: StatusReport})
    def get(self, request: Request) -> Response:
        now, state = timezone.now(), undelivered.state()
        recommendations = {"recommendations": state.recommendations}
        return Response(
            {
                "queue_status": state.as_json(),
                "health": state.health,
                **recommendations,
                "additional_stats": {"queue_health": state.health, **recommendations},
                "timestamp": now,
            }
        )


class SyncView(ApiView):
    action = "sync offline events"

    @documented(summary="Sync the offline queue", request=SyncRequest, responses={200: SyncReport}, example={})
    def post(self, request: Request) -> Response:
        """Sync in the background, or at once with `force_sync`, which also ignores the time between two tries."""
        is_forced = validated(SyncRequest(data=request.data))["force_sync"]
        state = undelivered.state()
        if state.sync_in_progress:
            return self.report("Sync already in progress", state)
        if not state.queued and not offline_sync.failed_for_now().exists():
            return self.report("No events to sync", state)
        audit.record("offline_sync", actor=known_caller(request), request=request, details={"is_forced": is_forced})
        if not is_forced:
            try:
                jobs.enqueue_sync()
            except (RedisError, OSError):
                reason = "the event queue is not available; what is queued is synced once it is back"
                raise SyncFailed(f"Failed to sync offline events: {reason}") from None
            return self.report("Sync started in background", state)
        started = timezone.now()
        done = offline_sync.sync(enqueue_drains=jobs.enqueue_drains, by_hand=True, is_eager=True, now=started)
        if done is None:
            return self.report("Sync already in progress", state)
        result = {
            "total_events": done.total,
            "successful_syncs": done.successful,
            "failed_syncs": done.failed,
            "skipped_events": done.skipped,
            "sync_duration_ms": round((timezone.now() - started).total_seconds() * 1000, 1),
        }
        return self.report("Forced sync completed", undelivered.state(), sync_result=result)

    def report(self, message: str, state: undelivered.QueueState, **more: Any) -> Response:
        return Response({"message": message, "queue_status": state.as_json(), **more})


class ClearView(ApiView):
    action = "clear offline queue"

    @documented(summary="Clear the offline queue", responses={200: Cleared})
    def delete(self, request: Request) -> Response:
        """Clear waiting and failed events. Admins only. The admin site still shows cleared events."""
        if not self.viewer.is_admin:
            raise PermissionDenied("Not enough permissions")
        with transaction.atomic():
            waited, failed = undelivered.clear()
            audit.record(
                "offline_clear",
                actor=known_caller(request),
                request=request,
                details={"cleared_events": waited, "cleared_failed_events": failed},
            )
        return Response(
            {
                "message": "Offline queue cleared",
                "cleared_events": waited,
                "cleared_failed_events": failed,
                "queue_status": undelivered.state().as_json(),
            }
        )


class FailedView(ApiView):
    action = "get failed events"

    @documented(summary="Events that failed", responses={200: FailedList})
    def get(self, request: Request) -> Response:
        """Return the failed events of your students and classes, newest first."""
        failed = undelivered.failed_entries(self.viewer)
        count = failed.count()
        recommendations = ["Correct what can be corrected, and put it back, in the administration."] if count else []
        return Response(
            {
                "failed_events_count": count,
                "failed_events": FailedEntry(failed[:MAX_LISTED], many=True).data,
                "recommendations": recommendations,
            }
        )
