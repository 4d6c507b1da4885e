"""What a sender reports of a run besides its result. docs/contract/events.md section 1.1."""

import pytest

from events.contract import run_details, schema
from events.contract.records import parse
from events.models import CellExecution, StudentEvent
from tests.events.conftest import event

RED = "\x1b[0;31mNameError\x1b[0m: name 'prcies' is not defined"


def test_details_are_kept_with_the_run(event_pipeline, clock):
    sent = event(
        eventTime=clock(10),
        metadata={"runId": "m-1", "startedAt": clock(7), "queuedMs": 1500.5, "traceback": RED, "kernelId": "k"},
    )
    event_pipeline.post(sent)
    stored = CellExecution.objects.get()
    assert (stored.run_id, stored.started_at, stored.queued_ms) == ("m-1", clock.at(7), 1500.5)
    assert stored.traceback == RED, "colour codes included"


def test_run_without_details_has_none(event_pipeline):
    event_pipeline.post(event(metadata={"kernelId": "k"}), event(cellId="cell-2"))
    details = CellExecution.objects.values_list("traceback", "started_at", "queued_ms", "run_id")
    assert list(details) == [(None, None, None, None)] * 2


@pytest.mark.parametrize(
    "metadata",
    [
        {"traceback": 7}, {"traceback": ""}, {"traceback": {"a": 1}}, {"traceback": [1, None]},
        {"startedAt": "yesterday"}, {"startedAt": True}, {"startedAt": [1]}, {"startedAt": 10**400},
        {"queuedMs": "12"}, {"queuedMs": -1}, {"queuedMs": True}, {"queuedMs": 10**400}, {"queuedMs": 1e300},
        {"runId": 7}, {"runId": "  "}, {"runId": ["m"]},
    ],
    ids=lambda metadata: str(metadata)[:40],
)  # fmt: skip
def test_value_of_a_wrong_type_counts_as_absent(event_pipeline, metadata):
    event_pipeline.post(event(metadata=metadata))
    stored = CellExecution.objects.get()
    assert (stored.traceback, stored.started_at, stored.queued_ms, stored.run_id) == (None, None, None, None)


@pytest.mark.parametrize("seconds", [1, -31 * 24 * 3600])
def test_start_after_the_end_or_a_month_before_it_is_not_believed(event_pipeline, clock, seconds):
    event_pipeline.post(event(eventTime=clock(0), metadata={"startedAt": clock(seconds), "runId": "m-1"}))
    stored = CellExecution.objects.get()
    assert (stored.started_at, stored.run_id) == (None, "m-1")


def test_lines_of_a_traceback_are_joined(event_pipeline):
    event_pipeline.post(event(metadata={"traceback": ["Traceback (most recent call last)", RED]}))
    assert CellExecution.objects.get().traceback == f"Traceback (most recent call last)\n{RED}"


def test_end_of_a_long_traceback_is_kept(event_pipeline):
    event_pipeline.post(event(metadata={"traceback": "あ" * 20_000 + RED}))
    kept = CellExecution.objects.get().traceback
    assert kept.endswith(RED)
    assert 16 * 1024 - 3 <= len(kept.encode()) <= 16 * 1024


def test_long_run_id_stays_itself(event_pipeline):
    event_pipeline.post(event(metadata={"runId": "m" * 300}), event(cellId="cell-2", metadata={"runId": "m" * 301}))
    one, other = CellExecution.objects.values_list("run_id", flat=True)
    assert (len(one), len(other)) == (255, 255)
    assert one != other


def test_details_survive_the_stream_and_being_set_aside():
    sent = b'[{"eventType":"cell_executed","email":"a","status":"aborted","metadata":{"runId":"m-1","traceback":"t"}}]'
    admitted = schema.admit(parse(sent)[0], received=1_780_000_000_000)
    assert isinstance(admitted, schema.Event)
    (unpacked,) = schema.unpack(schema.pack([admitted]))
    assert run_details.details_of(unpacked) == run_details.RunDetails(traceback="t", run_id="m-1")
    assert schema.as_sent(unpacked)["status"] == "aborted"


def test_start_with_an_id_is_stored_like_other_events(event_pipeline):
    event_pipeline.post(event("cell_execution_start", metadata={"runId": "m-1"}))
    assert StudentEvent.objects.get().data["metadata"] == {"runId": "m-1"}
