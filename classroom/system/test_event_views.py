"""The test event API, for end-to-end tests of the extension (http.md section 2.1); 404 unless TEST_EVENTS is on."""

from typing import Any

from django.conf import settings
from django.http import JsonResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from redis.exceptions import RedisError
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from classroom.system import test_event_store
from instructors.rest.exceptions import ServiceUnavailable, Unprocessable
from instructors.rest.openapi import documented
from lms.api.base import ApiView

TEST_ID = OpenApiParameter("test_id", str, OpenApiParameter.PATH)


class InsufficientStorage(APIException):
    """507 rather than 413: the body itself is not too large."""

    status_code = 507


class Stored(serializers.Serializer[Any]):
    message = serializers.CharField()


class Records(serializers.Serializer[Any]):
    test_id = serializers.CharField()
    events = serializers.ListField(child=serializers.DictField())
    count = serializers.IntegerField()


class TestIds(serializers.Serializer[Any]):
    test_ids = serializers.ListField(child=serializers.CharField())
    count = serializers.IntegerField()


class TestEventsBase(ApiView):
    permission_classes = (AllowAny,)
    # Not throttled, like the event intake: a test would lose rejected events.
    throttle_classes = ()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not settings.TEST_EVENTS:
            raise NotFound("Not Found")
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, RedisError):
            exc = ServiceUnavailable("Test events are not available; try again")
        return super().handle_exception(exc)


class TestIdsView(TestEventsBase):
    @extend_schema(operation_id="test_events_list")
    @documented(summary="Tests that have stored events", responses={200: TestIds})
    def get(self, request: Request) -> Response:
        found = test_event_store.ids(now=timezone.now())
        return Response({"test_ids": found, "count": len(found)})


class TestEventsView(TestEventsBase):
    @documented(summary="The stored events of a test", responses={200: Records}, parameters=[TEST_ID])
    def get(self, request: Request, test_id: str) -> JsonResponse:
        found = test_event_store.of(test_id, now=timezone.now())
        # ASCII, so that lone surrogates are returned as they were sent.
        return JsonResponse({"test_id": test_id, "events": found, "count": len(found)})

    @documented(
        summary="Store events of a test",
        request=serializers.ListSerializer(child=serializers.DictField()),
        responses={200: Stored},
        errors=(422, 507),
        parameters=[TEST_ID],
    )
    def post(self, request: Request, test_id: str) -> Response:
        """Each record is stored as sent, for ten minutes, with `received_at` added."""
        records = request.data
        if not isinstance(records, list):
            raise Unprocessable(["body"], "Input should be a valid list", "list_type")
        for index, record in enumerate(records):
            if not isinstance(record, dict):
                raise Unprocessable(["body", index], "Input should be a valid dictionary", "dict_type")
        try:
            test_event_store.add(test_id, records, now=timezone.now())
        except test_event_store.StoreFull as error:
            raise InsufficientStorage(str(error)) from None
        return Response({"message": f"{len(records)} test events stored for test_id: {test_id}"})

    @documented(summary="Delete the events of a test", responses={200: Stored}, errors=(404,), parameters=[TEST_ID])
    def delete(self, request: Request, test_id: str) -> Response:
        cleared = test_event_store.clear(test_id, now=timezone.now())
        if not cleared:
            raise NotFound(f"No events found for test_id: {test_id}")
        return Response({"message": f"Cleared {cleared} events for test_id: {test_id}"})
