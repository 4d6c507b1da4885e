"""Undelivered events in the administration: why, corrected, put back."""

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages

from events.models import OfflineQueueEntry
from events.queue import stream
from tests.classroom.conftest import _fast_hashes_and_closed_doors, kaoru, signed_in  # noqa: F401 - fixtures

LIST = "/admin/events/offlinequeueentry/"
GOOD = {"eventType": "help", "emailAddress": "aoi@example.com"}


@pytest.fixture
def admin_client(signed_in, kaoru, redis):  # noqa: F811
    return signed_in(kaoru)


def failed(**fields: object) -> OfflineQueueEntry:
    return OfflineQueueEntry.objects.create(
        **{"event_data": GOOD, "event_type": "help", "status": "failed", "error": "unknown time zone", **fields}
    )


def said(answer) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]


def put_back(admin_client, *entries):
    return admin_client.post(LIST, {"action": "put_back", "_selected_action": [entry.pk for entry in entries]})


def test_the_list_tells_the_reason_and_is_searched(admin_client):
    failed(user_id="aoi@example.com")
    failed(user_id="ren@example.com", error="out of range")
    html = admin_client.get(f"{LIST}?q=aoi").content.decode()
    assert "unknown time zone" in html
    assert "out of range" not in html
    assert "out of range" in admin_client.get(f"{LIST}?status__exact=failed").content.decode()


def save(admin_client, entry, text: str):
    return admin_client.post(f"{LIST}{entry.pk}/change/", {"event_data": text, "priority": 2})


def test_an_event_is_corrected(admin_client):
    entry = failed()
    corrected = {"eventType": "help_stop", "emailAddress": "ren@example.com"}
    assert save(admin_client, entry, json.dumps(corrected)).status_code == 302
    entry.refresh_from_db()
    assert (entry.event_data, entry.event_type, entry.user_id) == (corrected, "help_stop", "ren@example.com")
    assert (entry.status, entry.priority) == ("failed", 2)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "not valid JSON"),
        ("[]", "JSON object"),
        ('{"eventType": "help"}', "missing emailAddress"),
        ('{"eventType": "help", "emailAddress": "a", "executionCount": "x"}', "executionCount"),
    ],
)
def test_what_is_no_event_is_refused_with_the_reason_and_what_was_typed(admin_client, text, expected):
    entry = failed()
    html = save(admin_client, entry, text).content.decode()
    assert expected in html
    assert text.replace('"', "&quot;") in html
    entry.refresh_from_db()
    assert entry.event_data == GOOD


def test_events_are_put_back_and_what_became_of_each_is_told(admin_client, redis):
    good, bad, done = failed(), failed(event_data={"packed": "eA=="}, event_type="unknown"), failed(status="synced")
    cleared = failed(status="cleared")
    answer = put_back(admin_client, good, bad, done, cleared)
    assert said(answer) == [
        "Already in the queue: 1",
        "Put back into the queue: 2",
        "unknown of – was not put back: Not an event: missing eventType",
    ]
    for entry, status in ((good, "synced"), (bad, "failed"), (done, "synced"), (cleared, "synced")):
        entry.refresh_from_db()
        assert entry.status == status
    assert sum(redis.xlen(key) for key in redis.keys("events:*:high")) == 1
    assert LogEntry.objects.count() == 3


def test_redis_that_is_away_is_told_and_nothing_is_lost(admin_client, monkeypatch):
    monkeypatch.setattr(stream, "is_reachable", lambda: False)
    entry = failed()
    [text] = said(put_back(admin_client, entry))
    assert "The event queue is not available" in text
    entry.refresh_from_db()
    assert entry.status == "queued", "and goes back by itself"


def test_entries_are_neither_added_nor_deleted_nor_changed_once_delivered(admin_client):
    entry = failed(status="synced")
    assert admin_client.get(f"{LIST}add/").status_code == 403
    assert admin_client.get(f"{LIST}{entry.pk}/delete/").status_code == 403
    assert save(admin_client, entry, json.dumps(GOOD)).status_code == 403
