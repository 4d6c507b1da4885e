"""Cell executions of a batch, each student's progress with each cell, and consecutive errors."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core.postgres import binary_cursor
from events.changes import Progress, ProgressKey, Run
from events.contract.effects import is_in_totals, status_of
from events.contract.run_details import details_of
from events.contract.schema import Event
from events.processing import consecutive_errors
from lms.access import Scope
from lms.resolved_rows import ResolvedRows


@dataclass(frozen=True, slots=True)
class Rule:
    """The threshold at which consecutive errors become a significant error."""

    threshold: int
    enabled: bool

    def is_significant(self, count: int, status: str) -> bool:
        return self.enabled and status == "error" and count >= self.threshold


def save_runs(events: Sequence[Event], *, failed: set[str], resolved: ResolvedRows, rule: Rule) -> list[Run]:
    """Store the new runs among these events, in order of time, and return them. At most six statements.

    `failed` has the event ids of runs whose kind says that they failed, whatever the record says.
    """
    new = _without_stored(events)
    runs = [_run(event, resolved, failed) for event in sorted(new, key=lambda event: event.time)]
    if not runs:
        return []
    progress = _load_progress({run.progress_key: run.notebook_id for run in runs})
    late = _count_errors(runs, progress, rule)
    _insert(runs)
    if late:
        _recount(late, progress, {run.progress_key: run.activity.errors_resolved_at for run in runs}, rule)
    _save_progress(progress)
    _update_students(runs)
    return runs


def _without_stored(events: Sequence[Event]) -> list[Event]:
    """Return the events that have no row yet, so that a repeated event is not counted again."""
    if not events:
        return []
    with binary_cursor() as cursor:
        cursor.execute(
            "SELECT event_id FROM cell_executions WHERE event_id = ANY(%s)", [[event.event_id for event in events]]
        )
        stored = {row[0] for row in cursor.fetchall()}
    return [event for event in events if event.event_id not in stored]


def _run(event: Event, resolved: ResolvedRows, failed: set[str]) -> Run:
    assert event.notebook is not None
    assert event.cell is not None
    notebook = resolved.notebooks[event.notebook]
    return Run(
        event=event,
        student=resolved.students[event.email],
        activity=resolved.activity_of(event),
        session_id=resolved.sessions[resolved.session_of(event)],
        notebook_id=notebook,
        cell_id=resolved.cells[notebook, event.cell],
        status=status_of(event, has_failed=event.event_id in failed),
    )


def _load_progress(wanted: dict[ProgressKey, int]) -> dict[ProgressKey, Progress]:
    ordered = sorted(wanted)
    with binary_cursor() as cursor:
        cursor.execute(
            """SELECT p.student_id, p.cell_id, p.class_id, p.notebook_id, p.run_count, p.error_count, p.last_status,
                      p.last_run_at, p.last_error_at, p.consecutive_error_count, p.is_significant_error
               FROM cell_progress p JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS k (student, cell, class)
               ON p.student_id = k.student AND p.cell_id = k.cell AND p.class_id = k.class""",
            [list(column) for column in zip(*ordered, strict=True)],
        )
        found = {(row[0], row[1], row[2]): Progress(*row[3:]) for row in cursor.fetchall()}
    return {progress_key: found.get(progress_key) or Progress(notebook) for progress_key, notebook in wanted.items()}


def _count_errors(
    runs: Sequence[Run], progress: dict[ProgressKey, Progress], rule: Rule
) -> dict[ProgressKey, datetime]:
    """Set the consecutive-error count of each run and update the progress.

    Return the keys for which a run arrived after a later one, with the time from which errors must be recounted.
    """
    late: dict[ProgressKey, datetime] = {}
    for run in runs:
        known, moment = progress[run.progress_key], run.event.occurred_at
        resolved_at = run.activity.errors_resolved_at
        if known.last_run_at is not None and moment < known.last_run_at:
            late.setdefault(run.progress_key, moment)
        before = known.consecutive
        if resolved_at is not None and known.last_run_at is not None and known.last_run_at <= resolved_at:
            before = 0
        (run.count,) = consecutive_errors.count([(moment, run.status)], before=before, resolved_at=resolved_at)
        run.is_significant = rule.is_significant(run.count, run.status)
        _add_to_totals(known, run.status, moment)
        if run.progress_key not in late:
            known.consecutive = run.count
            known.last_run_at = moment
            if run.status != "aborted":
                known.last_status, known.is_significant = run.status, run.is_significant
    return late


def _add_to_totals(known: Progress, status: str, moment: datetime) -> None:
    if status == "aborted":
        return
    known.run_count += 1
    if status == "error":
        known.error_count += 1
        known.last_error_at = max(known.last_error_at or moment, moment)


COLUMNS = (
    ("event_id", "text"),
    ("class_id", "bigint"),
    ("student_id", "bigint"),
    ("notebook_id", "bigint"),
    ("cell_id", "bigint"),
    ("session_id", "bigint"),
    ("executed_at", "timestamptz"),
    ("execution_count", "int"),
    ("status", "text"),
    ("duration", "float8"),
    ("error_message", "text"),
    ("output", "text"),
    ("code_content", "text"),
    ("cell_index", "int"),
    ("cell_type", "text"),
    ("consecutive_error_count", "int"),
    ("is_significant_error", "bool"),
    ("is_verified", "bool"),
    ("traceback", "text"),
    ("started_at", "timestamptz"),
    ("queued_ms", "float8"),
    ("run_id", "text"),
)
# Binary arrays: as fast as COPY (docs/decisions/0004-set-based-writes.md). Without ON CONFLICT, which looks into each
# unique index once more for every row: `_without_stored` has left out what is stored, and whoever stores the same id
# at the same moment, in another shard, makes one of both transactions fail, which `pipeline.save` repeats.
INSERT = f"""INSERT INTO cell_executions ({", ".join(name for name, _ in COLUMNS)})
             SELECT * FROM unnest({", ".join(f"%b::{kind}[]" for _, kind in COLUMNS)})"""  # noqa: S608


def _insert(runs: Sequence[Run]) -> None:
    rows = [_row(run) for run in runs]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [list(column) for column in zip(*rows, strict=True)])


def _row(run: Run) -> tuple[Any, ...]:
    """Return the values of COLUMNS."""
    event, details = run.event, details_of(run.event)
    return (
        event.event_id,
        run.class_id,
        run.student.id,
        run.notebook_id,
        run.cell_id,
        run.session_id,
        event.occurred_at,
        event.execution_count,
        run.status,
        None if event.duration_ms is None else event.duration_ms / 1000,
        event.error_message,
        event.result,
        event.code,
        event.cell_index,
        event.cell_type,
        run.count,
        run.is_significant,
        event.is_verified,
        details.traceback,
        details.started_at,
        details.queued_ms,
        details.run_id,
    )


def _recount(
    late: dict[ProgressKey, datetime],
    progress: dict[ProgressKey, Progress],
    resolved: dict[ProgressKey, datetime | None],
    rule: Rule,
) -> None:
    """Recount consecutive errors in order of time, from the first run that arrived late."""
    history = _load_history(late)
    changed: list[tuple[int, int, bool]] = []
    for progress_key, rows in history.items():
        known, resolved_at = progress[progress_key], resolved[progress_key]
        first = rows[0]
        before = 0
        if first["at"] < late[progress_key]:  # the run before the late one has the initial count
            before = 0 if resolved_at is not None and first["at"] <= resolved_at else first["count"]
            rows = rows[1:]
        counts = consecutive_errors.count(
            [(row["at"], row["status"]) for row in rows], before=before, resolved_at=resolved_at
        )
        for row, count in zip(rows, counts, strict=True):
            flag = rule.is_significant(count, row["status"]) if count != row["count"] else row["flag"]
            if (count, flag) != (row["count"], row["flag"]):
                changed.append((row["id"], count, flag))
            known.consecutive, known.last_run_at = count, row["at"]
            if row["status"] != "aborted":
                known.last_status, known.is_significant = row["status"], flag
    if changed:
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE cell_executions e SET consecutive_error_count = k.count, is_significant_error = k.flag
                   FROM unnest(%s::bigint[], %s::int[], %s::bool[]) AS k (id, count, flag) WHERE e.id = k.id""",
                [list(column) for column in zip(*changed, strict=True)],
            )


