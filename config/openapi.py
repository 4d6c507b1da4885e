"""The paths of the OpenAPI document that are no REST framework views: the event intakes and the probes.

The hot intake stands beside Django and the others are plain views, so nothing can be derived from them. The content
follows docs/contract/events.md section 1 and http.md sections 2 and 14; tests/lms/test_openapi.py compares it with the
responses.
"""

from typing import Any

from config.openapi_schemas import SCHEMAS, Shape, array, ref
from instructors.rest.openapi import CLASS_KEY, CLASS_KEY_IN_ADDRESS, MEANINGS, STUDENT_TOKEN

# A key or token is only needed where EVENTS_REQUIRE_KEY is on; one that is given is checked everywhere.
SECURITY: list[dict[str, list[str]]] = [{}, {CLASS_KEY: []}, {CLASS_KEY_IN_ADDRESS: []}, {STUDENT_TOKEN: []}]

EVENT: Shape = {
    "eventId": "7c0c8a3e-2f5d-4b57-9c3c-0a3f3f6d9b11",
    "eventType": "cell_executed",
    "eventTime": "2025-05-12T08:15:30.120Z",
    "emailAddress": "student001@example.com",
    "userName": "Hanako",
    "teamName": "チームA",
    "sessionId": "0b9f4f0e-6d0c-4c1e-8f0e-5d8d2a4f7a10",
    "notebookPath": "lesson/exercise01.ipynb",
    "cellId": "a1b2c3",
    "cellIndex": 2,
    "cellType": "code",
    "code": "print(1)",
    "executionCount": 3,
    "hasError": False,
    "result": "1\n",
    "executionDurationMs": 12.5,
}
CELL: Shape = {
    "userId": "student001@example.com",
    "notebookPath": "lesson/exercise01.ipynb",
    "cellId": "a1b2c3",
    "cellContent": "print(1 / 0)",
    "outputs": [{"output_type": "error", "ename": "ZeroDivisionError", "evalue": "division by zero"}],
    "executionCount": 4,
    "executionTime": 0.2,
    "executionStatus": "error",
    "timestamp": "2025-05-12T08:16:02Z",
}
REFUSALS: dict[int, Any] = {
    400: "The body is not valid gzip",
    401: "Unknown class key",
    403: "This class is not active",
    413: "Batch size 101 exceeds maximum allowed size of 100",
    415: "Unsupported Content-Encoding: br; send gzip or none",
    422: [{"loc": ["body", 0], "msg": "missing emailAddress", "type": "missing"}],
    503: "The event queue is not available; try again",
}


def content(schema: Shape, example: Any) -> Shape:
    return {"application/json": {"schema": schema, "examples": {"Example": {"value": example}}}}


def answer(description: str, schema: Shape, example: Any) -> Shape:
    return {"description": description, "content": content(schema, example)}


def refusal(status: int) -> Shape:
    shape = ref("ValidationError" if status == 422 else "HTTPError")
    said = answer(MEANINGS[status], shape, {"detail": REFUSALS[status]})
    if status == 503:
        said["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return said


def intake(name: str, summary: str, description: str, *, body: Shape, example: Any, success: Shape) -> Shape:
    """Return the operation of an intake; `success` has the answers that are no refusals. Never 429: it loses events."""
    refusals = {str(status): refusal(status) for status in REFUSALS if name == "events_create" or status != 415}
    return {
        "operationId": name,
        "summary": summary,
        "description": description,
        "tags": ["events"],
        "security": SECURITY,
        "requestBody": {"required": True, "content": content(body, example)},
        "responses": dict(sorted({**success, **refusals}.items())),
    }


def probe(name: str, summary: str, tag: str, *, answers: Shape) -> Shape:
    return {"operationId": name, "summary": summary, "description": "", "tags": [tag], "responses": answers}


def fine(status: str, message: str = "") -> Shape:
    example = {"status": status, "timestamp": "2025-05-12T08:16:02Z", **({"message": message} if message else {})}
    return answer("", ref("Probe"), example)


def unhealthy(status: str) -> Shape:
    return answer(MEANINGS[503], ref("Unhealthy"), {"detail": {"status": status}})


def queued(shape: str, **more: Any) -> Shape:
    return answer("Queued.", ref(shape), {"message": "1 events received and queued for processing.", **more})


PATHS: dict[str, Shape] = {
    "/api/v1/events": {
        "post": intake(
            "events_create",
            "Send events",
            "Answers as soon as the events are queued. Records that are no event are dropped and reported, as long as"
            " one is left. The body is read as JSON whatever its `Content-Type`, and inflated if it is sent with"
            " `Content-Encoding: gzip`.",
            body=array(ref("EventRecord")),
            example=[EVENT],
            success={
                "202": queued(
                    "EventsAccepted",
                    batch_stats={
                        "batch_id": "9f2c41aa",
                        "total_events": 1,
                        "successful_events": 1,
                        "failed_events": [],
                        "event_types": {"cell_executed": 1},
                        "validation_success_rate": 100.0,
                        "total_processing_time_ms": 1,
                    },
                )
            },
        )
    },
    "/api/v1/events/health": {
        "get": probe("events_health", "The probe of the extension", "events", answers={"200": fine("ok")})
    },
    "/api/v1/progress/student-progress": {
        "post": intake(
            "progress_student_progress_create",
            "Send one event",
            "Or a list of them. One that is no event refuses the whole request.",
            body={"oneOf": [ref("EventRecord"), array(ref("EventRecord"))]},
            example=EVENT,
            success={"200": queued("ProgressAccepted", status="ok", processed_user_id="student001@example.com")},
        )
    },
    "/api/v1/cell-monitor": {
        "post": intake(
            "cell_monitor_create",
            "Send one cell that ran",
            "Or a list of them, as older extensions do. Also at `/api/v1/progress/cell-monitor`.",
            body={"oneOf": [ref("LegacyCell"), array(ref("LegacyCell"))]},
            example=CELL,
            success={"200": queued("CellAccepted", status="ok", user_id="student001@example.com", cell_id="a1b2c3")},
        )
    },
    "/api/v1/health": {
        "get": probe(
            "health",
            "The state of everything that is needed",
            "health",
            answers={
                "200": answer("`healthy`, or `degraded`: lessons work.", ref("HealthReport"), {"status": "healthy"}),
                "503": unhealthy("unhealthy"),
            },
        )
    },
    "/api/v1/health/simple": {"get": probe("health_simple", "Answers", "health", answers={"200": fine("ok")})},
    "/api/v1/health/live": {
        "get": probe("health_live", "The process runs", "health", answers={"200": fine("alive", "The process runs")})
    },
    "/api/v1/health/ready": {
        "get": probe(
            "health_ready",
            "The database answers",
            "health",
            answers={"200": fine("ready", "Ready to serve"), "503": unhealthy("not_ready")},
        )
    },
}


def add_plain_views(result: Shape, **_: Any) -> Shape:
    """Add the paths that are no REST framework views. A postprocessing hook of drf-spectacular."""
    result["paths"] = dict(sorted({**result["paths"], **PATHS}.items()))
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    result["components"]["schemas"] = dict(sorted({**schemas, **SCHEMAS}.items()))
    return result
