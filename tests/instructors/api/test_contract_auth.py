"""docs/contract/http.md section 7, row by row, refusals included."""

from datetime import UTC, datetime, timedelta

import jwt
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import MD5PasswordHasher

import config.settings
from instructors.models import AuditLog, Instructor, InstructorStatusHistory
from tests.classroom.api import PASSWORD, Api, api_of, types_heard

pytestmark = pytest.mark.django_db

FIELDS = {
    "id", "email", "name", "role", "is_active", "status", "current_session_id", "status_updated_at", "last_login_at",
    "created_at", "updated_at",
}  # fmt: skip
LOGIN = "/api/v1/auth/login"


def log_in(api: Api, email="hanako@example.com", password=PASSWORD, path=LOGIN):
    return api("POST", path, {"email": email, "password": password})


@pytest.mark.parametrize(
    "path",
    [LOGIN, f"{LOGIN}/", "/api/v1/v1/auth/login", "/api/v1/v1/auth/login/"],
    ids=lambda path: f"http §7 POST {path} → 200",
)
def test_login(anyone, hanako, heard, path):
    answer = log_in(anyone, path=path)
    assert answer.status_code == 200
    assert set(answer.data) == {"instructor", "token"}
    assert set(answer.data["instructor"]) == FIELDS
    assert answer.data["instructor"]["status"] == "available"
    assert answer.data["instructor"]["last_login_at"].endswith("Z")
    token = answer.data["token"]
    assert (token["token_type"], token["expires_in"]) == ("bearer", 1800)
    assert Api(token["access_token"])("GET", "/api/v1/auth/me").data["id"] == hanako.pk
    assert InstructorStatusHistory.objects.get(instructor=hanako, ended_at=None).status == "available"
    assert types_heard(heard) == {
        ("instructors", "status_update"),
        ("instructors", "instructor_status_changed"),
        (f"instructor.{hanako.pk}", "status_updated"),
    }
    assert AuditLog.objects.get(action="login").actor_id == hanako.pk


REFUSED = {
    "wrong password → 401": ({"email": "hanako@example.com", "password": "no"}, 401, "Invalid credentials"),
    "unknown e-mail → 401": ({"email": "nobody@example.com", "password": PASSWORD}, 401, "Invalid credentials"),
    "inactive, wrong password → 401": ({"email": "gone@example.com", "password": "no"}, 401, "Invalid credentials"),
    "inactive, right password → 403": ({"email": "gone@example.com", "password": PASSWORD}, 403, "Inactive account"),
}


@pytest.mark.parametrize(("body", "status", "detail"), REFUSED.values(), ids=[f"http §7 login {n}" for n in REFUSED])
def test_login_is_refused(anyone, hanako, gone, body, status, detail):
    answer = anyone("POST", LOGIN, body)
    assert (answer.status_code, answer.data) == (status, {"detail": detail})
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)
    entry = AuditLog.objects.get()
    assert (entry.action, entry.outcome, entry.target_id) == ("login_failed", "failure", body["email"])
    assert PASSWORD not in str(entry.details)


BAD_BODIES = {
    "no e-mail": ({"password": "x"}, ["body", "email"], "missing"),
    "no password": ({"email": "a@example.com"}, ["body", "password"], "missing"),
    "no e-mail address": ({"email": "hanako", "password": "x"}, ["body", "email"], "value_error"),
    "a null password": ({"email": "a@example.com", "password": None}, ["body", "password"], "null_not_allowed"),
    "a number for a password": ({"email": "a@example.com", "password": 12345678}, ["body", "password"], "value_error"),
    "a list": ([], ["body"], "value_error"),
}


@pytest.mark.parametrize(
    ("body", "place", "kind"), BAD_BODIES.values(), ids=[f"http §7 login {name} → 422" for name in BAD_BODIES]
)
def test_login_with_a_bad_body(anyone, body, place, kind):
    answer = anyone("POST", LOGIN, body)
    assert answer.status_code == 422
    problem = answer.data["detail"][0]
    assert (problem["loc"], problem["type"]) == (place, kind)


