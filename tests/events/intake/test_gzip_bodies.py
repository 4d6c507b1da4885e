"""Bodies of several gzip members, as parallel compressors and appended files make them, at every address that takes
gzip."""

import gzip
import json
import time

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from core import gzip_body
from events.models import CellExecution
from lms.models import Class
from tests.events.conftest import event
from tests.events.intake.test_intake import ADDRESS, client, queued  # noqa: F401  (a fixture)

ZIPPED = {"Content-Encoding": "gzip"}


def in_members(text: bytes, pieces: int = 2) -> bytes:
    step = len(text) // pieces + 1
    return b"".join(gzip.compress(text[place : place + step]) for place in range(0, len(text), step))


@given(st.lists(st.binary(max_size=5000), min_size=1, max_size=8), st.integers(0, 3000))
def test_as_gzip_reads_it(contents, zeros):
    """Each member is padded, as tapes and file systems of whole blocks leave them."""
    body = b"".join(gzip.compress(content) + b"\0" * zeros for content in contents)
    whole = b"".join(contents)
    assert gzip_body.inflate(body, limit=max(len(whole), 1)) == whole == gzip.decompress(body)


@given(st.integers(0, 10_000))
def test_cut_anywhere_is_refused(place):
    whole = gzip.compress(b"first") + gzip.compress(bytes(range(256)) * 40)
    boundary = len(gzip.compress(b"first"))
    cut = whole[: place % len(whole)]
    if len(cut) == boundary:  # a whole body of one member
        assert gzip_body.inflate(cut, limit=100_000) == b"first"
        return
    with pytest.raises(gzip_body.BadGzip):
        gzip_body.inflate(cut, limit=100_000)


@pytest.mark.parametrize("rest", [b"x", b"\0x", b"\x1f\x8b", b"\0" * 5000 + b"x", gzip.compress(b"a", mtime=0)[:-1]])
def test_what_follows_and_is_no_member_is_refused(rest):
    """It could be the half of a member: taken in silence, events would be lost."""
    with pytest.raises(gzip_body.BadGzip):
        gzip_body.inflate(gzip.compress(b"a") + rest, limit=1000)


def test_the_limit_is_of_all_members_together():
    body = gzip.compress(b"a" * 600) + gzip.compress(b"b" * 600)
    assert len(gzip_body.inflate(body, limit=1200)) == 1200
    with pytest.raises(gzip_body.TooLong):
        gzip_body.inflate(body, limit=1199)
    with pytest.raises(gzip_body.TooLong):
        gzip_body.inflate(gzip.compress(b"a") + gzip.compress(b" " * 50_000_000), limit=1000)


def test_half_a_million_empty_members_cost_nothing():
    begun = time.process_time()
    with pytest.raises(gzip_body.BadGzip, match="1000 members"):
        gzip_body.inflate(gzip.compress(b"") * 500_000, limit=1000)
    assert time.process_time() - begun < 1


async def test_events(client, redis):  # noqa: F811
    body = in_members(json.dumps([event(), event()]).encode())
    answer = await client.post(ADDRESS, content=body, headers=ZIPPED)
    assert (answer.status_code, answer.json()["batch_stats"]["successful_events"]) == (202, 2)
    answer = await client.post(ADDRESS, content=body + b"\0" * 10, headers={"Content-Encoding": "x-gzip"})
    assert answer.status_code == 202
    assert queued(redis) == 4
    answer = await client.post(ADDRESS, content=body[:-4], headers=ZIPPED)
    assert (answer.status_code, answer.json()["detail"]) == (400, "The gzip body is cut short")


@pytest.mark.parametrize("path", ["/cell-monitor", "/progress/student-progress"])
def test_older_intakes(event_pipeline, path):
    body = json.dumps([event(), event()]).encode()
    assert post(path, in_members(body)) == 200
    event_pipeline.drain()
    assert CellExecution.objects.count() == 2
    assert post(path, in_members(body)[:-4]) == 400


def test_the_offline_queue(event_pipeline):
    body = json.dumps({"events": [event(), event()]}).encode()
    assert post("/offline/queue", in_members(body, 3)) == 202
    event_pipeline.drain()
    assert CellExecution.objects.count() == 2
    assert post("/offline/queue", in_members(body)[:-4]) == 400


def test_any_other_json(db):
    body = json.dumps({"name": "Python", "class_code": "PY"}).encode()
    assert post("/classes", in_members(body)[:-4]) == 400, "what was cut short is not half taken"
    assert post("/classes", in_members(body, 5)) == 201
    assert Class.objects.get().name == "Python"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_any_unicode_is_taken_at_every_address(event_pipeline, encoding):
    one, name = event(), "Python 入門"
    assert post("/progress/student-progress", gzip.compress(json.dumps([event()]).encode(encoding))) == 200
    assert post("/offline/queue", gzip.compress(json.dumps({"events": [one]}).encode(encoding))) == 202
    made = json.dumps({"name": name, "class_code": "PY"}, ensure_ascii=False).encode(encoding)
    assert post("/classes", gzip.compress(made)) == 201
    event_pipeline.drain()
    assert (CellExecution.objects.count(), Class.objects.get().name) == (2, name)


@pytest.mark.parametrize("odd", [b"\xff", b'","metadata":{"n":' + b"9" * 5000 + b'},"x":"'])
def test_what_is_odd_costs_itself_at_every_intake(event_pipeline, odd):
    first, second = (json.dumps(event(code="PLACE")).encode().replace(b"PLACE", odd) for _ in range(2))
    assert post("/progress/student-progress", gzip.compress(b"[%b]" % first)) == 200
    assert post("/offline/queue", gzip.compress(b'{"events":[%b]}' % second)) == 202
    event_pipeline.drain()
    assert CellExecution.objects.count() == 2


def post(path: str, body: bytes) -> int:
    answer = Client().post(f"/api/v1{path}", body, content_type="application/json", headers=ZIPPED)
    return answer.status_code
