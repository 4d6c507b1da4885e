"""docs/contract/http.md section 8 and the roles of 1.2, row by row, refusals included."""

import pytest

from instructors.models import AuditLog, Instructor
from tests.classroom.api import PASSWORD, api_of

pytestmark = pytest.mark.django_db

PATH = "/api/v1/instructors"
NEW = {"email": "new@example.com", "name": "New", "password": "password123"}


@pytest.fixture
def saved(hanako, taro, kaoru, gone):
    return [hanako, taro, kaoru, gone]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Hanako", "Taro", "Kaoru", "Gone"]),
        ("/", ["Hanako", "Taro", "Kaoru", "Gone"]),
        ("?is_active=true", ["Hanako", "Taro", "Kaoru"]),
        ("?is_active=0", ["Gone"]),
        ("?skip=1&limit=2", ["Taro", "Kaoru"]),
        ("?skip=9", []),
        ("?unknown=1&limit=1", ["Hanako"]),
    ],
    ids=lambda value: f"http §8 GET {value} → 200" if isinstance(value, str) else "",
)
def test_list(as_hanako, saved, query, names, django_assert_num_queries):
    with django_assert_num_queries(3):
        answer = as_hanako("GET", PATH + query)
    assert answer.status_code == 200
    assert [row["name"] for row in answer.data] == names
    assert "password" not in answer.content.decode()


