"""The POST, over ASGI and with a real stream: docs/contract/events.md sections 1.2 and 1.4, http.md section 1.2."""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager

import httpx
import pytest
from django.conf import settings as django_settings
from django.db import OperationalError

from config.asgi import INTAKE_PATHS, CorsApplication
from events.contract import schema
from events.intake import app as intake_app
from events.intake import class_keys
from events.queue import stream
from lms.models import Class, ClassKey
from tests.events.conftest import event

ADDRESS = "/api/v1/events"


@asynccontextmanager
async def serving():
    """A browser beside a fresh intake as it is served, CORS included."""
    served = intake_app.Intake()
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(CorsApplication(served)), base_url="http://server"
    ) as made:
        yield made
    await served.close()


@pytest.fixture
async def client(redis):
    async with serving() as made:
        yield made


def queued(redis) -> int:
    keys = redis.keys("events:*:high") + redis.keys("events:*:medium") + redis.keys("events:*:low")
    return sum(len(json.loads(fields[b"b"])) for key in keys for _, fields in redis.xrange(key))


def entries(redis) -> int:
    return sum(redis.xlen(key) for key in redis.keys("events:*") if redis.type(key) == b"stream")


async def test_events_are_queued_and_the_message_says_how_many(client, redis):
    answer = await client.post(ADDRESS, json=[event(), event("help")])
    assert answer.status_code == 202
    body = answer.json()
    assert body["message"] == "2 events received and queued for processing."
    stats = body["batch_stats"]
    assert len(stats["batch_id"]) == 8
    assert (stats["total_events"], stats["successful_events"], stats["failed_events"]) == (2, 2, [])
    assert stats["event_types"] == {"cell_executed": 1, "help": 1}
    assert stats["validation_success_rate"] == 100.0
    assert isinstance(stats["total_processing_time_ms"], int)
    assert queued(redis) == 2


async def test_one_entry_for_one_request_of_one_student(client, redis):
    await client.post(ADDRESS, json=[event() for _ in range(100)])
    assert entries(redis) == 1


async def test_invalid_records_are_dropped_and_reported(client, redis):
    answer = await client.post(ADDRESS, json=[event(), event(emailAddress=" "), event(eventType=None)])
    assert answer.status_code == 202
    stats = answer.json()["batch_stats"]
    assert answer.json()["message"].startswith("1 events received")
    assert stats["failed_events"] == [
        {"index": 1, "error": "missing emailAddress"},
        {"index": 2, "error": "missing eventType"},
    ]
    assert stats["validation_success_rate"] == 33.3
    assert queued(redis) == 1


async def test_empty_array_is_fine(client, redis):
    answer = await client.post(ADDRESS, content=b"[]")
    assert (answer.status_code, answer.json()["message"]) == (202, "0 events received and queued for processing.")


async def test_more_than_the_limit_is_413_and_queues_nothing(client, redis):
    answer = await client.post(ADDRESS, json=[event() for _ in range(101)])
    assert answer.status_code == 413
    assert answer.json() == {"detail": "Batch size 101 exceeds maximum allowed size of 100"}
    assert queued(redis) == 0


@pytest.mark.parametrize(
    ("body", "place", "kind"),
    [
        (b'{"eventType": "help"}', ["body"], "list_type"),
        (b"5", ["body"], "list_type"),
        (b"not json", ["body"], "json_invalid"),
        (b"", ["body"], "json_invalid"),
        (b"[5]", ["body", 0], "dict_type"),
        (b'[{"eventType":"help","emailAddress":"a"},{"cellIndex":"x"}]', ["body", 1, "cellIndex"], "type_error"),
        (b'[{"eventType":"help","student_id":5}]', ["body", 0, "student_id"], "type_error"),
        (b'[{"eventType":"help"}]', ["body", 0], "missing"),
    ],
)
async def test_body_that_nobody_can_mean_is_422_with_its_place(client, redis, body, place, kind):
    answer = await client.post(ADDRESS, content=body)
    assert answer.status_code == 422
    problem = answer.json()["detail"][0]
    assert (problem["loc"], problem["type"]) == (place, kind)
    assert problem["msg"]
    assert queued(redis) == 0


async def test_content_type_does_not_matter(client, redis):
    body = json.dumps([event()]).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8"):
        assert (await client.post(ADDRESS, content=body, headers={"content-type": kind})).status_code == 202


async def test_gzip(client, redis):
    zipped = gzip.compress(json.dumps([event()]).encode())
    headers = {"content-encoding": "gzip"}
    assert (await client.post(ADDRESS, content=zipped, headers=headers)).status_code == 202
    for corrupt in (b"not gzip", zipped[:-9], b""):
        answer = await client.post(ADDRESS, content=corrupt, headers=headers)
        assert answer.status_code == 400
        assert "gzip" in answer.json()["detail"]


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip"])
async def test_other_encodings_are_415(client, redis, encoding):
    answer = await client.post(ADDRESS, content=b"[]", headers={"content-encoding": encoding})
    assert answer.status_code == 415
    assert "gzip" in answer.json()["detail"]


async def test_inflated_body_over_the_cap_is_413(client, redis, settings):
    settings.EVENT_BODY_LIMIT = 1_000_000
    bomb = gzip.compress(b" " * 50_000_000)
    answer = await client.post(ADDRESS, content=bomb, headers={"content-encoding": "gzip"})
    assert answer.status_code == 413
    assert (await client.post(ADDRESS, content=b" " * 1_000_001)).status_code == 413


