"""An account is one however its address and its password are spelt, and no look-alike passes for it."""

import html
import io
import re
import sys
from datetime import timedelta
from unicodedata import normalize

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from classroom.setup.models import ClassInvitation
from classroom.system.audit_log import audit_entries
from core.key_fields import UNREACHABLE
from events.models import OfflineQueueEntry
from events.offline.undelivered import failed_entries
from instructors import tokens
from instructors.models import AuditLog, Instructor
from lms.models import ClassStaff, ProgressNotification, Student
from operations import identity_conflicts
from operations.privacy.person import find_person
from operations.privacy.tables import theirs
from tests.spellings import ADDRESS, APART, NFC, NFD, SAME

PASSWORD = "correct horse battery"
API = "/api/v1/auth/login"
same = pytest.mark.parametrize("spelling", SAME.values(), ids=SAME)
apart = pytest.mark.parametrize("other", APART.values(), ids=APART)


@pytest.fixture
def kissa(db) -> Instructor:
    return Instructor.objects.create_user(ADDRESS, PASSWORD, name="Kissa", role="admin")


def page_login(email, password=PASSWORD, path="/login/"):
    return Client().post(path, {"username": email, "password": password}).status_code


def api_login(email, password=PASSWORD):
    return Client().post(API, {"email": email, "password": password}, content_type="application/json").status_code


@same
def test_every_login_opens_the_account(kissa, spelling):
    assert page_login(spelling) == 302
    assert api_login(spelling) == 200
    assert Instructor.objects.get_by_natural_key(spelling) == kissa


@apart
def test_a_look_alike_is_an_account_nobody_has(kissa, other):
    assert page_login(other) == 200
    assert api_login(other) in (401, 422)


@apart
@pytest.mark.parametrize("is_active", [True, False])
def test_a_look_alike_neither_locks_its_model_out_nor_breaks_the_login(kissa, other, is_active):
    alike = Instructor.objects.create_user(other, "another one", name="Alike")
    Instructor.objects.filter(pk=alike.pk).update(is_active=is_active)
    assert page_login(ADDRESS) == 302
    assert api_login(ADDRESS) == 200
    assert tokens.BearerToken(tokens.issue(kissa, now=timezone.now())).instructor() == kissa


def test_spellings_are_counted_together(kissa, settings):
    settings.LOGIN_FAILURES = len(SAME)
    for spelling in SAME.values():
        assert page_login(spelling, "wrong") == 200
    assert page_login(ADDRESS) == 429
    assert api_login("ＫＩＳＳＡ＠example.com") == 429
    assert AccessAttempt.objects.get().username == ADDRESS
    call_command("axes_reset_username", "Kissa＠example.com", stdout=io.StringIO())
    assert page_login(ADDRESS) == 302


@same
def test_a_second_account_of_the_address_is_refused_everywhere(kissa, signed_in, spelling, monkeypatch):
    token = tokens.issue(kissa, now=timezone.now())
    body = {"email": spelling, "name": "Second", "password": PASSWORD}
    headers = {"Authorization": f"Bearer {token}"}
    answer = Client().post("/api/v1/instructors/", body, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.json()) == (400, {"detail": "Email already registered"})
    fields = {"email": spelling, "name": "Second", "role": "instructor", "password1": PASSWORD, "password2": PASSWORD}
    page = signed_in(kissa).post("/admin/instructors/instructor/add/", fields)
    assert page.status_code == 200
    assert "There is already an account with this address." in page.content.decode()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    with pytest.raises(CommandError, match="exists already"):
        call_command("create_instructor", email=spelling, password_stdin=True)
    assert Instructor.objects.count() == 1


# --- Invitations ----------------------------------------------------------------------------------------------------


@pytest.fixture
def invite(signed_in, hanako, python_class):
    def send(email: str) -> str:
        address = f"/classes/{python_class.pk}/setup/people/invite/"
        page = signed_in(hanako).post(address, {"email": email, "role": "instructor"})
        found = re.search(r"http://testserver(/invitations/[^<]+)<", html.unescape(page.content.decode()))
        return found[1] if found else ""

    return send


