"""Keys to rows: who and what a batch of sightings speaks of, in a constant number of queries.

Each noun is looked up in one query; what is missing is inserted (`ON CONFLICT DO NOTHING`, in key order, so that two
workers that meet the same newcomer neither fail nor deadlock) and looked up again. Call it inside a transaction: the
students' rows are locked until its end, which keeps one student's changes in order whoever makes them.
"""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db import connection

from lms.identity import email_key, label_key, notebook_path, visible
from lms.reading import binary_cursor

Row = tuple[Any, ...]


class Sighting(Protocol):
    """What was seen of a student: plain values under the names the wire gives them."""

    email: str
    name: str | None
    team: str | None
    session: str | None
    notebook: str | None
    cell: str | None
    cell_index: int | None
    cell_type: str
    class_id: int | None

    @property
    def occurred_at(self) -> datetime: ...


@dataclass(slots=True)
class StudentState:
    """A student's row as locked for this batch."""

    id: int
    email: str
    name: str | None
    team_id: int | None
    is_requesting_help: bool
    help_requested_at: datetime | None
    last_help_at: datetime | None
    help_stopped_at: datetime | None
    help_dismissed_at: datetime | None
    help_session_id: str | None
    help_notebook_path: str | None
    errors_resolved_at: datetime | None
    last_activity_at: datetime | None
    current_notebook_id: int | None
    execution_count: int
    error_count: int
    last_run_at: datetime | None
    last_run_failed: bool


@dataclass(slots=True)
class Places:
    """Where each sighting belongs."""

    students: dict[str, StudentState]  # by the address as given; two spellings of one address share one state
    teams: dict[str, int]  # by the name as given
    sessions: dict[tuple[int, str], int]
    notebooks: dict[str, int]  # by the path as given
    cells: dict[tuple[int, str], int]
    current_sessions: dict[int, str]  # student → session id, for sightings that name none

    def session_of(self, sighting: Sighting) -> tuple[int, str]:
        student = self.students[sighting.email].id
        return student, sighting.session or self.current_sessions[student]


INSERT_STUDENTS = """INSERT INTO students (email_key, email, is_requesting_help, execution_count, error_count,
                     last_run_failed, created_at)
                     SELECT key, given, false, 0, 0, false, now() FROM unnest(%s::text[], %s::text[]) AS k (key, given)
                     ON CONFLICT DO NOTHING"""
STUDENT_COLUMNS = ", ".join(f"s.{name}" for name in StudentState.__slots__)


def resolve(sightings: Sequence[Sighting]) -> Places:
    """The rows of everybody and everything in these sightings, made where they are missing."""
    teams = find_teams({s.team for s in sightings if s.team})
    students = find_students(sightings, teams)
    notebooks = find_notebooks({s.notebook for s in sightings if s.notebook})
    cells = find_cells([s for s in sightings if s.notebook and s.cell], notebooks)
    current = find_current_sessions({students[s.email].id for s in sightings if not s.session and s.email})
    places = Places(students, teams, {}, notebooks, cells, current)
    places.sessions = find_sessions([s for s in sightings if s.email], places)
    enrol({(students[s.email].id, s.class_id) for s in sightings if s.class_id and s.email})
    return places


def find_teams(names: Iterable[str]) -> dict[str, int]:
    """The teams by their names as given, of which each has a visible character."""
    typed = _by_key(names, label_key)
    rows = _find_or_insert(
        sorted(typed),
        select="SELECT team_key, id FROM teams WHERE team_key = ANY(%s)",
        insert="""INSERT INTO teams (team_key, team_name, description, created_at)
                  SELECT key, name, name || 'の説明', now() FROM unnest(%s::text[], %s::text[]) AS k (key, name)
                  ON CONFLICT DO NOTHING""",
        key=lambda row: row[0],
        more_columns=lambda missing: [[typed[key][0] for key in missing]],
    )
    return {name: pk for key, pk in rows for name in typed[key]}


def find_students(sightings: Sequence[Sighting], teams: dict[str, int]) -> dict[str, StudentState]:
    """The students, locked in the order of their ids; name and team follow what newer sightings say."""
    typed = _by_key((s.email for s in sightings if s.email), email_key)
    rows = _find_or_insert(
        sorted(typed),
        select=f"""SELECT s.email_key, {STUDENT_COLUMNS} FROM students s WHERE s.email_key = ANY(%s)
                   ORDER BY s.id FOR UPDATE OF s""",  # noqa: S608
        insert=INSERT_STUDENTS,
        key=lambda row: row[0],
        more_columns=lambda missing: [[typed[key][0] for key in missing]],
    )
    states = {row[0]: StudentState(*row[1:]) for row in rows}
    students = {given: states[key] for key, spellings in typed.items() for given in spellings}
    for sighting in sorted((s for s in sightings if s.email), key=lambda s: s.occurred_at):
        student = students[sighting.email]
        # What an old sighting says about the person no longer counts.
        if student.last_activity_at is None or sighting.occurred_at >= student.last_activity_at:
            student.name = visible(sighting.name) or student.name
            student.team_id = teams.get(sighting.team or "") or student.team_id
    return students


def find_notebooks(paths: Iterable[str]) -> dict[str, int]:
    typed = _by_key(paths, notebook_path)
    rows = _find_or_insert(
        sorted(typed),
        select="SELECT path, id FROM notebooks WHERE path = ANY(%s)",
        insert="""INSERT INTO notebooks (path, name, created_at)
                  SELECT path, regexp_replace(rtrim(path, '/'), '^.*/', ''), now()
                  FROM unnest(%s::text[]) AS path ON CONFLICT DO NOTHING""",
        key=lambda row: row[0],
    )
    return {path: pk for key, pk in rows for path in typed[key]}


