"""Who the student is: the order of sources, what is editable, and what a browser may know. Then consent and pause."""

import json

import pytest

from cell_monitor_lab.identity import public, resolve
from cell_monitor_lab.privacy import Privacy
from cell_monitor_lab.settings import Settings

SCHOOL = {"CELL_MONITOR_URL": "https://cm.example/api/v1/events?key=SECRET", "CELL_MONITOR_USER_ID": "s@example.com"}


def test_nothing_configured_is_nobody():
    identity = resolve({}, {"USER": "jovyan", "LOGNAME": "jovyan"}, {})
    assert not identity.is_complete
    assert identity.user_id == ""


def test_traits_come_before_the_environment_and_both_before_everything_else():
    stored = {"settings": {"url": "https://other.example", "user_id": "b"}, "panel": {"user_id": "c", "user_name": "C"}}
    identity = resolve({"user_id": "trait@example.com"}, {**SCHOOL, "JUPYTERHUB_USER": "hub"}, stored)
    assert identity.user_id == "trait@example.com"
    assert identity.url == "https://cm.example"
    assert identity.class_key == "SECRET"
    assert identity.user_name == "C"
    assert public(identity)["editable"] == ["user_name", "team"]


def test_a_hub_names_the_student_through_a_template():
    environ = {"JUPYTERHUB_USER": "hanako", "CELL_MONITOR_USER_TEMPLATE": "{user}@hub.example"}
    identity = resolve({}, environ, {"settings": {"user_id": "other"}})
    assert identity.user_id == "hanako@hub.example"
    assert not identity.is_editable("user_id")
    assert resolve({}, {"JUPYTERHUB_USER": "hanako"}, {}).user_id == "hanako"


def test_settings_come_before_the_panel_and_their_key_is_taken_out_of_the_address():
    settings = {"url": "http://cm.example:8000/api/v1/events?key=K", "user_id": "a"}
    identity = resolve({}, {}, {"settings": settings, "panel": {"url": "https://x.example", "class_code": "K7QF-2M9X"}})
    assert (identity.url, identity.class_key, identity.class_code) == ("http://cm.example:8000", "K", "K7QF-2M9X")
    assert identity.sources == {"url": "settings", "user_id": "settings"}


def test_a_key_is_not_sent_to_an_address_that_it_did_not_come_with():
    identity = resolve({}, {"CELL_MONITOR_KEY": "SECRET"}, {"panel": {"url": "https://evil.example", "user_id": "a"}})
    assert identity.class_key == ""


def test_a_bad_address_is_no_address():
    identity = resolve({}, {"CELL_MONITOR_URL": "ftp://x"}, {})
    assert identity.has_bad_address
    assert not identity.is_complete


def test_a_browser_is_told_no_secret():
    identity = resolve({}, SCHOOL, {"panel": {"class_code": "K7QF-2M9X"}})
    assert "SECRET" not in json.dumps(public(identity))
    assert "K7QF" not in json.dumps(public(identity))
    assert public(identity)["has_credential"]


@pytest.fixture
def privacy(tmp_path):
    privacy = Privacy(
        Settings(tmp_path / "settings.json"),
        lambda: privacy.address,
        is_given_by_school=False,
        now=lambda: privacy.time,
    )
    privacy.address, privacy.time = "https://a.example", 1_800_000_000.0
    return privacy


def test_consent_is_for_one_address(privacy):
    assert privacy.consent() == "unasked"
    assert not privacy.is_allowed
    privacy.answer(is_given=True)
    assert privacy.is_allowed
    privacy.address = "https://b.example"
    assert privacy.consent() == "unasked"
    privacy.answer(is_given=False)
    assert privacy.consent() == "refused"
    assert not privacy.is_allowed


def test_a_school_may_have_it_on_paper(tmp_path):
    privacy = Privacy(Settings(tmp_path / "s.json"), lambda: "x", is_given_by_school=True)
    assert privacy.is_allowed
    assert privacy.consent() == "school"


def test_a_pause_ends_by_itself_or_when_the_student_says_so(privacy):
    privacy.pause(15)
    assert privacy.is_paused
    assert privacy.state()["paused_until"] == "2027-01-15T08:15:00.000Z"
    privacy.time += 15 * 60 + 1
    assert not privacy.is_paused
    privacy.pause(None)
    privacy.time += 10**6
    assert privacy.is_paused
    assert privacy.state()["paused_until"] is None
    privacy.resume()
    assert not privacy.is_paused


def test_settings_are_shared_by_processes_and_for_the_student_alone(tmp_path):
    path = tmp_path / "deep" / "settings.json"
    first, second = Settings(path), Settings(path)
    first.put(a=1)
    assert second.get("a") == 1
    second.put(b={"c": 2}, a=None)
    assert first.get("a") is None
    assert first.get("b") == {"c": 2}
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in path.parent.iterdir()] == ["settings.json"]


def test_in_a_home_that_takes_no_file_values_live_as_long_as_the_process(tmp_path):
    (tmp_path / "file").write_text("")
    settings = Settings(tmp_path / "file" / "settings.json")
    settings.put(a=1)
    assert settings.get("a") == 1


def test_a_damaged_settings_file_is_as_none(tmp_path):
    (tmp_path / "s.json").write_text("{")
    settings = Settings(tmp_path / "s.json")
    assert settings.get("a", 5) == 5
    settings.put(a=1)
    assert Settings(tmp_path / "s.json").get("a") == 1
