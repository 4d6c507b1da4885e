"""An older database with rows that become one: merged where they can be, else told of; nothing is lost.

The migrations run as an operator runs them, in a database of their own.
"""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests import forked

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
BEFORE = (("lms", "0008"), ("events", "0005"), ("instructors", "0010"))
NFC, NFD = "w1/\u304c.ipynb", "w1/\u304b\u3099.ipynb"

# What a row must have, beside what a test says of it.
FILLED: dict[str, dict[str, Any]] = {
    "students": {
        "is_requesting_help": False, "execution_count": 0, "error_count": 0, "last_run_failed": False,
        "created_at": NOON,
    },
    "teams": {"created_at": NOON},
    "classes": {"is_active": True, "created_at": NOON},
    "student_classes": {"joined_at": NOON, "role": "student"},
    "sessions": {"start_time": NOON, "is_active": True},
    "notebooks": {"created_at": NOON},
    "cells": {"cell_type": "code"},
    "cell_executions": {
        "execution_id": "uuid", "executed_at": NOON, "status": "success", "consecutive_error_count": 0,
        "is_significant_error": False,
    },
    "cell_progress": {"consecutive_error_count": 0, "is_significant_error": False},
    "notebook_accesses": {"accessed_at": NOON, "action": "open"},
    "student_events": {"event_type": "help", "occurred_at": NOON, "received_at": NOON, "data": {}},
    "help_requests": {"asked_at": NOON, "last_asked_at": NOON, "last_heard_at": NOON, "was_resent": False},
    "class_assignments": {"title": "Loops", "created_at": NOON},
    "assignment_submissions": {"submitted_at": NOON, "status": "submitted"},
    "environment_snapshots": {
        "snapshot_id": "uuid", "captured_at": NOON, "source": "client", "python_env": {}, "system_env": {},
        "jupyter_env": {}, "packages": [], "versions": {}, "changed_packages": [], "is_full_snapshot": True,
    },
    "student_notes": {"text": "Likes loops.", "created_at": NOON, "earlier_texts": []},
    "attention_cases": {"code": "stuck", "evidence": {}, "opened_at": NOON},
    "hints": {"nonce": "uuid", "error_name": "", "fingerprint": "f", "text": "Look again.", "sent_at": NOON},
    "progress_notifications": {
        "notification_id": "uuid", "recipient_type": "student", "title": "Hint", "message": "Look again.",
        "level": "info", "is_read": False, "created_at": NOON,
    },
    "notebook_histories": {"created_at": NOON},
    "notebook_snapshots": {
        "metadata": {}, "notebook_metadata": {}, "kernel_spec": {}, "total_cells": 0, "total_lines": 0,
        "total_characters": 0, "code_cells_count": 0, "markdown_cells_count": 0, "execution_count": 0,
        "created_at": NOON,
    },
    "notebook_branches": {
        "branch_id": "uuid", "total_versions": 1, "is_merged": False, "metadata": {}, "created_at": NOON,
    },
    "notebook_versions": {
        "status": "committed", "commit_message": "", "total_changes": 0, "cells_added": 0, "cells_deleted": 0,
        "cells_modified": 0, "cells_moved": 0, "tags": [], "metadata": {}, "created_at": NOON,
    },
    "classroom_maps": {
        "image_filename": "", "image_url": "", "uploaded_at": NOON, "is_active": True, "file_size_bytes": 0,
    },
    "team_positions": {"position_x": 10, "position_y": 10, "updated_at": NOON},
    "instructors": {
        "password_hash": "!", "role": "instructor", "is_active": True, "status": "offline", "status_updated_at": NOON,
        "created_at": NOON,
    },
    "class_invitations": {"role": "instructor", "created_at": NOON, "expires_at": NOON},
}  # fmt: skip


@dataclass
class Older:
    url: str
    connection: "psycopg.Connection[Any]"

    def add(self, table: str, **columns: Any) -> Any:
        """A row; its id."""
        row = {name: uuid4() if value == "uuid" else value for name, value in {**FILLED[table], **columns}.items()}
        values = [Jsonb(value) if isinstance(value, dict | list) else value for value in row.values()]
        command = sql.SQL("INSERT INTO {} ({}) VALUES ({}) RETURNING id").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        )
        found = self.connection.execute(command, values).fetchone()
        assert found
        return found[0]

    def ask(self, question: str, *values: Any) -> list[Any]:
        """The rows; of one column, its values."""
        rows = self.connection.execute(question, values).fetchall()  # type: ignore[arg-type]
        return [row[0] for row in rows] if rows and len(rows[0]) == 1 else rows

    def migrate(self, targets: tuple[tuple[str, ...], ...] = ((),)) -> str:
        """In one process, because to start another takes longer than to migrate. Returns what was said."""
        script = f"""if True:
            import django; django.setup()
            from django.core.management import call_command
            for words in {targets}: call_command("migrate", *words, verbosity=0)
        """
        done = self._run("-c", script)
        assert done.returncode == 0, done.stderr
        return done.stderr

    def manage(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return self._run("manage.py", *words)

    def _run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "DATABASE_URL": self.url, "DATABASE_POOL": "0"}
        return forked.python(*words, environment=environment)


