"""`export_student`: all of one person's rows in a zip, nothing of others, and nobody else may read the file."""

import io
import json
import stat
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from classroom.analytics.models import AnalyticsReport
from events.models import OfflineQueueEntry
from instructors import audit
from instructors.models import AuditLog
from operations.privacy import erasure
from operations.privacy.person import find_person
from tests.events.conftest import event_pipeline  # noqa: F401 - a fixture
from tests.operations.privacy.student_data import EMAIL, NAME, NICKNAME, OTHER, Lesson, leave_traces


@pytest.fixture
def lesson(event_pipeline, settings, tmp_path) -> Lesson:  # noqa: F811
    settings.MEDIA_ROOT = tmp_path / "media"
    return leave_traces(event_pipeline)


@pytest.fixture
def exported(lesson, tmp_path) -> Path:
    call_command("export_student", EMAIL.upper(), to=tmp_path / "hanako.zip", stdout=io.StringIO())
    return tmp_path / "hanako.zip"


def read(file: Path, name: str) -> list:
    return json.loads(zipfile.ZipFile(file).read(f"{name}.json"))


def test_every_row_of_the_person_is_there_and_readable(exported, lesson):
    assert zipfile.ZipFile(exported).testzip() is None
    assert read(exported, "student")[0]["email"] == EMAIL
    runs = read(exported, "tables/cell_executions")
    assert {run["cell__cell_id"] for run in runs} == {"cell-1", "cell-2"}
    assert {run["notebook__path"] for run in runs} == {"lesson/演習01.ipynb"}
    counts = {name: len(read(exported, f"tables/{name}")) for name in (
        "student_events", "notebook_accesses", "help_requests", "sessions", "student_notes", "assignment_submissions",
        "environment_snapshots", "environment_analyses", "offline_queue_entries", "progress_notifications",
    )}  # fmt: skip
    assert counts == {
        "student_events": 3, "notebook_accesses": 1, "help_requests": 1, "sessions": 1, "student_notes": 1,
        "assignment_submissions": 2, "environment_snapshots": 1, "environment_analyses": 1,
        "offline_queue_entries": 1, "progress_notifications": 2,
    }  # fmt: skip
    assert [entry["action"] for entry in read(exported, "audit")] == ["help_dismiss", "notes", "student_view"]
    assert len(read(exported, "not_yet_stored")) == 1
    assert {row["sha256"][0] for row in read(exported, "tables/notebook_contents")} == {"a", "b"}


def test_notebooks_open_in_jupyter(exported, lesson):
    content = json.loads(zipfile.ZipFile(exported).read(f"notebooks/{lesson.graded.pk}.ipynb"))
    assert content == lesson.graded.notebook_content


def test_rows_of_others_are_counted_but_not_handed_out(exported):
    archive = zipfile.ZipFile(exported)
    assert json.loads(archive.read("mentions.json"))["cell_executions"] >= 2
    tables = [name for name in archive.namelist() if name.startswith("tables/")]
    assert not [name for name in tables if OTHER in archive.read(name).decode()]
    assert NAME in archive.read("student.json").decode()
    assert EMAIL in archive.read("ABOUT.txt").decode()


def test_only_its_owner_may_read_it_and_the_audit_log_knows(exported, lesson):
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    entry = AuditLog.objects.get(action="student_export")
    assert (entry.target_id, entry.actor_type) == (str(lesson.hanako.pk), "system")


def test_it_hands_out_what_an_erasure_deletes(lesson, tmp_path):
    """Table by table, in every spelling of the address; and what staff did, in every writing of the name."""
    OfflineQueueEntry.objects.create(event_data={}, user_id="hana\u00adko@example.com")
    AnalyticsReport.objects.create(report_type="student", parameters={"student_id": lesson.hanako.pk})
    for said in ("花子　山田", "hanako%40example.com", "HANA-CHAN", "小山田花子", "xhanako@example.com"):
        audit.record(action="said", actor=lesson.teacher, request=None, details={"of": said})
    file = tmp_path / "hanako.zip"
    call_command("export_student", EMAIL, also=[NICKNAME], to=file, stdout=io.StringIO())
    said = [row["details"]["of"] for row in read(file, "audit") if row["action"] == "said"]
    assert said == ["花子　山田", "hanako%40example.com", "HANA-CHAN"]

    person = find_person(EMAIL, also=[NICKNAME])
    deleted = erasure.forget(person, keep_grades=False, now=datetime.now(UTC)).deleted
    archive = zipfile.ZipFile(file)
    rows = {
        name.partition("/")[2]: len(json.loads(archive.read(name))) for name in archive.namelist() if "tables/" in name
    }
    rows = {name.removesuffix(".json"): number for name, number in rows.items()} | {"students": 1}
    # Contents that a classmate has, too, are hers as well, and stay with the classmate.
    rows["notebook_contents"] -= 1
    by_table = {apps.get_model(label)._meta.db_table: number for label, number in deleted.items()}
    assert by_table == {name: number for name, number in rows.items() if number}


def test_a_file_that_exists_is_never_overwritten(exported, tmp_path):
    with pytest.raises(CommandError, match="exists already"):
        call_command("export_student", EMAIL, to=exported)
    assert [file.name for file in tmp_path.iterdir() if file.suffix == ".new"] == []


def test_nobody_of_that_address(db):
    with pytest.raises(CommandError, match="No student"):
        call_command("export_student", "nobody@example.com")