async def test_redis_away_is_503_that_may_be_retried(redis, monkeypatch, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    async with serving() as client:
        answer = await client.post(ADDRESS, json=[event()])
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert "try again" in answer.json()["detail"]


@pytest.mark.parametrize(("name", "limit"), [("EVENT_BACKLOG_LIMIT", 3), ("EVENT_BACKLOG_BYTES", 1500)])
async def test_backlog_over_its_limit_is_503_until_it_is_gone(client, redis, settings, name, limit):
    setattr(settings, name, limit)
    taken = 0
    while (answer := await client.post(ADDRESS, json=[event()])).status_code == 202:
        taken += 1
        assert taken < 20
    assert answer.status_code == 503
    assert queued(redis) == taken
    for key in redis.keys("events:*"):
        redis.delete(key)
    await asyncio.sleep(0.6)
    assert (await client.post(ADDRESS, json=[event()])).status_code == 202


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_405_in_json(client, method):
    answer = await client.request(method, ADDRESS)
    assert (answer.status_code, answer.json()) == (405, {"detail": "Method Not Allowed"})


def test_both_slashes_and_both_prefixes():
    assert {f"/api/v1/{more}events{slash}" for more in ("", "v1/") for slash in ("", "/")} == INTAKE_PATHS


async def test_large_request_is_cut_into_small_entries(client, redis):
    answer = await client.post(ADDRESS, json=[event(result="x" * 50_000) for _ in range(20)])
    assert answer.status_code == 202
    assert entries(redis) > 1
    assert queued(redis) == 20


# --- CORS -----------------------------------------------------------------------------------------------------------

ORIGIN = {"origin": "http://127.0.0.1:8888"}


async def test_preflight_of_the_extension(client):
    asked = {**ORIGIN, "access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    answer = await client.options(ADDRESS, headers=asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert "content-type" in answer.headers["access-control-allow-headers"]
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert int(answer.headers["access-control-max-age"]) == 600


async def test_every_answer_can_be_read_by_the_browser_errors_included(client, redis):
    for body in (b"[]", b"x", b"{}"):
        answer = await client.post(ADDRESS, content=body, headers=ORIGIN)
        assert answer.headers["access-control-allow-origin"] == ORIGIN["origin"]


async def test_listed_origins_only(client, redis, settings):
    settings.BACKEND_CORS_ORIGINS = ["https://jupyter.school.jp"]
    answer = await client.post(ADDRESS, content=b"[]", headers={"origin": "https://jupyter.school.jp"})
    assert answer.headers["access-control-allow-origin"] == "https://jupyter.school.jp"
    assert answer.headers["access-control-allow-credentials"] == "true"
    answer = await client.post(ADDRESS, content=b"[]", headers=ORIGIN)
    assert "access-control-allow-origin" not in answer.headers


# --- Class keys -----------------------------------------------------------------------------------------------------

KEY = "a-class-key-of-python"


@pytest.fixture
def python_class(transactional_db):
    made = Class.objects.create(class_code="PY", name="Python")
    ClassKey.objects.create(class_ref=made, key_hash=ClassKey.hash(KEY), hint="a-clas")
    return made


async def post_with(client, **options):
    return await client.post(ADDRESS, json=[event()], **options)


async def test_key_in_header_or_address_ties_the_events_to_the_class(client, redis, python_class):
    assert (await post_with(client, headers={"X-Class-Key": KEY})).status_code == 202
    assert (await post_with(client, params={"key": KEY})).status_code == 202
    found = [
        event for key in redis.keys("events:*:high") for _, fields in redis.xrange(key) for event in [fields[b"b"]]
    ]
    assert all(schema.unpack(item)[0].class_id == python_class.pk for item in found)
    key = await ClassKey.objects.aget()
    assert key.last_used_at is not None


async def test_key_that_is_given_is_checked_even_when_none_is_required(client, redis, python_class):
    answer = await post_with(client, params={"key": "wrong"})
    assert answer.status_code == 401
    assert KEY not in answer.text
    assert queued(redis) == 0


async def test_revoked_key_and_inactive_class(client, redis, python_class):
    await Class.objects.aupdate(is_active=False)
    assert (await post_with(client, params={"key": KEY})).status_code == 403
    await ClassKey.objects.aupdate(revoked_at="2026-01-01T00:00:00Z")
    async with serving() as fresh:
        assert (await post_with(fresh, params={"key": KEY})).status_code == 401


async def test_missing_key_is_401_where_one_is_required(redis, settings, python_class):
    settings.EVENTS_REQUIRE_KEY = True
    async with serving() as client:
        answer = await post_with(client)
        assert answer.status_code == 401
        assert "key" in answer.json()["detail"]
        assert (await post_with(client, params={"key": KEY})).status_code == 202


async def test_known_key_opens_while_postgresql_is_away(client, redis, python_class, monkeypatch):
    assert (await post_with(client, params={"key": KEY})).status_code == 202

    def away(key):
        raise OperationalError("gone")

    monkeypatch.setattr(class_keys, "_find", away)
    monkeypatch.setattr(class_keys, "REMEMBERED", 0)
    assert (await post_with(client, params={"key": KEY})).status_code == 202
    assert (await post_with(client, params={"key": "other"})).status_code == 503


def test_shards_setting_is_what_the_streams_use():
    assert django_settings.EVENT_SHARDS >= 1
    assert stream.stream_key(0, "high") == "events:{0}:high"
