"""Saving a batch of events to PostgreSQL in one transaction, with a constant number of statements.

Rows are keyed by event id and every state is computed from stored rows, so that saving a batch again, in whole or in
part and in any order, changes nothing. Rows are always locked in the same order: students, help requests, cells.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from msgspec.structs import replace
from psycopg.types.json import Jsonb

from core import advisory_locks
from events.changes import Changes
from events.contract.effects import kind_in_effect
from events.contract.kinds import EventKind
from events.contract.schema import Event
from events.processing.client_health import save_reports
from events.processing.executions import Rule, save_runs
from events.processing.help_requests import save_signals
from lms import bulk_get_or_create
from lms.models.people import WITHOUT_KEY
from lms.resolved_rows import ActivityState, Member, ResolvedRows, StudentState


def lock_shard(shard: int) -> None:
    """Let only one transaction at a time write for a shard, even if a drain outlives its lease."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [advisory_locks.SHARD, shard])


def save(events: Sequence[Event], *, rule: Rule, now: datetime) -> Changes:
    """Store the events and update everything derived from them.

    Call it inside a transaction, and inside `pipelined()`: then only what is read is waited for.
    """
    events = list({event.event_id: event for event in reversed(events)}.values())[::-1]  # the first of each id
    kinds = {event.event_id: kind_in_effect(event) for event in events}
    resolved = bulk_get_or_create.resolve(events)
    if resolved.former:  # under a former address; dashboards and charts know the present one
        events = [replace(event, email=resolved.former.get(event.email, event.email)) for event in events]
    changes = Changes(events=list(events))
    changes.runs = save_runs(
        [event for event in events if kinds[event.event_id].is_run],
        failed={event_id for event_id, kind in kinds.items() if kind.has_failed},
        resolved=resolved,
        rule=rule,
    )
    _save_accesses([event for event in events if kinds[event.event_id].access], kinds, resolved)
    new_ids = _save_other_events(
        [e for e in events if not kinds[e.event_id].is_run and not kinds[e.event_id].access], resolved
    )
    signals = [e for e in events if kinds[e.event_id].help or kinds[e.event_id].ends_session]
    changes.help_transitions = save_signals([event for event in signals if event.email], resolved)
    save_reports([event for event in events if event.email and kinds[event.event_id].reports_client], resolved)
    _update_activity(events, resolved)
    _save_students({student.id: student for student in resolved.students.values()}, now)
    _save_activities(resolved.activities)
    _save_sessions(events, kinds, resolved)
    _save_cells(events, kinds, resolved)
    changes.members = set(resolved.activities)
    changes.significant = {
        (run.student.id, run.class_id): run.event.event_type for run in changes.runs if run.is_significant
    }
    changes.instructor_events = [
        e for e in events if e.is_authorised and kinds[e.event_id].is_about_instructor and e.event_id in new_ids
    ]
    changes.alerts = [e for e in events if kinds[e.event_id].alerts and e.event_id in new_ids]
    return changes


