"""`prune`: what is older than its days goes, in batches; everything else, and the audit log by default, stays."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.models import Session as Login
from django.core.management import call_command
from django.db import DatabaseError, transaction

from events.models import CellExecution, HelpRequest, NotebookAccess, OfflineQueueEntry, StudentEvent
from instructors.models import AuditLog, Instructor, RevokedToken
from lms.models import Cell, EnvironmentSnapshot, Notebook, Session, Student
from operations import retention

NOW = datetime.now(UTC)
AGES = {"old": NOW - timedelta(days=400), "new": NOW - timedelta(days=5)}


def days(**chosen: int) -> dict[str, int]:
    names = ["executions", "events", "accesses", "environments", "sessions", "offline", "audit"]
    return {**dict.fromkeys(names, 0), "offline": 7, **chosen}


@pytest.fixture
def two_of_each(db) -> None:
    """An old and a new row of every kind."""
    student, notebook = Student.objects.create(email="aoi@example.com"), Notebook.objects.create(path="a.ipynb")
    cell, account = Cell.objects.create(notebook=notebook, cell_id="c"), Instructor.objects.create(email="t@e.jp")
    for age, moment in AGES.items():
        session = Session.objects.create(
            student=student, session_id=age, start_time=moment, is_active=False, ip_address="10.0.0.1"
        )
        CellExecution.objects.create(
            student=student, notebook=notebook, cell=cell, session=session, executed_at=moment, status="success"
        )
        StudentEvent.objects.create(event_id=age, event_type="x", student=student, occurred_at=moment)
        HelpRequest.objects.create(
            student=student, asked_at=moment, last_asked_at=moment, last_heard_at=moment, ended_at=moment
        )
        NotebookAccess.objects.create(student=student, notebook=notebook, accessed_at=moment, action="open")
        EnvironmentSnapshot.objects.create(student=student, captured_at=moment)
        for status in ("synced", "failed"):
            OfflineQueueEntry.objects.create(event_data={}, status=status, created_at=moment)
        Login.objects.create(session_key=age, session_data="", expire_date=moment + timedelta(days=10))
        RevokedToken.objects.create(jti=age, instructor=account, expires_at=moment + timedelta(days=10))
        AuditLog.objects.create(actor_type="system", action=age, occurred_at=moment)
    HelpRequest.objects.create(
        student=student, asked_at=AGES["old"], last_asked_at=AGES["old"], last_heard_at=AGES["old"]
    )


def left() -> dict[str, int]:
    models = [CellExecution, StudentEvent, HelpRequest, NotebookAccess, EnvironmentSnapshot, OfflineQueueEntry]
    counts = {model.__name__: model.objects.count() for model in [*models, RevokedToken, AuditLog]}
    return {**counts, "Login": Login.objects.count(), "Session": Session.objects.count()}


def prune(**options: object) -> str:
    out = io.StringIO()
    call_command("prune", stdout=out, **options)
    return out.getvalue()


def test_by_default_only_what_is_over_goes(two_of_each, settings):
    settings.RETENTION_DAYS = days()
    before = left()
    prune()
    gone = {name: number - left()[name] for name, number in before.items()}
    assert {name: number for name, number in gone.items() if number} == {
        "OfflineQueueEntry": 1, "Login": 1, "RevokedToken": 1,
    }  # fmt: skip
    assert OfflineQueueEntry.objects.filter(status="failed").count() == 2
    assert CellExecution.objects.count() == 2


def test_each_kind_has_its_days(two_of_each, settings):
    settings.RETENTION_DAYS = days(executions=30, events=30, accesses=30, environments=30, sessions=30)
    prune()
    assert left() == {
        "CellExecution": 1, "StudentEvent": 1, "HelpRequest": 2, "NotebookAccess": 1, "EnvironmentSnapshot": 1,
        "OfflineQueueEntry": 3, "RevokedToken": 1, "Session": 2, "AuditLog": 2, "Login": 1,
    }  # fmt: skip
    assert set(CellExecution.objects.values_list("executed_at", flat=True)) == {AGES["new"]}
    assert {s.session_id: s.ip_address for s in Session.objects.all()} == {"old": None, "new": "10.0.0.1"}
    assert Login.objects.get().session_key == "new"


def test_a_dry_run_says_the_same_and_changes_nothing(two_of_each, settings):
    settings.RETENTION_DAYS = days(executions=30, audit=365)
    before = left()
    said = prune(dry_run=True)
    assert left() == before
    assert "1 executions" in said
    assert "1 audit entries" in said
    assert "Nothing was changed" in said
    assert said.splitlines()[:-1] == prune().splitlines()


def test_in_batches(two_of_each, settings, monkeypatch):
    settings.RETENTION_DAYS = days(events=30)
    monkeypatch.setattr(retention, "BATCH", 10)
    rows = [
        StudentEvent(event_id=str(n), event_type="x", occurred_at=NOW - timedelta(days=99, seconds=n))
        for n in range(95)
    ]
    StudentEvent.objects.bulk_create(rows)
    done = {kind.name: number for kind, number in retention.prune(now=NOW, pause=0)}
    assert done["events"] == 97
    assert StudentEvent.objects.count() == 1


def test_the_audit_log_goes_only_on_demand_and_says_so(two_of_each, settings):
    settings.RETENTION_DAYS = days(audit=365)
    prune()
    assert set(AuditLog.objects.values_list("action", flat=True)) == {"new", "audit_prune"}
    assert AuditLog.objects.get(action="audit_prune").details["entries"] == 1
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditLog.objects.all()._raw_delete("default")
    prune()
    assert AuditLog.objects.count() == 2
