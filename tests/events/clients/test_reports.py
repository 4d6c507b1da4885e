"""What clients report of themselves: `metadata.client` of a `log_entry`. docs/contract/events.md section 3.3."""

from datetime import UTC, datetime, timedelta

import pytest

from events.contract import schema
from events.models import ClientHealth, StudentEvent
from tests.events.conftest import event
from tests.events.processing.test_pipeline import statements

CLIENT = {"version": "cell-monitor-lab/0.1", "waiting": 3, "dropped": 1, "clock_offset_ms": -2820000.5}
FIELDS = ("version", "waiting", "dropped", "clock_offset_ms")


def report(**fields):
    client = {**CLIENT, **fields}
    return event("log_entry", metadata={"client": client, "other": 1})


def stored():
    return [tuple(row.values()) for row in ClientHealth.objects.order_by("class_id").values(*FIELDS)]


def test_report_is_kept_and_so_is_the_event(event_pipeline):
    event_pipeline.post(report(), class_id=7)
    assert stored() == [tuple(CLIENT.values())]
    found = ClientHealth.objects.get()
    assert (found.student.email, found.class_id) == ("hanako@example.com", 7)
    assert abs(datetime.now(UTC) - found.reported_at) < timedelta(minutes=1)
    assert StudentEvent.objects.get().data["metadata"]["client"] == CLIENT


def test_the_latest_by_receipt_counts(event_pipeline):
    event_pipeline.post(report(waiting=5), report(waiting=6))
    event_pipeline.post(report(waiting=0))
    assert [row[1] for row in stored()] == [0]


def test_report_that_was_delayed_in_the_stream_changes_nothing(event_pipeline):
    event_pipeline.post(report(waiting=0))
    older = schema.Event("late", "log_entry", time=0, received=1_700_000_000_000, email="hanako@example.com")
    older.data = {"metadata": {"client": {**CLIENT, "waiting": 9}}}
    event_pipeline.put([older])
    event_pipeline.drain()
    assert [row[1] for row in stored()] == [0]


def test_classes_are_apart(event_pipeline):
    event_pipeline.post(report(waiting=1), class_id=7)
    event_pipeline.post(report(waiting=2), class_id=8)
    assert [row[1] for row in stored()] == [1, 2]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"waiting": -1, "dropped": 2**63}, (CLIENT["version"], None, None, CLIENT["clock_offset_ms"])),
        ({"waiting": "3", "dropped": True}, (CLIENT["version"], None, None, CLIENT["clock_offset_ms"])),
        ({"version": "v" * 100, "clock_offset_ms": "now"}, ("v" * 59 + "…", 3, 1, None)),
        ({"version": 7, "clock_offset_ms": 10**400}, (None, 3, 1, None)),
    ],
    ids=str,
)
def test_value_of_a_wrong_type_counts_as_absent(event_pipeline, fields, expected):
    event_pipeline.post(report(**fields))
    assert stored() == [expected]


@pytest.mark.parametrize("metadata", [None, {"client": "x"}, {"client": None}, {"other": 1}])
def test_other_log_entries_report_nothing(event_pipeline, metadata):
    event_pipeline.post(event("log_entry", metadata=metadata))
    assert stored() == []
    assert StudentEvent.objects.count() == 1


def test_other_kinds_report_nothing(event_pipeline):
    event_pipeline.post(event("debug_info", metadata={"client": CLIENT}))
    assert stored() == []


def test_one_statement_for_all_reports(event_pipeline):
    def reports(students):
        return [{**report(), "emailAddress": f"s{number}@x.jp"} for number in range(students)]

    few = statements(event_pipeline, reports(2))
    assert statements(event_pipeline, reports(90)) <= few
    assert ClientHealth.objects.count() == 90