@apart
def test_a_look_alike_does_not_take_over_an_invitation(invite, signed_in, python_class, other):
    link = invite(ADDRESS)
    alike = Instructor.objects.create_user(other, PASSWORD, name="Alike")
    assert "for another address" in signed_in(alike).get(link).content.decode()
    signed_in(alike).post(link)
    assert not ClassStaff.objects.filter(instructor=alike).exists()
    assert ClassInvitation.objects.get().closed_at is None


@same
def test_an_invitation_is_for_the_address_however_it_is_spelt(invite, signed_in, python_class, spelling):
    first = invite(ADDRESS)
    link = invite(spelling)
    assert Client().get(first).status_code == 410, "the newer link for the same address closes the older"
    meanwhile = Instructor.objects.create_user(ADDRESS, PASSWORD, name="Kissa")
    assert signed_in(meanwhile).post(link).headers["Location"] == f"/classes/{python_class.pk}/"
    assert invite(spelling) == "", "who has an account is in the class at once"


# --- Passwords ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("chosen", "typed"), [(NFC, NFD), (NFD, NFC)], ids=["typed on a Mac", "chosen on a Mac"])
def test_a_password_is_one_whatever_keyboard(kissa, signed_in, client, invite, monkeypatch, chosen, typed):
    token = tokens.issue(kissa, now=timezone.now())
    headers = {"Authorization": f"Bearer {token}"}
    change = {"current_password": PASSWORD, "new_password": chosen}
    answer = client.put("/api/v1/auth/password", change, content_type="application/json", headers=headers)
    assert answer.status_code == 200, answer.content
    assert page_login(ADDRESS, typed) == 302
    assert page_login(ADDRESS, typed, "/login/?next=/admin/") == 302
    assert api_login(ADDRESS, typed) == 200

    body = {"email": "api@example.com", "name": "Api", "password": chosen}
    client.post("/api/v1/instructors/", body, content_type="application/json", headers=headers)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{chosen}\n"))
    call_command("create_instructor", email="command@example.com", password_stdin=True, stdout=io.StringIO())
    fields = {"email": "admin@example.com", "name": "A", "role": "instructor", "password1": chosen, "password2": chosen}
    kissa.refresh_from_db()
    assert signed_in(kissa).post("/admin/instructors/instructor/add/", fields).status_code == 302
    client.post(invite("invited@example.com"), {"name": "I", "password": chosen, "repeated": typed})
    for name in ("api", "command", "admin", "invited"):
        assert page_login(f"{name}@example.com", typed) == 302, name


@pytest.mark.parametrize("hashed", [NFD, NFC, "ｐａｓｓword-１２３"], ids=ascii)
def test_an_older_hash_opens_and_is_replaced(kissa, hashed):
    Instructor.objects.filter(pk=kissa.pk).update(password=make_password(hashed))
    assert page_login(ADDRESS, hashed) == 302
    assert Instructor.objects.get().check_password(normalize("NFKC", hashed))
    assert page_login(ADDRESS, normalize("NFKC", hashed)) == 302
    assert page_login(ADDRESS, "wrong-Ō") == 200


def test_an_address_nobody_has_costs_as_many_hashes(kissa, monkeypatch):
    """Else the time of a wrong password would tell who has an account."""
    from django.contrib.auth.hashers import MD5PasswordHasher

    made: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args, **kw: made.append(args[1]) or encode(*args, **kw))
    numbers = []
    for login in (page_login, api_login):
        for email in (ADDRESS, "nobody@example.com"):
            made.clear()
            login(email, NFD)
            numbers.append(len(made))
    assert len(set(numbers)) == 1, numbers
    assert numbers[0] > 1


def test_a_short_password_is_not_long_for_its_marks(kissa, client):
    headers = {"Authorization": f"Bearer {tokens.issue(kissa, now=timezone.now())}"}
    body = {"email": "short@example.com", "name": "S", "password": normalize("NFD", "ääääää")}
    assert (
        client.post("/api/v1/instructors/", body, content_type="application/json", headers=headers).status_code == 422
    )


# --- Rows that wait for an operator ---------------------------------------------------------------------------------


