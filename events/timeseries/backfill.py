"""Backfill: write points from PostgreSQL's rows, after the buffer overflowed or for events older than InfluxDB's setup.

A row does not have every tag of its event (the team of that day, the session of an access), so writing a point again
might create a second one. Therefore
- the event ids that InfluxDB has are queried, and these events are skipped: one SPAN at a time or, if the bucket is new
  and has few points, once;
- rows stored after the start (`Watermark`) are left to the workers, which write them with all tags; and points that the
  workers buffered before are sent first (`settle`).

It is safe to run it twice, over a period that is partly written, or two at once: the same rows give the same points,
which overwrite each other.
"""

import secrets
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.db.models import Max, Model
from redis import Redis

from events.contract.kinds import KINDS
from events.contract.schema import MAX_AHEAD_MS, Event
from events.models import CellExecution, NotebookAccess, StudentEvent
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries.line_protocol import MEASUREMENT, line
from events.timeseries.sender import send_waiting

SPAN = timedelta(minutes=10)  # of a full lesson: some thousand event ids
ROWS = 1_000
TIMEOUT_MS = 30_000  # longer than for pages
# After this time, the points of every batch that was committed before are in Redis; it usually takes milliseconds.
SETTLE = 5.0  # seconds
SEND_TIMEOUT = 60.0  # seconds for sending the points that were buffered at the start
MAX_NEW_POINTS = 100_000  # a bucket with more points is not new

PRESENT = f"""
from(bucket: _bucket)
    |> range(start: _since, stop: _until)
    |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == "eventId")
    |> keep(columns: ["_value"])
"""
FIRST = f"""{PRESENT.rstrip()}
    |> limit(n: _most)
"""
KIND_OF_ACCESS: dict[str, str] = {kind.access: kind.name for kind in KINDS if kind.access}


@dataclass(slots=True)
class Tally:
    written: int = 0
    present: int = 0
    refused: int = 0
    expired: int = 0
    # The time (ms) of the newest refused event: until then the series stays incomplete, however often this runs.
    refused_until: int | None = None
    reason: str = ""  # the server's last message, which may quote a student


@dataclass(frozen=True, slots=True)
class Watermark:
    """The newest row of each table at the start of a backfill."""

    runs: int
    accesses: int
    others: int


class NotNew(Exception):
    """The bucket has too many points to be new."""


