"""InfluxDB itself: the one module that speaks to it. A page waits READ_MS for an answer at most; the sender, for whom
nobody waits, WRITE_MS, so that a slow server is not written to again and again in vain."""

import atexit
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from influxdb_client.client.influxdb_client import InfluxDBClient

READ_MS, WRITE_MS = 2_000, 10_000
# What a server says about lines rather than about the request or itself. Anything else is waited out.
ABOUT_LINES = {400, 413, 422}
# So many lines refused one by one and none accepted: then it is not the lines.
NOT_THE_LINES = 16
SAID = {
    401: "refuses the token (401)",
    403: "refuses the token for this bucket (403)",
    404: "does not know the organisation or the bucket (404)",
    429: "asks us to wait (429)",
}


class Away(Exception):
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
class Refusal:
    line: str
    reason: str


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


# --- Writing ----------------------------------------------------------------------------------------------------------


def send(lines: Sequence[str]) -> list[Refusal]:
    """Write these lines. Returns those that the server refuses; their neighbours are written. Raises Away."""
    refusals: list[Refusal] = []
    _send(lines, refusals, accepted=[0])
    return refusals


def _send(lines: Sequence[str], refusals: list[Refusal], accepted: list[int]) -> None:
    reason = _refused(lines)
    if reason is None:
        accepted[0] += len(lines)
        return
    if len(lines) == 1:
        refusals.append(Refusal(lines[0], reason))
        if len(refusals) >= NOT_THE_LINES and not accepted[0]:
            raise Away("refuses every point", detail=reason)
        return
    # What was written in spite of the refusal is written again, which changes nothing.
    middle = len(lines) // 2
    _send(lines[:middle], refusals, accepted)
    _send(lines[middle:], refusals, accepted)


def _refused(lines: Sequence[str]) -> str | None:
    """Write the lines. None where the server took them, its reason where something is wrong with one. Raises Away."""
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
            return f"{status} {(message or '')[:200]}".strip()
        raise Away(said(error), retry_after=_seconds(error.retry_after)) from error
    except unreachable() as error:
        raise Away(said(error)) from error
    return None


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