def test_http_7_login_broken_json_422(anyone):
    answer = anyone("POST", LOGIN, raw=b"{")
    assert (answer.status_code, answer.data["detail"][0]["type"]) == (422, "json_invalid")


def test_login_compares_the_address_without_case(anyone, hanako):
    assert log_in(anyone, email="Hanako@Example.com").status_code == 200


def test_passwords_are_bcrypt(settings, anyone):
    settings.PASSWORD_HASHERS = config.settings.PASSWORD_HASHERS
    made = Instructor.objects.create_user("b@example.com", PASSWORD)
    assert made.password.startswith("bcrypt_sha256$$2b$")
    assert log_in(anyone, email="b@example.com").status_code == 200


def test_an_unknown_address_costs_what_a_wrong_password_costs(anyone, hanako, monkeypatch):
    hashed: list[str] = []
    encode = MD5PasswordHasher.encode
    monkeypatch.setattr(MD5PasswordHasher, "encode", lambda *args: hashed.append("once") or encode(*args))
    for email in ("hanako@example.com", "nobody@example.com"):
        log_in(anyone, email=email, password="wrong")
    assert hashed == ["once", "once"]


# --- Tokens -----------------------------------------------------------------------------------------------------------


def token_of(account, **claims):
    now = datetime.now(UTC)
    made = {"sub": account.email, "exp": now + timedelta(minutes=5), **claims}
    return jwt.encode(made, django_settings.SECRET_KEY, algorithm="HS256")


def test_http_12_no_header_403(anyone):
    answer = anyone("GET", "/api/v1/auth/me")
    assert (answer.status_code, answer.data) == (403, {"detail": "Not authenticated"})


BAD_HEADERS = {
    "another scheme → 403": ("Basic aGk6aGk=", 403, "Not authenticated"),
    "rubbish → 401": ("Bearer rubbish", 401, "Could not validate credentials"),
    "unknown instructor → 401": ("nobody", 401, "Could not validate credentials"),
    "expired → 401": ("expired", 401, "Could not validate credentials"),
    "no expiry → 401": ("forever", 401, "Could not validate credentials"),
    "other key → 401": ("forged", 401, "Could not validate credentials"),
    "inactive → 403": ("inactive", 403, "Inactive account"),
}


@pytest.mark.parametrize(
    ("header", "status", "detail"), BAD_HEADERS.values(), ids=[f"http §1.2 {n}" for n in BAD_HEADERS]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v1/auth/me"), ("POST", "/api/v1/auth/logout"), ("GET", "/api/v1/instructors/no-number"),
     ("PUT", "/api/v1/instructor_status/1"), ("POST", "/api/v1/instructor_status/bulk")],
)  # fmt: skip
def test_bad_tokens(anyone, hanako, gone, header, status, detail, method, path):
    past = datetime.now(UTC) - timedelta(minutes=1)
    known = {
        "nobody": "Bearer " + token_of(Instructor(email="nobody@example.com")),
        "expired": "Bearer " + token_of(hanako, exp=past),
        "forever": "Bearer " + jwt.encode({"sub": hanako.email}, django_settings.SECRET_KEY, algorithm="HS256"),
        "forged": "Bearer " + jwt.encode({"sub": hanako.email, "exp": 9e9}, "another key " * 4, algorithm="HS256"),
        "inactive": "Bearer " + token_of(gone),
    }
    answer = anyone(method, path, {}, Authorization=known.get(header, header))
    assert (answer.status_code, answer.data) == (status, {"detail": detail})
    assert answer.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


def test_a_token_without_our_extra_claims_verifies(hanako):
    assert Api(token_of(hanako))("GET", "/api/v1/auth/me").status_code == 200
    assert Api(token_of(hanako, whatever="more"))("GET", "/api/v1/auth/me").status_code == 200


def test_http_7_get_me(as_hanako, hanako, django_assert_num_queries):
    with django_assert_num_queries(2):
        answer = as_hanako("GET", "/api/v1/auth/me/")
    assert answer.status_code == 200
    assert set(answer.data) == FIELDS
    assert (answer.data["email"], answer.data["updated_at"]) == ("hanako@example.com", None)


