"""What a password must be, at every place where one is chosen."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from instructors.models import Instructor
from tests.classroom.api import api_of

WEAK = {
    "short": "k7#pQ",
    "common": "password123",
    "numbers": "94817265031",
    "like the name": "hanako-yamada",
    "like the address": "newcomer@example.com",
}
NEWCOMER = {"email": "newcomer@example.com", "name": "Hanako Yamada"}


def invited(client, hanako, python_class, password):
    """Follows an invitation; the page that comes."""
    client.force_login(hanako)
    address = f"/classes/{python_class.pk}/setup/people/invite/"
    page = client.post(address, {"email": NEWCOMER["email"], "role": "instructor"}).content.decode()
    link = page.split("/invitations/", 1)[1].split("/", 1)[0]
    client.logout()
    fields = {"name": NEWCOMER["name"], "password": password, "repeated": password}
    return client.post(f"/invitations/{link}/", fields)


def commanded(password, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(password + "\n"))
    call_command(
        "create_instructor", email=NEWCOMER["email"], name=NEWCOMER["name"], password_stdin=True, stdout=io.StringIO()
    )


@pytest.mark.parametrize("password", WEAK.values(), ids=list(WEAK))
def test_a_weak_password_makes_no_account(client, hanako, kaoru, python_class, password, monkeypatch):
    assert invited(client, hanako, python_class, password).status_code == 200
    with pytest.raises(CommandError):
        commanded(password, monkeypatch)
    client.force_login(kaoru)
    fields = {**NEWCOMER, "role": "instructor", "password1": password, "password2": password, "usable_password": "true"}
    assert client.post("/admin/instructors/instructor/add/", fields).status_code == 200
    change = f"/admin/instructors/instructor/{kaoru.pk}/password/"
    assert client.post(change, {"password1": "password123", "password2": "password123"}).status_code == 200
    assert not Instructor.objects.filter(email=NEWCOMER["email"]).exists()


@pytest.mark.parametrize("password", WEAK.values(), ids=list(WEAK))
def test_programs_are_held_to_the_same_where_the_setting_says_so(kaoru, settings, password):
    settings.STRICT_PASSWORDS = True
    answer = api_of(kaoru)("POST", "/api/v1/instructors", {**NEWCOMER, "password": password})
    assert answer.status_code == 422
    [problem] = answer.data["detail"]
    assert (problem["loc"], problem["type"]) == (["body", "password"], "password_too_weak")
    body = {"current_password": "correct horse", "new_password": "password123"}
    assert api_of(kaoru)("PUT", "/api/v1/auth/password", body).status_code == 422


def test_without_it_the_contract_holds_eight_characters(kaoru):
    make = api_of(kaoru)
    assert make("POST", "/api/v1/instructors", {**NEWCOMER, "password": "short"}).status_code == 422
    assert make("POST", "/api/v1/instructors", {**NEWCOMER, "password": "password123"}).status_code == 201


def test_a_strong_one_is_kept_as_bcrypt(client, hanako, python_class, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.BCryptSHA256PasswordHasher"]
    assert invited(client, hanako, python_class, "violet tram 40 bees").status_code == 302
    assert Instructor.objects.get(email=NEWCOMER["email"]).password.startswith("bcrypt_sha256$$2b$12$")