def backfill(
    *,
    since: datetime,
    until: datetime,
    is_new: bool = False,
    is_trial: bool = False,
    known: Collection[str] = (),
    watermark: Watermark | None = None,
    retention: int = 0,
) -> Iterator[Tally]:
    """Write the points that InfluxDB lacks in this period. Yield the results so far after each SPAN.

    Erased points stay erased: deleted rows give no points, and no points can be erased while this runs (`erasure`),
    because rows that were read before may still be sent.

    `is_new`: the bucket has only the event ids `known`, so it is not queried. `is_trial`: nothing is written.
    `watermark`: newer rows are skipped. `retention`: of the bucket in seconds, 0 = for ever. Rows are read in chunks;
    memory holds the ids of one SPAN and ROWS points. Raises Unreachable, one of `client.unanswered`, redis.RedisError.
    """
    tally, name = Tally(), secrets.token_hex(8)
    with timeseries_buffer.connect() as redis:
        try:
            start = since
            while start < until:
                end = min(start + SPAN, until)
                present: set[str] | None = set(known) if is_new else None
                timeseries_buffer.record_backfill(redis, name, now=time.time())
                if not is_trial:  # these hours are not summed again, and rows have other tags than the points had
                    timeseries_buffer.invalidate_sums(redis, until_ms=time.time_ns() // 1_000_000 + MAX_AHEAD_MS)
                stored = rows(since=start, until=end, watermark=watermark)
                while part := list(islice(stored, ROWS)):
                    timeseries_buffer.record_backfill(redis, name, now=time.time())
                    if present is None:  # only if there is something to compare
                        present = _present_ids(start, end)
                    _write(part, present, tally, is_trial=is_trial, retention=retention)
                yield tally
                start = end
        finally:
            timeseries_buffer.end_backfill(redis, name)


def _write(part: Sequence[Event], present: set[str], tally: Tally, *, is_trial: bool, retention: int) -> None:
    missing = [line(event) for event in part if event.event_id not in present]
    tally.present += len(part) - len(missing)
    if is_trial or not missing:
        tally.written += len(missing)
        return
    sent = timeseries_client.send(
        missing, kept_from=timeseries_client.kept_from(retention, now_ms=time.time_ns() // 1_000_000)
    )
    tally.written += sent.written
    tally.expired += sent.expired
    tally.refused += sent.refused
    tally.reason = sent.reason or tally.reason
    if sent.refused_until is not None:
        tally.refused_until = max(sent.refused_until, tally.refused_until or 0)


def _present_ids(since: datetime, until: datetime) -> set[str]:
    params = {"_bucket": settings.INFLUXDB_BUCKET, "_since": since, "_until": until}
    return {str(record["_value"]) for record in timeseries_client.ask(PRESENT, params, timeout_ms=TIMEOUT_MS)}


def first_points(since: datetime, until: datetime) -> set[str]:
    """Return the event ids that a new bucket has already, because workers write to it. One query. Raises NotNew, one of
    `client.unanswered`."""
    params = {"_bucket": settings.INFLUXDB_BUCKET, "_since": since, "_until": until, "_most": MAX_NEW_POINTS + 1}
    found = {str(record["_value"]) for record in timeseries_client.ask(FIRST, params, timeout_ms=TIMEOUT_MS)}
    if len(found) > MAX_NEW_POINTS:
        raise NotNew
    return found


def settle(redis: Redis) -> Watermark:
    """Return the newest rows for a backfill, after InfluxDB has the points that the workers buffered of older rows.

    Raises Unreachable if they cannot be sent.
    """
    watermark = Watermark(*(_newest(model) for model in (CellExecution, NotebookAccess, StudentEvent)))
    time.sleep(SETTLE)
    last, deadline = timeseries_buffer.newest_entry(redis), time.monotonic() + SEND_TIMEOUT
    while timeseries_buffer.waits_up_to(redis, last):
        if not send_waiting():  # a worker may be sending
            if reason := timeseries_buffer.backlog_status(redis).reason:
                raise timeseries_client.Unreachable(reason)
            if time.monotonic() > deadline:
                raise timeseries_client.Unreachable(f"did not take what waits within {SEND_TIMEOUT:.0f} s")
            time.sleep(0.2)
    return watermark


def _newest(model: type[Model]) -> int:
    return model._default_manager.order_by().aggregate(newest=Max("pk"))["newest"] or 0


def earliest() -> datetime | None:
    """Return the time of the earliest stored event, or None. Three queries by indexes."""
    tables = ((CellExecution, "executed_at"), (NotebookAccess, "accessed_at"), (StudentEvent, "occurred_at"))
    found = [model._default_manager.order_by(time).values_list(time, flat=True).first() for model, time in tables]
    return min((moment for moment in found if moment is not None), default=None)


def rows(*, since: datetime, until: datetime, watermark: Watermark | None = None) -> Iterator[Event]:
    """Yield the events of students in the period, with the tags that their rows have. Three queries."""
    yield from _runs(since, until, watermark)
    yield from _accesses(since, until, watermark)
    yield from _others(since, until, watermark)


def _runs(since: datetime, until: datetime, watermark: Watermark | None) -> Iterator[Event]:
    found = CellExecution.objects.filter(executed_at__gte=since, executed_at__lt=until, event_id__isnull=False)
    found = found.select_related("student__team", "notebook", "cell", "session").defer("cell__content")
    if watermark:
        found = found.filter(pk__lte=watermark.runs)
    for run in found.order_by("executed_at").iterator(chunk_size=ROWS):
        team = run.student.team
        yield Event(
            event_id=run.event_id or "",
            event_type="cell_executed",
            time=_ms(run.executed_at),
            received=_ms(run.executed_at),
            email=run.student.email,
            name=run.student.name,
            team=team.team_name if team else None,
            session=run.session.session_id,
            notebook=run.notebook.path,
            cell=run.cell.cell_id,
            cell_index=run.cell_index,
            cell_type=run.cell_type or "code",
            code=run.code_content,
            execution_count=run.execution_count,
            has_error=run.status == CellExecution.Status.ERROR,
            error_message=run.error_message,
            result=run.output,
            duration_ms=None if run.duration is None else run.duration * 1000,
            data={"status": run.status} if run.status == CellExecution.Status.ABORTED else None,
        )


def _accesses(since: datetime, until: datetime, watermark: Watermark | None) -> Iterator[Event]:
    found = NotebookAccess.objects.filter(accessed_at__gte=since, accessed_at__lt=until, event_id__isnull=False)
    if watermark:
        found = found.filter(pk__lte=watermark.accesses)
    for access in found.select_related("student__team", "notebook").order_by("accessed_at").iterator(chunk_size=ROWS):
        team = access.student.team
        yield Event(
            event_id=access.event_id or "",
            event_type=KIND_OF_ACCESS[access.action],
            time=_ms(access.accessed_at),
            received=_ms(access.accessed_at),
            email=access.student.email,
            name=access.student.name,
            team=team.team_name if team else None,
            notebook=access.notebook.path,
        )


def _others(since: datetime, until: datetime, watermark: Watermark | None) -> Iterator[Event]:
    found = StudentEvent.objects.filter(occurred_at__gte=since, occurred_at__lt=until, student__isnull=False)
    if watermark:
        found = found.filter(pk__lte=watermark.others)
    for other in found.select_related("student__team").order_by("occurred_at").iterator(chunk_size=ROWS):
        assert other.student is not None
        team = other.student.team
        yield Event(
            event_id=other.event_id,
            event_type=other.event_type,
            time=_ms(other.occurred_at),
            received=_ms(other.received_at),
            email=other.student.email,
            name=other.student.name,
            team=team.team_name if team else None,
            session=other.session_id,
            notebook=other.notebook_path,
            cell=other.cell_id,
            code=other.data.get("code"),
            error_message=other.data.get("errorMessage"),
        )


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
