"""The wire format: docs/contract/events.md sections 1.1 to 1.3 and 2.1."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.contract import records as contract_records
from events.contract import schema
from events.contract.records import Record
from events.contract.schema import Event

NOW = int(datetime(2026, 11, 21, 3, 0, tzinfo=UTC).timestamp() * 1000)


def admit(**fields: object) -> Event:
    (record,) = contract_records.parse(
        json.dumps([{"eventType": "cell_executed", "emailAddress": "a@x.jp", **fields}]).encode()
    )
    admitted = schema.admit(record, received=NOW)
    assert isinstance(admitted, Event)
    return admitted


ALIASES = [
    ("event_id", "eventId", "e1", "event_id", "e1"),
    ("team_name", "teamName", "チームA", "team", "チームA"),
    ("user_name", "userName", "花子", "name", "花子"),
    ("student_name", "userName", "花子", "name", "花子"),
    ("session_id", "sessionId", "s1", "session", "s1"),
    ("notebook_path", "notebookPath", "a/b.ipynb", "notebook", "a/b.ipynb"),
    ("cell_id", "cellId", "c1", "cell", "c1"),
    ("cell_index", "cellIndex", 3, "cell_index", 3),
    ("cell_type", "cellType", "markdown", "cell_type", "markdown"),
    ("cellSource", "code", "x", "code", "x"),
    ("cellContent", "code", "x", "code", "x"),
    ("execution_count", "executionCount", 4, "execution_count", 4),
    ("error_message", "errorMessage", "E", "error_message", "E"),
    ("output", "result", "42", "result", "42"),
    ("cellOutput", "result", "42", "result", "42"),
    ("duration_ms", "executionDurationMs", 1.5, "duration_ms", 1.5),
]


@pytest.mark.parametrize(("alias", "canonical", "value", "field", "expected"), ALIASES)
def test_alias_means_the_same_and_canonical_wins(alias, canonical, value, field, expected):
    assert getattr(admit(**{alias: value}), field) == expected
    assert getattr(admit(**{canonical: value, alias: "9" if isinstance(value, str) else 9}), field) == expected


@pytest.mark.parametrize("name", ["emailAddress", "userId", "user_id", "student_id", "email"])
def test_identity_aliases_are_trimmed(name):
    (record,) = contract_records.parse(json.dumps([{"eventType": "help", name: "  a@x.jp "}]).encode())
    assert schema.admit(record, received=NOW).email == "a@x.jp"


@pytest.mark.parametrize("name", ["eventType", "event", "event_type", "type"])
def test_type_aliases(name):
    (record,) = contract_records.parse(json.dumps([{name: "help_requested", "email": "a"}]).encode())
    assert schema.admit(record, received=NOW).event_type == "help"


@pytest.mark.parametrize(
    ("fields", "failed"),
    [
        ({"hasError": True}, True),
        ({"hasError": "true"}, True),
        ({"hasError": 0}, False),
        ({"success": False}, True),
        ({"executionSuccess": True}, False),
        ({"status": "error"}, True),
        ({"status": "ok"}, False),
        ({"hasError": False, "success": False}, False),
        ({"error": {"name": "KeyError", "message": "'a'"}, "hasError": False}, True),
        ({}, False),
    ],
)
def test_whether_a_run_failed(fields, failed):
    assert admit(**fields).has_error is failed


def test_error_object_becomes_its_message():
    assert admit(error={"name": "KeyError", "message": "'a'", "traceback": ["…"]}).error_message == "KeyError: 'a'"


@pytest.mark.parametrize(
    ("fields", "milliseconds"),
    [
        ({"executionDurationMs": "12.5"}, 12.5),
        ({"executionTime": 2}, 2000),
        ({"duration": 0.5}, 500),
        ({"executionTime": "2026-11-21T03:00:00Z"}, None),
        ({"executionDurationMs": -1}, None),
        ({"executionDurationMs": "nan"}, None),
    ],
)
def test_durations_are_milliseconds(fields, milliseconds):
    assert admit(**fields).duration_ms == milliseconds


def test_output_object_becomes_json_text():
    assert json.loads(admit(output={"text/plain": "表"}).result) == {"text/plain": "表"}


@pytest.mark.parametrize("number", ["5", 5.0, "5.0", 5])
def test_numbers_are_taken_leniently(number):
    assert admit(cellIndex=number).cell_index == 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cellIndex", "five"),
        ("cellIndex", 5.5),
        ("code", 5),
        ("code", {}),
        ("emailAddress", 5),
        ("hasError", 2),
        ("hasError", "maybe"),
        ("executionDurationMs", "fast"),
        ("metadata", []),
        ("eventType", ["help"]),
    ],
)
def test_wrong_type_is_reported_with_its_place(name, value):
    records = [{"eventType": "help", "email": "a"}, {"eventType": "help", "email": "a", name: value}]
    with pytest.raises(contract_records.BadBody) as refusal:
        contract_records.parse(json.dumps(records).encode())
    assert [problem["loc"] for problem in refusal.value.problems] == [["body", 1, name]]


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{}", "list_type"), (b"5", "list_type"), (b"[5]", "dict_type"), (b"[{]", "json_invalid"), (b"", "json_invalid")],
)
def test_body_that_is_no_array_of_objects(body, kind):
    with pytest.raises(contract_records.BadBody) as refusal:
        contract_records.parse(body)
    assert refusal.value.problems[0]["type"] == kind


@pytest.mark.parametrize("depth", [2_000, 100_000])
def test_deep_nesting_is_refused_not_a_crash(depth):
    body = b'[{"eventType":"x","email":"a","metadata":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}]"
    with pytest.raises(contract_records.BadBody):
        contract_records.parse(body)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ('"a\\u0000b"', "a\ufffdb"),
        ('"cut \\ud83d"', "cut \ufffd"),
        ('"\\udc00 first"', "\ufffd first"),
        ('"\\ud83d\\ude00"', "😀"),
        ('"\\\\u0000"', "\\u0000"),
        ('"\\u001b[31mred\\u001b[0m"', "\x1b[31mred\x1b[0m"),
    ],
)
def test_texts_that_postgresql_refuses_keep_the_rest(sent, stored):
    (record,) = contract_records.parse(f'[{{"eventType":"help","email":"a","result":{sent}}}]'.encode())
    assert record.result == stored


def test_nan_and_broken_bytes_lose_nothing():
    (record,) = contract_records.parse(b'[{"eventType":"help","email":"a","executionDurationMs":NaN,"code":"\xff"}]')
    assert (record.executionDurationMs, record.code) == (None, "\ufffd")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_of_unicode_lose_nothing(encoding):
    (record,) = contract_records.parse('[{"eventType":"help","email":"a","userName":"花子"}]'.encode(encoding))
    assert record.userName == "花子"


def test_a_number_of_thousands_of_digits_costs_itself():
    text = '[{"eventType":"help","email":"a","metadata":{"n":%s}},{"eventType":"help","email":"b"}]' % ("9" * 5000)
    first, second = contract_records.parse(text.encode())
    assert (first.metadata, second.email) == ({"n": None}, "b")


@pytest.mark.parametrize(
    ("sent", "effective"),
    [
        ({"eventTime": "2026-11-21T02:59:00Z"}, NOW - 60_000),
        ({"eventTime": "2026-11-21T11:59:00+09:00"}, NOW - 60_000),
        ({"eventTime": "2026-11-21T02:59:00"}, NOW - 60_000),
        ({"timestamp": (NOW - 60_000) / 1000}, NOW - 60_000),
        ({"timestamp": "2026-11-21T02:59:00.500Z"}, NOW - 59_500),
        ({"eventTime": "yesterday"}, NOW),
        ({"eventTime": "0001-01-01T00:00:00Z"}, NOW),
        ({"eventTime": "0000-01-01T00:00:00Z"}, NOW),
        ({"eventTime": "9999-12-31T23:59:59Z"}, NOW),
        ({"eventTime": "2026-11-21T03:04:59Z"}, NOW + 299_000),
        ({"eventTime": "2026-11-21T03:05:01Z"}, NOW),
        ({"timestamp": 1e300}, NOW),
        ({}, NOW),
    ],
)
def test_time_is_the_senders_where_it_is_believable(sent, effective):
    assert admit(**sent).time == effective


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (Record(eventType="help"), "missing emailAddress"),
        (Record(eventType="help", emailAddress="  "), "missing emailAddress"),
        (Record(emailAddress="a"), "missing eventType"),
        (Record(emailAddress="a", eventType=" "), "missing eventType"),
    ],
)
def test_record_without_identity_or_type_says_so(record, why):
    assert schema.admit(record, received=NOW) == why


def test_instructor_event_needs_no_student():
    admitted = schema.admit(Record(eventType="student_session_start", instructor_id=7), received=NOW)
    assert isinstance(admitted, Event)
    assert admitted.data == {"instructor_id": 7}


def test_event_without_an_id_gets_one_of_its_own():
    assert admit().event_id != admit().event_id


def test_shards_do_not_care_for_case():
    assert schema.shard_of("Hanako@Example.com", 8) == schema.shard_of("hanako@example.COM", 8)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(list(Record.__struct_fields__))


@given(st.lists(st.dictionaries(names, json_values, max_size=6), max_size=4))
def test_anything_is_either_refused_or_survives_the_stream(records):
    try:
        parsed = contract_records.parse(json.dumps(records).encode())
    except contract_records.BadBody:
        return
    events = [e for e in (schema.admit(r, received=NOW) for r in parsed) if isinstance(e, Event)]
    back = schema.unpack(schema.pack(events))
    assert back == events
    for event in back:
        text = json.dumps(schema.as_sent(event), ensure_ascii=False)
        assert "\0" not in text
        text.encode()  # no lone surrogate
        assert abs(event.occurred_at - datetime.fromtimestamp(NOW / 1000, UTC)) <= timedelta(days=30)
