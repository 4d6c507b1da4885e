"""The addresses of the OpenAPI document that no REST framework view answers: the event intakes and the probes.

The hot intake stands beside Django and the others are plain views, so nothing can be derived from them. What is said
here is docs/contract/events.md section 1 and http.md sections 2 and 14; tests/lms/test_openapi.py holds it against the
answers.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from instructors.rest.openapi import CLASS_KEY, CLASS_KEY_IN_ADDRESS, MEANINGS, NOT_BLANK, STUDENT_TOKEN

Shape = dict[str, Any]

# A key or token is only needed where EVENTS_REQUIRE_KEY is on; one that is given is checked everywhere.
SECURITY: list[dict[str, list[str]]] = [{}, {CLASS_KEY: []}, {CLASS_KEY_IN_ADDRESS: []}, {STUDENT_TOKEN: []}]

TYPES = ("eventType", "event", "event_type", "type")
IN_ADDRESS = ("emailAddress", "cellId")  # of POST /progress/process-event
IDENTITIES = ("emailAddress", "userId", "user_id", "student_id", "email")


def text(description: str = "") -> Shape:
    return {"type": "string", "nullable": True, **({"description": description} if description else {})}


def number(kind: str, description: str) -> Shape:
    """A number, or a text that is one."""
    pattern = r"^-?(0|[1-9][0-9]{0,17})$" if kind == "integer" else r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?$"
    return {
        "anyOf": [{"type": kind}, {"type": "string", "pattern": pattern}],
        "nullable": True,
        "description": description,
    }


def boolean(description: str) -> Shape:
    return {
        "anyOf": [{"type": "boolean"}, {"enum": [0, 1, "0", "1", "true", "false"]}],
        "nullable": True,
        "description": description,
    }


def array(items: Shape) -> Shape:
    return {"type": "array", "maxItems": settings.EVENT_BATCH_LIMIT, "items": items}


def ref(name: str) -> Shape:
    return {"$ref": f"#/components/schemas/{name}"}


EVENT_FIELDS: Shape = {
    "type": "object",
    "description": "Null equals absent, and unknown keys are ignored.",
    "properties": {
        "eventId": text("By which a repeated event is known. Alias: `event_id`."),
        "eventType": text("What happened. Aliases: `event`, `event_type`, `type`."),
        "eventTime": text(
            "ISO 8601; without an offset it is UTC. Default: the time of receipt, which also replaces a time that"
            " cannot be. Alias: `timestamp`, also as seconds since the epoch."
        ),
        "emailAddress": text("Who the student is. Aliases: `userId`, `user_id`, `student_id`, `email`."),
        "userName": text("Aliases: `user_name`, `student_name`."),
        "teamName": text("Alias: `team_name`."),
        "sessionId": text("Alias: `session_id`."),
        "notebookPath": text("Alias: `notebook_path`."),
        "cellId": text("Alias: `cell_id`."),
        "cellIndex": number("integer", "From 0. Alias: `cell_index`."),
        "cellType": text("`code` (default), `markdown` or `raw`. Alias: `cell_type`."),
        "code": text("Aliases: `cellSource`, `cellContent`."),
        "executionCount": number("integer", "`In [n]`. Alias: `execution_count`."),
        "hasError": boolean("Aliases: `success` and `executionSuccess`, negated; `status` being `error`."),
        "errorMessage": text("Aliases: `error_message`; `error`, also as `{name, message}`."),
        "result": text("Aliases: `output`, `cellOutput`."),
        "executionDurationMs": number(
            "number", "Milliseconds. Aliases: `duration_ms`; `executionTime` and `duration`, which are seconds."
        ),
        "status": {"description": "`error`, or `aborted` for a run that was interrupted or never began. Else ignored."},
        "metadata": {
            "type": "object",
            "nullable": True,
            "additionalProperties": True,
            "description": "Of a run, `runId`, `startedAt`, `queuedMs` and `traceback` are kept; of a `log_entry`,"
            " `client` with `version`, `waiting`, `dropped` and `clock_offset_ms`.",
        },
        **{name: text(f"Alias of `{TYPES[0]}`.") for name in TYPES[1:]},
        **{name: text(f"Alias of `{IDENTITIES[0]}`.") for name in IDENTITIES[1:]},
    },
}


def first_of(names: Sequence[str]) -> Shape:
    """Of these names the first that is given says something."""
    choices = []
    for index, name in enumerate(names):
        earlier = {other: {"enum": [None], "nullable": True} for other in names[:index]}
        given = {name: {"type": "string", "pattern": NOT_BLANK}}
        choices.append({"type": "object", "required": [name], "properties": {**earlier, **given}})
    return {"oneOf": choices}


SCHEMAS: dict[str, Shape] = {
    "EventFields": EVENT_FIELDS,
    "EventRecord": {
        "description": "An event is valid when it says what happened, and to whom: under one name each.",
        "allOf": [ref("EventFields"), first_of(TYPES), first_of(IDENTITIES)],
    },
    "ProgressEvent": {
        **EVENT_FIELDS,
        "description": "What happened is `progress_update` if nothing else is said.",
        "properties": {
            **{name: shape for name, shape in EVENT_FIELDS["properties"].items() if name not in IN_ADDRESS},
            "eventType": {"type": "string", "pattern": NOT_BLANK, "nullable": True},
        },
    },
    "LegacyCell": {
        "type": "object",
        "description": "A cell that ran, as older extensions tell it; every key is optional.",
        "properties": {
            **EVENT_FIELDS["properties"],
            "userId": text("Without an identity the record is accepted, and not stored."),
            "notebookPath": text(),
            "cellId": text(),
            "cellIndex": number("integer", "From 0."),
            "cellType": text(),
            "cellContent": text(),
            "code": text("The older name of `cellContent`."),
            "outputs": {"description": "A list: outputs as nbformat has them, or plain texts. Else it is ignored."},
            "result": text("The older name of `outputs`."),
            "executionCount": number("integer", "`In [n]`."),
            "executionTime": {"description": "Seconds. What is no number is ignored."},
            "executionStatus": {"description": "`success` or `error`. What is no text is ignored."},
            "hasError": boolean("The older name of `executionStatus`."),
            "timestamp": {
                "oneOf": [{"type": "string"}, {"type": "number"}],
                "nullable": True,
                "description": "ISO 8601, or seconds since the epoch.",
            },
            "metadata": {"type": "object", "nullable": True, "additionalProperties": True},
        },
    },
    "BatchStats": {
        "type": "object",
        "description": "For people who look into it; nothing should depend on it but `failed_events`.",
        "properties": {
            "batch_id": {"type": "string"},
            "total_events": {"type": "integer"},
            "successful_events": {"type": "integer"},
            "failed_events": {
                "type": "array",
                "description": "The records that were not queued, by their index in the array as sent. Promised.",
                "items": {
                    "type": "object",
                    "properties": {"index": {"type": "integer"}, "error": {"type": "string"}},
                    "required": ["index", "error"],
                },
            },
            "event_types": {"type": "object", "additionalProperties": {"type": "integer"}},
            "validation_success_rate": {"type": "number", "description": "Percent."},
            "total_processing_time_ms": {"type": "integer"},
        },
        "required": ["batch_id", "total_events", "successful_events", "failed_events"],
    },
    "EventsAccepted": {
        "type": "object",
        "properties": {"message": {"type": "string"}, "batch_stats": ref("BatchStats")},
        "required": ["message", "batch_stats"],
    },
    "ProgressAccepted": {
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["ok"]},
            "message": {"type": "string"},
            "processed_user_id": {"type": "string", "nullable": True},
        },
        "required": ["status", "message", "processed_user_id"],
    },
    "CellAccepted": {
        "type": "object",
        "properties": {
            "status": {"type": "string", "enum": ["ok"]},
            "message": {"type": "string"},
            "user_id": {"type": "string", "nullable": True, "description": "Of the first record."},
            "cell_id": {"type": "string", "nullable": True, "description": "Of the first record."},
        },
        "required": ["status", "message", "user_id", "cell_id"],
    },
    "Probe": {
        "type": "object",
        "properties": {
            "status": {"type": "string"},
            "timestamp": {"type": "string", "format": "date-time"},
            "message": {"type": "string"},
        },
        "required": ["status", "timestamp"],
    },
    "HealthReport": {
        "type": "object",
        "properties": {"status": {"type": "string"}},
        "required": ["status"],
        "additionalProperties": True,
    },
    "Unhealthy": {
        "type": "object",
        "properties": {"detail": {"type": "object", "additionalProperties": True}},
        "required": ["detail"],
    },
}

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
    """The operation of an intake; `success` is its answers that are no refusals. Never 429: that would lose events."""
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
    """A postprocessing hook of drf-spectacular."""
    result["paths"] = dict(sorted({**result["paths"], **PATHS}.items()))
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    result["components"]["schemas"] = dict(sorted({**schemas, **SCHEMAS}.items()))
    return result