@pytest.mark.parametrize(
    "query", ["skip=-1", "limit=0", "limit=1001", "limit=x", "is_active=maybe"], ids=lambda q: f"http §8 GET ?{q} → 422"
)
def test_list_is_refused(as_hanako, query):
    answer = as_hanako("GET", f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.data["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_http_8_post_201(as_hanako, hanako, anyone):
    answer = as_hanako("POST", PATH, NEW)
    assert answer.status_code == 201
    row = answer.data
    assert (row["email"], row["name"], row["role"]) == ("new@example.com", "New", "instructor")
    assert (row["status"], row["is_active"], row["last_login_at"], row["updated_at"]) == ("offline", True, None, None)
    assert anyone("POST", "/api/v1/auth/login", NEW).status_code == 200
    entry = AuditLog.objects.get(action="instructor_create")
    assert (entry.actor_id, entry.target_type, entry.target_id) == (hanako.pk, "instructor", str(row["id"]))
    assert "password123" not in str(entry.details)


@pytest.mark.parametrize("email", ["taro@example.com", "TARO@example.com", " taro@example.com "])
def test_http_8_post_duplicate_400(as_hanako, taro, email):
    answer = as_hanako("POST", PATH, {**NEW, "email": email})
    assert (answer.status_code, answer.data) == (400, {"detail": "Email already registered"})


BAD = {
    "no e-mail": ({"email": ...}, "email", "missing"),
    "no name": ({"name": ...}, "name", "missing"),
    "no password": ({"password": ...}, "password", "missing"),
    "no address": ({"email": "new"}, "email", "value_error"),
    "a short password": ({"password": "seven77"}, "password", "password_too_weak"),
    "a null role": ({"role": None}, "role", "null_not_allowed"),
    "a number for a name": ({"name": 5}, "name", "value_error"),
    "a NUL in the name": ({"name": "a\0b"}, "name", "null_characters_not_allowed"),
    "a lone surrogate": ({"name": "\ud800"}, "name", None),
    "a long name": ({"name": "x" * 256}, "name", "string_too_long"),
    "a long role": ({"role": "x" * 51}, "role", "string_too_long"),
}


@pytest.mark.parametrize(("change", "field", "kind"), BAD.values(), ids=[f"http §8 POST {name} → 422" for name in BAD])
def test_post_is_refused(as_hanako, change, field, kind):
    body = {name: value for name, value in {**NEW, **change}.items() if value is not ...}
    answer = as_hanako("POST", PATH, body)
    assert answer.status_code == 422
    problem = answer.data["detail"][0]
    assert problem["loc"] == ["body", field]
    assert kind in (None, problem["type"])
    assert not Instructor.objects.filter(email=NEW["email"]).exists()


def test_the_password_policy_is_a_setting(settings, as_hanako):
    settings.AUTH_PASSWORD_VALIDATORS = []
    assert as_hanako("POST", PATH, {**NEW, "password": "x"}).status_code == 201


def test_http_8_get_one(as_hanako, taro, gone):
    assert as_hanako("GET", f"{PATH}/{taro.pk}").data["email"] == "taro@example.com"
    assert as_hanako("GET", f"{PATH}/{gone.pk}/").data["is_active"] is False


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize(
    ("given", "status"), [("999999", 404), ("0", 404), ("-1", 404), ("9" * 30, 404), ("x", 422), ("1.5", 422)]
)
def test_http_8_ids(as_hanako, method, given, status):
    answer = as_hanako(method, f"{PATH}/{given}", {})
    assert answer.status_code == status
    if status == 404:
        assert answer.data == {"detail": "Instructor not found"}
    else:
        assert answer.data["detail"][0]["loc"] == ["path", "instructor_id"]


def test_http_8_put_200(as_hanako, taro):
    body = {"name": "Jiro", "role": "assistant", "is_active": True, "email": "x@example.com", "password": "ignored123"}
    answer = as_hanako("PUT", f"{PATH}/{taro.pk}", body)
    assert answer.status_code == 200
    assert (answer.data["name"], answer.data["role"], answer.data["email"]) == ("Jiro", "assistant", taro.email)
    assert answer.data["updated_at"] is not None
    taro.refresh_from_db()
    assert taro.check_password(PASSWORD)
    assert AuditLog.objects.get(action="instructor_update").details == {"fields": ["is_active", "name", "role"]}


def test_http_8_put_one_s_own_name(as_hanako, hanako):
    answer = as_hanako("PUT", f"{PATH}/{hanako.pk}", {"name": "花子", "role": "instructor", "is_active": True})
    assert (answer.status_code, answer.data["name"], answer.data["role"]) == (200, "花子", "instructor")


def test_http_8_put_nothing_changes_nothing(as_hanako, taro):
    answer = as_hanako("PUT", f"{PATH}/{taro.pk}", {})
    assert (answer.status_code, answer.data["updated_at"]) == (200, None)


@pytest.mark.parametrize("body", [{"name": None}, {"role": None}, {"is_active": None}, {"is_active": "perhaps"}, []])
def test_http_8_put_422(as_hanako, taro, body):
    assert as_hanako("PUT", f"{PATH}/{taro.pk}", body).status_code == 422


def test_http_8_delete_200(as_hanako, taro):
    as_taro = api_of(taro)
    answer = as_hanako("DELETE", f"{PATH}/{taro.pk}")
    assert answer.status_code == 200
    assert (answer.data["is_active"], answer.data["message"]) == (False, "Instructor successfully deleted")
    assert answer.data["email"] == "taro@example.com"
    assert Instructor.objects.filter(pk=taro.pk).exists()
    refused = as_taro("GET", "/api/v1/auth/me")
    assert (refused.status_code, refused.data) == (403, {"detail": "Inactive account"})
    assert AuditLog.objects.get(action="instructor_delete").target_id == str(taro.pk)


def test_http_8_delete_oneself_400(as_hanako, hanako):
    answer = as_hanako("DELETE", f"{PATH}/{hanako.pk}")
    assert (answer.status_code, answer.data) == (400, {"detail": "Cannot delete yourself"})


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", PATH), ("POST", PATH), ("GET", f"{PATH}/1"), ("PUT", f"{PATH}/x"), ("DELETE", f"{PATH}/1")],
)
def test_http_8_no_token_403(anyone, method, path):
    answer = anyone(method, path, {})
    assert (answer.status_code, answer.data) == (403, {"detail": "Not authenticated"})


# --- Only an admin gives or takes `admin` -----------------------------------------------------------------------------


@pytest.fixture
def another_admin(db):
    return Instructor.objects.create_user("second@example.com", PASSWORD, name="Second", role="admin")


@pytest.fixture
def sleeping_admin(db):
    made = Instructor.objects.create_user("sleeping@example.com", PASSWORD, name="Sleeping", role="admin")
    made.is_active = False
    made.save()
    return made


ADMINS = {
    "POST an admin": lambda a: ("POST", PATH, {**NEW, "role": "admin"}),
    "PUT a role of admin": lambda a: ("PUT", f"{PATH}/{a['taro'].pk}", {"role": "admin"}),
    "PUT another role on an admin": lambda a: ("PUT", f"{PATH}/{a['another'].pk}", {"role": "instructor"}),
    "PUT an admin inactive": lambda a: ("PUT", f"{PATH}/{a['another'].pk}", {"is_active": False}),
    "PUT an admin active": lambda a: ("PUT", f"{PATH}/{a['sleeping'].pk}", {"is_active": True}),
    "PUT another name on an admin": lambda a: (
        "PUT",
        f"{PATH}/{a['another'].pk}",
        {"name": "Renamed", "role": "admin", "is_active": True},
    ),
    "PUT an admin's status": lambda a: ("PUT", f"/api/v1/instructor_status/{a['another'].pk}", {"status": "break"}),
    "DELETE an admin": lambda a: ("DELETE", f"{PATH}/{a['another'].pk}", None),
}


@pytest.mark.parametrize("call", ADMINS.values(), ids=[f"http §1.2 {name}" for name in ADMINS])
def test_admins(as_hanako, as_admin, taro, another_admin, sleeping_admin, call):
    accounts = {"taro": taro, "another": another_admin, "sleeping": sleeping_admin}
    columns = ("name", "role", "is_active", "status")
    before = list(Instructor.objects.order_by("pk").values_list(*columns))
    answer = as_hanako(*call(accounts))
    assert (answer.status_code, answer.data) == (403, {"detail": "Not enough permissions"})
    assert list(Instructor.objects.order_by("pk").values_list(*columns)) == before
    assert as_admin(*call(accounts)).status_code in (200, 201)
