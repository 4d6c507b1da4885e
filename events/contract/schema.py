"""Events: records with aliases resolved and a plausible time. Pure functions; the clock is passed in.

`admit` turns a record of `events.contract.records` into an event; `pack` and `unpack` serialize events for the stream.
Source: docs/contract/events.md section 1.
"""

import json
import math
import uuid
import zlib
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from core.identity import EMAIL_LENGTH, LABEL_LENGTH, MAX_NORMALISED, email_key, is_identity, notebook_path, visible
from events.contract import column_widths
from events.contract.kinds import kind_of
from events.contract.records import BadBody, Record, problem

# events.md section 7: a sender's time outside this window (ms around receipt) is replaced by the receipt time.
MAX_AGE_MS = 30 * 24 * 3600 * 1000
MAX_AHEAD_MS = 5 * 60 * 1000
WRONG_STUDENT = "This token belongs to another student"
CACHE_SIZE = 2048  # entries of each cache: a class sends the same few hundred texts all day


class Event(msgspec.Struct, array_like=True, omit_defaults=True, gc=False):
    """An admitted record. Append new fields at the end, so that events already in a stream can still be read."""

    event_id: str
    event_type: str  # the canonical name, or an unknown type as it was sent
    time: int  # ms since the epoch; the sender's time if it is plausible
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
    is_verified: bool = False  # the student's own token came with the request

    @property
    def occurred_at(self) -> datetime:
        return _moment(self.time)

    @property
    def received_at(self) -> datetime:
        return _moment(self.received)


@lru_cache(maxsize=4096)  # a batch has at most 1,000 events, and asks a dozen times for the time of each
def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


# JSON rather than MessagePack: it supports integers of any size and is readable in Redis.
_packer = msgspec.json.Encoder()
_unpacker = msgspec.json.Decoder(list[Event])


# --- Records to events --------------------------------------------------------------------------------------------


def admit(
    record: Record,
    *,
    received: int,
    class_id: int | None = None,
    cut: column_widths.Cut = None,
    student: str | None = None,
    former: Collection[str] = (),
) -> Event | str:
    """Return the event of a record, or the reason why it is refused.

    `received` is in ms since the epoch. Values too long for their column are cut, and their fields counted in `cut`.
    `student` is the address of the student whose token was sent: a record without an identity is theirs, and one that
    names another student is refused. `former` are the keys of addresses that are this student's too.
    """
    r = record
    sent_type = _first_text(r.eventType, r.event, r.event_type, r.type)
    if not sent_type:
        return "missing eventType"
    kind = kind_of(sent_type)
    known_student = r.student_id if isinstance(r.student_id, str) else None
    email = _first_text(r.emailAddress, r.userId, r.user_id, known_student, r.email)
    if student is not None:
        if email and (key := email_key(email)) != email_key(student) and key not in former:
            return WRONG_STUDENT
        email = student
    if len(email) > EMAIL_LENGTH or not _is_identity(email):
        if len(email) > EMAIL_LENGTH or email_key(email):  # cut, it might be another student's
            return "emailAddress is too long"
        if not kind.is_about_instructor:
            return "missing emailAddress"
        email = ""
    error_message, has_error = _error(r)
    event = Event(
        event_id=_first_text(r.eventId, r.event_id) or str(uuid.uuid4()),
        event_type=kind.name or sent_type,
        time=_accepted_time(sent_time(r.eventTime if r.eventTime is not None else r.timestamp), received),
        received=received,
        email=email,
        name=_first_label(r.userName, r.user_name, r.student_name),
        team=_first_label(r.teamName, r.team_name),
        session=_first_text(r.sessionId, r.session_id) or None,
        notebook=_first_path(r.notebookPath, r.notebook_path),
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
        is_verified=student is not None,
    )
    _fit(event, cut)
    return event


