"""The set-up page: a class code by which students join, the command that installs, and the devices that have joined."""

import html
import re
from datetime import UTC, datetime, timedelta

import pytest

from instructors.models import AuditLog
from lms.models import ClassCode, StudentToken
from tests.lms.tokens.conftest import device_of


@pytest.fixture
def connection(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/connection/"


def page_of(client, path: str) -> str:
    return html.unescape(client.get(path).content.decode())


def test_a_code_is_made_and_shown_until_it_ends(signed_in, hanako, python_class, connection, settings):
    client = signed_in(hanako)
    assert 'id="class-code"' not in page_of(client, connection)
    assert client.post(f"{connection}code/").status_code == 302
    made = ClassCode.objects.get()
    assert made.created_by == hanako
    expected = datetime.now(UTC) + timedelta(minutes=settings.CLASS_CODE_MINUTES)
    assert abs(made.expires_at - expected) < timedelta(seconds=30)
    page = page_of(client, connection)
    assert re.search(rf'id="class-code"[^>]*>{made.code[:4]}-{made.code[4:]}<', page)
    entry = AuditLog.objects.get()
    assert (entry.action, entry.target_id) == ("class_code_create", str(python_class.pk))
    assert made.code not in str(entry.details)
    client.post(f"{connection}code/end/")
    assert 'id="class-code"' not in page_of(client, connection)
    assert AuditLog.objects.latest("pk").action == "class_code_end"


def test_a_new_code_ends_the_old(signed_in, hanako, connection):
    client = signed_in(hanako)
    for _ in range(2):
        client.post(f"{connection}code/")
    old, new = ClassCode.objects.order_by("pk")
    assert old.expires_at <= datetime.now(UTC) < new.expires_at
    page = page_of(client, connection)
    assert str(new) in page
    assert str(old) not in page


def test_the_command_is_shown_where_there_is_a_wheel(signed_in, hanako, connection, settings, tmp_path):
    settings.BASE_DIR = tmp_path
    client = signed_in(hanako)
    assert "pip install" not in page_of(client, connection)
    folder = tmp_path / "static" / "extension"
    folder.mkdir(parents=True)
    (folder / "cell_monitor_lab-0.1.0-py3-none-any.whl").touch()
    wheel = "http://testserver/static/extension/cell_monitor_lab-0.1.0-py3-none-any.whl"
    assert f"pip install {wheel}</code>" in page_of(client, connection)


def test_devices_that_wait_come_first(signed_in, hanako, python_class, aoi, ren, connection):
    device_of(python_class, aoi.email, name="aois-laptop")
    waiting, _ = device_of(python_class, aoi.email, name="a tablet")
    device_of(python_class, ren.email, name="rens-laptop")
    page = page_of(signed_in(hanako), connection)
    rows = re.findall(r'<li class="row" id="device-(\d+)">(.*?)</li>', page, re.DOTALL)
    assert int(rows[0][0]) == waiting.pk
    assert f"its number is <b>{waiting.check_number}</b>" in rows[0][1]
    assert len(rows) == 3
    assert all("Confirm" not in row for _, row in rows[1:])
    for text in ("Aoi", "aoi@example.com", "a tablet", "cell-monitor-lab/0.1.0"):
        assert text in rows[0][1]


def test_the_part_that_is_asked_for_again_has_them_too(signed_in, hanako, python_class, aoi, connection):
    device_of(python_class, aoi.email, name="aois-laptop")
    part = page_of(signed_in(hanako), f"{connection}state/")
    assert "aois-laptop" in part
    assert 'id="connection"' in part


def test_many_devices_cost_no_more(signed_in, hanako, python_class, connection, django_assert_num_queries):
    for number in range(20):
        device_of(python_class, f"s{number}@example.com")
    client = signed_in(hanako)
    with django_assert_num_queries(7):  # session, account, class, keys, devices, students, their list
        client.get(f"{connection}state/")


def test_a_projector_shows_no_names(signed_in, hanako, python_class, aoi, connection, settings):
    device_of(python_class, aoi.email, name="aois-laptop")
    client = signed_in(hanako)
    client.cookies[settings.DISPLAY_COOKIE_NAME] = "projector"
    page = page_of(client, connection)
    assert f"Student {aoi.pk}" in page
    for text in ("Aoi", "aoi@example.com", "aois-laptop"):
        assert text not in page


def test_a_device_is_confirmed(signed_in, hanako, python_class, aoi, connection):
    device_of(python_class, aoi.email)
    waiting, _ = device_of(python_class, aoi.email)
    client = signed_in(hanako)
    for _ in range(2):
        assert client.post(f"{connection}devices/{waiting.pk}/confirm/").status_code == 302
    waiting.refresh_from_db()
    assert waiting.status == "active"
    entry = AuditLog.objects.get()
    assert (entry.action, entry.details) == ("device_confirm", {"hint": waiting.hint, "student": aoi.pk})


def test_a_device_is_revoked(signed_in, hanako, python_class, aoi, connection):
    row, _ = device_of(python_class, aoi.email, name="aois-laptop")
    client = signed_in(hanako)
    for _ in range(2):
        assert client.post(f"{connection}devices/{row.pk}/revoke/").status_code == 302
    row.refresh_from_db()
    assert row.status == "revoked"
    assert [entry.action for entry in AuditLog.objects.all()] == ["device_revoke"]
    assert "aois-laptop" not in page_of(client, connection)


def test_a_revoked_device_is_not_confirmed(signed_in, hanako, python_class, aoi, connection):
    device_of(python_class, aoi.email)
    waiting, _ = device_of(python_class, aoi.email)
    client = signed_in(hanako)
    client.post(f"{connection}devices/{waiting.pk}/revoke/")
    answer = client.post(f"{connection}devices/{waiting.pk}/confirm/", follow=True)
    assert "was revoked" in answer.content.decode()
    assert StudentToken.objects.get(pk=waiting.pk).confirmed_at is None


def test_devices_of_another_class_are_not_there(signed_in, taro, python_class, aoi, connection):
    """Who teaches another class names a device of this one."""
    own = type(python_class).objects.create(class_code="RS", name="Rust", instructor=taro)
    row, _ = device_of(python_class, aoi.email)
    for act in ("confirm", "revoke"):
        path = f"/classes/{own.pk}/setup/connection/devices/{row.pk}/{act}/"
        assert signed_in(taro).post(path).status_code == 404
    row.refresh_from_db()
    assert row.revoked_at is None


def test_an_assistant_sets_nothing_up(signed_in, assistant, python_class, aoi, connection):
    row, _ = device_of(python_class, aoi.email)
    client = signed_in(assistant)
    for path in ("code/", "code/end/", f"devices/{row.pk}/confirm/", f"devices/{row.pk}/revoke/"):
        assert client.post(connection + path).status_code == 403
    assert not ClassCode.objects.exists()
