"""The time of what an instructor opens: live page, cell map and overview of a class of 200, with a long past stored."""

import hashlib
import re
import time
from typing import Any

import bcrypt
import httpx
import psycopg

from benchmarks.processes import cpu_seconds
from benchmarks.rows import Row, percentiles
from benchmarks.system import System
from core.identity import email_key

STUDENTS = 200
CELLS = 60  # of the notebook that the cell map shows
REPETITIONS = 40
CHUNK = 500_000  # rows of the past in one statement
PATTERN = 20_000  # rows that the past repeats
OVERVIEW = "/api/v1/dashboard/overview"
EMAIL, PASSWORD = "bench@example.com", "only for this run"


def pages(*, system: System, stored: int) -> list[Row]:
    """Return the rows with this many executions in the database."""
    class_id, present = class_of_students(system)
    remember(system, class_id=class_id, count=max(stored - present, 0))
    return look(system, class_id=class_id, stored=max(stored, present))


def look(system: System, *, class_id: int, stored: int) -> list[Row]:
    """Percentiles of a GET, one after another. Where no login is asked for, the API shows everybody to anyone: the
    system must ask."""
    rows: list[Row] = []
    student_id = _a_student(system, class_id)
    with httpx.Client(base_url=f"http://127.0.0.1:{system.port}", follow_redirects=True, timeout=30) as browser:
        log_in(browser)
        token = browser.post("/api/v1/auth/login", json={"email": EMAIL, "password": PASSWORD}).json()["token"][
            "access_token"
        ]
        bearer = {"Authorization": f"Bearer {token}"}
        for name, path, headers in (
            ("live page", f"/classes/{class_id}/", {}),
            ("cell map", f"/classes/{class_id}/cells/", {}),
            ("student page", f"/classes/{class_id}/students/{student_id}/", {}),
            ("overview API, 1 h", OVERVIEW, bearer),
            ("overview API, 7 d", f"{OVERVIEW}?time_range=7d", bearer),
        ):
            note = f"{STUDENTS} students, {stored:,} stored executions"
            begun = cpu_seconds(system.pid)
            rows += percentiles(_times(browser, path, headers), name=name, note=note)
            rows.append(
                Row(name=f"{name}, processor", value=_spent(system, begun), unit="ms", note="web and PostgreSQL")
            )
        shown = len(browser.get(OVERVIEW, headers=bearer).json()["students"])
        assert shown == STUDENTS, f"the overview shows {shown} students"
    return rows


def _spent(system: System, begun: dict[str, float]) -> float:
    """Return the milliseconds of processor for each of the requests since `begun`."""
    now = cpu_seconds(system.pid)
    return sum(now[part] - begun[part] for part in ("web", "postgres")) / (REPETITIONS + 1) * 1000


def remember(system: System, *, class_id: int, count: int) -> None:
    """Give the class a past: so many runs more, spread over thirty days."""
    with system.connect() as connection:
        for chunk in range(0, count, CHUNK):
            _remember(connection, class_id=class_id, count=min(CHUNK, count - chunk))
        connection.execute("VACUUM ANALYZE cell_executions, run_counts")


def _remember(connection: "psycopg.Connection[Any]", *, class_id: int, count: int) -> None:
    connection.execute(
        """WITH e AS MATERIALIZED (
                   SELECT x.*, row_number() OVER () AS place
                   FROM cell_executions x JOIN student_classes c USING (student_id) WHERE c.class_id = %s
                   ORDER BY x.id LIMIT %s
               )
               INSERT INTO cell_executions (event_id, student_id, notebook_id, cell_id, session_id, executed_at,
                   execution_count, status, duration, error_message, output, code_content, cell_index, cell_type,
                   consecutive_error_count, is_significant_error)
               SELECT gen_random_uuid()::text, e.student_id, e.notebook_id, e.cell_id, e.session_id,
                   now() - interval '2 hours' - random() * interval '30 days', e.execution_count, e.status, e.duration,
                   e.error_message, e.output, e.code_content, e.cell_index, e.cell_type, 0, false
               FROM generate_series(1, %s) AS number
               JOIN e ON e.place = number %% (SELECT count(*) FROM e) + 1""",
        [class_id, PATTERN, count],
    )


def _a_student(system: System, class_id: int) -> int:
    """Return the row id of a student of the class."""
    with system.connect() as connection:
        (found,) = connection.execute(
            "SELECT min(student_id) FROM student_classes WHERE class_id = %s", [class_id]
        ).fetchone() or (None,)
    assert isinstance(found, int)
    return found


def _times(browser: httpx.Client, path: str, headers: dict[str, str]) -> list[float]:
    """Return the seconds of each request without the first, which warms up."""
    times = []
    for _ in range(REPETITIONS + 1):
        started = time.perf_counter()
        browser.get(path, headers=headers).raise_for_status()
        times.append(time.perf_counter() - started)
    return times[1:]


def class_of_students(system: System) -> tuple[int, int]:
    """A class of its own, an account that teaches in it, and 200 of the students who are there. Returns its row id and
    how many executions are stored."""
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest().encode()
    password = "bcrypt_sha256$" + bcrypt.hashpw(digest, bcrypt.gensalt(4)).decode()
    with system.connect() as connection:
        (teacher,) = connection.execute(
            """INSERT INTO instructors
                   (email, email_key, password_hash, name, role, is_active, status, status_updated_at, created_at)
               VALUES (%s, %s, %s, 'Bench', 'instructor', true, 'offline', now(), now()) RETURNING id""",
            [EMAIL, email_key(EMAIL), password],
        ).fetchone() or (None,)
        (class_id,) = connection.execute(
            """INSERT INTO classes (class_code, name, instructor_id, is_active, created_at)
               VALUES ('BENCH', 'Bench', %s, true, now()) RETURNING id""",
            [teacher],
        ).fetchone() or (None,)
        connection.execute(
            """INSERT INTO student_classes (student_id, class_id, joined_at, role)
               SELECT id, %s, now(), 'student' FROM students ORDER BY id DESC LIMIT %s""",
            [class_id, STUDENTS],
        )
        (stored,) = connection.execute("SELECT count(*) FROM cell_executions").fetchone() or (0,)
    assert isinstance(class_id, int)
    assert isinstance(stored, int)
    return class_id, stored


def log_in(browser: httpx.Client) -> None:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/login/").text)
    assert found, "the login page has no form"
    form = {"username": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
    answer = browser.post("/login/", data=form)
    assert answer.status_code == 200, answer.status_code
    assert "/login" not in str(answer.url), "the login was refused"
