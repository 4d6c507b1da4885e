"""Parsing and validating request bodies: the accepted fields, their names, aliases and types.

Pure functions without database or Redis. `events.contract.schema` interprets the records. Source:
docs/contract/events.md section 1.
"""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

import msgspec

from core import json_values
from core.json_size import refuse_too_many_values
from core.json_values import MAX_DEPTH

Problem = dict[str, Any]
Json = str | dict[str, Any] | list[Any]


class BadBody(Exception):
    """The whole body is refused; `problems` is the `detail` of a 422."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0]["msg"])
        self.problems = problems


class Record(msgspec.Struct):
    """One record of a request: canonical field names and every accepted alias."""

    eventId: str | None = None
    event_id: str | None = None
    eventType: str | None = None
    event: str | None = None
    event_type: str | None = None
    type: str | None = None
    eventTime: str | None = None
    timestamp: str | float | None = None
    emailAddress: str | None = None
    userId: str | None = None
    user_id: str | None = None
    student_id: str | int | None = None  # an identity; a number only in instructor events
    email: str | None = None
    userName: str | None = None
    user_name: str | None = None
    student_name: str | None = None
    teamName: str | None = None
    team_name: str | None = None
    sessionId: str | None = None
    session_id: str | None = None
    notebookPath: str | None = None
    notebook_path: str | None = None
    cellId: str | None = None
    cell_id: str | None = None
    cellIndex: int | None = None
    cell_index: int | None = None
    cellType: str | None = None
    cell_type: str | None = None
    code: str | None = None
    cellSource: str | None = None
    cellContent: str | None = None
    executionCount: int | None = None
    execution_count: int | None = None
    hasError: bool | None = None
    success: bool | None = None
    executionSuccess: bool | None = None
    status: Any = None
    errorMessage: str | None = None
    error_message: str | None = None
    error: str | dict[str, Any] | None = None
    result: str | None = None
    output: Json | None = None
    cellOutput: str | None = None
    executionDurationMs: float | None = None
    duration_ms: float | None = None
    executionTime: Any = None
    duration: Any = None
    metadata: dict[str, Any] | None = None
    instructor_id: Any = None
    class_id: Any = None
    subject: Any = None
    priority: Any = None


_records = msgspec.json.Decoder(list[Record], strict=False)
_fields = {field.name: field.type for field in msgspec.structs.fields(Record)}
# Fields whose value may be nested.
_NESTED = [name for name, kind in _fields.items() if kind is Any or "dict" in str(kind)]
TOO_DEEP = "JSON is nested too deeply"


def parse(body: bytes) -> list[Record]:
    """Return the records of a request body. Raises BadBody if it is not JSON or has fields of the wrong type, and
    TooManyValues."""
    refuse_too_many_values(body)
    try:
        records = _records.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        records = _parse_leniently(body)
    except RecursionError:
        _refuse_body(TOO_DEEP, "json_invalid")
    if body.count(b"{") + body.count(b"[") > MAX_DEPTH:
        refuse_depth([[getattr(record, name) for name in _NESTED] for record in records])
    if b"\\u0000" in body:
        records = msgspec.convert(storable(msgspec.to_builtins(records)), list[Record], strict=False)
    return records


def loads(body: bytes) -> Any:
    """Return the JSON value of a body of events. Raises ValueError, RecursionError, TooManyValues.

    Accept NaN, invalid bytes, a byte order mark, UTF-16 and numbers with thousands of digits, so that no event is lost.
    """
    text = body.decode(json.detect_encoding(body), errors="replace")
    refuse_too_many_values(text.encode(errors="replace"))
    return json.loads(text, parse_constant=lambda _name: None, parse_int=_whole_number)


def _parse_leniently(body: bytes) -> list[Record]:
    """Parse a body that the fast decoder refused. Accept lone surrogates, and report wrong types with their location.
    Raises BadBody, TooManyValues."""
    try:
        value = loads(body)
    except RecursionError:
        _refuse_body(TOO_DEEP, "json_invalid")
    except ValueError as error:
        _refuse_body(f"JSON decode error: {error}", "json_invalid")
    if not isinstance(value, list):
        _refuse_body("Input should be a valid list", "list_type")
    value = storable(value)
    problems = [problem for index, item in enumerate(value) for problem in type_problems(item, ["body", index])]
    if problems:
        raise BadBody(problems)
    return [msgspec.convert(item, Record, strict=False) for item in value]


def _whole_number(digits: str) -> int | None:
    """Return the number, or None if it is beyond the range of a double."""
    return int(digits) if len(digits) <= 309 else None


def type_problems(item: Any, place: list[str | int]) -> list[Problem]:
    """Return a problem for each known field of the wrong type."""
    if not isinstance(item, dict):
        return [problem("Input should be a valid dictionary", "dict_type", place)]
    found = []
    for name, value in item.items():
        wanted = _fields.get(name)
        if wanted is None or value is None:
            continue
        try:
            msgspec.convert(value, wanted, strict=False)
        except (msgspec.ValidationError, RecursionError) as error:
            found.append(problem(str(error), "type_error", [*place, name]))
    return found


def storable(value: Any) -> Any:
    """Return the value as PostgreSQL can store it (`core.json_values`). Raises BadBody if it is nested too deeply."""
    refuse_depth(value)
    return json_values.storable(value, max_depth=MAX_DEPTH + 3)


def refuse_depth(value: Any) -> None:
    """Raise BadBody for values nested deeper than MAX_DEPTH below the records of a list. Not recursive."""
    level = [value]
    for _ in range(MAX_DEPTH + 2):  # the list and the record
        level = [inner for item in level for inner in _inside(item) if isinstance(inner, dict | list)]
        if not level:
            return
    _refuse_body(TOO_DEEP, "json_invalid")


def _inside(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def problem(message: str, kind: str, place: list[str | int]) -> Problem:
    return {"loc": place, "msg": message, "type": kind}


def _refuse_body(message: str, kind: str) -> NoReturn:
    raise BadBody([problem(message, kind, ["body"])])
