"""The audit log: what a record says, and that nothing rewrites it."""

import pytest
from django.db import InternalError, connection, transaction
from django.db.utils import DatabaseError
from django.test import RequestFactory

from instructors import audit
from instructors.models import AuditLog, ImmutableRecord

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(hanako):
    request = RequestFactory().post("/", headers={"X-Request-ID": "r-1\n" + "x" * 200}, REMOTE_ADDR="10.1.2.3")
    return audit.record(
        action="login", actor=hanako, request=request, target_type="instructor", target_id=5, details={"a": 1}
    )


def test_a_record(entry, hanako):
    entry.refresh_from_db()
    assert (entry.actor_type, entry.actor_id, entry.actor_email) == ("instructor", hanako.pk, hanako.email)
    assert (entry.target_type, entry.target_id, entry.outcome) == ("instructor", "5", "success")
    assert (entry.ip_address, entry.details) == ("10.1.2.3", {"a": 1})
    assert entry.request_id == ("r-1" + "x" * 97)


def test_who_without_an_actor(db, hanako):
    assert audit.record(action="x", actor=None, request=None).actor_type == "system"
    assert audit.record(action="x", actor=None, request=RequestFactory().get("/")).actor_type == "anonymous"


def test_a_record_outlives_its_account(entry, hanako):
    hanako.delete()
    assert AuditLog.objects.get().actor_email == "hanako@example.com"


def test_the_model_refuses_changes(entry):
    entry.action = "other"
    with pytest.raises(ImmutableRecord):
        entry.save()
    with pytest.raises(ImmutableRecord):
        entry.delete()


@pytest.mark.parametrize(
    "change",
    [
        lambda: AuditLog.objects.update(action="other"),
        lambda: AuditLog.objects.all().delete(),
        lambda: connection.cursor().execute("DELETE FROM audit_logs"),
    ],
    ids=["a query that updates", "a query that deletes", "SQL"],
)
def test_the_database_refuses_changes(entry, change):
    with pytest.raises((InternalError, DatabaseError), match="append-only"), transaction.atomic():
        change()
    assert AuditLog.objects.get().action == "login"
