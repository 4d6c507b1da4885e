"""What no client should send, through the real server and real workers: refused as the contract says, or stored, or set
aside with its reason; the events beside it are stored, and nothing stops."""

import gzip
import json
import uuid
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import httpx
import psycopg
import pytest
import redis as redis_client

from tests.events.conftest import event
from tests.faults.truth import EVERY_ID
from tests.servers import wait_until

HUGE = 10**400
TEXTS = ["emailAddress", "userName", "teamName", "sessionId", "notebookPath", "cellId", "cellType", "code", "result",
         "errorMessage", "eventType"]  # fmt: skip
DATES = [
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59-14:00",
    "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-21T24:61:00Z", "-1", "", " ", "\0", "ＡＢＣ", "1" * 5_000,
]  # fmt: skip
MOMENTS = ["0", "-1e18", "1e18", "1e308", "-1e308", "9" * 30]
WRONG = ["[]", "{}", '["a"]', '{"a": 1}', "true", "5", "5.5", '"text"', "null", "1e5", str(HUGE), "-0", '""', '" "']


def with_raw(**raw: str) -> str:
    """The JSON text of an event with these members as they are written here, even where no JSON library would."""
    base = {name: value for name, value in event().items() if name not in raw}
    return (
        json.dumps(base, ensure_ascii=False)[:-1] + "".join(f', "{name}": {text}' for name, text in raw.items()) + "}"
    )


