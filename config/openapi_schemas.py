"""The request and response schemas of the event intakes and the probes (`config.openapi`)."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from instructors.rest.openapi import NOT_BLANK

Shape = dict[str, Any]

TYPES = ("eventType", "event", "event_type", "type")
IN_ADDRESS = ("emailAddress", "cellId")  # of POST /progress/process-event
IDENTITIES = ("emailAddress", "userId", "user_id", "student_id", "email")


def text(description: str = "") -> Shape:
    return {"type": "string", "nullable": True, **({"description": description} if description else {})}


def number(kind: str, description: str) -> Shape:
    """Return the shape of a number, or a text that is one."""
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
    """Return a shape in which the first of these names that is given is not blank."""
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
