"""The only door to time series: InfluxDB where it is configured, PostgreSQL's own rows where it is not.

Every event is a row of PostgreSQL already, so without InfluxDB there is nothing to write and the rows answer. With it,
each event is also one point of the measurement `student_progress`. A point overwrites itself (same measurement, tags
and time), so writing a batch again changes nothing. While InfluxDB is away, points wait in Redis, the newest
WAITING_LIMIT lines, and the relational part goes on. Source: docs/contract/events.md section 6.

    points:waiting   list     line protocol, a line an item, oldest first
    points:down      string   set while InfluxDB is taken to be away; expires, so that it is tried again
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypedDict

from django.conf import settings
from django.db import connection
from influxdb_client.client.exceptions import InfluxDBError
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS, WriteApi
from influxdb_client.domain.write_precision import WritePrecision
from redis import Redis
from urllib3.exceptions import HTTPError

from events.schema import Event
from events.store import Changes, kind_in_effect
from realtime.messages import timestamp

logger = logging.getLogger(__name__)

MEASUREMENT = "student_progress"
WAITING, DOWN = "points:waiting", "points:down"
WAITING_LIMIT = 200_000
DOWN_SECONDS = 5
TIMEOUT_MS = 2_000
SENT_AT_ONCE = 1_000
LONGEST = 1_000  # characters of a cell's source and of an error message

UNREACHABLE = (InfluxDBError, HTTPError, OSError)


def is_configured() -> bool:
    return bool(settings.INFLUXDB_URL)


def write(batches: Sequence[Changes]) -> None:
    """Write the points of these batches, or keep them for later. Never raises for InfluxDB's sake."""
    if not is_configured():
        return
    _write([line(event) for changes in batches for event in changes.events if event.email])


def note(event: Event, *, resolved_by: str) -> None:
    """Write the point of something an instructor did for a student; `event` says what, to whom and when."""
    if is_configured():
        _write([line(event, more=["success=true", f"resolvedBy={_text(resolved_by)}"])])


def _write(lines: list[str]) -> None:
    if not lines:
        return
    with _redis() as redis:
        if redis.exists(DOWN) or redis.llen(WAITING):
            _keep(redis, lines)
            return
        try:
            _send(lines)
        except UNREACHABLE as error:
            _mark_down(redis, error)
            _keep(redis, lines)


def catch_up() -> int:
    """Send what waits, oldest first. Returns the number of points sent. Periodic; at most one at a time matters not."""
    sent = 0
    if not is_configured():
        return sent
    with _redis() as redis:
        while not redis.exists(DOWN):
            lines = [item.decode() for item in redis.lrange(WAITING, 0, SENT_AT_ONCE - 1)]
            if not lines:
                break
            try:
                _send(lines)
            except UNREACHABLE as error:
                _mark_down(redis, error)
                break
            redis.ltrim(WAITING, len(lines), -1)
            sent += len(lines)
    return sent


def line(event: Event, *, more: Sequence[str] = ()) -> str:
    """The event as one line of InfluxDB's line protocol, timestamp in milliseconds."""
    notebook = event.notebook or ""
    directory, _, file = notebook.rpartition("/")
    kind = kind_in_effect(event)
    tags = {
        "userId": event.email,
        "event": event.event_type,
        "notebook": file or "unknown",
        "cellType": event.cell_type if event.cell else "unknown",
        "sessionId": event.session or "unknown",
        "emailAddress": event.email,
        "teamName": event.team or "unknown",
        "directory": directory or "root",
    }
    fields = [
        f"cellId={_text(event.cell or '')}",
        f"notebookPath={_text(notebook)}",
        f"executionCount={-1 if event.execution_count is None else event.execution_count}i",
        f"cellIndex={-1 if event.cell_index is None else event.cell_index}i",
        f"userName={_text(event.name or '')}",
        f"cellContent={_text((event.code or '')[:LONGEST])}",
        f"eventId={_text(event.event_id)}",
        f"errorMessage={_text((event.error_message or '')[:LONGEST])}",
    ]
    if kind.is_run:
        fields.append(f"success={'false' if event.has_error or kind.has_failed else 'true'}")
        if event.duration_ms is not None:
            fields.append(f"duration={float(event.duration_ms)!r}")
    fields += more
    head = ",".join([MEASUREMENT, *(f"{name}={_tag(value)}" for name, value in tags.items())])
    return f"{head} {','.join(fields)} {event.time}"


TAG_ESCAPES = str.maketrans({",": r"\,", " ": r"\ ", "=": r"\=", "\n": r"\ ", "\r": r"\ ", "\t": r"\ "})
TEXT_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\""})


def _tag(value: str) -> str:
    # A backslash at the end would escape the separator after it.
    return value.translate(TAG_ESCAPES).rstrip("\\") or "unknown"


