"""Events as line protocol: docs/contract/events.md section 6."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.contract.schema import Event
from events.timeseries.line_protocol import MAX_TEXT_LENGTH, line, student_tag, tag_value, time_of
from tests.influx import parse

# What the intake lets through: no NUL, no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
NASTY = st.sampled_from(
    ["\\", "\\\\", ",", " ", "=", '"', "\n", "\r\n", "\t", "\\n", "a\\,b=c d\\", '"} |> drop()', "チ"]
)
hostile = st.one_of(texts, st.lists(NASTY, max_size=6).map("".join))


def run(**fields) -> Event:
    known = {"event_id": "e1", "event_type": "cell_executed", "time": 1_790_000_000_123, "received": 0}
    where = {"email": "hanako@example.com", "notebook": "lesson/演習01.ipynb", "cell": "c1", "execution_count": 3}
    return Event(**{**known, **where, **fields})


def written(value: str) -> str:
    """A text as it can be read again: PostgreSQL has the line breaks."""
    return value.replace("\n", "\\n").replace("\r", "\\r")


def test_tags_and_fields():
    event = run(
        name="山田 花子", team="チームA", session="s-1", cell_index=1, code="print(1)", duration_ms=3, has_error=True,
        error_message="NameError: x",
    )  # fmt: skip
    point = parse(line(event))
    assert point.measurement == "student_progress"
    assert point.tags == {
        "userId": "hanako@example.com", "emailAddress": "hanako@example.com", "event": "cell_executed",
        "notebook": "演習01.ipynb", "directory": "lesson", "cellType": "code", "sessionId": "s-1",
        "teamName": "チームA",
    }  # fmt: skip
    assert point.fields == {
        "cellId": "c1", "notebookPath": "lesson/演習01.ipynb", "executionCount": 3, "cellIndex": 1,
        "userName": "山田 花子", "cellContent": "print(1)", "eventId": "e1", "errorMessage": "NameError: x",
        "success": False, "duration": 3.0,
    }  # fmt: skip
    assert isinstance(point.fields["duration"], float)
    assert (point.time // 1_000_000, time_of(line(event))) == (event.time, event.time)


def test_what_is_not_known():
    point = parse(line(Event(event_id="e", event_type="help", time=1, received=1, email="A@Example.com")))
    assert point.tags == {
        "userId": "a@example.com", "emailAddress": "a@example.com", "event": "help", "notebook": "unknown",
        "directory": "root", "cellType": "unknown", "sessionId": "unknown", "teamName": "unknown",
    }  # fmt: skip
    assert (point.fields["executionCount"], point.fields["cellIndex"], point.fields["cellId"]) == (-1, -1, "")
    assert not point.fields.keys() & {"success", "duration"}


@pytest.mark.parametrize(
    ("fields", "success"),
    [
        ({}, True),
        ({"has_error": True}, False),
        ({"event_type": "cell_execution_error"}, False),
        ({"execution_count": None}, None),  # aborted: it never ran
        ({"execution_count": None, "result": "1"}, True),
        ({"cell": None}, None),
        ({"event_type": "cell_execution_start"}, None),
    ],
)
def test_success_and_duration_belong_to_runs_that_ran(fields, success):
    point = parse(line(run(duration_ms=5, **fields)))
    assert (point.fields.get("success"), point.fields.get("duration")) == (success, None if success is None else 5.0)


@given(hostile, hostile, hostile, hostile)
def test_any_text_is_one_line_and_is_read_as_it_was_meant(team, path, text, event_id):
    made = line(run(team=team, notebook=path, session=team, code=text, error_message=text, name=text,
                    event_id=event_id, email=team or "a"))  # fmt: skip
    assert "\n" not in made
    assert "\r" not in made
    point = parse(made)
    assert point.tags["teamName"] == point.tags["sessionId"] == tag_value(team)
    assert point.tags["userId"] == student_tag(team or "a")
    assert point.tags["notebook"] == tag_value(path.rpartition("/")[2])
    assert point.fields["notebookPath"] == written(path)
    for name in ("userName", "cellContent", "errorMessage"):
        assert point.fields[name] == written(text)
    assert point.fields["eventId"] == written(event_id)
    assert point.fields.keys() >= {"executionCount", "cellIndex"}


@given(hostile)
def test_a_tag_has_no_backslash_that_servers_read_differently(value):
    assert not set(tag_value(value)) & set("\\\n\r\t")


def test_long_texts_are_cut():
    point = parse(line(run(code="x" * 5000, error_message='"' * 5000, team="t" * 5000)))
    assert (len(point.fields["cellContent"]), len(point.fields["errorMessage"])) == (MAX_TEXT_LENGTH, MAX_TEXT_LENGTH)
    assert len(point.tags["teamName"]) == 320


def test_two_events_in_one_millisecond_are_two_points_and_each_is_always_the_same():
    one, other = (parse(line(run(event_id=name))) for name in ("e1", "e2"))
    assert one.tags == other.tags
    assert one.time != other.time
    assert parse(line(run(event_id="e1"))) == one
