"""The InfluxDB client. Pages wait at most READ_MS for an answer. The sender waits WRITE_MS, so that it does not repeat
writes that a slow server is still processing."""

import atexit
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

from events.timeseries.line_protocol import MEASUREMENT, time_of

if TYPE_CHECKING:
    from influxdb_client.client.influxdb_client import InfluxDBClient

READ_MS, WRITE_MS = 2_000, 10_000
# Statuses about the lines themselves. After any other error the sender pauses and retries.
LINE_ERRORS = {400, 413, 422}
# If so many lines are refused one by one and none is accepted, the lines are not the cause.
MAX_REFUSED = 16
# So many bad lines of one request are searched for; the others are only counted.
MAX_SEARCHED = 16
# The message (422) if InfluxDB wrote the good lines and dropped the others (`PartialWriteError` of its tsdb).
PARTIAL = re.compile(r"partial write: (?P<why>.*?) *dropped=(?P<dropped>\d+)\s*$", re.DOTALL)
BEYOND = re.compile(r"\b(beyond|outside)\b.*\bretention\b")
# A point that would expire within this time is not sent: the clocks may differ, and queries come later.
MARGIN = timedelta(minutes=10)
ERRORS = {
    401: "refuses the token (401)",
    403: "refuses the token for this bucket (403)",
    404: "does not know the organisation or the bucket (404)",
    429: "asks us to wait (429)",
}


class Unreachable(Exception):
    """InfluxDB cannot be written at present; the message is the reason, for people.

    `detail` is the server's message, for the log only, because it may quote a student. `retry_after` is in seconds, 0
    if not given.
    """

    def __init__(self, reason: str, *, detail: str = "", retry_after: float = 0) -> None:
        super().__init__(reason)
        self.detail = detail
        self.retry_after = retry_after


# The client library has 500 modules and takes 30 MiB in every process, so it is imported only when it is needed. An
# `except` clause evaluates its exceptions only if an exception was raised.


@cache
def unreachable() -> tuple[type[Exception], ...]:
    """Return the exceptions of the library for failed calls."""
    from influxdb_client.client.exceptions import InfluxDBError
    from urllib3.exceptions import HTTPError

    return InfluxDBError, HTTPError, OSError


