"""docs/contract/http.md section 2.1, row by row, refusals included."""

import gzip
import json
from datetime import UTC, datetime, timedelta

import pytest

from events.models import StudentEvent
from instructors.queries import test_records as records
from lms.models import Student

pytestmark = pytest.mark.django_db

PATH = "/api/v1/test/events"
EVENT = {"eventType": "cell_executed", "emailAddress": "a@example.com", "unknown": {"kept": [1, None, "\0 \ud800 é"]}}


@pytest.mark.parametrize("prefix", ["/api/v1/test/events", "/api/v1/v1/test/events"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_http_21_post_and_get(anyone, prefix, slash):
    answer = anyone("POST", f"{prefix}/e2e_test_1{slash}", [EVENT, {}])
    assert (answer.status_code, answer.data) == (200, {"message": "2 test events stored for test_id: e2e_test_1"})
    answer = anyone("GET", f"{prefix}/e2e_test_1{slash}")
    assert answer.status_code == 200
    assert (answer.data["test_id"], answer.data["count"]) == ("e2e_test_1", 2)
    first, second = answer.data["events"]
    assert datetime.fromisoformat(first.pop("received_at"))
    assert (first, list(second)) == (EVENT, ["received_at"])


def test_http_21_a_second_post_adds(anyone):
    for _ in range(2):
        anyone("POST", f"{PATH}/t", [EVENT])
    anyone("POST", f"{PATH}/t", [{"n": 3}])
    found = anyone("GET", f"{PATH}/t").data
    assert (found["count"], found["events"][2]["n"]) == (3, 3), "equal records are two, in order"


def test_http_21_never_in_the_real_tables(anyone):
    anyone("POST", f"{PATH}/t", [EVENT])
    assert not Student.objects.exists()
    assert not StudentEvent.objects.exists()


@pytest.mark.parametrize(
    "body", [{}, "text", 1, None, [1], [[]], [EVENT, "x"]], ids=lambda body: f"http §2.1 POST {body!r} → 422"
)
def test_no_array_of_objects(anyone, body):
    answer = anyone("POST", f"{PATH}/t", raw=json.dumps(body).encode())
    assert answer.status_code == 422
    assert answer.data["detail"][0]["loc"][0] == "body"
    assert anyone("GET", PATH).data["count"] == 0


def test_http_21_broken_json_422(anyone):
    assert anyone("POST", f"{PATH}/t", raw=b"[{").data["detail"][0]["type"] == "json_invalid"


def test_http_21_gzip(anyone):
    answer = anyone("POST", f"{PATH}/t", raw=gzip.compress(b'[{"a": 1}]'), **{"Content-Encoding": "gzip"})
    assert answer.status_code == 200
    assert anyone("GET", f"{PATH}/t").data["events"][0]["a"] == 1


def test_http_21_get_unknown_200(anyone):
    answer = anyone("GET", f"{PATH}/nothing")
    assert (answer.status_code, answer.data) == (200, {"test_id": "nothing", "events": [], "count": 0})


def test_http_21_delete(anyone):
    anyone("POST", f"{PATH}/t", [EVENT, EVENT])
    answer = anyone("DELETE", f"{PATH}/t")
    assert (answer.status_code, answer.data) == (200, {"message": "Cleared 2 events for test_id: t"})
    assert anyone("GET", f"{PATH}/t").data["count"] == 0
    assert anyone("DELETE", f"{PATH}/t").status_code == 404


def test_http_21_list(anyone):
    assert anyone("GET", PATH).data == {"test_ids": [], "count": 0}
    anyone("POST", f"{PATH}/b", [EVENT])
    anyone("POST", f"{PATH}/テスト", [EVENT])
    assert anyone("GET", f"{PATH}/").data == {"test_ids": ["b", "テスト"], "count": 2}


def test_http_21_an_empty_list_stores_nothing(anyone):
    assert anyone("POST", f"{PATH}/t", []).data == {"message": "0 test events stored for test_id: t"}
    assert anyone("GET", PATH).data["count"] == 0


def test_http_21_kept_ten_minutes_from_receipt(redis):
    now = datetime.now(UTC)
    records.add("t", [{"n": 1}], now=now - timedelta(minutes=9, seconds=59))
    records.add("t", [{"n": 2}], now=now)
    records.add("old", [{"n": 0}], now=now - timedelta(minutes=11))
    assert [record["n"] for record in records.of("t", now=now)] == [1, 2]
    assert [record["n"] for record in records.of("t", now=now + timedelta(seconds=2))] == [2]
    assert (records.of("old", now=now), records.ids(now=now)) == ([], ["t"])
    assert records.clear("old", now=now) == 0
    keys = redis.keys("test-events:*")
    assert keys
    assert all(0 < redis.ttl(key) <= 1200 for key in keys), "every key expires"


def test_switched_off(settings, anyone):
    settings.TEST_EVENTS = False
    for method, path in [("GET", PATH), ("POST", f"{PATH}/t"), ("GET", f"{PATH}/t"), ("DELETE", f"{PATH}/t")]:
        answer = anyone(method, path, [EVENT])
        assert (answer.status_code, answer.data) == (404, {"detail": "Not Found"})


def test_open_even_where_the_rest_is_closed(settings, anyone):
    settings.API_REQUIRE_AUTH = True
    assert anyone("POST", f"{PATH}/t", [EVENT]).status_code == 200


def test_redis_is_away(anyone, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9"
    records._redis.cache_clear()
    assert anyone("GET", PATH).status_code == 503
    records._redis.cache_clear()
