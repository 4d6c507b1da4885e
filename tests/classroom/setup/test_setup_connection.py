"""Keys: shown once, kept as a hash, replaced with a grace, revoked; and whether events arrive."""

import html
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from classroom.setup.jupyterlab import ServerUrl, connection_of
from events.intake.class_keys import ClassKeyCache, KeyRefused
from instructors.models import AuditLog
from lms.class_codes import make_code
from lms.class_keys import create_key
from lms.credential_holders import holder_of_key
from lms.models import Class, ClassCode, ClassKey, Student, StudentToken


@pytest.fixture
def connection(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/connection/"


def key_in(page: str) -> str:
    return re.search(r"\?key=([\w-]{32})", html.unescape(page))[1]


def make(client, connection, **fields):
    newest = ClassKey.objects.order_by("-pk").values_list("pk", flat=True).first()
    return client.post(f"{connection}keys/", {"seen": newest or "", **fields})


def test_a_key_is_shown_once_with_the_settings_to_paste(signed_in, hanako, python_class, connection):
    client = signed_in(hanako)
    answer = make(client, connection)
    page = html.unescape(answer.content.decode())
    key = key_in(page)
    shown = re.search(r'<pre [^>]*id="settings-json"[^>]*><code>(.*?)</code>', page, re.DOTALL)[1]
    assert json.loads(shown) == {"serverUrl": f"http://testserver/api/v1/events?key={key}"}
    assert holder_of_key(key).class_id == python_class.pk
    assert "no-store" in answer.headers["Cache-Control"]
    assert key not in client.get(connection).content.decode()
    stored = ClassKey.objects.get()
    assert stored.key_hash == ClassKey.hash(key)
    entry = AuditLog.objects.get()
    assert (entry.action, entry.target_id) == ("key_create", str(python_class.pk))
    assert key not in json.dumps(entry.details)


def test_a_form_that_is_sent_twice_makes_one_key(signed_in, hanako, connection):
    client = signed_in(hanako)
    first = client.post(f"{connection}keys/", {"seen": ""})
    again = client.post(f"{connection}keys/", {"seen": ""}, follow=True)
    assert first.status_code == 200
    assert "A key was made in the meantime" in again.content.decode()
    assert ClassKey.objects.count() == 1


@pytest.mark.parametrize(
    ("grace", "left"),
    [("none", timedelta(0)), ("hour", timedelta(hours=1)), ("day", timedelta(days=1)), ("keep", None)],
)
def test_the_old_key_lives_as_long_as_was_chosen(signed_in, hanako, python_class, connection, grace, left):
    _, old = create_key(python_class)
    now = datetime.now(UTC)
    new = key_in(make(signed_in(hanako), connection, grace=grace).content.decode())
    assert holder_of_key(new)
    assert bool(holder_of_key(old)) is (grace != "none")
    ends = ClassKey.objects.order_by("pk").first().revoked_at
    assert (ends is None) if left is None else abs(ends - now - left) < timedelta(seconds=30)


def test_a_grace_never_prolongs_a_key(python_class, signed_in, hanako, connection):
    key, _ = create_key(python_class)
    soon = datetime.now(UTC) + timedelta(minutes=5)
    ClassKey.objects.filter(pk=key.pk).update(revoked_at=soon)
    make(signed_in(hanako), connection, grace="day")
    key.refresh_from_db()
    assert key.revoked_at == soon


def test_a_key_whose_time_has_come_opens_nothing(python_class):
    _key, text = create_key(python_class)
    ClassKey.objects.update(revoked_at=datetime.now(UTC) - timedelta(seconds=1))
    assert holder_of_key(text) is None


@pytest.mark.django_db(transaction=True)
async def test_the_intake_takes_a_key_that_is_ending_and_refuses_one_that_has_ended():
    made = await Class.objects.acreate(class_code="PY", name="Python")
    await ClassKey.objects.acreate(
        class_ref=made, key_hash=ClassKey.hash("k"), hint="k", revoked_at=datetime.now(UTC) + timedelta(hours=1)
    )
    assert await ClassKeyCache(is_key_required=True).class_of("k") == made.pk
    await ClassKey.objects.aupdate(revoked_at=datetime.now(UTC))
    with pytest.raises(KeyRefused):
        await ClassKeyCache(is_key_required=True).class_of("k")


def test_a_key_is_revoked_at_once_and_once(signed_in, hanako, python_class, connection):
    key, text = create_key(python_class)
    client = signed_in(hanako)
    page = client.post(f"{connection}keys/{key.pk}/revoke/", follow=True).content.decode()
    assert "Within 15 seconds" in page
    assert holder_of_key(text) is None
    client.post(f"{connection}keys/{key.pk}/revoke/")
    assert [entry.action for entry in AuditLog.objects.all()] == ["key_revoke"]


@pytest.mark.parametrize("key_id", ["another", 10**20])
def test_another_classs_key_does_not_exist(signed_in, hanako, connection, key_id):
    other, text = create_key(Class.objects.create(class_code="RS", name="Rust"))
    path = f"{connection}keys/{other.pk if key_id == 'another' else key_id}/revoke/"
    assert signed_in(hanako).post(path).status_code == 404
    assert holder_of_key(text)


def test_the_state_says_what_has_been_heard(python_class, enrol):
    now = datetime.now(UTC)
    assert connection_of(python_class, now=now).state == "none"
    create_key(python_class)
    enrol("early@example.com", last_activity_at=now - timedelta(days=1))
    enrol("aoi@example.com", last_activity_at=now + timedelta(seconds=1))
    seen = connection_of(python_class, now=now)
    assert (seen.state, seen.students) == ("waiting", 1)
    ClassKey.objects.update(last_used_at=now)
    assert connection_of(python_class, now=now).state == "connected"
    assert connection_of(python_class, now=now + timedelta(minutes=3)).state == "quiet"
    create_key(python_class)
    assert connection_of(python_class, now=now).state == "waiting", "an old key's use says nothing about the new one"
    python_class.is_active = False
    assert connection_of(python_class, now=now).state == "over"


def test_a_jupyterlab_that_nobody_has_set_up_is_noticed(signed_in, hanako, enrol, connection):
    client = signed_in(hanako)
    assert "student001@example.com" not in client.get(f"{connection}state/").content.decode()
    somebody = enrol("student001@example.com", name="Taro")
    assert "student001@example.com" not in client.get(f"{connection}state/").content.decode()
    Student.objects.filter(pk=somebody.pk).update(name="Anonymous")
    assert "student001@example.com" in client.get(f"{connection}state/").content.decode()


def test_the_state_costs_the_same_for_a_large_class(signed_in, hanako, enrol, connection, django_assert_num_queries):
    for number in range(20):
        enrol(f"s{number}@example.com")
    client = signed_in(hanako)
    with django_assert_num_queries(8):  # session, account, class, keys, devices, students, code, the list of devices
        client.get(f"{connection}state/")


@pytest.mark.parametrize(
    ("url", "is_local", "is_plain"),
    [
        ("http://localhost:8000/api/v1/events", True, False),
        ("http://127.0.0.1/api/v1/events", True, False),
        ("http://[::1]:8000/api/v1/events", True, False),
        ("http://cells.school.example/api/v1/events", False, True),
        ("https://cells.school.example/api/v1/events", False, False),
    ],
)
def test_addresses_that_will_not_work_are_known(url, is_local, is_plain):
    assert (ServerUrl(url).is_local, ServerUrl(url).is_plain_http) == (is_local, is_plain)


def test_behind_a_proxy_the_address_is_the_one_people_use(signed_in, hanako, connection, settings):
    settings.ALLOWED_HOSTS = ["cells.school.example"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    headers = {"host": "cells.school.example", "x-forwarded-proto": "https"}
    page = signed_in(hanako).post(f"{connection}keys/", {"seen": ""}, headers=headers).content.decode()
    assert "https://cells.school.example/api/v1/events?key=" in page
    assert "works on this computer only" not in page


def test_a_local_address_is_warned_of(signed_in, hanako, connection, settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    page = signed_in(hanako).post(f"{connection}keys/", {"seen": ""}, headers={"host": "localhost:8000"})
    assert "works on this computer only" in page.content.decode()


@pytest.mark.parametrize(
    ("origins", "words"), [([], "BACKEND_CORS_ORIGINS"), (["https://hub.example"], "https://hub.example"), (["*"], "")]
)
def test_who_may_send_from_a_browser_is_said(signed_in, hanako, connection, settings, origins, words):
    settings.BACKEND_CORS_ORIGINS = origins
    page = signed_in(hanako).get(connection).content.decode()
    assert words in page
    assert ("BACKEND_CORS_ORIGINS" in page) is (not origins)


def test_that_only_this_computer_may_send_is_said(signed_in, hanako, connection, settings):
    settings.BACKEND_CORS_ORIGINS = settings.LOCAL_ORIGINS
    page = signed_in(hanako).get(connection).content.decode()
    assert "Only JupyterLabs on this computer may send" in page
    assert "localhost:*" not in page


def test_last_activity_of_other_classes_students_does_not_count(python_class, db):
    create_key(python_class)
    Student.objects.create(email="x@example.com", last_activity_at=datetime.now(UTC))
    seen = connection_of(python_class, now=datetime.now(UTC))
    assert (seen.students, seen.last_event_at) == (0, None)


def test_devices_of_students_are_a_connection_without_any_key(signed_in, hanako, python_class, enrol, connection):
    now = datetime.now(UTC)
    make_code(python_class, by=hanako, now=now)
    assert connection_of(python_class, now=now).state == "waiting", "students may join with the code"
    student = enrol("aoi@example.com", last_activity_at=now + timedelta(minutes=1))
    token = StudentToken.objects.create(
        student=student, class_ref=python_class, token_hash="h", hint="ab", check_number="12", confirmed_at=now,
        created_at=now,
    )  # fmt: skip
    token.last_used_at = now
    token.save()
    seen = connection_of(python_class, now=now)
    assert (seen.state, seen.devices, seen.device_last_used_at, seen.students) == ("connected", 1, now, 1)
    assert connection_of(python_class, now=now + timedelta(minutes=3)).state == "quiet"
    page = signed_in(hanako).get(connection).content.decode()
    assert "Connected: events arrive" in page
    assert "1 device of students" in page
    assert "Newest key" not in page
    StudentToken.objects.update(revoked_at=now)
    ClassCode.objects.all().delete()
    assert connection_of(python_class, now=now).state == "none"


def test_a_device_that_waits_is_none(python_class, enrol):
    now = datetime.now(UTC)
    StudentToken.objects.create(
        student=enrol("aoi@example.com"), class_ref=python_class, token_hash="h", hint="ab", check_number="12"
    )
    assert connection_of(python_class, now=now).state == "none"