def find_cells(sightings: Sequence[Sighting], notebooks: dict[str, int]) -> dict[tuple[int, str], int]:
    """Cells by (notebook row id, cell id); type and position of a new one as its first sighting says."""
    first = {(notebooks[s.notebook or ""], s.cell or ""): s for s in reversed(sightings)}
    keys = sorted(first)
    rows = _find_or_insert(
        keys,
        select="""SELECT c.notebook_id, c.cell_id, c.id FROM cells c
                  JOIN unnest(%s::bigint[], %s::text[]) AS k (notebook, cell)
                  ON c.notebook_id = k.notebook AND c.cell_id = k.cell""",
        insert="""INSERT INTO cells (notebook_id, cell_id, cell_type, position)
                  SELECT * FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[]) ON CONFLICT DO NOTHING""",
        key=lambda row: (row[0], row[1]),
        columns=lambda missing: [
            [notebook for notebook, _ in missing],
            [cell for _, cell in missing],
        ],
        more_columns=lambda missing: [
            [first[key].cell_type[:32] for key in missing],
            [first[key].cell_index for key in missing],
        ],
    )
    return {(notebook, cell): pk for notebook, cell, pk in rows}


def find_current_sessions(students: set[int]) -> dict[int, str]:
    """The newest active session of each student, or the id of one to be made."""
    if not students:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT DISTINCT ON (student_id) student_id, session_id FROM sessions
               WHERE student_id = ANY(%s) AND is_active ORDER BY student_id, start_time DESC, id DESC""",
            [sorted(students)],
        )
        found = dict(cursor.fetchall())
    return {student: found.get(student) or str(uuid.uuid4()) for student in students}


def find_sessions(sightings: Sequence[Sighting], places: Places) -> dict[tuple[int, str], int]:
    """Sessions by (student row id, session id); a new one starts with its earliest sighting."""
    starts: dict[tuple[int, str], datetime] = {}
    for sighting in sightings:
        key = places.session_of(sighting)
        starts[key] = min(starts.get(key, sighting.occurred_at), sighting.occurred_at)
    rows = _find_or_insert(
        sorted(starts),
        select="""SELECT s.student_id, s.session_id, s.id FROM sessions s
                  JOIN unnest(%s::bigint[], %s::text[]) AS k (student, session)
                  ON s.student_id = k.student AND s.session_id = k.session""",
        insert="""INSERT INTO sessions (student_id, session_id, start_time, is_active)
                  SELECT student, session, start, true
                  FROM unnest(%s::bigint[], %s::text[], %s::timestamptz[]) AS k (student, session, start)
                  ON CONFLICT DO NOTHING""",
        key=lambda row: (row[0], row[1]),
        columns=lambda missing: [[student for student, _ in missing], [session for _, session in missing]],
        more_columns=lambda missing: [[starts[key] for key in missing]],
    )
    return {(student, session): pk for student, session, pk in rows}


def enrol(pairs: set[tuple[int, int]]) -> None:
    """A class's key brought these students: they belong to it from now on."""
    if not pairs:
        return
    ordered = sorted(pairs)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO student_classes (student_id, class_id, joined_at, role)
               SELECT k.student, k.class, now(), 'student'
               FROM unnest(%s::bigint[], %s::bigint[]) AS k (student, class)
               WHERE NOT EXISTS (SELECT 1 FROM student_classes e
                                 WHERE e.student_id = k.student AND e.class_id = k.class)
                 AND EXISTS (SELECT 1 FROM classes c WHERE c.id = k.class)
               ON CONFLICT DO NOTHING""",
            [[student for student, _ in ordered], [class_id for _, class_id in ordered]],
        )


def newcomer(email: str, *, class_id: int) -> int:
    """The row id of the student of this address, made and enrolled where need be. Four statements at most; inside a
    transaction."""
    [(_, pk)] = _find_or_insert(
        [email_key(email)],
        select="SELECT email_key, id FROM students WHERE email_key = ANY(%s)",
        insert=INSERT_STUDENTS,
        key=lambda row: row[0],
        more_columns=lambda missing: [[email]],
    )
    enrol({(pk, class_id)})
    return int(pk)


def _by_key(given: Iterable[str], form: Callable[[str], str]) -> dict[str, list[str]]:
    """The spellings of each key, in the order in which they came; those without a key are left out."""
    typed: dict[str, list[str]] = {}
    for each in dict.fromkeys(given):
        if key := form(each):
            typed.setdefault(key, []).append(each)
    return typed


def _find_or_insert(
    keys: Sequence[Any],
    *,
    select: str,
    insert: str,
    key: Any,
    columns: Any = lambda keys: [keys],
    more_columns: Any = lambda keys: [],
) -> list[Row]:
    """One query where everything is known, three where something is new."""
    if not keys:
        return []
    with binary_cursor() as cursor:
        cursor.execute(select, columns(keys))
        rows: list[Row] = cursor.fetchall()
        known = {key(row) for row in rows}
        missing = [each for each in keys if each not in known]
        if missing:
            cursor.execute(insert, [*columns(missing), *more_columns(missing)])
            cursor.execute(select, columns(keys))
            rows = cursor.fetchall()
    return rows