def test_http_7_logout(anyone, hanako, heard):
    me = Api(log_in(anyone).data["token"]["access_token"])
    answer = me("POST", "/api/v1/auth/logout")
    assert (answer.status_code, answer.data) == (200, {"message": "Successfully logged out"})
    hanako.refresh_from_db()
    assert (hanako.status, hanako.current_session_id) == ("offline", None)
    login_row = InstructorStatusHistory.objects.get(instructor=hanako, status="available")
    assert (login_row.ended_at is not None, login_row.duration_minutes) == (True, 0)
    again = me("GET", "/api/v1/auth/me")
    assert (again.status_code, again.data) == (401, {"detail": "Could not validate credentials"})
    assert (f"instructor.{hanako.pk}", "status_updated") in types_heard(heard)
    assert AuditLog.objects.filter(action="logout", actor_email=hanako.email).exists()


def test_logout_ends_one_token_not_the_others(hanako):
    api_of(hanako)("POST", "/api/v1/auth/logout")
    assert api_of(hanako)("GET", "/api/v1/auth/me").status_code == 200


def test_logout_with_a_token_that_cannot_be_named(hanako):
    me = Api(token_of(hanako))
    assert me("POST", "/api/v1/auth/logout").status_code == 200
    assert me("GET", "/api/v1/auth/me").status_code == 200


# --- The password -----------------------------------------------------------------------------------------------------


def change(api, **fields):
    return api("PUT", "/api/v1/auth/password", fields)


def test_http_7_put_password_200(as_hanako, anyone, hanako):
    answer = change(as_hanako, current_password=PASSWORD, new_password="password123")
    assert (answer.status_code, answer.data) == (200, {"message": "Password updated successfully"})
    assert log_in(anyone, password="password123").status_code == 200
    assert log_in(anyone).status_code == 401
    entry = AuditLog.objects.get(action="password_change")
    assert (entry.outcome, entry.actor_id, entry.target_id) == ("success", hanako.pk, str(hanako.pk))
    assert "password123" not in str(entry.details)


def test_http_7_put_password_wrong_400(as_hanako):
    answer = change(as_hanako, current_password="wrong", new_password="password123")
    assert (answer.status_code, answer.data) == (400, {"detail": "Current password is incorrect"})


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"current_password": PASSWORD}, ["body", "new_password"]),
        ({"new_password": "password123"}, ["body", "current_password"]),
        ({"current_password": PASSWORD, "new_password": "short"}, ["body", "new_password"]),
        ({"current_password": PASSWORD, "new_password": None}, ["body", "new_password"]),
    ],
    ids=lambda value: f"http §7 PUT password {value} → 422" if isinstance(value, dict) else "",
)
def test_password_with_a_bad_body(as_hanako, fields, place):
    answer = change(as_hanako, **fields)
    assert answer.status_code == 422
    assert answer.data["detail"][0]["loc"] == place


def test_http_7_put_password_no_token_403(anyone):
    assert change(anyone, current_password="a", new_password="b").status_code == 403


@pytest.mark.parametrize(
    ("method", "path"), [("GET", LOGIN), ("POST", "/api/v1/auth/me"), ("PUT", "/api/v1/auth/logout")]
)
def test_wrong_method_405(as_hanako, method, path):
    answer = as_hanako(method, path)
    assert (answer.status_code, answer.data) == (405, {"detail": "Method Not Allowed"})


def test_another_password_ends_the_tokens_made_before_but_not_the_one_that_changed_it(hanako, anyone):
    used, other = api_of(hanako), api_of(hanako)
    assert change(used, current_password=PASSWORD, new_password="password123").status_code == 200
    assert used("GET", "/api/v1/auth/me").status_code == 200
    assert other("GET", "/api/v1/auth/me").status_code == 401
    hanako.refresh_from_db()
    hanako.set_password("chosen by an admin")
    hanako.save()
    assert used("GET", "/api/v1/auth/me").status_code == 401
    assert api_of(hanako)("GET", "/api/v1/auth/me").status_code == 200
