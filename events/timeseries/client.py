"""InfluxDB itself: the one module that speaks to it. A page waits READ_MS for an answer at most; the sender, for whom
nobody waits, WRITE_MS, so that a slow server is not written to again and again in vain."""

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
# What a server says about lines rather than about the request or itself. Anything else is waited out.
ABOUT_LINES = {400, 413, 422}
# So many lines refused one by one and none accepted: then it is not the lines.
NOT_THE_LINES = 16
# So many bad lines of one request are looked for; where there are more, the rest of them is only counted.
SOUGHT = 16
# What InfluxDB says (422) where it wrote the good lines and dropped the others (`PartialWriteError` of its tsdb).
PARTIAL = re.compile(r"partial write: (?P<why>.*?) *dropped=(?P<dropped>\d+)\s*$", re.DOTALL)
BEYOND = re.compile(r"\b(beyond|outside)\b.*\bretention\b")
# A point that comes to its bucket so shortly before it would be let go is not sent: our clock is not InfluxDB's, and
# whoever asks asks later.
MARGIN = timedelta(minutes=10)
SAID = {
    401: "refuses the token (401)",
    403: "refuses the token for this bucket (403)",
    404: "does not know the organisation or the bucket (404)",
    429: "asks us to wait (429)",
}


class Unreachable(Exception):
    """Nothing can be written at present. The text says why, for people; `detail`, for the log only, is what the server
    said, which may quote a student; `retry_after` in seconds, 0 where not told."""

    def __init__(self, reason: str, *, detail: str = "", retry_after: float = 0) -> None:
        super().__init__(reason)
        self.detail = detail
        self.retry_after = retry_after


# The client library is 500 modules and 30 MiB in every process: it is imported by who first needs it, which is nobody
# where no InfluxDB is configured. An `except` clause asks for its errors only when there is one.


@cache
def unreachable() -> tuple[type[Exception], ...]:
    """What a call of the library raises when InfluxDB does not do what it is asked."""
    from influxdb_client.client.exceptions import InfluxDBError
    from urllib3.exceptions import HTTPError

    return InfluxDBError, HTTPError, OSError


@cache
def unanswered() -> tuple[type[Exception], ...]:
    """The same, and answers that cannot be read."""
    from influxdb_client.client.flux_csv_parser import FluxCsvParserException, FluxQueryException

    return *unreachable(), FluxQueryException, FluxCsvParserException


@dataclass(frozen=True, slots=True)
class Bucket:
    """The bucket that points go to. One that is deleted and made again under the same name is another one."""

    id: str
    made: int  # when, in milliseconds since the epoch
    seconds: int  # how long it keeps a point; 0 = for ever

    @property
    def identity(self) -> str:
        return f"{self.id} {self.made}"


@dataclass(slots=True)
class Sent:
    """What became of lines that were sent. Times are event times, in milliseconds since the epoch."""

    written: int = 0
    expired: int = 0  # older than the bucket keeps them
    refused: int = 0
    # The newest of the events that InfluxDB does not have now; None where none of the refused was about a student.
    refused_until: int | None = None
    reason: str = ""  # the server's words, which may quote a student
    is_taking: bool = False  # the server writes good lines

    def refuse(self, lines: Sequence[str], number: int, reason: str) -> None:
        """`number` of these lines, which ones is not known."""
        self.refused += number
        self.reason = reason
        times = [time_of(line) for line in lines if line.startswith(f"{MEASUREMENT},")]
        self.refused_until = max([*times, self.refused_until or 0]) or None


@dataclass(frozen=True, slots=True)
class _Trouble:
    reason: str
    dropped: int | None = None  # of a partial write: so many lines, the others are written
    is_expiry: bool = False


def is_configured() -> bool:
    return bool(settings.INFLUXDB_URL)


def target() -> str:
    """Where points go: an address and a bucket; "" where no InfluxDB is configured."""
    if not is_configured():
        return ""
    return f"{settings.INFLUXDB_URL} {settings.INFLUXDB_ORG} {settings.INFLUXDB_BUCKET}"


@lru_cache(maxsize=4)
def _connect(url: str, token: str, org: str, timeout_ms: int) -> "InfluxDBClient":
    """The client of this process; its connections are shared by all threads."""
    from influxdb_client.client.influxdb_client import InfluxDBClient

    return InfluxDBClient(url=url, token=token, org=org, timeout=timeout_ms)


