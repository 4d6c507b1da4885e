"""A run that its sender calls aborted is neither a success nor an error. docs/contract/events.md section 5."""

import pytest

from events.models import CellExecution, CellProgress, RunCount
from events.timeseries import line_protocol
from events.timeseries.backfill import rows
from lms.models import Student
from tests.events.conftest import event, failing


def aborted(**fields):
    """A run that was interrupted: it has a number and has printed, unlike those of the extension in the field."""
    return event(**{"status": "aborted", "errorMessage": "KeyboardInterrupt: ", **fields})


@pytest.mark.parametrize("kind", ["cell_executed", "cell_execution_complete", "cell_execution_error", "cell_error"])
@pytest.mark.parametrize("has_error", [True, False, None])
def test_status_of_the_sender_wins(event_pipeline, kind, has_error):
    event_pipeline.post(aborted(eventType=kind, hasError=has_error))
    student = Student.objects.get()
    assert CellExecution.objects.get().status == "aborted"
    assert (student.execution_count, student.error_count, student.last_run_failed) == (0, 0, False)
    assert (CellProgress.objects.get().run_count, RunCount.objects.count()) == (0, 0)
    assert student.last_activity_at is not None, "but the student has done something"


@pytest.mark.parametrize(("status", "expected"), [("ok", "success"), ("error", "error"), (["aborted"], "success")])
def test_other_statuses_mean_what_they_meant(event_pipeline, status, expected):
    event_pipeline.post(event(status=status, hasError=None))
    assert CellExecution.objects.get().status == expected


def test_interrupt_neither_ends_nor_lengthens_errors_in_a_row(event_pipeline, clock):
    three = [failing(eventTime=clock(n)) for n in range(3)]
    event_pipeline.post(*three, aborted(eventTime=clock(3), hasError=True))
    known = CellProgress.objects.get()
    assert (known.consecutive_error_count, known.last_status, known.is_significant_error) == (3, "error", True)
    event_pipeline.post(failing(eventTime=clock(4)))
    known.refresh_from_db()
    assert (known.consecutive_error_count, known.error_count) == (4, 4)


def test_interrupt_leaves_a_cell_solved_and_solves_none(event_pipeline, clock):
    event_pipeline.post(event(eventTime=clock(0)), aborted(eventTime=clock(1)), aborted(cellId="cell-2"))
    assert list(CellProgress.objects.order_by("cell__cell_id").values_list("last_status", "run_count")) == [
        ("success", 1),
        ("aborted", 0),
    ]


def test_its_point_has_no_outcome_not_even_when_it_is_written_again_from_the_row(event_pipeline, clock):
    event_pipeline.post(aborted(eventTime=clock(0), executionDurationMs=70))
    (again,) = rows(since=clock.at(-1), until=clock.at(1))
    line = line_protocol.line(again)
    assert "eventId=" in line
    assert "success=" not in line
    assert "duration=" not in line