@pytest.fixture(scope="module")
def template(postgres_server) -> str:
    """A database as the version before made it, without rows."""
    postgres_server.create_database("before_keys")
    with psycopg.connect(postgres_server.url_of("before_keys"), autocommit=True) as connection:
        Older(postgres_server.url_of("before_keys"), connection).migrate(BEFORE)
    return "before_keys"


@pytest.fixture
def older(postgres_server, template) -> Iterator[Older]:
    name = f"older_{uuid4().hex[:8]}"
    postgres_server.create_database(name, template=template)
    with psycopg.connect(postgres_server.url_of(name), autocommit=True) as connection:
        yield Older(postgres_server.url_of(name), connection)


def test_students_become_one_and_nothing_is_lost(older):
    add = older.add
    team, other_team = add("teams", team_name="チームA"), add("teams", team_name="チームB")
    first = add(
        "students", email="jiro@example.com", name="Jiro", team_id=team, execution_count=3, error_count=1,
        last_run_at=NOON, last_run_failed=False, last_activity_at=NOON,
    )  # fmt: skip
    later = NOON + timedelta(hours=1)
    second = add(
        "students", email="jiro＠example.com", name="次郎", team_id=other_team, execution_count=2, error_count=2,
        last_run_at=later, last_run_failed=True, last_activity_at=later, is_requesting_help=True, last_help_at=later,
        help_session_id="s2",
    )  # fmt: skip
    third = add("students", email="ＪＩＲＯ@example.com\u200b", execution_count=1)
    dotless = add("students", email="j\u0131ro@example.com", name="Somebody else")
    python, rust = add("classes", class_code="P", name="Python"), add("classes", class_code="R", name="Rust")
    for student, room in ((first, python), (second, python), (second, rust), (third, rust)):
        add("student_classes", student_id=student, class_id=room)
    notebook = add("notebooks", path="a.ipynb", name="a.ipynb")
    cell, second_cell = (add("cells", notebook_id=notebook, cell_id=name) for name in ("c1", "c2"))
    sessions = {
        (student, name): add("sessions", student_id=student, session_id=name, is_active=is_active, end_time=end)
        for student, name, is_active, end in (
            (first, "s1", False, NOON), (second, "s1", True, None),
            (second, "s2", True, None), (third, "s2", True, None),
        )
    }  # fmt: skip
    for (student, _), session in sessions.items():
        for run in (cell, cell, second_cell):
            add(
                "cell_executions", student_id=student, notebook_id=notebook, cell_id=run, session_id=session,
                event_id=str(uuid4()), status="error" if student == second else "success",
            )  # fmt: skip
    for student, runs, errors, status, at in (
        (first, 3, 1, "success", NOON), (second, 4, 4, "error", later), (third, 1, 0, "success", NOON),
    ):  # fmt: skip
        add(
            "cell_progress", student_id=student, cell_id=cell, notebook_id=notebook, run_count=runs,
            error_count=errors, last_status=status, last_run_at=at, consecutive_error_count=errors,
        )  # fmt: skip
        add("notebook_accesses", student_id=student, notebook_id=notebook, event_id=str(uuid4()))
        add("student_events", student_id=student, event_id=str(uuid4()))
        add("help_requests", student_id=student, session_id=str(student), asked_at=at)
        add("environment_snapshots", student_id=student)
        add("student_notes", student_id=student)
        add("attention_cases", student_id=student, class_id=python, opened_at=at)
    hint = add("hints", notebook_id=notebook, cell_id=cell)
    for student, email in ((first, "jiro@example.com"), (second, "jiro＠example.com")):
        older.connection.execute("INSERT INTO hint_recipients (hint_id, student_id) VALUES (%s, %s)", [hint, student])
        add("progress_notifications", recipient_id=email, user_id=email)
    task = add("class_assignments", class_id=python, notebook_id=notebook)
    for student in (first, second):
        add("assignment_submissions", assignment_id=task, student_id=student)
    older.connection.execute("INSERT INTO notebook_contents VALUES ('a', '{}', 2), ('b', '{}', 2)")
    for student, contents in ((first, ["a"]), (second, ["a", "b"]), (third, ["b"])):
        history = add("notebook_histories", notebook_id=notebook, class_id=python, student_id=student)
        branch = add("notebook_branches", history_id=history, branch_name="main")
        for number, content in enumerate(contents, 1):
            snapshot = add("notebook_snapshots", history_id=history, snapshot_id=content, content_sha256=content)
            add(
                "notebook_versions", history_id=history, branch_id=branch, snapshot_id=snapshot,
                version_id=str(uuid4())[:12], version_number=f"v{number}.0.0",
            )  # fmt: skip

    older.migrate()

    ask = older.ask
    assert ask("SELECT id, email, email_key FROM students ORDER BY id") == [
        (first, "jiro@example.com", "jiro@example.com"),
        (dotless, "j\u0131ro@example.com", "j\u0131ro@example.com"),
    ]
    assert ask(
        """SELECT name, team_id, execution_count, error_count, last_run_failed, last_activity_at, is_requesting_help,
           help_session_id, created_at FROM students WHERE id = %s""", first,
    ) == [("次郎", other_team, 6, 3, True, later, True, "s2", NOON)]  # fmt: skip
    everything = {
        "cell_executions": 12, "notebook_accesses": 3, "student_events": 3, "help_requests": 3, "student_notes": 3,
        "environment_snapshots": 3, "attention_cases": 3, "assignment_submissions": 2, "hint_recipients": 1,
        "sessions": 2, "student_classes": 2, "cell_progress": 1, "notebook_histories": 1,
    }  # fmt: skip
    for table, number in everything.items():
        assert ask(f"SELECT student_id FROM {table}") == [first] * number, table
    assert ask("SELECT session_id, is_active, end_time FROM sessions ORDER BY 1") == [
        ("s1", True, None),
        ("s2", True, None),
    ]
    assert ask("SELECT s.session_id, count(*) FROM cell_executions e JOIN sessions s ON s.id = e.session_id GROUP BY 1"
               " ORDER BY 1") == [("s1", 6), ("s2", 6)]  # fmt: skip
    assert ask("SELECT run_count, error_count, last_status, consecutive_error_count, last_run_at FROM cell_progress"
               ) == [(8, 5, "error", 4, later)]  # fmt: skip
    assert ask("SELECT sum(runs), sum(errors) FROM run_counts WHERE student_id = %s", first) == [(12, 6)]
    assert ask("SELECT session_id FROM help_requests WHERE ended_at IS NULL") == [str(second)]
    assert ask("SELECT opened_at FROM attention_cases WHERE ended_at IS NULL") == [later]
    assert ask("SELECT recipient_id FROM progress_notifications") == ["jiro@example.com"] * 2
    assert ask("SELECT snapshot_id FROM notebook_snapshots ORDER BY 1") == ["a", "b"]
    assert ask("SELECT count(*) FROM notebook_branches WHERE branch_name = 'main'") == [1]
    assert ask("SELECT s.snapshot_id FROM notebook_versions v JOIN notebook_snapshots s ON s.id = v.snapshot_id"
               " ORDER BY 1") == ["a", "a", "b", "b"]  # fmt: skip
    assert ask("SELECT target_id, details FROM audit_logs WHERE action = 'student_merge' ORDER BY id") == [
        (str(first), {"merged": second}),
        (str(first), {"merged": third}),
    ]


