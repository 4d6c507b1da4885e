"""GET and DELETE /me/token, POST /me/token/confirm: what a device may know and do about itself and the others."""

from datetime import UTC, datetime, timedelta

import pytest

from instructors.models import AuditLog
from lms.api.authentication import WAITING
from lms.credential_holders import USE_PRECISION
from lms.enrolment import remove_student
from lms.models import StudentClass, StudentToken
from tests.lms.conftest import MISSING
from tests.lms.tokens.conftest import device_of

pytestmark = pytest.mark.usefixtures("locked")


@pytest.fixture
def first(cast) -> tuple[StudentToken, str]:
    return device_of(cast.python, "hanako@example.com", name="laptop")


@pytest.fixture
def second(cast, first) -> tuple[StudentToken, str]:
    return device_of(cast.python, "hanako@example.com", name="tablet")


def test_an_active_device_sees_all_devices(cast, ask, first, second):
    told = ask("GET", "/me/token", token=first[1]).json()
    devices = told.pop("devices")
    assert told == {
        "status": "active",
        "check_number": first[0].check_number,
        "student": {"id": cast.hanako.pk, "email": "hanako@example.com", "name": "Hanako", "team": None},
        "class": {"id": cast.python.pk, "name": "Python", "class_code": "PY-101"},
    }
    assert [(each["id"], each["device"], each["status"], each["is_this"]) for each in devices] == [
        (first[0].pk, "laptop", "active", True),
        (second[0].pk, "tablet", "waiting", False),
    ]
    assert devices[1]["check_number"] == second[0].check_number
    assert devices[0]["last_used_at"] is not None
    assert devices[1]["last_used_at"] is None
    assert set(devices[0]) == {
        "id",
        "device",
        "client",
        "created_at",
        "last_used_at",
        "status",
        "check_number",
        "is_this",
    }


def test_a_waiting_device_sees_itself_alone(cast, ask, second):
    told = ask("GET", "/me/token", token=second[1]).json()
    assert (told["status"], told["check_number"]) == ("waiting", second[0].check_number)
    assert [each["id"] for each in told["devices"]] == [second[0].pk]
    assert told["student"] == {"id": cast.hanako.pk, "email": "hanako@example.com", "name": None, "team": None}


def test_the_student_confirms_their_second_device(ask, first, second):
    response = ask("POST", "/me/token/confirm", {"id": second[0].pk}, token=first[1])
    assert response.status_code == 200
    assert [each["status"] for each in response.json()["devices"]] == ["active", "active"]
    assert ask("GET", "/me", token=second[1]).status_code == 200
    assert AuditLog.objects.get().action == "student_token_confirm"


def test_to_confirm_again_changes_nothing(ask, first, second):
    for _ in range(2):
        assert ask("POST", "/me/token/confirm", {"id": second[0].pk}, token=first[1]).status_code == 200
    assert AuditLog.objects.filter(action="student_token_confirm").count() == 1


def test_a_waiting_device_confirms_nobody(ask, second):
    response = ask("POST", "/me/token/confirm", {"id": second[0].pk}, token=second[1])
    assert (response.status_code, response.json()) == (403, {"detail": WAITING})
    second[0].refresh_from_db()
    assert second[0].confirmed_at is None


@pytest.mark.parametrize("whose", ["another student's", "of another class", "revoked", "missing"])
def test_only_ones_own_devices_of_this_class_can_be_confirmed(cast, ask, first, second, whose):
    device_of(cast.python, "jiro@example.com")
    device_of(cast.rust, "hanako@example.com")
    wanted = {
        "another student's": device_of(cast.python, "jiro@example.com")[0].pk,
        "of another class": device_of(cast.rust, "hanako@example.com")[0].pk,
        "revoked": second[0].pk,
        "missing": MISSING,
    }[whose]
    if whose == "revoked":
        StudentToken.objects.filter(pk=wanted).update(revoked_at=datetime.now(UTC))
    response = ask("POST", "/me/token/confirm", {"id": wanted}, token=first[1])
    assert (response.status_code, response.json()) == (404, {"detail": f"Device with id {wanted} not found"})
    assert not StudentToken.objects.filter(pk=wanted).exclude(confirmed_at=None).exists()


def test_a_number_is_needed(ask, first):
    assert ask("POST", "/me/token/confirm", {}, token=first[1]).status_code == 422


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_device_gives_its_token_up(ask, first, second, which):
    row, token = first if which == "first" else second
    response = ask("DELETE", "/me/token", token=token)
    assert (response.status_code, response.content) == (204, b"")
    assert ask("GET", "/me/token", token=token).status_code == 401
    assert list(StudentToken.objects.exclude(revoked_at=None)) == [row]
    assert AuditLog.objects.get().action == "student_token_revoke"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_without_a_token(ask, method):
    response = ask(method, "/me/token")
    assert response.status_code == 401
    assert "student token" in response.json()["detail"]


@pytest.mark.parametrize("token", ["unknown", " ", "Student", "推測"])
def test_an_unknown_token(ask, token):
    response = ask("GET", "/me/token", Authorization=f"Student {token}")
    assert (response.status_code, response.json()) == (401, {"detail": "Unknown student token"})
    assert response.headers["WWW-Authenticate"]


def test_a_revoked_token(ask, first):
    StudentToken.objects.update(revoked_at=datetime.now(UTC))
    response = ask("GET", "/me", token=first[1])
    assert (response.status_code, response.json()) == (401, {"detail": "Unknown student token"})


def test_a_class_that_is_not_active(cast, ask, first):
    type(cast.python).objects.update(is_active=False)
    response = ask("GET", "/me", token=first[1])
    assert (response.status_code, response.json()) == (403, {"detail": "This class is not active"})


def test_a_token_is_no_bearer_token(ask, first):
    assert ask("GET", "/me", Authorization=f"Bearer {first[1]}").status_code == 401
    assert ask("GET", "/auth/me", token=first[1]).status_code == 403


def test_who_is_taken_out_of_the_class_is_out(cast, ask, first):
    assert remove_student(cast.python.pk, cast.hanako.pk)
    assert ask("GET", "/me", token=first[1]).status_code == 401


def test_the_last_use_is_written_now_and_then(ask, first):
    ask("GET", "/me", token=first[1])
    used = StudentToken.objects.get().last_used_at
    assert datetime.now(UTC) - used < timedelta(seconds=30)
    ask("GET", "/me", token=first[1])
    assert StudentToken.objects.get().last_used_at == used
    StudentToken.objects.update(last_used_at=used - USE_PRECISION - timedelta(seconds=1))
    ask("GET", "/me", token=first[1])
    assert StudentToken.objects.get().last_used_at >= used


def test_calls_are_counted_by_device(cast, ask, first, settings, redis):
    """A class behind one address does not use up one allowance."""
    settings.API_CALLS_PER_MINUTE = 2
    other = device_of(cast.python, "jiro@example.com")[1]
    statuses = [ask("GET", "/me", token=first[1]).status_code for _ in range(5)]  # in two minutes at most
    assert 429 in statuses
    assert ask("GET", "/me", token=other).status_code == 200


def test_a_token_ends_with_the_enrolment_however_that_is_deleted(cast, ask, first):
    StudentClass.objects.filter(class_ref=cast.python).delete()
    assert ask("GET", "/me/token", token=first[1]).status_code == 401
