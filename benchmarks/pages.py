"""The time of what an instructor opens: live page and cell map of a class of 200, and the overview of all students."""

import hashlib
import re
import time

import bcrypt
import httpx

from benchmarks.rows import Row, percentiles
from benchmarks.system import System

STUDENTS = 200
REPETITIONS = 40
EMAIL, PASSWORD = "bench@example.com", "only for this run"


def pages(*, system: System) -> list[Row]:
    """Percentiles of a GET, one after another, while the executions of the other benchmarks are in the database."""
    class_id, stored, everybody = class_of_students(system)
    rows: list[Row] = []
    with httpx.Client(base_url=f"http://127.0.0.1:{system.port}", follow_redirects=True, timeout=30) as browser:
        log_in(browser)
        for name, path, students in (
            ("live page", f"/classes/{class_id}/", STUDENTS),
            ("cell map", f"/classes/{class_id}/cells/", STUDENTS),
            ("overview API, 1 h", "/api/v1/dashboard/overview", everybody),
        ):
            note = f"{students} students, {stored:,} stored executions"
            rows += percentiles(_times(browser, path), name=name, note=note)
    return rows


def _times(browser: httpx.Client, path: str) -> list[float]:
    """Seconds each; the first, which warms up, is left out."""
    times = []
    for _ in range(REPETITIONS + 1):
        started = time.perf_counter()
        browser.get(path).raise_for_status()
        times.append(time.perf_counter() - started)
    return times[1:]


def class_of_students(system: System) -> tuple[int, int, int]:
    """A class of its own, an account that teaches in it, and 200 of the students who are there. Returns its row id and
    how many executions and students are stored."""
    digest = hashlib.sha256(PASSWORD.encode()).hexdigest().encode()
    password = "bcrypt_sha256$" + bcrypt.hashpw(digest, bcrypt.gensalt(4)).decode()
    with system.connect() as connection:
        (teacher,) = connection.execute(
            """INSERT INTO instructors
                   (email, password_hash, name, role, is_active, status, status_updated_at, created_at)
               VALUES (%s, %s, 'Bench', 'instructor', true, 'offline', now(), now()) RETURNING id""",
            [EMAIL, password],
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
        (everybody,) = connection.execute("SELECT count(*) FROM students").fetchone() or (0,)
    assert isinstance(class_id, int)
    assert isinstance(stored, int)
    assert isinstance(everybody, int)
    return class_id, stored, everybody


def log_in(browser: httpx.Client) -> None:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', browser.get("/login/").text)
    assert found, "the login page has no form"
    form = {"username": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
    answer = browser.post("/login/", data=form)
    assert answer.status_code == 200, answer.status_code
    assert "/login" not in str(answer.url), "the login was refused"
