"""docs/contract/http.md section 2.1, row by row, refusals included."""

import gzip
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from classroom.system import test_event_store as records
from events.models import StudentEvent
from lms.models import Student
from tests.servers import ROOT

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


def total(redis) -> int:
    return int(redis.get(records.BYTES) or 0)


def test_http_21_all_tests_together_are_bounded(settings, anyone, redis):
    settings.TEST_EVENTS_BYTES = 20_000
    for number in range(3):
        assert anyone("POST", f"{PATH}/t{number}", [{"a": "x" * 5_000}]).status_code == 200
    before = total(redis)
    assert 15_000 < before < 20_000
    answer = anyone("POST", f"{PATH}/t9", [{"a": "x" * 5_000}])
    assert answer.status_code == 507
    assert answer.data == {
        "detail": f"Test events may hold 20000 bytes together, and {before} are held: clear those of a test, or wait"
        " until they are 10 minutes old"
    }
    assert (total(redis), anyone("GET", PATH).data["test_ids"]) == (before, ["t0", "t1", "t2"])
    assert anyone("DELETE", f"{PATH}/t0").status_code == 200
    assert anyone("POST", f"{PATH}/t9", [{"a": "x" * 5_000}]).status_code == 200
    for name in ("t1", "t2", "t9"):
        anyone("DELETE", f"{PATH}/{name}")
    assert total(redis) == 0


def test_small_records_and_names_count_with_what_surrounds_them(settings, anyone, redis):
    settings.TEST_EVENTS_BYTES = 100_000
    used = redis.info("memory")["used_memory"]
    assert anyone("POST", f"{PATH}/t", [{}] * 1000).status_code == 507
    for number in range(200):
        if (answer := anyone("POST", f"{PATH}/{number}", [{}] * 5)).status_code == 507:
            break
    assert answer.status_code == 507
    assert redis.info("memory")["used_memory"] - used < 2 * settings.TEST_EVENTS_BYTES


def test_what_is_over_counts_no_more(settings, redis):
    settings.TEST_EVENTS_BYTES = 20_000
    now = datetime.now(UTC)
    for name in ("fed", "left"):
        records.add(name, [{"a": "x" * 5_000}], now=now - timedelta(minutes=20))
    records.add("fed", [{"a": "x" * 5_000}], now=now - timedelta(minutes=5))
    assert total(redis) < 8_000, "both went when somebody came after their time"
    for minutes in (4, 2):
        records.add("fed", [{"a": "x" * 5_000}], now=now - timedelta(minutes=minutes))
    with pytest.raises(records.StoreFull):
        records.add("fed", [{"a": "x" * 5_000}], now=now)
    later = now + timedelta(minutes=5, seconds=30)
    records.add("fed", [{"a": "x" * 5_000}], now=later)
    assert len(records.of("fed", now=later)) == 3
    assert records.clear("fed", now=now) == 3
    assert total(redis) == 0


def test_http_21_half_of_the_memory_is_for_lessons(anyone, redis):
    before = redis.config_get("maxmemory")["maxmemory"]
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] * 1.9))
    try:
        answer = anyone("POST", f"{PATH}/t", [EVENT])
        assert (answer.status_code, answer.data["detail"][:22]) == (507, "Redis' memory is neede")
        redis.config_set("maxmemory", redis.info("memory")["used_memory"] * 3)
        assert anyone("POST", f"{PATH}/t", [EVENT]).status_code == 200
    finally:
        redis.config_set("maxmemory", before)


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


@pytest.mark.parametrize(
    ("chosen", "is_on"),
    [
        ({}, True),
        ({"API_REQUIRE_AUTH": "1"}, False),
        ({"DEBUG": "0"}, False),
        ({"DEBUG": "0", "TEST_EVENTS": "1"}, True),
        ({"TEST_EVENTS": "0"}, False),
    ],
    ids=str,
)
def test_http_21_there_by_default_only_where_nobody_logs_in(chosen, is_on):
    said = subprocess.check_output(
        [sys.executable, "-c", "from config import settings; print(settings.TEST_EVENTS)"],
        env={**os.environ, "SECRET_KEY": "x" * 40, "ALLOWED_HOSTS": "a", **chosen},
        cwd=ROOT,
        text=True,
    )
    assert said.strip() == str(is_on)


def test_open_even_where_the_rest_is_closed(settings, anyone):
    settings.API_REQUIRE_AUTH = True
    assert anyone("POST", f"{PATH}/t", [EVENT]).status_code == 200


def test_redis_is_away(anyone, settings):
    settings.REDIS_URL = "redis://127.0.0.1:9"
    records._redis.cache_clear()
    assert anyone("GET", PATH).status_code == 503
    records._redis.cache_clear()