def _load_history(late: dict[ProgressKey, datetime]) -> dict[ProgressKey, list[dict[str, Any]]]:
    """Return the runs of each key from the given time on and the one run before it, in order of (time, id)."""
    keys = [(*progress_key, moment) for progress_key, moment in late.items()]
    history: dict[ProgressKey, list[dict[str, Any]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT k.student, k.cell, k.class, e.id, e.executed_at, e.status, e.consecutive_error_count,
                      e.is_significant_error
               FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
               AS k (student, cell, class, moment)
               CROSS JOIN LATERAL (
                   (SELECT * FROM cell_executions x WHERE x.student_id = k.student AND x.cell_id = k.cell
                    AND x.class_id = k.class AND x.executed_at < k.moment
                    ORDER BY x.executed_at DESC, x.id DESC LIMIT 1)
                   UNION ALL
                   SELECT * FROM cell_executions x WHERE x.student_id = k.student AND x.cell_id = k.cell
                    AND x.class_id = k.class AND x.executed_at >= k.moment
               ) AS e ORDER BY k.student, k.cell, k.class, e.executed_at, e.id""",
            [list(column) for column in zip(*keys, strict=True)],
        )
        for student, cell, class_id, pk, at, status, count, flag in cursor.fetchall():
            history[student, cell, class_id].append(
                {"id": pk, "at": at, "status": status, "count": count, "flag": flag}
            )
    return history


def _save_progress(progress: dict[ProgressKey, Progress]) -> None:
    rows = [
        (
            *progress_key,
            p.notebook_id,
            p.run_count,
            p.error_count,
            p.last_status,
            p.last_run_at,
            p.last_error_at,
            p.consecutive,
            p.is_significant,
        )
        for progress_key, p in sorted(progress.items())
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO cell_progress (student_id, cell_id, class_id, notebook_id, run_count, error_count,
                   last_status, last_run_at, last_error_at, consecutive_error_count, is_significant_error)
               SELECT * FROM unnest(%b::bigint[], %b::bigint[], %b::bigint[], %b::bigint[], %b::int[], %b::int[],
                   %b::text[], %b::timestamptz[], %b::timestamptz[], %b::int[], %b::bool[])
               ON CONFLICT (student_id, cell_id, class_id) DO UPDATE SET
                   run_count = excluded.run_count, error_count = excluded.error_count,
                   last_status = excluded.last_status, last_run_at = excluded.last_run_at,
                   last_error_at = excluded.last_error_at,
                   consecutive_error_count = excluded.consecutive_error_count,
                   is_significant_error = excluded.is_significant_error""",
            [list(column) for column in zip(*rows, strict=True)],
        )


def _update_students(runs: Sequence[Run]) -> None:
    """Update each student's totals, per class and overall. `store` writes the rows once, at the end of the batch."""
    for run in runs:
        if run.status == "aborted":
            continue
        moment = run.event.occurred_at
        is_counted = is_in_totals(run.event, run.status)
        for state in (run.student, run.activity):
            state.execution_count += is_counted
            state.error_count += is_counted and run.status == "error"
            if state.last_run_at is None or moment >= state.last_run_at:
                state.last_run_at, state.last_run_failed = moment, run.status == "error"


# --- Resolving errors -------------------------------------------------------------------------------------------------


def resolve_errors(student_id: int, *, scope: Scope, now: datetime) -> bool:
    """Reset the student's error counts and flags in these classes. Errors up to `now` that arrive later do not count.

    Return whether anything was flagged. Five statements. Idempotent.
    """
    of_classes = scope.sql("class_id")
    with transaction.atomic(), connection.cursor() as cursor:
        # The same order of locks as the pipeline: the student first, then cells.
        cursor.execute("SELECT id FROM students WHERE id = %s FOR UPDATE", [student_id])
        cursor.execute(
            f"""UPDATE cell_executions SET consecutive_error_count = 0, is_significant_error = false
                WHERE student_id = %s AND is_significant_error {of_classes}""",  # noqa: S608
            [student_id],
        )
        flagged: bool = cursor.rowcount > 0
        cursor.execute(
            f"""UPDATE cell_progress SET consecutive_error_count = 0, is_significant_error = false
                WHERE student_id = %s AND (consecutive_error_count > 0 OR is_significant_error) {of_classes}""",  # noqa: S608
            [student_id],
        )
        cursor.execute(
            f"""UPDATE student_activity SET errors_resolved_at = %s::timestamptz
                WHERE student_id = %s {of_classes}""",  # noqa: S608
            [now, student_id],
        )
        cursor.execute(
            "UPDATE students SET errors_resolved_at = %s::timestamptz, updated_at = %s::timestamptz WHERE id = %s",
            [now, now, student_id],
        )
    return flagged
