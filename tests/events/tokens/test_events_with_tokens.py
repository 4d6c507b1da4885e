"""POST /events with a student's token: class and student are the token's, whatever a record says."""

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError
from django.test import Client

from config.asgi import CorsApplication
from events.contract import schema
from events.intake import app as intake_app
from events.intake import class_keys
from events.intake.class_keys import MAX_LENGTH, ClassKeyCache, KeyRefused, StudentTokenCache
from events.intake.request import credentials
from lms.api.authentication import WAITING
from lms.credential_holders import StudentTokenHolder
from lms.models import Class, ClassKey, StudentToken
from tests.events.conftest import event
from tests.lms.tokens.conftest import device_of

ADDRESS = "/api/v1/events"
WRONG = "This token belongs to another student"

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def serving():
    served = intake_app.Intake()
    transport = httpx.ASGITransport(CorsApplication(served))
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as made:
        yield made
    await served.close()


@pytest.fixture
async def client(redis):
    async with serving() as made:
        yield made


@pytest.fixture
def python_class(transactional_db) -> Class:
    return Class.objects.create(class_code="PY", name="Python")


@pytest.fixture
def token(python_class) -> str:
    return device_of(python_class, "hanako@example.com")[1]


async def post(client, token: str, *records, **more):
    return await client.post(ADDRESS, json=list(records), headers={"Authorization": f"Student {token}"}, **more)


def events_of(redis) -> list[schema.Event]:
    keys = [key for key in redis.keys("events:*") if redis.type(key) == b"stream"]
    return [each for key in keys for _, fields in redis.xrange(key) for each in schema.unpack(fields[b"b"])]


async def test_class_and_student_are_the_tokens(client, redis, python_class, token):
    answer = await post(client, token, event(emailAddress=None), event(emailAddress="HANAKO@Example.com "))
    assert answer.status_code == 202
    found = events_of(redis)
    assert [(each.email, each.class_id, each.is_verified) for each in found] == [
        ("hanako@example.com", python_class.pk, True)
    ] * 2
    row = await StudentToken.objects.aget()
    assert row.last_used_at is not None


async def test_a_record_of_another_student_is_refused_alone(client, redis, python_class, token):
    answer = await post(
        client,
        token,
        event(),
        event(emailAddress="jiro@example.com"),
        event(userId="jiro@example.com", emailAddress=None),
    )
    assert answer.status_code == 202
    stats = answer.json()["batch_stats"]
    assert stats["failed_events"] == [{"index": 1, "error": WRONG}, {"index": 2, "error": WRONG}]
    assert len(events_of(redis)) == 1


async def test_records_of_others_alone_refuse_the_request(client, redis, token):
    answer = await post(client, token, event(emailAddress="jiro@example.com"))
    assert answer.status_code == 422
    assert answer.json()["detail"] == [{"loc": ["body", 0], "msg": WRONG, "type": "wrong_student"}]
    assert events_of(redis) == []


async def test_without_a_token_nothing_is_verified(client, redis, python_class):
    await sync_to_async(ClassKey.objects.create)(class_ref=python_class, key_hash=ClassKey.hash("k"), hint="k")
    assert (await client.post(ADDRESS, json=[event()], params={"key": "k"})).status_code == 202
    assert (await client.post(ADDRESS, json=[event()])).status_code == 202
    assert [each.is_verified for each in events_of(redis)] == [False, False]


async def test_a_sender_cannot_say_that_it_is_verified(client, redis, python_class):
    records = [event(is_verified=True, isVerified=True, metadata={"is_verified": True})]
    assert (await client.post(ADDRESS, json=records)).status_code == 202
    assert [each.is_verified for each in events_of(redis)] == [False]


async def test_a_token_counts_where_a_key_is_sent_too(client, redis, python_class, token):
    other = await sync_to_async(Class.objects.create)(class_code="RS", name="Rust")
    await sync_to_async(ClassKey.objects.create)(class_ref=other, key_hash=ClassKey.hash("k"), hint="k")
    assert (await post(client, token, event(emailAddress=None), params={"key": "k"})).status_code == 202
    assert [each.class_id for each in events_of(redis)] == [python_class.pk]


async def test_a_token_opens_where_a_key_is_required(redis, settings, token):
    settings.EVENTS_REQUIRE_KEY = True
    async with serving() as client:
        assert (await post(client, token, event(emailAddress=None))).status_code == 202
        assert (await client.post(ADDRESS, json=[event()])).status_code == 401


@pytest.mark.parametrize("sent", ["guessed", "", " "])
async def test_an_unknown_token(client, redis, token, sent):
    answer = await post(client, sent, event())
    assert (answer.status_code, answer.json()) == (401, {"detail": "Unknown student token"})


