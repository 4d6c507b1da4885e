"""Points again from PostgreSQL's rows: after the backlog overflowed, or for what happened before InfluxDB was there.

A row does not remember every tag that its event had (the team of that day, the session of an access), so a point
written again might stand beside the first as a second one. Therefore
- InfluxDB is asked which event ids it has, and what is there is left alone: a span of time at a time, or, where the
  bucket is new and has little, once;
- what was stored after the beginning (`Upto`) is left to the workers, who lay it down with its own tags; and what they
  had laid down until then is sent before anything is asked (`settle`).

Running it twice, or over a span that is half there, is safe; two at once are too: from the same rows come the same
points, which overwrite each other.
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
PATIENCE_MS = 30_000  # nobody waits for a page here
# From the commit of a batch to its points in Redis it is milliseconds; a batch that was begun is through by then.
SETTLE = 5.0  # seconds
SEND = 60.0  # seconds that what waited at the beginning may take to be sent
NEW = 100_000  # points; a bucket with more is not new

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
    # The newest event (ms) among the refused: up to then the series is incomplete, however often this runs.
    refused_until: int | None = None
    reason: str = ""  # what the server said of them last, which may quote a student


@dataclass(frozen=True, slots=True)
class Upto:
    """The newest row of each table when a backfill began."""

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
    upto: Upto | None = None,
    retention: int = 0,
) -> Iterator[Tally]:
    """Write what InfluxDB lacks of this span, and say after each SPAN how it went so far.

    What is erased of a person stays erased: a row that is gone makes no point, and while this runs nobody's points can
    be erased (`erasing`), because rows that were read before may still be on their way.

    `is_new`: nothing is there but `known`, event ids, so nothing is asked. `is_trial`: nothing is written. `upto`: no
    newer rows. `retention`: seconds that the bucket keeps a point, 0 = for ever. Rows are read as they are needed;
    memory holds the ids of one SPAN and ROWS points. Raises server.Away, one of `server.unanswered`, redis.RedisError.
    """
    tally, name = Tally(), secrets.token_hex(8)
    with timeseries_buffer.connect() as redis:
        try:
            start = since
            while start < until:
                end = min(start + SPAN, until)
                present: set[str] | None = set(known) if is_new else None
                timeseries_buffer.note_backfill(redis, name, now=time.time())
                if not is_trial:  # nobody sums these hours again, and a row has other tags than its point had
                    timeseries_buffer.distrust_sums(redis, until_ms=time.time_ns() // 1_000_000 + MAX_AHEAD_MS)
                stored = rows(since=start, until=end, upto=upto)
                while part := list(islice(stored, ROWS)):
                    timeseries_buffer.note_backfill(redis, name, now=time.time())
                    if present is None:  # only where there is something to compare
                        present = _present(start, end)
                    _write(part, present, tally, is_trial=is_trial, retention=retention)
                yield tally
                start = end
        finally:
            timeseries_buffer.end_backfill(redis, name)


def _write(part: Sequence[Event], present: set[str], tally: Tally, *, is_trial: bool, retention: int) -> None:
    lacking = [line(event) for event in part if event.event_id not in present]
    tally.present += len(part) - len(lacking)
    if is_trial or not lacking:
        tally.written += len(lacking)
        return
    sent = timeseries_client.send(
        lacking, kept_from=timeseries_client.kept_from(retention, now_ms=time.time_ns() // 1_000_000)
    )
    tally.written += sent.written
    tally.expired += sent.expired
    tally.refused += sent.refused
    tally.reason = sent.reason or tally.reason
    if sent.refused_until is not None:
        tally.refused_until = max(sent.refused_until, tally.refused_until or 0)


def _present(since: datetime, until: datetime) -> set[str]:
    params = {"_bucket": settings.INFLUXDB_BUCKET, "_since": since, "_until": until}
    return {str(record["_value"]) for record in timeseries_client.ask(PRESENT, params, timeout_ms=PATIENCE_MS)}


def first_points(since: datetime, until: datetime) -> set[str]:
    """The event ids that a new bucket has already, because workers write to it. One question. Raises NotNew, one of
    `server.unanswered`."""
    params = {"_bucket": settings.INFLUXDB_BUCKET, "_since": since, "_until": until, "_most": NEW + 1}
    found = {str(record["_value"]) for record in timeseries_client.ask(FIRST, params, timeout_ms=PATIENCE_MS)}
    if len(found) > NEW:
        raise NotNew
    return found


def settle(redis: Redis) -> Upto:
    """The rows that a backfill has to do with; when this returns, InfluxDB has the points that the workers laid down of
    any of them. Raises server.Away where they cannot be sent."""
    upto = Upto(*(_newest(model) for model in (CellExecution, NotebookAccess, StudentEvent)))
    time.sleep(SETTLE)
    last, deadline = timeseries_buffer.newest_entry(redis), time.monotonic() + SEND
    while timeseries_buffer.waits_up_to(redis, last):
        if not send_waiting():  # a worker may be at it
            if reason := timeseries_buffer.backlog_status(redis).reason:
                raise timeseries_client.Unreachable(reason)
            if time.monotonic() > deadline:
                raise timeseries_client.Unreachable(f"did not take what waits within {SEND:.0f} s")
            time.sleep(0.2)
    return upto


def _newest(model: type[Model]) -> int:
    return model._default_manager.order_by().aggregate(newest=Max("pk"))["newest"] or 0


def earliest() -> datetime | None:
    """When the first event that is stored happened. Three queries, each by an index."""
    tables = ((CellExecution, "executed_at"), (NotebookAccess, "accessed_at"), (StudentEvent, "occurred_at"))
    found = [model._default_manager.order_by(time).values_list(time, flat=True).first() for model, time in tables]
    return min((moment for moment in found if moment is not None), default=None)


def rows(*, since: datetime, until: datetime, upto: Upto | None = None) -> Iterator[Event]:
    """The events of students in that span, as well as their rows remember them. Three queries."""
    yield from _runs(since, until, upto)
    yield from _accesses(since, until, upto)
    yield from _others(since, until, upto)


def _runs(since: datetime, until: datetime, upto: Upto | None) -> Iterator[Event]:
    found = CellExecution.objects.filter(executed_at__gte=since, executed_at__lt=until, event_id__isnull=False)
    found = found.select_related("student__team", "notebook", "cell", "session").defer("cell__content")
    if upto:
        found = found.filter(pk__lte=upto.runs)
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
        )


def _accesses(since: datetime, until: datetime, upto: Upto | None) -> Iterator[Event]:
    found = NotebookAccess.objects.filter(accessed_at__gte=since, accessed_at__lt=until, event_id__isnull=False)
    if upto:
        found = found.filter(pk__lte=upto.accesses)
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


def _others(since: datetime, until: datetime, upto: Upto | None) -> Iterator[Event]:
    found = StudentEvent.objects.filter(occurred_at__gte=since, occurred_at__lt=until, student__isnull=False)
    if upto:
        found = found.filter(pk__lte=upto.others)
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