def _text(value: str) -> str:
    return f'"{value.translate(TEXT_ESCAPES)}"'


def _send(lines: Iterable[str]) -> None:
    writer().write(
        bucket=settings.INFLUXDB_BUCKET,
        org=settings.INFLUXDB_ORG,
        record="\n".join(lines),
        write_precision=WritePrecision.MS,  # type: ignore[arg-type]  # its constants are texts
    )


@cache
def writer() -> WriteApi:
    """The writer of this process; made when it is first needed."""
    client = InfluxDBClient(
        url=settings.INFLUXDB_URL, token=settings.INFLUXDB_TOKEN, org=settings.INFLUXDB_ORG, timeout=TIMEOUT_MS
    )
    return client.write_api(write_options=SYNCHRONOUS)


def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=5)


def _keep(redis: Redis, lines: Sequence[str]) -> None:
    redis.rpush(WAITING, *lines)
    redis.ltrim(WAITING, -WAITING_LIMIT, -1)


def _mark_down(redis: Redis, error: Exception) -> None:
    logger.warning("InfluxDB does not answer (%s); points wait", type(error).__name__)
    redis.set(DOWN, 1, ex=DOWN_SECONDS)


# --- Read: rows of PostgreSQL answer ---------------------------------------------------------------------------------


class Activity(TypedDict):
    """What happened in one bucket of time. Requests for help, not their re-sends."""

    time: str
    executionCount: int
    errorCount: int
    helpCount: int


def activity(
    *, since: datetime, until: datetime, bucket: timedelta, students: Collection[int] | None = None
) -> list[Activity]:
    """The buckets from `since` up to `until`, oldest first, empty ones too; of these students, or of all.

    One query, by the indexes on time: its cost is that of the runs in the window, however many are stored.
    """
    # A set to join with: for an array that comes as a parameter PostgreSQL would look through all of it at each run.
    of_students = "" if students is None else "AND student_id IN (SELECT unnest(%(students)s::bigint[]))"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH runs AS (
                    SELECT date_bin(%(bucket)s::interval, executed_at, %(since)s::timestamptz) AS start,
                           count(*) AS runs, count(*) FILTER (WHERE status = 'error') AS errors
                    FROM cell_executions
                    WHERE executed_at >= %(since)s::timestamptz AND executed_at < %(until)s::timestamptz
                      AND status <> 'aborted' {of_students} GROUP BY 1
                ), asked AS (
                    SELECT date_bin(%(bucket)s::interval, asked_at, %(since)s::timestamptz) AS start, count(*) AS asked
                    FROM help_requests
                    WHERE asked_at >= %(since)s::timestamptz AND asked_at < %(until)s::timestamptz {of_students}
                    GROUP BY 1
                )
                SELECT start, coalesce(runs, 0), coalesce(errors, 0), coalesce(asked, 0)
                FROM generate_series(%(since)s::timestamptz, %(until)s::timestamptz - interval '1 microsecond',
                                     %(bucket)s::interval) AS start
                LEFT JOIN runs USING (start) LEFT JOIN asked USING (start) ORDER BY start""",  # noqa: S608
            {"since": since, "until": until, "bucket": f"{bucket.total_seconds()} s", "students": list(students or ())},
        )
        rows = cursor.fetchall()
    return [
        {"time": timestamp(start), "executionCount": runs, "errorCount": errors, "helpCount": asked}
        for start, runs, errors, asked in rows
    ]


def version() -> str:
    """InfluxDB's version, from its answer to a ping. Raises one of UNREACHABLE."""
    with InfluxDBClient(url=settings.INFLUXDB_URL, token=settings.INFLUXDB_TOKEN, timeout=TIMEOUT_MS) as client:
        return str(client.version())


# --- Erased: for privacy requests ------------------------------------------------------------------------------------


def forget(email: str, *, until: datetime) -> None:
    """Delete the points of this address, written and waiting. Raises one of UNREACHABLE: then do it again."""
    wanted = f"emailAddress={_tag(email)},".lower()
    with _redis() as redis:
        for kept in redis.lrange(WAITING, 0, -1):
            if wanted in kept.decode().lower():
                redis.lrem(WAITING, 0, kept)
    if not is_configured():
        return
    with InfluxDBClient(
        url=settings.INFLUXDB_URL, token=settings.INFLUXDB_TOKEN, org=settings.INFLUXDB_ORG, timeout=60_000
    ) as client:
        for form in {email, email.lower()}:  # tags are compared with their case
            said = form.replace("\\", "\\\\").replace('"', '\\"')
            client.delete_api().delete(
                datetime(1970, 1, 1, tzinfo=UTC),
                until + timedelta(days=1),
                f'_measurement="{MEASUREMENT}" AND emailAddress="{said}"',
                bucket=settings.INFLUXDB_BUCKET,
                org=settings.INFLUXDB_ORG,
            )