def connect(timeout_ms: int) -> "InfluxDBClient":
    return _connect(settings.INFLUXDB_URL, settings.INFLUXDB_TOKEN, settings.INFLUXDB_ORG, timeout_ms)


def disconnect() -> None:
    """Close what this process has open; the next call connects anew."""
    _connect.cache_clear()  # a client that nobody holds closes its connections


# Not left to the end of the interpreter: by then the client misses what it needs for it.
atexit.register(disconnect)


def said(error: Exception) -> str:
    """What went wrong, for people."""
    status = getattr(error, "status", None) or 0
    return SAID.get(status) or (f"answers {status}" if status else f"does not answer ({type(error).__name__})")


# --- The bucket -------------------------------------------------------------------------------------------------------


def bucket(name: str = "") -> Bucket | None:
    """The bucket of that name, or the one that points go to, as the server knows it. None where it shows none: there
    is none of that name, the token may not see it, or the server is no InfluxDB 2. Raises one of `unreachable` where it
    does not answer."""
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
    """From this event time (ms) on points are sent to a bucket that keeps them so long; 0 where it keeps them all."""
    return now_ms - seconds * 1000 + int(MARGIN.total_seconds() * 1000) if seconds else 0


# --- Writing ----------------------------------------------------------------------------------------------------------


def send(lines: Sequence[str], *, kept_from: int = 0) -> Sent:
    """Write these lines, but for those of events before `kept_from` (ms), which the bucket does not keep. The
    neighbours of a line that is refused are written. Raises Away."""
    young = [line for line in lines if time_of(line) >= kept_from] if kept_from else lines
    sent = Sent(expired=len(lines) - len(young))
    if young:
        _send(young, sent)
    return sent


def _send(lines: Sequence[str], sent: Sent) -> None:
    trouble = _write(lines)
    if trouble is None:
        sent.written += len(lines)
        sent.is_taking = True
        return
    if trouble.dropped is not None:
        sent.is_taking = True
        dropped = min(trouble.dropped, len(lines))
        if trouble.is_expiry or dropped == len(lines) or sent.refused >= SOUGHT:
            sent.written += len(lines) - dropped
            if trouble.is_expiry:
                sent.expired += dropped
            else:
                sent.refuse(lines, dropped, trouble.reason)
            return
    elif len(lines) == 1:
        sent.refuse(lines, 1, trouble.reason)
        if sent.refused >= NOT_THE_LINES and not sent.is_taking:
            raise Unreachable("refuses every point", detail=trouble.reason)
        return
    # What was written in spite of the refusal is written again, which changes nothing.
    middle = len(lines) // 2
    _send(lines[:middle], sent)
    _send(lines[middle:], sent)


def _write(lines: Sequence[str]) -> _Trouble | None:
    """None where the server took them all, its reason where something is wrong with one. Raises Away."""
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
        if status in ABOUT_LINES:
            message = error.message.decode(errors="replace") if isinstance(error.message, bytes) else error.message
            return _trouble(status, message or "")
        raise Unreachable(said(error), retry_after=_seconds(error.retry_after)) from error
    except unreachable() as error:
        raise Unreachable(said(error)) from error
    return None


def _trouble(status: int, message: str) -> _Trouble:
    reason = f"{status} {message[:200]}".strip()
    partial = PARTIAL.search(message) if status == 422 else None
    if partial is None:
        return _Trouble(reason)
    return _Trouble(reason, int(partial["dropped"]), bool(BEYOND.search(partial["why"])))


def _seconds(retry_after: str | None) -> float:
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:  # a date
        return 0.0


# --- Reading ----------------------------------------------------------------------------------------------------------


def ask(flux: str, params: Mapping[str, Any], *, timeout_ms: int = READ_MS) -> list[dict[str, Any]]:
    """The records of the answer, each with the name of its `result`. Raises one of `unanswered`.

    Nothing from outside is ever part of the text: `params` travel beside it, as literals of a syntax tree.
    """
    tables = connect(timeout_ms).query_api().query(flux, params=dict(params))
    return [dict(record.values) for table in tables for record in table.records]


def version() -> str:
    """InfluxDB's version, from its answer to a ping. Raises one of `unreachable`."""
    return str(connect(READ_MS).version() or "unknown")
