"""Resolves a batch of observations to rows (students, teams, notebooks, cells, sessions) in a few queries.

Each table is read in one query. Missing rows are inserted (`ON CONFLICT DO NOTHING`, in key order, so that two workers
with the same new row neither fail nor deadlock) and read again. Call it inside a transaction: the rows of the students
are locked until its end, so that changes of one student are applied in order, and those of notebooks, cells and
sessions so that nobody deletes them before it. `cell_executions` has no foreign keys and relies on these locks.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from core.identity import email_key, label_key, notebook_path, visible
from core.postgres import binary_cursor, execute, fetch_all
from lms.models.people import WITHOUT_KEY
from lms.resolved_rows import Activity, ActivityState, Member, Observation, ResolvedRows, StudentState, columns_of

Row = tuple[Any, ...]

INSERT_STUDENTS = """INSERT INTO students (email_key, email, is_requesting_help, execution_count, error_count,
                     last_run_failed, created_at)
                     SELECT key, given, false, 0, 0, false, now() FROM unnest(%s::text[], %s::text[]) AS k (key, given)
                     WHERE NOT EXISTS (SELECT 1 FROM student_addresses a WHERE a.email_key = k.key)
                     ON CONFLICT DO NOTHING"""
# Students by their addresses and former ones (`lms.models.StudentAddress`). Parameters: the keys, twice.
BY_ADDRESS = """(SELECT email_key AS key, id FROM students WHERE email_key = ANY(%s)
                 UNION ALL SELECT email_key, student_id FROM student_addresses WHERE email_key = ANY(%s))"""
STUDENT_COLUMNS = columns_of(StudentState, alias="s")
ACTIVITY_COLUMNS = columns_of(ActivityState, alias="a")


def resolve(observations: Sequence[Observation]) -> ResolvedRows:
    """Return the rows of all observations, created where they are missing."""
    teams = find_teams({s.team for s in observations if s.team})
    students = find_students(observations, teams)
    notebooks = find_notebooks({s.notebook for s in observations if s.notebook})
    cells = find_cells([s for s in observations if s.notebook and s.cell], notebooks)
    former = {given: state.email for given, state in students.items() if email_key(given) != email_key(state.email)}
    resolved = ResolvedRows(students, {}, teams, {}, notebooks, cells, {}, former)
    people = [s for s in observations if s.email]
    resolved.activities = find_activities({resolved.member_of(s) for s in people})
    resolved.current_sessions = find_current_sessions({resolved.member_of(s) for s in people if not s.session})
    resolved.sessions = find_sessions(people, resolved)
    update_memberships(people, resolved)
    return resolved


def find_teams(names: Iterable[str]) -> dict[str, int]:
    """Return the ids of the teams by their names as given. Each name has a visible character."""
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


def find_students(observations: Sequence[Observation], teams: dict[str, int]) -> dict[str, StudentState]:
    """Return the students by e-mail as given, and by their present one, locked in order of their ids. Newer
    observations set name and team."""
    typed = _by_key((s.email for s in observations if s.email), email_key)
    rows = _find_or_insert(
        sorted(typed),
        select=f"""SELECT a.key, {STUDENT_COLUMNS} FROM {BY_ADDRESS} a JOIN students s ON s.id = a.id
                   ORDER BY s.id FOR UPDATE OF s""",  # noqa: S608
        insert=INSERT_STUDENTS,
        key=lambda row: row[0],
        find_columns=lambda keys: [keys, keys],
        more_columns=lambda missing: [[typed[key][0] for key in missing]],
    )
    by_id: dict[int, StudentState] = {}  # one state, also of a student who comes with two addresses
    states: dict[str, StudentState] = {}
    for key, *columns in rows:
        state = StudentState(*columns)
        states[key] = by_id.setdefault(state.id, state)
    students = {state.email: state for state in states.values()}
    students |= {given: states[key] for key, spellings in typed.items() for given in spellings}
    for observation in sorted((s for s in observations if s.email), key=lambda s: s.occurred_at):
        student = students[observation.email]
        # An observation older than the last activity does not change the person.
        if is_latest(observation, student):
            student.name = visible(observation.name) or student.name
            student.team_id = teams.get(observation.team or "") or student.team_id
    return students


def find_activities(members: set[Member]) -> dict[Member, ActivityState]:
    """Return the rows of activity by student and class. The students' own rows are locked already."""
    rows = _find_or_insert(
        sorted(members),
        select=f"""SELECT {ACTIVITY_COLUMNS} FROM student_activity a
                   JOIN unnest(%s::bigint[], %s::bigint[]) AS k (student, class)
                   ON a.student_id = k.student AND a.class_id = k.class""",  # noqa: S608
        insert="""INSERT INTO student_activity (student_id, class_id, is_requesting_help, execution_count, error_count,
                      last_run_failed)
                  SELECT student, class, false, 0, 0, false
                  FROM unnest(%s::bigint[], %s::bigint[]) AS k (student, class)
                  ON CONFLICT DO NOTHING""",
        key=lambda row: row[-2:],
        columns=_columns,
    )
    states = [ActivityState(*row) for row in rows]
    return {(state.student_id, state.class_id): state for state in states}


