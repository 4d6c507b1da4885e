"""Notices of a batch's runs, for the channels of students and the rows of dashboards.

Under load a batch holds hundreds of runs of one student, of which only the latest matters. A channel receives the
latest run of each cell, if the channel has subscribers; a dashboard receives the latest run of each student.

A run with an id that has ended, or that began a day ago, is not announced as executing, however late its start arrives.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.db import connection

from core.identity import email_key
from events.changes import Changes, Run
from events.contract.effects import kind_in_effect, says_aborted
from events.contract.run_details import run_id_of
from events.contract.schema import Event
from lms.resolved_rows import Member
from realtime import presence
from realtime.groups import forms_of_student
from realtime.messages import timestamp
from realtime.rows import ClassRun, LastRun, RunNotice, StudentRow

STARTED = "cell_execution_start"
MAX_EXECUTING = timedelta(hours=24)  # events.md section 3.1
CellKey = tuple[int, str, str, int | None]  # student, notebook, cell, class whose key came along


def run_notices(batches: Sequence[Changes], rows: Mapping[int, StudentRow]) -> list[ClassRun]:
    """Return the latest run of each cell of the students whose `progress` channel has subscribers. One round trip to
    Redis, and one query if runs with an id have begun."""
    listened = _students_with_listeners(rows)
    if not listened:
        return []
    by_email = {email_key(rows[pk]["emailAddress"]): pk for pk in listened}
    latest: dict[CellKey, tuple[Event, Run | None]] = {}
    for student, event in _executing(batches, by_email):
        _keep_latest(latest, student, event, None)
    for changes in batches:
        for run in changes.runs:
            if run.student.id in listened and (run.status != "aborted" or says_aborted(run.event)):
                _keep_latest(latest, run.student.id, run.event, run)
    ordered = sorted(latest.items(), key=lambda item: item[1][0].time)
    return [(event.class_id, _notice(rows[cell[0]], event, run)) for cell, (event, run) in ordered]


def _executing(batches: Sequence[Changes], by_email: Mapping[str, int]) -> list[tuple[int, Event]]:
    """Return the starts of these students' runs, without runs that are known to be over."""
    starts = [
        (by_email[email_key(event.email)], event)
        for changes in batches
        for event in changes.events
        if event.event_type == STARTED and kind_in_effect(event).needs_cell and email_key(event.email) in by_email
    ]
    begun_after = datetime.now(UTC) - MAX_EXECUTING
    ended = _ended([(student, run_id, event.occurred_at) for student, event in starts if (run_id := run_id_of(event))])
    return [
        (student, event)
        for student, event in starts
        if (run_id := run_id_of(event)) is None or (event.occurred_at > begun_after and (student, run_id) not in ended)
    ]


def _ended(begun: Sequence[tuple[int, str, datetime]]) -> set[tuple[int, str]]:
    """Return those of these runs (student, run id, start) whose end is stored. By the index of a student's latest
    runs."""
    if not begun:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT k.student, k.run
               FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS k (student, run, since)
               WHERE EXISTS (SELECT FROM cell_executions x WHERE x.student_id = k.student
                             AND x.executed_at >= k.since AND x.run_id = k.run)""",
            [list(column) for column in zip(*begun, strict=True)],
        )
        return set(cursor.fetchall())


def last_runs(batches: Sequence[Changes]) -> dict[Member, LastRun]:
    """Return the latest run of each student in each class."""
    latest: dict[Member, Run] = {}
    for changes in batches:
        for run in changes.runs:  # in the order of their times
            if run.status != "aborted":
                latest[run.student.id, run.class_id] = run
    return {member: _last_run(run) for member, run in latest.items()}


def _keep_latest(latest: dict[CellKey, tuple[Event, Run | None]], student: int, event: Event, run: Run | None) -> None:
    """Keep the later of two runs of a cell. Of a start and an end at one time, the end is the later."""
    cell = student, event.notebook or "", event.cell or "", event.class_id
    known = latest.get(cell)
    if known is None or (known[0].time, known[1] is not None) <= (event.time, run is not None):
        latest[cell] = event, run


def _students_with_listeners(rows: Mapping[int, StudentRow]) -> set[int]:
    forms = {pk: forms_of_student(pk, row["emailAddress"]) for pk, row in rows.items()}
    joined = presence.joined_forms([form for both in forms.values() for form in both])
    return {pk for pk, both in forms.items() if not joined.isdisjoint(both)}


def _notice(row: StudentRow, event: Event, run: Run | None) -> RunNotice:
    notice: RunNotice = {
        "emailAddress": row["emailAddress"],
        "student_id": row["studentId"],
        "notebookPath": event.notebook or "",
        "cellId": event.cell or "",
        "cellIndex": event.cell_index,
        "executionCount": event.execution_count,
        "status": "executing" if run is None else run.status,
        "hasError": run is not None and run.status == "error",
        "errorMessage": event.error_message if run is not None else None,
        "executionDurationMs": event.duration_ms if run is not None else None,
        "consecutiveErrorCount": run.count if run is not None else 0,
    }
    if (run_id := run_id_of(event)) is not None:
        notice["runId"] = run_id
    return notice


def _last_run(run: Run) -> LastRun:
    milliseconds = run.event.duration_ms
    return {
        "cellId": run.event.cell or "",
        "executionTime": None if milliseconds is None else milliseconds / 1000,
        "success": run.status == "success",
        "timestamp": timestamp(run.event.occurred_at),
    }
