"""The two legacy endpoints for events, which are mapped to the same records, and the extension's health check.

Source: docs/contract/http.md section 2.
"""

import json
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from core import gzip_body
from core.json_size import TooManyValues
from events.contract import records, schema
from events.contract.records import Record
from events.contract.schema import Event
from events.intake.app import kind_of_problem
from events.intake.appender import Appender
from events.intake.class_keys import ClassKeyCache, KeyRefused, StudentTokenCache
from events.intake.request import RequestRefused, inflate
from realtime.messages import timestamp

View = Callable[[HttpRequest], Coroutine[Any, Any, HttpResponse]]

_class_keys = ClassKeyCache(settings.EVENTS_REQUIRE_KEY)
_student_tokens = StudentTokenCache()


def json_refusals(view: View) -> View:
    """Answer refusals of the intake as JSON, and other methods than POST with 405."""

    @csrf_exempt
    @wraps(view)
    async def answer(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return JsonResponse({"detail": "Method Not Allowed"}, status=405, headers={"Allow": "POST, OPTIONS"})
        try:
            return await view(request)
        except (RequestRefused, KeyRefused) as refusal:
            retry = {"Retry-After": "2"} if refusal.status == 503 else None
            return JsonResponse({"detail": refusal.detail}, status=refusal.status, headers=retry)

    return answer


@csrf_exempt
@require_safe
async def health(request: HttpRequest) -> HttpResponse:
    """Answer the extension's health check."""
    return JsonResponse({"status": "ok", "timestamp": timestamp()})


@json_refusals
async def student_progress(request: HttpRequest) -> HttpResponse:
    """Accept one event record or a list of them."""
    items = _items(request)
    events = await _submit(request, items, anonymous=False)
    return JsonResponse(
        {
            "status": "ok",
            "message": f"{len(events)} events received and queued for processing.",
            "processed_user_id": events[0].email if events else None,
        }
    )


@json_refusals
async def cell_monitor(request: HttpRequest) -> HttpResponse:
    """Accept one record of an older extension or a list of them. Each is a cell execution."""
    items = [_as_cell_executed(item) if isinstance(item, dict) else item for item in _items(request)]
    events = await _submit(request, items, anonymous=True)
    first = events[0] if events else None
    return JsonResponse(
        {
            "status": "ok",
            "message": f"{len(events)} events received and queued for processing.",
            "user_id": first.email if first else None,
            "cell_id": first.cell if first else items[0].get("cellId") if items else None,
        }
    )


def _items(request: HttpRequest) -> list[Any]:
    body = request.body
    if request.headers.get("Content-Encoding", "").lower() in gzip_body.NAMES:
        body = inflate(body, limit=settings.EVENT_BODY_LIMIT)
    try:
        value = records.loads(body)
    except (ValueError, RecursionError) as error:
        raise RequestRefused(422, [records.problem(f"JSON decode error: {error}", "json_invalid", ["body"])]) from None
    except TooManyValues as error:
        raise RequestRefused(413, str(error)) from None
    try:
        return records.storable(value) if isinstance(value, list) else [records.storable(value)]
    except records.BadBody as error:
        raise RequestRefused(422, error.problems) from None


async def _submit(request: HttpRequest, items: list[Any], *, anonymous: bool) -> list[Event]:
    """Append the events of these items to the stream. Skip records without an identity if `anonymous`, else refuse."""
    class_id, student, former = await _sender_of(request)
    if len(items) > settings.EVENT_BATCH_LIMIT:
        limit = settings.EVENT_BATCH_LIMIT
        raise RequestRefused(413, f"Batch size {len(items)} exceeds maximum allowed size of {limit}")
    problems = [
        problem for index, item in enumerate(items) for problem in records.type_problems(item, _place(items, index))
    ]
    if problems:
        raise RequestRefused(422, problems)
    received = time.time_ns() // 1_000_000
    events = []
    for index, item in enumerate(items):
        record = msgspec.convert(item, Record, strict=False)
        try:
            schema.refuse_wrong_identity(record, _place(items, index))
        except records.BadBody as error:
            raise RequestRefused(422, error.problems) from None
        admitted = schema.admit(record, received=received, class_id=class_id, student=student, former=former)
        if isinstance(admitted, Event):
            events.append(admitted)
        elif not anonymous or admitted == schema.WRONG_STUDENT:
            problem = records.problem(admitted, kind_of_problem(admitted), _place(items, index))
            raise RequestRefused(422, [problem])
    if events:
        # A new one for each request: a connection belongs to one event loop, and these endpoints are rarely used.
        appender = Appender()
        try:
            await appender.append(events)
        finally:
            await appender.close()
    return events


async def _sender_of(request: HttpRequest) -> tuple[int | None, str | None, tuple[str, ...]]:
    """Return the class of the token or key that was sent, and of the token's student the address and the keys of former
    ones. Raises KeyRefused."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "student":
        holder = await _student_tokens.student_of(token.strip())
        return holder.class_id, holder.email, holder.former
    key = request.headers.get("X-Class-Key") or request.GET.get("key")
    return await _class_keys.class_of(key.strip() if key else None), None, ()


def _place(items: list[Any], index: int) -> list[str | int]:
    return ["body", index] if len(items) > 1 else ["body"]


def _as_cell_executed(item: dict[str, Any]) -> dict[str, Any]:
    """Return the record under the names of the event contract."""
    record = {name: value for name, value in item.items() if name not in ("outputs", "executionStatus")}
    if not any(record.get(name) for name in ("eventType", "event", "event_type", "type")):
        record["eventType"] = "cell_executed"
    if "hasError" not in record and isinstance(item.get("executionStatus"), str):
        record["hasError"] = item["executionStatus"].lower() == "error"
    if "result" not in record and isinstance(item.get("outputs"), list):
        record["result"] = "".join(_output_text(output) for output in item["outputs"])
    return record


def _output_text(output: Any) -> str:
    """Return the text of one nbformat output: a stream, a result, or an error."""
    if isinstance(output, str):
        return output
    if not isinstance(output, dict):
        return json.dumps(output, ensure_ascii=False)
    if output.get("output_type") == "error":
        return f"{output.get('ename', '')}: {output.get('evalue', '')}"
    data = output.get("data")
    text = output.get("text", data.get("text/plain", "") if isinstance(data, dict) else "")
    return "".join(str(part) for part in text) if isinstance(text, list) else str(text)