def test_an_account_without_its_address_cannot_log_in_and_is_told_of(kissa, capsys):
    second = Instructor.objects.create_user("second@example.com", "another one", name="Second")
    key = f"{UNREACHABLE}{second.pk}"
    Instructor.objects.filter(pk=second.pk).update(email="Kissa＠example.com", email_key=key)
    second.refresh_from_db()
    for typed in (second.email, key, key.lower()):
        assert page_login(typed, "another one") == 200
    second.name = "Renamed"
    second.save()
    assert second.email_key == key, "a change of something else leaves the address with its owner"
    with pytest.raises(CommandError):
        call_command("check_identities")
    assert f"/admin/instructors/instructor/{second.pk}/change/" in capsys.readouterr().out
    second.email = "second@example.com"
    second.save()
    assert page_login("second@example.com", "another one") == 302
    call_command("check_identities")
    assert not identity_conflicts.complaints()


# --- What is found by the address of a student ----------------------------------------------------------------------


@same
def test_what_names_a_student_by_address_is_found(kissa, python_class, enrol, spelling):
    student = enrol(ADDRESS)
    OfflineQueueEntry.objects.create(user_id=spelling, status="failed", event_data={})
    OfflineQueueEntry.objects.create(user_id=APART["dotless i"], status="failed", event_data={})
    ProgressNotification.objects.create(
        notification_id="3f0c7c2e-6a1f-4f0e-9a35-2f1f2b7f9a10", recipient_id=student.email_key, title="T", message="M"
    )
    assert [each.user_id for each in failed_entries(python_class.instructor)] == [spelling]
    person = find_person(spelling)
    assert person.student_ids == (student.pk,)
    rows = theirs("events.OfflineQueueEntry", keys=person.keys, numbers=person.student_ids)
    assert [row.user_id for row in rows] == [spelling]
    headers = {"Authorization": f"Bearer {tokens.issue(kissa, now=timezone.now())}"}
    answer = Client().get(f"/api/v1/progress/notifications/{spelling}", headers=headers)
    assert answer.json()["total_notifications"] == 1


def test_the_audit_log_is_asked_by_any_spelling(kissa):
    for email in (ADDRESS, "KISSA@example.com"):
        AuditLog.objects.create(actor_type="instructor", actor_id=kissa.pk, actor_email=email, action="x")
    AuditLog.objects.create(actor_type="instructor", actor_email=APART["dotless i"], action="x")
    assert audit_entries(action="x", actor="kissa＠EXAMPLE.com").count() == 2


@pytest.mark.parametrize("page", ["lms/student", "lms/studentclass", "events/studentevent"])
def test_the_administration_finds_students_by_any_spelling(kissa, signed_in, enrol, page):
    student = enrol("ｋissa@example.com", name="Found")
    enrol(APART["dotless i"], name="Other")
    student.events.create(event_id="1", event_type="help", occurred_at=timezone.now() - timedelta(hours=1))
    found = signed_in(kissa).get(f"/admin/{page}/?q=KISSA＠").content.decode()
    assert "ｋissa@example.com" in found
    assert APART["dotless i"] not in found


def test_a_blank_name_typed_in_the_administration_is_none(kissa, signed_in):
    Student.objects.create(email=ADDRESS)
    fields = {
        "email": ADDRESS, "name": "\u3164", "team": "", "enrolments-TOTAL_FORMS": 0, "enrolments-INITIAL_FORMS": 0,
        "former_addresses-TOTAL_FORMS": 0, "former_addresses-INITIAL_FORMS": 0,
    }  # fmt: skip
    student = Student.objects.get()
    assert signed_in(kissa).post(f"/admin/lms/student/{student.pk}/change/", fields).status_code == 302
    student.refresh_from_db()
    assert (student.name, student.display_name) == (None, "kissa")


def test_a_login_asks_by_the_index(kissa):
    with CaptureQueriesContext(
        connection,
    ) as asked:
        Instructor.objects.with_email("Kissa＠example.com")
    assert f"\"email_key\" = '{ADDRESS}'" in asked[0]["sql"]
