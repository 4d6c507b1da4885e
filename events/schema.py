"""The wire format: bytes in, events out. Pure; no database, no Redis, no clock but the one passed in.

`parse` turns a request body into records, `admit` a record into an event: aliases resolved, texts made storable, the
time made believable. `pack` and `unpack` carry events through the stream. Source: docs/contract/events.md section 1.
"""

import json
import math
import uuid
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NoReturn

import msgspec

from events.kinds import kind_of

Problem = dict[str, Any]
Json = str | dict[str, Any] | list[Any]

# events.md section 7: a sender's time outside this window (ms around receipt) is replaced by the receipt time.
OLDEST = 30 * 24 * 3600 * 1000
NEWEST = 5 * 60 * 1000
REPLACEMENT = "\ufffd"  # for what PostgreSQL's text refuses: NUL and lone surrogates


class BadBody(Exception):
    """The body is refused as a whole; `problems` is the `detail` of a 422."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems[0]["msg"])
        self.problems = problems


class Record(msgspec.Struct):
    """One record as it may stand on the wire: canonical names and every accepted alias."""

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


class Event(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """A record that was admitted. New fields go to the end, so that events already in a stream can still be read."""

    event_id: str
    event_type: str  # the canonical name; as sent where nobody knows it
    time: int  # ms since the epoch; the sender's where it is believable
    received: int  # ms since the epoch
    email: str = ""  # empty only in instructor events
    name: str | None = None
    team: str | None = None
    session: str | None = None
    notebook: str | None = None
    cell: str | None = None
    cell_index: int | None = None
    cell_type: str = "code"
    code: str | None = None
    execution_count: int | None = None
    has_error: bool = False
    error_message: str | None = None
    result: str | None = None
    duration_ms: float | None = None
    data: dict[str, Any] | None = None
    class_id: int | None = None  # of the class whose key came with the request
    is_authorised: bool = False  # an instructor's token came with the request

    @property
    def occurred_at(self) -> datetime:
        return datetime.fromtimestamp(self.time / 1000, UTC)

    @property
    def received_at(self) -> datetime:
        return datetime.fromtimestamp(self.received / 1000, UTC)


_records = msgspec.json.Decoder(list[Record], strict=False)
_fields = {field.name: field.type for field in msgspec.structs.fields(Record)}
# JSON rather than MessagePack: it takes whole numbers of any size, and a person can read it in Redis.
_packer = msgspec.json.Encoder()
_unpacker = msgspec.json.Decoder(list[Event])


# --- Bytes to records ---------------------------------------------------------------------------------------------


def parse(body: bytes) -> list[Record]:
    """The records of a request body. Raises BadBody where no client could mean it."""
    try:
        records = _records.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        records = _parse_leniently(body)
    except RecursionError:
        _refuse_body("JSON is nested too deeply", "json_invalid")
    if b"\\u0000" in body:
        records = msgspec.convert(storable(msgspec.to_builtins(records)), list[Record], strict=False)
    return records


def _parse_leniently(body: bytes) -> list[Record]:
    """The slow way, for what the fast one refuses: a lone surrogate, NaN or a broken byte loses nothing; a wrong
    type is reported with its place."""
    try:
        value = json.loads(body.decode(errors="replace"), parse_constant=lambda _name: None)
    except RecursionError:
        _refuse_body("JSON is nested too deeply", "json_invalid")
    except ValueError as error:
        _refuse_body(f"JSON decode error: {error}", "json_invalid")
    if not isinstance(value, list):
        _refuse_body("Input should be a valid list", "list_type")
    value = storable(value)
    problems = [problem for index, item in enumerate(value) for problem in type_problems(item, ["body", index])]
    if problems:
        raise BadBody(problems)
    return [msgspec.convert(item, Record, strict=False) for item in value]


def type_problems(item: Any, place: list[str | int]) -> list[Problem]:
    """One problem for each known field of a wrong type; none for a sound record."""
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
    """The value with U+FFFD for every NUL and lone surrogate, however deep, and None for numbers that are none."""
    if isinstance(value, str):
        return _without_odd(value) if _is_odd(value) else value
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [storable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _is_odd(text: str) -> bool:
    return "\0" in text or any("\ud800" <= char <= "\udfff" for char in text)


def _without_odd(text: str) -> str:
    joined = text.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")
    return joined.replace("\0", REPLACEMENT)


def problem(message: str, kind: str, place: list[str | int]) -> Problem:
    return {"loc": place, "msg": message, "type": kind}


def _refuse_body(message: str, kind: str) -> NoReturn:
    raise BadBody([problem(message, kind, ["body"])])


# --- Records to events --------------------------------------------------------------------------------------------


def admit(record: Record, *, received: int, class_id: int | None = None) -> Event | str:
    """The event that the record means, or why it means none. `received` in ms since the epoch."""
    r = record
    sent_type = _first_text(r.eventType, r.event, r.event_type, r.type)
    if not sent_type:
        return "missing eventType"
    kind = kind_of(sent_type)
    known_student = r.student_id if isinstance(r.student_id, str) else None
    email = _first_text(r.emailAddress, r.userId, r.user_id, known_student, r.email)
    if not email and not kind.is_about_instructor:
        return "missing emailAddress"
    error_message, has_error = _error(r)
    return Event(
        event_id=_first_text(r.eventId, r.event_id) or str(uuid.uuid4()),
        event_type=kind.name or sent_type,
        time=_believable(_sent_time(r), received),
        received=received,
        email=email,
        name=_first_text(r.userName, r.user_name, r.student_name) or None,
        team=_first_text(r.teamName, r.team_name) or None,
        session=_first_text(r.sessionId, r.session_id) or None,
        notebook=_first_text(r.notebookPath, r.notebook_path) or None,
        cell=_first_text(r.cellId, r.cell_id) or None,
        cell_index=r.cellIndex if r.cellIndex is not None else r.cell_index,
        cell_type=_first_text(r.cellType, r.cell_type) or "code",
        code=_first(r.code, r.cellSource, r.cellContent),
        execution_count=r.executionCount if r.executionCount is not None else r.execution_count,
        has_error=has_error,
        error_message=error_message,
        result=_result(r),
        duration_ms=_duration(r),
        data=_extras(r),
        class_id=class_id,
    )


def refuse_wrong_identity(record: Record, place: list[str | int]) -> None:
    """A numeric `student_id` is an identity of the wrong type, except in the instructor events that carry one. Raises
    BadBody."""
    if not isinstance(record.student_id, int):
        return
    sent_type = _first_text(record.eventType, record.event, record.event_type, record.type)
    if not kind_of(sent_type).is_about_instructor:
        raise BadBody([problem("Expected `str`, got `int`", "type_error", [*place, "student_id"])])


def _first(*values: str | None) -> str | None:
    for value in values:
        if value is not None:
            return value
    return None


def _first_text(*values: str | None) -> str:
    for value in values:
        if value is not None:
            return value.strip()
    return ""


def _error(r: Record) -> tuple[str | None, bool]:
    message = _first(r.errorMessage, r.error_message)
    if isinstance(r.error, dict):
        if message is None:
            message = ": ".join(str(r.error[key]) for key in ("name", "message") if r.error.get(key))
        return message, True
    if message is None:
        message = r.error
    if r.hasError is not None:
        return message, r.hasError
    for succeeded in (r.success, r.executionSuccess):
        if succeeded is not None:
            return message, not succeeded
    return message, r.status == "error"


def _result(r: Record) -> str | None:
    if r.result is not None:
        return r.result
    if r.output is not None:
        return r.output if isinstance(r.output, str) else json.dumps(r.output, ensure_ascii=False)
    return r.cellOutput


def _duration(r: Record) -> float | None:
    """Milliseconds; `executionTime` and `duration` are seconds, and a date in them is ignored."""
    value = r.executionDurationMs if r.executionDurationMs is not None else r.duration_ms
    if value is None:
        seconds = _number(r.executionTime)
        seconds = _number(r.duration) if seconds is None else seconds
        value = None if seconds is None else seconds * 1000
    return value if value is not None and math.isfinite(value) and value >= 0 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _extras(r: Record) -> dict[str, Any] | None:
    extras = {"metadata": r.metadata} if r.metadata else {}
    for name in ("instructor_id", "student_id", "class_id", "subject", "priority"):
        value = getattr(r, name)
        if value is not None and not (name == "student_id" and isinstance(value, str)):
            extras[name] = value
    if r.status is not None and r.status != "error":
        extras["status"] = r.status
    return extras or None


def _sent_time(r: Record) -> float | None:
    """Milliseconds since the epoch by the sender's clock; None where that says nothing."""
    sent = r.eventTime if r.eventTime is not None else r.timestamp
    if isinstance(sent, str):
        try:
            moment = datetime.fromisoformat(sent.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
        except (ValueError, OverflowError):
            return None
    return None if sent is None else sent * 1000


def _believable(sent: float | None, received: int) -> int:
    if sent is not None and received - OLDEST <= sent <= received + NEWEST:
        return round(sent)
    return received


# --- Through the stream -------------------------------------------------------------------------------------------


def shard_of(email: str, shards: int) -> int:
    """One student's events share a shard, whatever the case of the address."""
    return zlib.crc32(email.casefold().encode()) % shards


def pack(events: Iterable[Event]) -> bytes:
    return _packer.encode(list(events))


def unpack(packed: bytes) -> list[Event]:
    """Raises msgspec.MsgspecError for bytes that `pack` never made."""
    return _unpacker.decode(packed)


def as_sent(event: Event) -> dict[str, Any]:
    """The event under its canonical wire names, as the intake would take it again."""
    fields = {
        "eventId": event.event_id,
        "eventType": event.event_type,
        "eventTime": event.occurred_at.isoformat(),
        "emailAddress": event.email or None,
        "userName": event.name,
        "teamName": event.team,
        "sessionId": event.session,
        "notebookPath": event.notebook,
        "cellId": event.cell,
        "cellIndex": event.cell_index,
        "cellType": event.cell_type,
        "code": event.code,
        "executionCount": event.execution_count,
        "hasError": event.has_error,
        "errorMessage": event.error_message,
        "result": event.result,
        "executionDurationMs": event.duration_ms,
        **(event.data or {}),
    }
    return {name: value for name, value in fields.items() if value is not None}