def _save_accesses(events: Sequence[Event], kinds: dict[str, EventKind], resolved: ResolvedRows) -> None:
    if not events:
        return
    rows = [
        (
            event.event_id,
            event.class_id or WITHOUT_KEY,
            resolved.students[event.email].id,
            resolved.notebooks[event.notebook or ""],
            event.occurred_at,
            kinds[event.event_id].access,
        )
        for event in events
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO notebook_accesses (event_id, class_id, student_id, notebook_id, accessed_at, action)
               SELECT * FROM unnest(%b::text[], %b::bigint[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::text[])
               ON CONFLICT DO NOTHING""",
            _columns(rows),
        )
        saved = sorted({(row[3], row[4]) for row in rows if row[5] == "save"})
        if saved:
            cursor.execute(
                """UPDATE notebooks n SET last_modified = k.moment, updated_at = now()
                   FROM (SELECT notebook, max(moment) AS moment
                         FROM unnest(%s::bigint[], %s::timestamptz[]) AS k (notebook, moment) GROUP BY notebook) AS k
                   WHERE n.id = k.notebook AND (n.last_modified IS NULL OR n.last_modified < k.moment)""",
                _columns(saved),
            )


def _save_other_events(events: Sequence[Event], resolved: ResolvedRows) -> set[str]:
    """Store the events that have no row in another table. Return the ids of the new ones."""
    if not events:
        return set()
    rows = [
        (
            event.event_id,
            event.event_type[:100],
            event.class_id or WITHOUT_KEY,
            resolved.students[event.email].id if event.email else None,
            event.occurred_at,
            event.received_at,
            event.session,
            event.notebook,
            event.cell,
            Jsonb(_details(event)),
        )
        for event in events
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO student_events (event_id, event_type, class_id, student_id, occurred_at, received_at,
                   session_id, notebook_path, cell_id, data)
               SELECT * FROM unnest(%b::text[], %b::text[], %b::bigint[], %b::bigint[], %b::timestamptz[],
                   %b::timestamptz[], %b::text[], %b::text[], %b::text[], %b::jsonb[])
               ON CONFLICT DO NOTHING RETURNING event_id""",
            _columns(rows),
        )
        return {row[0] for row in cursor.fetchall()}


def _details(event: Event) -> dict[str, Any]:
    texts = {"errorMessage": event.error_message, "result": event.result, "code": event.code}
    return {**{key: value for key, value in texts.items() if value is not None}, **(event.data or {})}


def _update_activity(events: Sequence[Event], resolved: ResolvedRows) -> None:
    for event in events:
        if not event.email:
            continue
        notebook = resolved.notebooks[event.notebook] if event.notebook else None
        for state in (resolved.students[event.email], resolved.activity_of(event)):
            if state.last_activity_at is None or event.occurred_at >= state.last_activity_at:
                state.last_activity_at = event.occurred_at
                state.current_notebook_id = notebook or state.current_notebook_id
            elif state.current_notebook_id is None:
                state.current_notebook_id = notebook


STATE_COLUMNS = (
    ("is_requesting_help", "bool"),
    ("help_requested_at", "timestamptz"),
    ("last_help_at", "timestamptz"),
    ("help_stopped_at", "timestamptz"),
    ("help_session_id", "text"),
    ("help_notebook_path", "text"),
    ("last_activity_at", "timestamptz"),
    ("current_notebook_id", "bigint"),
    ("execution_count", "int"),
    ("error_count", "int"),
    ("last_run_at", "timestamptz"),
    ("last_run_failed", "bool"),
)
STUDENT_COLUMNS = (("name", "text"), ("team_id", "bigint"), *STATE_COLUMNS)
UPDATE_STUDENTS = f"""
    UPDATE students s SET {", ".join(f"{name} = k.{name}" for name, _ in STUDENT_COLUMNS)}, updated_at = k.now
    FROM unnest({", ".join(f"%b::{kind}[]" for kind in ("bigint", "timestamptz", *(k for _, k in STUDENT_COLUMNS)))})
    AS k (id, now, {", ".join(name for name, _ in STUDENT_COLUMNS)}) WHERE s.id = k.id"""  # noqa: S608


def _save_students(students: dict[int, StudentState], now: datetime) -> None:
    if not students:
        return
    rows = [(pk, now, *(getattr(student, name) for name, _ in STUDENT_COLUMNS)) for pk, student in students.items()]
    with connection.cursor() as cursor:
        cursor.execute(UPDATE_STUDENTS, _columns(rows))


UPDATE_ACTIVITIES = f"""
    UPDATE student_activity a SET {", ".join(f"{name} = k.{name}" for name, _ in STATE_COLUMNS)}
    FROM unnest({", ".join(f"%b::{kind}[]" for kind in ("bigint", "bigint", *(k for _, k in STATE_COLUMNS)))})
    AS k (student, class, {", ".join(name for name, _ in STATE_COLUMNS)})
    WHERE a.student_id = k.student AND a.class_id = k.class"""  # noqa: S608


def _save_activities(activities: dict[Member, ActivityState]) -> None:
    if not activities:
        return
    rows = [(*member, *(getattr(state, name) for name, _ in STATE_COLUMNS)) for member, state in activities.items()]
    with connection.cursor() as cursor:
        cursor.execute(UPDATE_ACTIVITIES, _columns(rows))


def _save_sessions(events: Sequence[Event], kinds: dict[str, EventKind], resolved: ResolvedRows) -> None:
    """Update the sessions. A session is over if its end is later than all its other events by the sender's clock."""
    latest: dict[int, datetime] = {}
    ended: dict[int, datetime] = {}
    for event in events:
        if not event.email:
            continue
        session = resolved.sessions[resolved.session_of(event)]
        seen = ended if kinds[event.event_id].ends_session else latest
        seen[session] = max(seen.get(session, event.occurred_at), event.occurred_at)
    rows = [(session, latest.get(session), ended.get(session)) for session in sorted({*latest, *ended})]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE sessions s SET last_event_at = greatest(s.last_event_at, k.latest),
                   is_active = coalesce(greatest(s.end_time, k.ended) < greatest(s.last_event_at, k.latest),
                                        greatest(s.end_time, k.ended) IS NULL),
                   end_time = CASE WHEN greatest(s.end_time, k.ended) < greatest(s.last_event_at, k.latest) THEN NULL
                                   ELSE greatest(s.end_time, k.ended) END
               FROM unnest(%b::bigint[], %b::timestamptz[], %b::timestamptz[]) AS k (id, latest, ended)
               WHERE s.id = k.id""",
            _columns(rows),
        )


def _save_cells(events: Sequence[Event], kinds: dict[str, EventKind], resolved: ResolvedRows) -> None:
    """Update the source, position and type of cells to the latest values.

    The rows are shared by a whole class, so they are locked last and only if something differs.
    """
    seen: dict[int, Event] = {}
    for event in sorted(events, key=lambda event: event.time):
        if kinds[event.event_id].needs_cell and event.notebook and event.cell:
            seen[resolved.cells[resolved.notebooks[event.notebook], event.cell]] = event
    rows = [(cell, e.code, e.cell_index, e.cell_type[:32]) for cell, e in sorted(seen.items())]
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH k AS (SELECT * FROM unnest(%b::bigint[], %b::text[], %b::int[], %b::text[])
                          AS k (id, content, position, cell_type)),
                    locked AS (SELECT c.id FROM cells c JOIN k USING (id)
                               WHERE (c.content, c.position, c.cell_type) IS DISTINCT FROM
                                     (coalesce(k.content, c.content), coalesce(k.position, c.position), k.cell_type)
                               ORDER BY c.id FOR NO KEY UPDATE OF c)
               UPDATE cells c SET content = coalesce(k.content, c.content),
                   position = coalesce(k.position, c.position), cell_type = k.cell_type
               FROM k JOIN locked USING (id) WHERE c.id = k.id""",
            _columns(rows),
        )


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]
