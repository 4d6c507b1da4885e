"""`export_account`: what an account of staff did and wrote, nothing of other accounts, and no secret."""

import io
import json
import stat

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from instructors.models import AuditLog, Instructor
from tests.browser.lesson import fill


@pytest.fixture
def exported(db, redis, tmp_path):
    hanako = Instructor.objects.create_user("hanako@example.com", "correct horse", name="Hanako")
    taro = Instructor.objects.create_user("taro@example.com", "correct horse", name="Taro")
    made = fill(hanako.email)
    for account in (hanako, taro):
        client = Client()
        client.post("/login/", {"username": account.email, "password": "correct horse"})
        client.get(f"/classes/{made['class_id']}/students/{made['student_id']}/")
    file = tmp_path / "hanako.json"
    call_command("export_account", "Hanako@Example.com", to=file, stdout=io.StringIO())
    return file


def test_what_somebody_did_and_wrote_is_there(exported):
    content = json.loads(exported.read_text())
    assert content["instructors"][0]["email"] == "hanako@example.com"
    assert [row["action"] for row in content["audit_logs"]] == ["login", "student_view"]
    assert content["student_notes"][0]["text"] == "Likes examples with food."
    assert content["instructor_status_history"][0]["status"] == "available"
    assert {"classes", "attention_cases", "help_requests"} <= set(content)
    assert AuditLog.objects.filter(action="account_export").exists()


def test_nothing_of_other_accounts_and_no_secret(exported):
    text = exported.read_text()
    assert "taro@example.com" not in text
    for secret in ("password", "bcrypt", "hash"):
        assert secret not in text
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600


def test_it_overwrites_nothing_and_knows_whom_it_does_not_know(exported):
    with pytest.raises(CommandError, match="exists already"):
        call_command("export_account", "hanako@example.com", to=exported)
    with pytest.raises(CommandError, match="No account"):
        call_command("export_account", "nobody@example.com", to=exported)