def find_notebooks(paths: Iterable[str]) -> dict[str, int]:
    """Return the ids of the notebooks by their paths as given."""
    typed = _by_key(paths, notebook_path)
    rows = _find_or_insert(
        sorted(typed),
        select="SELECT path, id FROM notebooks WHERE path = ANY(%s) ORDER BY id FOR KEY SHARE",
        insert="""INSERT INTO notebooks (path, name, created_at)
                  SELECT path, regexp_replace(rtrim(path, '/'), '^.*/', ''), now()
                  FROM unnest(%s::text[]) AS path ON CONFLICT DO NOTHING""",
        key=lambda row: row[0],
    )
    return {path: pk for key, pk in rows for path in typed[key]}


def find_cells(observations: Sequence[Observation], notebooks: dict[str, int]) -> dict[tuple[int, str], int]:
    """Return the ids of cells by (notebook row id, cell id). A new cell has the type and position of its first
    observation."""
    first = {(notebooks[s.notebook or ""], s.cell or ""): s for s in reversed(observations)}
    keys = sorted(first)
    rows = _find_or_insert(
        keys,
        select="""SELECT c.notebook_id, c.cell_id, c.id FROM cells c
                  JOIN unnest(%s::bigint[], %s::text[]) AS k (notebook, cell)
                  ON c.notebook_id = k.notebook AND c.cell_id = k.cell ORDER BY c.id FOR KEY SHARE OF c""",
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


def find_current_sessions(members: set[Member]) -> dict[Member, str]:
    """Return the newest active session of each student in a class, or a new session id."""
    if not members:
        return {}
    rows = fetch_all(
        """SELECT DISTINCT ON (s.student_id, s.class_id) s.student_id, s.class_id, s.session_id FROM sessions s
           JOIN unnest(%s::bigint[], %s::bigint[]) AS k (student, class)
           ON s.student_id = k.student AND s.class_id = k.class
           WHERE s.is_active ORDER BY s.student_id, s.class_id, s.start_time DESC, s.id DESC""",
        _columns(sorted(members)),
    )
    found = {(student, class_id): session for student, class_id, session in rows}
    return {member: found.get(member) or str(uuid.uuid4()) for member in members}


def find_sessions(observations: Sequence[Observation], resolved: ResolvedRows) -> dict[tuple[int, int, str], int]:
    """Return the ids of sessions by (student row id, class, session id). A new one starts at its first observation."""
    starts: dict[tuple[int, int, str], datetime] = {}
    for observation in observations:
        key = resolved.session_of(observation)
        starts[key] = min(starts.get(key, observation.occurred_at), observation.occurred_at)
    rows = _find_or_insert(
        sorted(starts),
        select="""SELECT s.student_id, s.class_id, s.session_id, s.id FROM sessions s
                  JOIN unnest(%s::bigint[], %s::bigint[], %s::text[]) AS k (student, class, session)
                  ON s.student_id = k.student AND s.class_id = k.class AND s.session_id = k.session
                  ORDER BY s.id FOR KEY SHARE OF s""",
        insert="""INSERT INTO sessions (student_id, class_id, session_id, start_time, is_active)
                  SELECT student, class, session, start, true
                  FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::timestamptz[])
                  AS k (student, class, session, start) ON CONFLICT DO NOTHING""",
        key=lambda row: (row[0], row[1], row[2]),
        columns=lambda missing: [list(column) for column in zip(*missing, strict=True)],
        more_columns=lambda missing: [[starts[key] for key in missing]],
    )
    return {(student, class_id, session): pk for student, class_id, session, pk in rows}


def update_memberships(observations: Sequence[Observation], resolved: ResolvedRows) -> None:
    """Enrol students in the class whose key was sent, and set their name and team in it.

    Without a key, and without EVENTS_REQUIRE_KEY, set name and team in all classes of the student. One query if nothing
    changed, three at most.
    """
    students = sorted({resolved.students[s.email].id for s in observations})
    found = fetch_all(
        "SELECT student_id, class_id, name, team_id FROM student_classes WHERE student_id = ANY(%s)", [students]
    )
    known = {(student, class_id): (name, team) for student, class_id, name, team in found}
    classes: dict[int, list[int]] = defaultdict(list)
    for student, class_id in known:
        classes[student].append(class_id)
    names = dict(known)
    for observation in sorted(observations, key=lambda s: s.occurred_at):
        member = resolved.member_of(observation)
        if member[1] != WITHOUT_KEY:
            memberships = [member]
        elif settings.EVENTS_REQUIRE_KEY:
            continue
        else:
            memberships = [(member[0], class_id) for class_id in classes[member[0]]]
        is_current = is_latest(observation, resolved.activities[member])
        for membership in memberships:
            name, team = names.get(membership, (None, None))
            if is_current or membership not in names:
                name = visible(observation.name) or name
                team = resolved.teams.get(observation.team or "") or team
            names[membership] = name, team
    changed = [(*member, *values) for member, values in names.items() if known.get(member, ()) != values]
    save_memberships(changed)


def is_latest(observation: Observation, activity: Activity) -> bool:
    """Return whether the observation is not older than the last activity."""
    return activity.last_activity_at is None or observation.occurred_at >= activity.last_activity_at


def save_memberships(rows: Iterable[tuple[int, int, str | None, int | None]]) -> None:
    """Insert or update these memberships (student, class, name, team). Classes that no longer exist are skipped."""
    ordered = sorted(rows, key=lambda row: row[:2])
    if not ordered:
        return
    execute(
        """INSERT INTO student_classes AS e (student_id, class_id, joined_at, role, name, team_id)
           SELECT k.student, k.class, now(), 'student', k.name, k.team
           FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) AS k (student, class, name, team)
           WHERE EXISTS (SELECT 1 FROM classes c WHERE c.id = k.class)
           ON CONFLICT (student_id, class_id) DO UPDATE SET name = excluded.name, team_id = excluded.team_id
           WHERE (e.name, e.team_id) IS DISTINCT FROM (excluded.name, excluded.team_id)""",
        [list(column) for column in zip(*ordered, strict=True)],
    )


def enrol(student_id: int, *, class_id: int) -> None:
    """Enrol the student in the class. One statement."""
    execute(
        """INSERT INTO student_classes (student_id, class_id, joined_at, role)
           SELECT %s, %s, now(), 'student' ON CONFLICT DO NOTHING""",
        [student_id, class_id],
    )


def _columns(members: Sequence[Member]) -> list[list[int]]:
    """Return the ids of the students and those of the classes, as two arrays."""
    return [[student for student, _ in members], [class_id for _, class_id in members]]


def get_or_enrol(email: str, *, class_id: int) -> int:
    """Return the row id of the student with this address, created and enrolled if necessary. Four statements at most.
    Call it inside a transaction."""
    [(_, pk)] = _find_or_insert(
        [email_key(email)],
        select=f"SELECT a.key, a.id FROM {BY_ADDRESS} a",  # noqa: S608
        insert=INSERT_STUDENTS,
        key=lambda row: row[0],
        find_columns=lambda keys: [keys, keys],
        more_columns=lambda missing: [[email]],
    )
    enrol(pk, class_id=class_id)
    return int(pk)


def _by_key(given: Iterable[str], form: Callable[[str], str]) -> dict[str, list[str]]:
    """Return the spellings of each key, in the order given. Texts without a key are left out."""
    spellings: dict[str, list[str]] = {}
    for text in dict.fromkeys(given):
        if key := form(text):
            spellings.setdefault(key, []).append(text)
    return spellings


def _find_or_insert(
    keys: Sequence[Any],
    *,
    select: str,
    insert: str,
    key: Any,
    columns: Any = lambda keys: [keys],
    find_columns: Any = None,
    more_columns: Any = lambda keys: [],
) -> list[Row]:
    """Select the rows of these keys, and insert those that are missing. One query if all exist, else three.

    The parameters of the selection are `find_columns`, by default `columns`; those of the insertion `columns` and
    `more_columns`.
    """
    if not keys:
        return []
    find_columns = find_columns or columns
    with binary_cursor() as cursor:
        cursor.execute(select, find_columns(keys))
        rows: list[Row] = cursor.fetchall()
        known = {key(row) for row in rows}
        missing = [each for each in keys if each not in known]
        if missing:
            cursor.execute(insert, [*columns(missing), *more_columns(missing)])
            cursor.execute(select, find_columns(keys))
            rows = cursor.fetchall()
    return rows