async def test_a_waiting_device(client, redis, python_class, token):
    waiting = (await sync_to_async(device_of)(python_class, "hanako@example.com"))[1]
    answer = await post(client, waiting, event())
    assert (answer.status_code, answer.json()) == (403, {"detail": WAITING})
    assert events_of(redis) == []


async def test_a_class_that_is_not_active(client, redis, python_class, token):
    await Class.objects.aupdate(is_active=False)
    answer = await post(client, token, event())
    assert (answer.status_code, answer.json()) == (403, {"detail": "This class is not active"})


async def test_a_revoked_token_is_refused_when_it_is_looked_up_again(client, redis, token, monkeypatch):
    assert (await post(client, token, event())).status_code == 202
    await StudentToken.objects.aupdate(revoked_at=datetime.now(UTC))
    assert (await post(client, token, event())).status_code == 202  # remembered
    monkeypatch.setattr(class_keys, "REMEMBERED", 0)
    answer = await post(client, token, event())
    assert (answer.status_code, answer.json()) == (401, {"detail": "Unknown student token"})


async def test_a_known_token_is_looked_up_once(client, redis, token, monkeypatch):
    looked_up = []
    find = class_keys._find_student
    monkeypatch.setattr(class_keys, "_find_student", lambda text: looked_up.append(text) or find(text))
    for _ in range(3):
        assert (await post(client, token, event())).status_code == 202
    assert looked_up == [token]


async def test_a_known_token_opens_while_postgresql_is_away(client, redis, token, monkeypatch):
    assert (await post(client, token, event())).status_code == 202

    def away(text):
        raise OperationalError

    monkeypatch.setattr(class_keys, "_find_student", away)
    monkeypatch.setattr(class_keys, "REMEMBERED", 0)
    assert (await post(client, token, event())).status_code == 202
    answer = await post(client, "other", event())
    assert (answer.status_code, answer.json()["detail"]) == (503, "The student token cannot be checked now; try again")


@pytest.mark.parametrize(
    ("headers", "query", "found"),
    [
        ([], b"", (None, None)),
        ([(b"x-class-key", b" k ")], b"", ("k", None)),
        ([], b"key=k", ("k", None)),
        ([], b"key=", (None, None)),
        ([(b"x-class-key", b"k")], b"key=other", ("k", None)),
        ([(b"authorization", b"Student t")], b"", (None, "t")),
        ([(b"authorization", b"student  t ")], b"key=k", ("k", "t")),
        ([(b"authorization", b"Student ")], b"", (None, "")),
        ([(b"authorization", b"Bearer t")], b"", (None, None)),
        ([(b"authorization", b"Student")], b"", (None, None)),
        ([(b"x-class-key", b"k"), (b"authorization", b"Student t"), (b"authorization", b"Student u")], b"", ("k", "t")),
    ],
)
def test_what_a_request_says_of_its_sender(headers, query, found):
    assert credentials({"headers": headers, "query_string": query}) == found


def test_the_older_intakes_take_it_too(redis, python_class, token):
    headers = {"Authorization": f"Student {token}"}
    for path in ("/api/v1/progress/student-progress", "/api/v1/cell-monitor"):
        body = json.dumps(event(emailAddress=None))
        answer = Client().post(path, body, content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content
        body = json.dumps(event(emailAddress="jiro@example.com"))
        answer = Client().post(path, body, content_type="application/json", headers=headers)
        assert (answer.status_code, answer.json()["detail"][0]["msg"]) == (422, WRONG)
    assert [(each.email, each.is_verified) for each in events_of(redis)] == [("hanako@example.com", True)] * 2


@pytest.mark.parametrize("cache", [lambda: ClassKeyCache(True).class_of, lambda: StudentTokenCache().student_of])
async def test_long_texts_are_refused_and_not_kept(db, cache):
    find = cache()
    with pytest.raises(KeyRefused) as refused:
        await find("x" * (MAX_LENGTH + 1))
    assert refused.value.status == 401
    assert find.__self__._known == {}


def test_a_full_cache_forgets_unknown_texts_and_keeps_holders(monkeypatch):
    monkeypatch.setattr(class_keys, "MAX_CACHED", 3)
    cache = StudentTokenCache()
    holder = StudentTokenHolder(1, 2, 3, True, True, "h@example.com")
    cache._known = {"known": (0.0, holder), "x": (0.0, None), "y": (0.0, None)}
    cache._make_room()
    assert cache._known == {"known": (0.0, holder)}
    cache._known = dict.fromkeys("abc", (0.0, holder))
    cache._make_room()
    assert list(cache._known) == ["b", "c"]