def _fit(event: Event, cut: column_widths.Cut) -> None:
    """Cut values that are too long for their columns. The lengths are checked first, because it is rarely needed."""
    if len(event.event_id) > column_widths.EVENT_ID:
        event.event_id = column_widths.identity(event.event_id, column_widths.EVENT_ID, "eventId", cut)
    if len(event.event_type) > column_widths.TYPE:
        event.event_type = column_widths.label(event.event_type, column_widths.TYPE, "eventType", cut)
    if event.name and len(event.name) > column_widths.NAME:
        event.name = column_widths.label(event.name, column_widths.NAME, "userName", cut)
    if event.team and len(event.team) > column_widths.TEAM:
        event.team = column_widths.label(event.team, column_widths.TEAM, "teamName", cut)
    if event.session and len(event.session) > column_widths.SESSION:
        event.session = column_widths.identity(event.session, column_widths.SESSION, "sessionId", cut)
    if event.notebook and len(event.notebook) > column_widths.SHORT_PATH:
        event.notebook = column_widths.path(event.notebook, "notebookPath", cut)
    if event.cell and len(event.cell) > column_widths.CELL:
        event.cell = column_widths.identity(event.cell, column_widths.CELL, "cellId", cut)
    if len(event.cell_type) > column_widths.CELL_TYPE:
        event.cell_type = column_widths.label(event.cell_type, column_widths.CELL_TYPE, "cellType", cut)
    event.cell_index = column_widths.whole(event.cell_index, "cellIndex", cut)
    event.execution_count = column_widths.whole(event.execution_count, "executionCount", cut)
    if event.duration_ms is not None and event.duration_ms > column_widths.MAX_RUN_MS:
        column_widths.count_cut("executionDurationMs", cut)
        event.duration_ms = None


def refuse_wrong_identity(record: Record, place: list[str | int]) -> None:
    """Raise BadBody for a numeric `student_id`, except in instructor events, which contain one."""
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


def _first_label(*values: str | None) -> str | None:
    for value in values:
        if value is not None:
            return _label(value) if len(value) <= LABEL_LENGTH else visible(value)
    return None


def _first_path(*values: str | None) -> str | None:
    for value in values:
        if value is not None:
            return _path(value) if len(value) <= MAX_NORMALISED else value.strip() or None
    return None


# Short texts only, so that the caches stay small.
_is_identity = lru_cache(maxsize=CACHE_SIZE)(is_identity)
_label = lru_cache(maxsize=CACHE_SIZE)(visible)


@lru_cache(maxsize=CACHE_SIZE)
def _path(text: str) -> str | None:
    return notebook_path(text.strip()) or None


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
    """Return the duration in milliseconds. `executionTime` and `duration` are seconds; a date in them is ignored."""
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
    extras: dict[str, Any] = {"metadata": r.metadata} if r.metadata else {}
    if r.instructor_id is not None:
        extras["instructor_id"] = r.instructor_id
    if r.student_id is not None and not isinstance(r.student_id, str):
        extras["student_id"] = r.student_id
    if r.class_id is not None:
        extras["class_id"] = r.class_id
    if r.subject is not None:
        extras["subject"] = r.subject
    if r.priority is not None:
        extras["priority"] = r.priority
    if r.status is not None and r.status != "error":
        extras["status"] = r.status
    return extras or None


def sent_time(sent: str | float | None) -> float | None:
    """Return a sender's time, ISO 8601 or seconds since the epoch, in milliseconds since the epoch; None if it is
    missing or invalid."""
    if isinstance(sent, str):
        try:
            moment = datetime.fromisoformat(sent.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
        except (ValueError, OverflowError):
            return None
    return None if sent is None else sent * 1000


def _accepted_time(sent: float | None, received: int) -> int:
    if sent is not None and received - MAX_AGE_MS <= sent <= received + MAX_AHEAD_MS:
        return round(sent)
    return received


# --- Through the stream -------------------------------------------------------------------------------------------


@lru_cache(maxsize=CACHE_SIZE)
def shard_of(email: str, shards: int) -> int:
    """Return the shard of a student: the same one for all spellings of the address."""
    return zlib.crc32(email_key(email).encode()) % shards


def pack(events: Iterable[Event]) -> bytes:
    return _packer.encode(list(events))


def unpack(packed: bytes) -> list[Event]:
    """Return the packed events. Raises msgspec.MsgspecError for bytes that `pack` did not produce."""
    return _unpacker.decode(packed)


def as_sent(event: Event) -> dict[str, Any]:
    """Return the event under its canonical wire names, as the intake would accept it again."""
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