@cache
def unanswered() -> tuple[type[Exception], ...]:
    """Return the exceptions of `unreachable` and those for unreadable answers."""
    from influxdb_client.client.flux_csv_parser import FluxCsvParserException, FluxQueryException

    return *unreachable(), FluxQueryException, FluxCsvParserException


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket. One that is deleted and created again under the same name has another identity."""

    id: str
    made: int  # when, in milliseconds since the epoch
    seconds: int  # how long it keeps a point; 0 = for ever

    @property
    def identity(self) -> str:
        return f"{self.id} {self.made}"


@dataclass(slots=True)
class Sent:
    """The result of sending lines. Times are event times, in milliseconds since the epoch."""

    written: int = 0
    expired: int = 0  # older than the bucket keeps them
    refused: int = 0
    # The time of the newest refused event; None if no refused line was about a student.
    refused_until: int | None = None
    reason: str = ""  # the server's message, which may quote a student
    is_taking: bool = False  # the server writes good lines

    def refuse(self, lines: Sequence[str], number: int, reason: str) -> None:
        """Count `number` of these lines as refused, without knowing which."""
        self.refused += number
        self.reason = reason
        times = [time_of(line) for line in lines if line.startswith(f"{MEASUREMENT},")]
        self.refused_until = max([*times, self.refused_until or 0]) or None


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    dropped: int | None = None  # of a partial write: so many lines, the others are written
    is_expiry: bool = False


def is_configured() -> bool:
    return bool(settings.INFLUXDB_URL)


def target() -> str:
    """Return the address, organisation and bucket of InfluxDB, or "" if it is not configured."""
    if not is_configured():
        return ""
    return f"{settings.INFLUXDB_URL} {settings.INFLUXDB_ORG} {settings.INFLUXDB_BUCKET}"


@lru_cache(maxsize=4)
def _connect(url: str, token: str, org: str, timeout_ms: int) -> "InfluxDBClient":
    """Return the client of this process; all threads share its connections."""
    from influxdb_client.client.influxdb_client import InfluxDBClient

    return InfluxDBClient(url=url, token=token, org=org, timeout=timeout_ms)


def connect(timeout_ms: int) -> "InfluxDBClient":
    return _connect(settings.INFLUXDB_URL, settings.INFLUXDB_TOKEN, settings.INFLUXDB_ORG, timeout_ms)


def disconnect() -> None:
    """Close the connections of this process; the next call connects again."""
    _connect.cache_clear()  # an unreferenced client closes its connections


# Before the interpreter shuts down, when modules that the client needs for closing are gone.
atexit.register(disconnect)


def describe_error(error: Exception) -> str:
    """Return a description of the error for people."""
    status = getattr(error, "status", None) or 0
    return ERRORS.get(status) or (f"answers {status}" if status else f"does not answer ({type(error).__name__})")


# --- The bucket -------------------------------------------------------------------------------------------------------


def bucket(name: str = "") -> Bucket | None:
    """Return the bucket of that name (default: INFLUXDB_BUCKET) from the server.

    Return None if it does not exist, the token may not read it, or the server is not InfluxDB 2. Raises one of
    `unreachable` if there is no answer.
    """
    from influxdb_client.client.exceptions import InfluxDBError

    name = name or settings.INFLUXDB_BUCKET
    try:
        found = connect(WRITE_MS).buckets_api().find_buckets(name=name, org=settings.INFLUXDB_ORG)
    except InfluxDBError as error:
        status = getattr(error, "status", None) or 0
        if 400 <= status < 500 and status != 429:
            return None
        raise
    except (ValueError, TypeError):  # an answer, but none of InfluxDB's
        return None
    named = [one for one in found.buckets or () if one.name == name and one.id]
    if not named:
        return None
    [one] = named[:1]
    made = one.created_at.timestamp() if one.created_at else 0
    seconds = max((rule.every_seconds for rule in one.retention_rules or ()), default=0)
    return Bucket(one.id, round(made * 1000), seconds)


def kept_from(seconds: int, *, now_ms: int) -> int:
    """Return the event time (ms) from which points are sent to a bucket of this retention; 0 without a retention."""
    return now_ms - seconds * 1000 + int(MARGIN.total_seconds() * 1000) if seconds else 0


# --- Writing ----------------------------------------------------------------------------------------------------------


def send(lines: Sequence[str], *, kept_from: int = 0) -> Sent:
    """Write these lines except those of events before `kept_from` (ms), which the bucket would not store.

    If a line is refused, the others are written. Raises Unreachable.
    """
    young = [line for line in lines if time_of(line) >= kept_from] if kept_from else lines
    sent = Sent(expired=len(lines) - len(young))
    if young:
        _send(young, sent)
    return sent


def _send(lines: Sequence[str], sent: Sent) -> None:
    refusal = _write(lines)
    if refusal is None:
        sent.written += len(lines)
        sent.is_taking = True
        return
    if refusal.dropped is not None:
        sent.is_taking = True
        dropped = min(refusal.dropped, len(lines))
        if refusal.is_expiry or dropped == len(lines) or sent.refused >= MAX_SEARCHED:
            sent.written += len(lines) - dropped
            if refusal.is_expiry:
                sent.expired += dropped
            else:
                sent.refuse(lines, dropped, refusal.reason)
            return
    elif len(lines) == 1:
        sent.refuse(lines, 1, refusal.reason)
        if sent.refused >= MAX_REFUSED and not sent.is_taking:
            raise Unreachable("refuses every point", detail=refusal.reason)
        return
    # Lines that were written despite the refusal are written again, which changes nothing.
    middle = len(lines) // 2
    _send(lines[:middle], sent)
    _send(lines[middle:], sent)


def _write(lines: Sequence[str]) -> _Refusal | None:
    """Write the lines. Return None, or the refusal if the server refuses some. Raises Unreachable."""
    from influxdb_client.client.exceptions import InfluxDBError
    from influxdb_client.client.write_api import SYNCHRONOUS
    from influxdb_client.domain.write_precision import WritePrecision

    try:
        connect(WRITE_MS).write_api(write_options=SYNCHRONOUS).write(
            bucket=settings.INFLUXDB_BUCKET,
            record="\n".join(lines),
            write_precision=WritePrecision.NS,  # type: ignore[arg-type]  # its constants are texts
        )
    except InfluxDBError as error:
        status = getattr(error, "status", 0)
        if status in LINE_ERRORS:
            message = error.message.decode(errors="replace") if isinstance(error.message, bytes) else error.message
            return _refusal_of(status, message or "")
        raise Unreachable(describe_error(error), retry_after=_seconds(error.retry_after)) from error
    except unreachable() as error:
        raise Unreachable(describe_error(error)) from error
    return None


def _refusal_of(status: int, message: str) -> _Refusal:
    reason = f"{status} {message[:200]}".strip()
    partial = PARTIAL.search(message) if status == 422 else None
    if partial is None:
        return _Refusal(reason)
    return _Refusal(reason, int(partial["dropped"]), bool(BEYOND.search(partial["why"])))


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:  # a date
        return 0.0


# --- Reading ----------------------------------------------------------------------------------------------------------


def ask(flux: str, params: Mapping[str, Any], *, timeout_ms: int = READ_MS) -> list[dict[str, Any]]:
    """Return the records of a query, each with the name of its `result`. Raises one of `unanswered`.

    `params` are sent separately, as literals of a syntax tree, so that no input is parsed as Flux.
    """
    tables = connect(timeout_ms).query_api().query(flux, params=dict(params))
    return [dict(record.values) for table in tables for record in table.records]


def version() -> str:
    """Return InfluxDB's version from its answer to a ping. Raises one of `unreachable`."""
    return str(connect(READ_MS).version() or "unknown")