def test_every_table_that_refers_to_a_student_is_merged(older):
    """A foreign key that nobody thought of would stop the migration; here it is named."""
    known = {
        "sessions", "run_counts", "cell_progress", "student_classes", "hint_recipients", "notebook_histories",
        "cell_executions", "notebook_accesses", "student_events", "help_requests", "assignment_submissions",
        "environment_snapshots", "student_notes", "attention_cases",
    }  # fmt: skip
    referring = (
        "SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confrelid = 'students'::regclass"
    )
    assert set(older.ask(referring)) == known


def test_teams_and_notebooks_become_one_and_a_name_that_shows_nothing_is_none(older):
    add = older.add
    teams = [add("teams", team_name=name) for name in ("チームA", "チーム\uff21", "\uff81\uff70\uff91A", "\u3164")]
    students = [add("students", email=f"tm{number}@example.com", team_id=team) for number, team in enumerate(teams)]
    add("students", email="blank@example.com", name="\u200b\u2060")
    hung = add("classroom_maps")
    add("team_positions", map_id=hung, team_name="チームA", position_x=1)
    add("team_positions", map_id=hung, team_name="チーム\uff21", position_x=2, updated_at=NOON + timedelta(hours=1))
    student = add("students", email="a@example.com", help_notebook_path=NFD)
    session = add("sessions", student_id=student, session_id="s")
    first = add("notebooks", path=NFD, name=NFD[3:])
    second = add("notebooks", path=NFC, name=NFC[3:], last_modified=NOON)
    cells = {
        (notebook, name): add("cells", notebook_id=notebook, cell_id=name, content=content)
        for notebook, name, content in ((first, "c1", None), (second, "c1", "1"), (second, "c2", "2"))
    }
    for (notebook, _), cell in cells.items():
        add("cell_executions", student_id=student, notebook_id=notebook, cell_id=cell, session_id=session)
        add(
            "cell_progress", student_id=student, cell_id=cell, notebook_id=notebook, run_count=1, error_count=0,
            last_status="success", last_run_at=NOON,
        )  # fmt: skip
        add("notebook_accesses", student_id=student, notebook_id=notebook)
    room = add("classes", class_code="P", name="Python")
    for notebook in (first, second):
        add("class_assignments", class_id=room, notebook_id=notebook)
        add("notebook_histories", notebook_id=notebook, class_id=room)
    add("hints", notebook_id=second, cell_id=cells[second, "c1"])
    older.migrate()
    assert older.ask("SELECT team_name, team_key FROM teams") == [("チームA", "チームa")]
    assert older.ask("SELECT team_id FROM students WHERE id = ANY(%s) ORDER BY id", students) == [*[teams[0]] * 3, None]
    assert older.ask("SELECT name FROM students WHERE email = 'blank@example.com'") == [None]
    assert older.ask("SELECT position_x::int FROM team_positions") == [2]
    ask = older.ask
    assert ask("SELECT id, path, name, last_modified FROM notebooks") == [(first, NFC, NFC[3:], NOON)]
    assert ask("SELECT cell_id, content FROM cells ORDER BY 1") == [("c1", "1"), ("c2", "2")]
    assert ask(
        """SELECT c.cell_id FROM cell_executions e
           JOIN cells c ON c.id = e.cell_id AND c.notebook_id = e.notebook_id ORDER BY 1"""
    ) == ["c1", "c1", "c2"]
    assert ask("SELECT run_count FROM cell_progress ORDER BY 1") == [1, 2]
    for table, number in {"notebook_accesses": 3, "class_assignments": 2, "notebook_histories": 1, "hints": 1}.items():
        assert ask(f"SELECT notebook_id FROM {table}") == [first] * number, table
    assert ask("SELECT help_notebook_path FROM students WHERE id = %s", student) == [NFC]


