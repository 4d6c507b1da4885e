"""Whatever the bytes: the intake refuses in its own words or takes events that can be stored, and what it took means
the same when it is read again. Property tests, pure."""

import json
import os
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from events.contract import records as contract_records
from events.contract import schema
from events.intake.app import Admitted, admit_body
from events.intake.request import RequestRefused, inflate

EXAMPLES = settings(max_examples=int(os.environ.get("FAULT_EXAMPLES", "100")))
REFUSALS = {400, 413, 422}

texts = st.text(st.characters(), max_size=20) | st.sampled_from(["\0", "\ud800", "help", "a@x.jp", " ", "2026-11-21"])
scalars = st.none() | st.booleans() | st.integers() | st.floats() | texts
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4), max_leaves=12
)
names = st.sampled_from([*(contract_records.Record.__struct_fields__), "unknown"])
records = st.dictionaries(names, values, max_size=8)
likely = records.map(lambda record: {"eventType": "cell_executed", "emailAddress": "a@x.jp", **record})
sound = st.dictionaries(names, texts, max_size=8).map(
    lambda record: {"eventType": "help", "emailAddress": "a@x.jp", **record}
)
bodies = (
    st.binary(max_size=200)
    | values.map(lambda value: json.dumps(value).encode())
    | st.lists(records | likely | sound, max_size=4).map(lambda found: json.dumps(found).encode())
)


@st.composite
def broken(draw: Any) -> bytes:
    """A body with a byte changed, or an end missing."""
    body = bytearray(draw(bodies))
    if body and draw(st.booleans()):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
    return bytes(body[: draw(st.integers(0, len(body)))] if draw(st.booleans()) else body)


def admitted(body: bytes) -> Admitted | None:
    try:
        return admit_body(body, class_id=None)
    except RequestRefused as answer:
        refusal = answer
    assert refusal.status in REFUSALS
    assert refusal.detail
    json.dumps(refusal.detail)  # it can be answered
    return None


@EXAMPLES
@given(bodies | broken())
def test_nothing_but_a_refusal_is_raised_and_what_is_taken_can_be_stored(body):
    taken = admitted(body)
    for event in taken.events if taken else []:
        assert event.event_id
        assert event.event_type.strip()
        assert abs(event.time - event.received) <= max(schema.MAX_AGE_MS, schema.MAX_AHEAD_MS)
        said = json.dumps(schema.as_sent(event), ensure_ascii=False, allow_nan=False)
        said.encode()
        assert "\\u0000" not in said


@EXAMPLES
@given(bodies | broken())
def test_what_was_taken_is_the_same_after_the_stream(body):
    taken = admitted(body)
    if taken:
        assert schema.unpack(schema.pack(taken.events)) == taken.events


@EXAMPLES
@given(st.lists(likely | sound, min_size=1, max_size=3))
def test_reading_again_what_was_set_aside_gives_the_same_event(found):
    taken = admitted(json.dumps(found).encode())
    if not taken:
        return
    again = admit_body(json.dumps([schema.as_sent(event) for event in taken.events]).encode(), class_id=None)
    assert not again.failed
    for first, second in zip(taken.events, again.events, strict=True):
        second.time, second.received = first.time, first.received
        assert second == first


@EXAMPLES
@given(st.binary(max_size=200))
def test_no_body_is_inflated_to_anything_but_bytes_or_a_refusal(body):
    try:
        said: object = inflate(body, limit=1000)
    except RequestRefused as refusal:
        said = refusal.status
    assert isinstance(said, bytes) or said in REFUSALS
