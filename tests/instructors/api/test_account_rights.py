"""Who manages whose account: http.md sections 1.2, 8 and 9, with logins required. Admins all, everybody themselves,
instructors each other where INSTRUCTORS_MANAGE_ACCOUNTS says so. What a role may say, and what a revival ends."""

import json
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from asgiref.sync import async_to_sync
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from events.intake import app as intake_app
from instructors import tokens
from instructors.models import Instructor, InstructorStatusHistory
from instructors.roles import FalseRole, role_of
from tests.classroom.api import PASSWORD, Api, api_of

pytestmark = pytest.mark.django_db

PATH, STATUS = "/api/v1/instructors", "/api/v1/instructor_status"
NEW = {"email": "new@example.com", "name": "New", "password": "password123"}
FORBIDDEN = (403, {"detail": "Not enough permissions"})


@pytest.fixture(autouse=True)
def _a_server(settings):
    settings.API_REQUIRE_AUTH = True
    settings.INSTRUCTORS_MANAGE_ACCOUNTS = None


@pytest.fixture
def helper(db) -> Instructor:
    return Instructor.objects.create_user("mai@example.com", PASSWORD, name="Mai", role="assistant")


@pytest.fixture
def managing(settings) -> None:
    settings.INSTRUCTORS_MANAGE_ACCOUNTS = True


def told(answer) -> tuple[int, dict]:
    return answer.status_code, answer.data