def test_accounts_are_never_merged_and_the_command_says_what_to_do(older):
    add = older.add
    idle = add("instructors", email="mori@example.com", name="Mori", last_login_at=NOON)
    off = add("instructors", email="mori@example.com\u00ad", name="Off", is_active=False, last_login_at=NOON)
    used = add("instructors", email="\uff4dori@example.com", name="Used", last_login_at=NOON + timedelta(hours=1))
    alike = add("instructors", email="mor\u0131@example.com", name="Alike")
    room = add("classes", class_code="P", name="Python")
    add("class_invitations", class_id=room, email="\uff4dori@example.com", token_hash="t")
    blank = add("students", email="\u200b", name="Blank")
    long = add("students", email="\u3231" * 200)
    said = older.migrate()
    assert "2 accounts" in said
    assert "2 students" in said
    assert dict(older.ask("SELECT id, email_key FROM instructors")) == {
        idle: f"UNREACHABLE:{idle}",
        off: f"UNREACHABLE:{off}",
        used: "mori@example.com",
        alike: "mor\u0131@example.com",
    }
    assert older.ask("SELECT email_key FROM class_invitations") == ["mori@example.com"]
    told = older.manage("check_identities")
    assert told.returncode == 1
    assert f"Account {idle} (Mori): 'mori@example.com' is the same address as" in told.stdout
    assert f"/admin/instructors/instructor/{off}/change/" in told.stdout
    assert f"Student {blank} (Blank)" in told.stdout
    assert f"Student {long}" in told.stdout
    assert "Traceback" not in told.stderr
    assert older.ask("SELECT email_key FROM students ORDER BY id") == [f"UNREACHABLE:{blank}", f"UNREACHABLE:{long}"]
    older.connection.execute("DELETE FROM student_activity")
    older.connection.execute("DELETE FROM students")
    moved = "UPDATE instructors SET email = 'x@example.com', email_key = 'x@example.com' WHERE id = %s"
    older.connection.execute(moved, [used])
    older.connection.execute("DELETE FROM instructors WHERE id = %s", [off])
    told = older.manage("check_identities")
    assert (told.returncode, "1 had an address that is free again" in told.stdout) == (0, True), told.stderr
    assert older.ask("SELECT email_key FROM instructors WHERE id = %s", idle) == ["mori@example.com"]
