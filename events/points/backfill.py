"""Points again from PostgreSQL's rows: after the backlog overflowed, or for what happened before InfluxDB was there.

A row does not remember every tag that its event had (the team of that day, a session that was not named), so a point
written again might stand beside the first as a second one. Therefore InfluxDB is asked first, a span of time at a
time, which event ids it has, and what is there is left alone. Running it twice, or over a span that is half there, is
safe; two at once are too: from the same rows come the same points, which overwrite each other.
"""

import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings

from events.kinds import KINDS
from events.models import CellExecution, NotebookAccess, StudentEvent
from events.points import server, waiting
from events.points.lines import MEASUREMENT, line
from events.schema import Event

SPAN = timedelta(minutes=10)  # of a full lesson: some thousand event ids
ROWS = 1_000
PATIENCE_MS = 30_000  # nobody waits for a page here

PRESENT = f"""
from(bucket: _bucket)
    |> range(start: _since, stop: _until)
    |> filter(fn: (r) => r._measurement == "{MEASUREMENT}" and r._field == "eventId")
    |> keep(columns: ["_value"])
"""
KIND_OF_ACCESS: dict[str, str] = {kind.access: kind.name for kind in KINDS if kind.access}


@dataclass(slots=True)
class Tally:
    written: int = 0
    present: int = 0
    refused: int = 0


def backfill(*, since: datetime, until: datetime, is_new: bool = False, is_trial: bool = False) -> Iterator[Tally]:
    """Write what InfluxDB lacks of this span, and say after each SPAN how it went so far.

    What is erased of a person stays erased: a row that is gone makes no point, and while this runs nobody's points can
    be erased (`erasing`), because rows that were read before may still be on their way.

    `is_new`: nothing is there, so nothing is asked. `is_trial`: nothing is written. Rows are read as they are needed;
    memory holds the ids of one SPAN and ROWS points. Raises server.Away, one of `server.unanswered`, redis.RedisError.
    """
    tally, name = Tally(), secrets.token_hex(8)
    with waiting.connect() as redis:
        try:
            start = since
            while start < until:
                end = min(start + SPAN, until)
                present: set[str] | None = set() if is_new else None
                waiting.note_backfill(redis, name, now=time.time())
                stored = rows(since=start, until=end)
                while part := list(islice(stored, ROWS)):
                    waiting.note_backfill(redis, name, now=time.time())
                    if present is None:  # only where there is something to compare
                        present = _present(start, end)
                    _write(part, present, tally, is_trial=is_trial)
                yield tally
                start = end
        finally:
            waiting.end_backfill(redis, name)


def _write(part: Sequence[Event], present: set[str], tally: Tally, *, is_trial: bool) -> None:
    lacking = [line(event) for event in part if event.event_id not in present]
    refused = len(server.send(lacking)) if lacking and not is_trial else 0
    tally.present += len(part) - len(lacking)
    tally.refused += refused
    tally.written += len(lacking) - refused


def _present(since: datetime, until: datetime) -> set[str]:
    params = {"_bucket": settings.INFLUXDB_BUCKET, "_since": since, "_until": until}
    return {str(record["_value"]) for record in server.ask(PRESENT, params, timeout_ms=PATIENCE_MS)}


def earliest() -> datetime | None:
    """When the first event that is stored happened. Three queries, each by an index."""
    tables = ((CellExecution, "executed_at"), (NotebookAccess, "accessed_at"), (StudentEvent, "occurred_at"))
    found = [model._default_manager.order_by(time).values_list(time, flat=True).first() for model, time in tables]
    return min((moment for moment in found if moment is not None), default=None)


def rows(*, since: datetime, until: datetime) -> Iterator[Event]:
    """The events of students in that span, as well as their rows remember them. Three queries."""
    yield from _runs(since, until)
    yield from _accesses(since, until)
    yield from _others(since, until)


def _runs(since: datetime, until: datetime) -> Iterator[Event]:
    found = CellExecution.objects.filter(executed_at__gte=since, executed_at__lt=until, event_id__isnull=False)
    found = found.select_related("student__team", "notebook", "cell", "session").defer("cell__content")
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


def _accesses(since: datetime, until: datetime) -> Iterator[Event]:
    found = NotebookAccess.objects.filter(accessed_at__gte=since, accessed_at__lt=until, event_id__isnull=False)
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


def _others(since: datetime, until: datetime) -> Iterator[Event]:
    found = StudentEvent.objects.filter(occurred_at__gte=since, occurred_at__lt=until, student__isnull=False)
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