CALLS = {
    "make an account": lambda other: ("POST", PATH, NEW),
    "rename": lambda other: ("PUT", f"{PATH}/{other.pk}", {"name": "X"}),
    "give another role": lambda other: ("PUT", f"{PATH}/{other.pk}", {"role": "assistant"}),
    "switch off": lambda other: ("PUT", f"{PATH}/{other.pk}", {"is_active": False}),
    "delete": lambda other: ("DELETE", f"{PATH}/{other.pk}", None),
    "set the status": lambda other: ("PUT", f"{STATUS}/{other.pk}", {"status": "break"}),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@every_call
def test_on_a_server_only_an_admin_manages_others(as_hanako, as_admin, taro, call):
    before = Instructor.objects.order_by("pk").values()
    was = list(before)
    assert told(as_hanako(*call(taro))) == FORBIDDEN
    assert list(before.all()) == was
    assert not InstructorStatusHistory.objects.exists()
    assert as_admin(*call(taro)).status_code in (200, 201)


@every_call
def test_where_a_school_wants_it_instructors_manage_each_other(as_hanako, taro, managing, call):
    assert as_hanako(*call(taro)).status_code in (200, 201)


@every_call
def test_as_long_as_nobody_logs_in_they_do_as_clients_in_the_field_expect(as_hanako, taro, settings, call):
    settings.API_REQUIRE_AUTH = False
    assert as_hanako(*call(taro)).status_code in (200, 201)
    settings.INSTRUCTORS_MANAGE_ACCOUNTS = False
    assert told(as_hanako(*call(taro))) == FORBIDDEN


@every_call
def test_an_account_that_assists_manages_nobody_ever(helper, taro, managing, call):
    assert told(api_of(helper)(*call(taro))) == FORBIDDEN


@pytest.mark.parametrize("who", ["hanako", "helper"])
def test_everybody_has_their_own_name_and_status_and_nothing_else(request, who):
    me = request.getfixturevalue(who)
    mine, as_me = f"{PATH}/{me.pk}", api_of(me)
    assert as_me("PUT", mine, {"name": "花子"}).data["name"] == "花子"
    assert as_me("PUT", f"{STATUS}/{me.pk}", {"status": "break"}).data["status"] == "break"
    for body in ({"role": "lead"}, {"role": "admin"}, {"is_active": False}, {"name": "Y", "role": "lead"}):
        assert told(as_me("PUT", mine, body)) == FORBIDDEN, body
    me.refresh_from_db()
    assert (me.name, me.is_active) == ("花子", True)
    assert as_me("DELETE", mine).data == {"detail": "Cannot delete yourself"}


def test_with_the_setting_one_s_own_role_stays_out_of_reach(as_hanako, hanako, managing):
    assert told(as_hanako("PUT", f"{PATH}/{hanako.pk}", {"role": "lead"})) == FORBIDDEN
    assert told(as_hanako("PUT", f"{PATH}/{hanako.pk}", {"role": "assistant"})) == FORBIDDEN


def test_bulk_sets_one_s_own_status_and_leaves_others(as_hanako, as_admin, hanako, taro):
    updates = [{"instructor_id": each.pk, "status": "break"} for each in (hanako, taro)]
    answer = as_hanako("POST", f"{STATUS}/bulk", {"updates": updates})
    assert (answer.status_code, [each["success"] for each in answer.data["results"]]) == (207, [True, False])
    assert answer.data["results"][1]["error"] == "Not enough permissions"
    taro.refresh_from_db()
    assert taro.status == "offline"
    assert as_admin("POST", f"{STATUS}/bulk", {"updates": updates}).status_code == 200


def test_an_unknown_account_is_404_for_everybody(as_hanako):
    for method, path in (("PUT", PATH), ("DELETE", PATH), ("PUT", STATUS)):
        assert as_hanako(method, f"{path}/999999", {"status": "break"}).status_code == 404


def counted(caller: Instructor, record: dict) -> bool:
    """Whether the intake takes an event about an instructor for the caller's."""
    admitted = intake_app.admit_body(json.dumps([record]).encode(), class_id=None)
    token = tokens.issue(caller, now=datetime.now(UTC))
    async_to_sync(intake_app.authorise)({"headers": [(b"authorization", f"Bearer {token}".encode())]}, admitted.events)
    return admitted.events[0].is_authorised


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", ["top", "metadata"])
def test_an_event_sets_nobody_s_status_whom_its_sender_may_not_change(hanako, taro, kaoru, settings, place):
    def start(of):
        named = {"instructor_id": of.pk}
        return {"eventType": "student_session_start", **(named if place == "top" else {"metadata": named})}

    assert counted(hanako, start(hanako))
    assert not counted(hanako, start(taro))
    assert not counted(hanako, start(kaoru))
    assert counted(kaoru, start(taro))
    assert counted(hanako, {"eventType": "instructor_assignment"})
    settings.INSTRUCTORS_MANAGE_ACCOUNTS = True
    assert counted(hanako, start(taro))
    assert not counted(hanako, start(kaoru))


@pytest.mark.django_db(transaction=True)
def test_the_offline_queue_holds_events_to_the_same(as_hanako, hanako, taro):
    from events.models import OfflineQueueEntry

    records = [{"eventType": "student_session_start", "instructor_id": each.pk} for each in (hanako, taro)]
    body = {"events": [*records, {"x": 1}], "force_queue": True}
    assert as_hanako("POST", "/api/v1/offline/queue", body).status_code == 202
    assert list(OfflineQueueEntry.objects.order_by("pk").values_list("is_authorised", flat=True)) == [
        True, False, False,
    ]  # fmt: skip


# --- Roles ------------------------------------------------------------------------------------------------------------

ADMINS = ["admin", "Admin", "ADMIN", "ａｄｍｉｎ", " admin", "admin\u3000", "ad\u200bmin", "\ufeffAdmin"]
FALSE = ["аdmin", "admın", "ADMİN", "a d m i n", "admin.", "[admin]", "ｉnstructоr", "αssistant", "\u200b", " "]


@pytest.mark.parametrize("text", ADMINS)
def test_a_role_is_known_by_whatever_case_and_width_it_was_typed_in(as_hanako, as_admin, managing, text):
    assert role_of(text) == "admin"
    assert told(as_hanako("POST", PATH, {**NEW, "role": text})) == FORBIDDEN
    assert as_admin("POST", PATH, {**NEW, "role": text}).data["role"] == "admin"


@pytest.mark.parametrize("text", FALSE)
def test_what_only_reads_like_a_role_is_refused(as_admin, taro, text):
    with pytest.raises(FalseRole):
        role_of(text)
    for method, path, body in (("POST", PATH, {**NEW, "role": text}), ("PUT", f"{PATH}/{taro.pk}", {"role": text})):
        answer = as_admin(method, path, body)
        assert answer.status_code == 422
        assert answer.data["detail"][0]["loc"] == ["body", "role"]


@pytest.mark.parametrize("text", ["lead", "主任", "Lehrkraft", "TA (Python入門)", "Instructor 2"])
def test_a_label_is_kept_as_typed_and_grants_nothing(as_admin, text):
    made = as_admin("POST", PATH, {**NEW, "role": f" {text} "}).data
    assert made["role"] == text
    account = Instructor.objects.get(pk=made["id"])
    assert (account.is_admin, account.is_assistant) == (False, False)


@pytest.mark.parametrize(("typed", "kept"), [("ＡＤＭＩＮ", "admin"), ("", "instructor"), ("lead", "lead")])
def test_the_command_reads_roles_alike(monkeypatch, typed, kept):
    monkeypatch.setattr("sys.stdin.readline", lambda: "violet tram 40\n", raising=False)
    call_command("create_instructor", "--email=new@example.com", f"--role={typed}", "--password-stdin")
    assert Instructor.objects.get(email="new@example.com").role == kept


def test_the_command_refuses_what_only_reads_like_a_role():
    with pytest.raises(CommandError, match="reads like the role `admin`"):
        call_command("create_instructor", "--email=new@example.com", "--role=аdmin", "--password-stdin")


@pytest.fixture
def admin_client(kaoru) -> Client:
    client = Client()
    client.force_login(kaoru)
    return client


def change(account: Instructor, **fields) -> tuple[str, dict]:
    form = {"email": account.email, "name": account.name, "role": account.role, "is_active": "on", **fields}
    return reverse("admin:instructors_instructor_change", args=[account.pk]), {
        name: value for name, value in form.items() if value
    }


def test_the_administration_offers_roles_and_keeps_a_label(admin_client, taro):
    Instructor.objects.filter(pk=taro.pk).update(role="lead")
    taro.refresh_from_db()
    assert admin_client.post(*change(taro)).status_code == 302
    assert admin_client.post(*change(taro, role="Admin")).status_code == 200  # the form again, with what is wrong
    taro.refresh_from_db()
    assert taro.role == "lead"
    assert admin_client.post(*change(taro, role="assistant")).status_code == 302
    taro.refresh_from_db()
    assert taro.role == "assistant"


# --- Switched off and on again ----------------------------------------------------------------------------------------


def over_the_api(account, admin_client):
    as_admin = Api(tokens.issue(Instructor.objects.get(role="admin"), now=datetime.now(UTC)))
    for is_active in (False, True):
        assert as_admin("PUT", f"{PATH}/{account.pk}", {"is_active": is_active}).status_code == 200


def in_the_administration(account, admin_client):
    for is_active in ("", "on"):
        assert admin_client.post(*change(account, is_active=is_active)).status_code == 302


def by_command(account, admin_client):
    Instructor.objects.filter(pk=account.pk).update(is_active=False)
    password = account.password
    call_command("create_instructor", f"--email={account.email}", "--password-stdin", "--update")
    Instructor.objects.filter(pk=account.pk).update(password=password)  # so that not the new one ends what there was


def by_sql(account, admin_client):
    for is_active in (False, True):
        Instructor.objects.filter(pk=account.pk).update(is_active=is_active)


@pytest.mark.parametrize("revive", [over_the_api, in_the_administration, by_command, by_sql])
def test_what_opened_an_account_before_it_was_switched_off_opens_nothing_after(taro, admin_client, monkeypatch, revive):
    monkeypatch.setattr("sys.stdin.readline", lambda: "violet tram 40\n", raising=False)
    as_taro, browser = api_of(taro), Client()
    browser.force_login(taro)
    foreign = foreign_token(taro, made=datetime.now(UTC) - timedelta(seconds=5))
    assert as_taro("GET", "/api/v1/auth/me").status_code == 200
    assert Api(foreign)("GET", "/api/v1/auth/me").status_code == 200
    assert browser.get("/").status_code == 200
    revive(taro, admin_client)
    assert told(as_taro("GET", "/api/v1/auth/me")) == (401, {"detail": "Could not validate credentials"})
    assert Api(foreign)("GET", "/api/v1/auth/me").status_code == 401
    assert browser.get("/").status_code == 302
    taro.refresh_from_db()
    assert api_of(taro)("GET", "/api/v1/auth/me").status_code == 200
    later = foreign_token(taro, made=datetime.now(UTC) + timedelta(seconds=1))
    assert Api(later)("GET", "/api/v1/auth/me").status_code == 200
    browser.force_login(taro)
    assert browser.get("/").status_code == 200


def foreign_token(account: Instructor, *, made: datetime) -> str:
    """With `sub` and `exp` alone, as other programs that hold the key make them (http.md section 1.2)."""
    from django.conf import settings

    claims = {"sub": account.email, "exp": made + timedelta(minutes=settings.ACCESS_TOKEN_EXPIRE_MINUTES)}
    return jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")


def test_a_change_that_revives_nobody_ends_nothing(taro, as_admin):
    as_taro = api_of(taro)
    for body in ({"name": "Jiro"}, {"is_active": True}, {"role": "assistant"}):
        assert as_admin("PUT", f"{PATH}/{taro.pk}", body).status_code == 200
    assert as_taro("GET", "/api/v1/auth/me").status_code == 200
    taro.refresh_from_db()
    assert taro.revived_at is None


def test_a_row_written_whole_from_an_older_reading_brings_nothing_back(taro, admin_client):
    as_taro, old = api_of(taro), Instructor.objects.get(pk=taro.pk)
    by_sql(taro, admin_client)
    old.save()
    assert as_taro("GET", "/api/v1/auth/me").status_code == 401


def test_every_password_of_before_is_under_the_same_hash_as_ever(taro):
    """Nobody is logged out by an upgrade."""
    from django.utils.crypto import salted_hmac

    salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
    assert taro.get_session_auth_hash() == salted_hmac(salt, taro.password, algorithm="sha256").hexdigest()