def records() -> dict[str, str]:
    """One bad record each, as JSON text."""
    found = {}
    for name in TEXTS:
        found[f"NUL in {name}"] = with_raw(**{name: r'"a\u0000b@x.jp"'})
        found[f"only NUL in {name}"] = with_raw(**{name: r'"\u0000"'})
        found[f"a lone surrogate in {name}"] = with_raw(**{name: r'"a\ud800b@x.jp"'})
        found[f"surrogates the wrong way round in {name}"] = with_raw(**{name: r'"\udc00\ud800@x.jp"'})
        found[f"20,000 characters in {name}"] = with_raw(**{name: json.dumps("長@x.jp" * 4_000)})
        found[f"nothing in {name}"] = with_raw(**{name: '""'})
        found[f"blanks in {name}"] = with_raw(**{name: r'" \t\n　"'})
    for name in ("eventId", "cellIndex", "executionCount", "hasError", "executionDurationMs", "metadata", "output",
                 "error", "status", "student_id", "timestamp", "eventTime", "executionTime"):  # fmt: skip
        for wrong in WRONG:
            found[f"{wrong[:20]} for {name}"] = with_raw(**{name: wrong})
    for date in DATES:
        found[f"the date {date[:24]!r}"] = with_raw(eventTime=json.dumps(date))
    for moment in MOMENTS:
        found[f"the moment {moment[:24]}"] = with_raw(eventTime="null", timestamp=moment)
    for number in ("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "9" * 5_000, "1" + "0" * 30, "1.5e-999"):
        found[f"the number {number[:24]}"] = with_raw(executionCount=number, executionDurationMs=number)
        found[f"the number {number[:24]} in metadata"] = with_raw(
            metadata=f'{{"a": {number}}}', eventType='"log_entry"'
        )
    for depth in (90, 99, 100, 101, 400, 900, 950, 990, 10_000):
        deep = '{"a": ' * depth + "1" + "}" * depth
        found[f"{depth} levels of metadata"] = with_raw(metadata=deep, eventType='"log_entry"')
        found[f"{depth} levels of output"] = with_raw(result="null", output="[" * depth + "]" * depth)
        found[f"{depth} levels of something unknown"] = with_raw(unknown=deep)
    found["keys twice"] = with_raw(a="1")[:-1] + ', "eventType": "help", "eventType": "cell_executed"}'
    found["the same id twice"] = with_raw(eventId='"same-id"') + "," + with_raw(eventId='"same-id"')
    found["odd keys"] = with_raw(metadata=r'{"\u0000": 1, "\ud800": 2, "": 3}', eventType='"log_entry"')
    found["many keys"] = with_raw(metadata=json.dumps(dict.fromkeys(map(str, range(50_000)))), eventType='"log_entry"')
    found["a result of 9 MB"] = with_raw(result=json.dumps("x" * 9_000_000))
    found["a result of 9 MB of NUL"] = with_raw(result='"' + r"\u0000" * 1_500_000 + '"')
    found["a shouting address"] = with_raw(emailAddress='"HANAKO@EXAMPLE.COM"')
    found["ansi and right to left"] = with_raw(result=r'"\u001b[31m\u202e\u2066\ufeff\uffff"')
    return found


@cache
def bomb() -> bytes:
    return gzip.compress(b" " * 200_000_000)


# A body, or what makes it: this file is imported by workers that never send it.
BODIES: dict[str, tuple[bytes | Callable[[], bytes], dict[str, str], int]] = {
    "nothing": (b"", {}, 422),
    "a scalar": (b"5", {}, 422),
    "an object": (b"{}", {}, 422),
    "no JSON": (b"not json", {}, 422),
    "a body cut short": (b'[{"eventType": "help", "emailAd', {}, 422),
    "10,000 levels": (b"[" * 10_000 + b"]" * 10_000, {}, 422),
    "10,000 levels, unclosed": (b"[" * 10_000, {}, 422),
    "UTF-16": ('[{"eventType": "help"}]'.encode("utf-16"), {}, 422),
    "101 records": (json.dumps([{}] * 101).encode(), {}, 413),
    "11 MB": (lambda: b"[" + b" " * 11_000_000 + b"]", {}, 413),
    "no gzip": (b"[]", {"content-encoding": "gzip"}, 400),
    "gzip cut short": (gzip.compress(b"[" + b" " * 9_000 + b"]")[:-9], {"content-encoding": "gzip"}, 400),
    "gzip of nothing": (b"", {"content-encoding": "gzip"}, 400),
    "a gzip bomb": (bomb, {"content-encoding": "gzip"}, 413),
    "deflate": (zlib.compress(b"[]"), {"content-encoding": "deflate"}, 415),
}
# The same for the other ways in: refused with 4xx, never a crash.
OTHERS = ["/api/v1/progress/student-progress", "/api/v1/cell-monitor", "/api/v1/offline/queue"]


@pytest.fixture(scope="module")
def system(start_live_system):
    made = start_live_system(workers=1, RATE_LIMITS="0")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def client(system):
    with httpx.Client(base_url=system.url, timeout=60) as made:
        yield made


def accounted(system: Any) -> tuple[int, int]:
    """Rows, and records set aside with a reason."""
    with psycopg.connect(system.database_url, autocommit=True) as database:
        rows = database.execute(f"SELECT count(*) FROM ({EVERY_ID}) AS x").fetchone()
        aside = database.execute("SELECT count(*) FROM offline_queue_entries WHERE error <> ''").fetchone()
    assert rows
    assert aside
    return int(rows[0]), int(aside[0])


def test_each_bad_record_is_stored_set_aside_or_refused_and_its_neighbours_are_stored(system, client):
    wanted, neighbours, queued, distinct, answers = records(), set(), 0, 0, {}
    for name, record in wanted.items():
        before, after = event(eventId=str(uuid.uuid4())), event(eventId=str(uuid.uuid4()))
        body = f"[{json.dumps(before)},{record},{json.dumps(after)}]".encode(errors="surrogatepass")
        answer = client.post("/api/v1/events", content=body)
        answers[name] = answer.status_code
        assert answer.status_code in (202, 422), (name, answer.status_code, answer.text[:300])
        if answer.status_code == 422:
            assert all({"loc", "msg", "type"} <= set(problem) for problem in answer.json()["detail"]), name
            assert client.post("/api/v1/events", json=[before, after]).status_code == 202
            queued += 2
        else:
            queued += answer.json()["batch_stats"]["successful_events"]
            distinct += name == "the same id twice"
        neighbours |= {before["eventId"], after["eventId"]}
    wait_until(lambda: sum(accounted(system)) >= queued - distinct, seconds=90, what="every record's row or reason")
    with psycopg.connect(system.database_url, autocommit=True) as database:
        stored = {row[0] for row in database.execute(EVERY_ID).fetchall()}
        reasons = database.execute("SELECT error FROM offline_queue_entries").fetchall()
    assert neighbours <= stored
    assert sum(accounted(system)) == queued - distinct
    assert all(error.startswith("EVENT_PROCESSING_") for (error,) in reasons)
    expected = {"a result of 9 MB": 202, "100 levels of metadata": 202, "101 levels of metadata": 422,
                "NUL in result": 202, "keys twice": 202}  # fmt: skip
    assert {name: answers.get(name) for name in expected} == expected
    with redis_client.Redis.from_url(system.redis_url) as link:
        wait_until(lambda: all(not link.xlen(key) for key in link.scan_iter("events:*:high")), what="empty streams")


@pytest.mark.parametrize("name", BODIES)
def test_bad_body_is_refused_as_the_contract_says(client, name):
    body, headers, status = BODIES[name]
    answer = client.post("/api/v1/events", content=body() if callable(body) else body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_broken_byte_loses_nothing(system, client):
    sent = event(result="BROKEN")
    body = json.dumps([sent], ensure_ascii=False).encode().replace(b"BROKEN", b"a\xff\xfe\xc3b")
    assert client.post("/api/v1/events", content=body).status_code == 202
    with psycopg.connect(system.database_url, autocommit=True) as database:
        question = "SELECT output FROM cell_executions WHERE event_id = %s"
        wait_until(lambda: database.execute(question, [sent["eventId"]]).fetchone(), what="its row")
        assert "\ufffd" in database.execute(question, [sent["eventId"]]).fetchone()[0]


@pytest.mark.parametrize("path", OTHERS)
def test_the_other_ways_in_refuse_it_too(client, path):
    for name, record in records().items():
        text = f'{{"events": [{record}]}}' if path.endswith("queue") else f"[{record}]"
        if "9 MB" in name or "many keys" in name:
            continue
        answer = client.post(path, content=text.encode(errors="surrogatepass"))
        assert answer.status_code < 500, (name, answer.status_code, answer.text[:300])
        assert answer.headers["content-type"].startswith("application/json")
    for name, (body, headers, _) in BODIES.items():
        content = body() if callable(body) else body
        answer = client.post(path, content=content, headers={"content-type": "application/json", **headers})
        assert answer.status_code < 500, (name, answer.status_code, answer.text[:300])


def test_garbage_in_the_stream_is_set_aside_and_what_follows_is_stored(system, client):
    _, before = accounted(system)
    garbage = [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[[]]",
        b"[1]",
        b"[" * 100_000,
        b'[["id", "help", "x", 1, "a@x.jp"]]',
        b"null",
    ]
    with redis_client.Redis.from_url(system.redis_url) as link:
        for packed in garbage:
            link.xadd("events:{0}:high", {"b": packed})
        link.xadd("events:{0}:high", {"other": b"1"})
        link.sadd("events:shards", 0)
    sent = [event(emailAddress=f"garbage{number}@x.jp") for number in range(8)]
    assert client.post("/api/v1/events", json=sent).status_code == 202
    with psycopg.connect(system.database_url, autocommit=True) as database:
        ids = [one["eventId"] for one in sent]
        question = "SELECT count(*) FROM cell_executions WHERE event_id = ANY(%s)"
        wait_until(lambda: database.execute(question, [ids]).fetchone() == (8,), what="what follows")
    wait_until(lambda: accounted(system)[1] - before == 7, what="the garbage, with its reasons")
