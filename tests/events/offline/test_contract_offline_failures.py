"""docs/contract/http.md section 6: what fails is a 500 that names the action, and never the reason."""

import pytest
from django.db import DatabaseError

from events.offline import views as offline_views
from tests.events.offline.test_contract_offline import call

FAILURES = [
    ("GET", "/offline/status", "Failed to get offline sync status"),
    ("POST", "/offline/sync", "Failed to sync offline events"),
    ("DELETE", "/offline/clear", "Failed to clear offline queue"),
    ("GET", "/offline/failed-events", "Failed to get failed events"),
]


@pytest.mark.parametrize(("method", "path", "text"), FAILURES)
def test_offline_500_names_the_action(redis, db, settings, monkeypatch, method, path, text):
    def fail(*_: object, **__: object) -> None:
        raise DatabaseError("/secret")

    for name in ("state", "clear", "failed_entries"):
        monkeypatch.setattr(offline_views.undelivered, name, fail)
    settings.DEBUG = False
    answer = call(method, path, {} if method == "POST" else None)
    assert (answer.status_code, answer.json()) == (500, {"detail": text})
