"""Errors in a row, stored: docs/contract/events.md section 5."""

import random

import pytest

from events.models import CellExecution, CellProgress
from events.student_status import student_rows
from lms.access import EVERYTHING
from lms.models import Student, StudentActivity, SystemSetting
from tests.events.conftest import event, failing


def counts() -> list[tuple[int, bool]]:
    runs = CellExecution.objects.order_by("executed_at")
    return [(run.consecutive_error_count, run.is_significant_error) for run in runs]


def test_third_error_is_significant(event_pipeline, clock):
    for second in range(3):
        event_pipeline.post(failing(eventTime=clock(second)))
    assert counts() == [(1, False), (2, False), (3, True)]
    progress = CellProgress.objects.get()
    assert (progress.consecutive_error_count, progress.is_significant_error) == (3, True)


def test_success_ends_it(event_pipeline, clock):
    event_pipeline.post(*(failing(eventTime=clock(second)) for second in range(3)))
    event_pipeline.post(event(eventTime=clock(10)))
    assert counts()[-1] == (0, False)
    assert not CellProgress.objects.get().is_significant_error


def test_other_cells_and_other_students_do_not_count(event_pipeline, clock):
    event_pipeline.post(
        failing(eventTime=clock(0)),
        failing(eventTime=clock(1), cellId="cell-2"),
        failing(eventTime=clock(2), emailAddress="taro@example.com"),
    )
    assert [count for count, _ in counts()] == [1, 1, 1]


def test_aborted_run_between_changes_nothing(event_pipeline, clock):
    event_pipeline.post(*(failing(eventTime=clock(second)) for second in range(2)))
    event_pipeline.post(event(eventTime=clock(5), executionCount=None, result=""))
    event_pipeline.post(failing(eventTime=clock(6)))
    assert CellProgress.objects.get().consecutive_error_count == 3


def test_repeated_event_counts_once(event_pipeline, clock):
    sent = failing(eventTime=clock(0))
    event_pipeline.post(sent, sent)
    event_pipeline.post(sent)
    assert counts() == [(1, False)]


def test_late_success_cuts_the_errors_in_a_row_in_two(event_pipeline, clock):
    event_pipeline.post(*(failing(eventTime=clock(second)) for second in (0, 1, 2, 3)))
    event_pipeline.post(event(eventTime=clock(1.5)))
    assert counts() == [(1, False), (2, False), (0, False), (1, False), (2, False)]
    assert not CellProgress.objects.get().is_significant_error


@pytest.mark.parametrize("seed", range(12))
def test_any_order_batches_and_repetition_end_in_the_same_state(event_pipeline, clock, seed):
    chance = random.Random(seed)
    sent = [
        failing(eventTime=clock(s)) if chance.random() < 0.7 else event(eventTime=clock(s)) for s in range(0, 40, 2)
    ]
    shuffled = sent + chance.choices(sent, k=6)
    chance.shuffle(shuffled)
    while shuffled:
        size = chance.randint(1, 7)
        event_pipeline.post(*shuffled[:size])
        shuffled = shuffled[size:]
    expected, in_a_row = [], 0
    for record in sent:
        in_a_row = min(in_a_row, 10) + 1 if record["hasError"] else 0
        expected.append((in_a_row, in_a_row >= 3))
    assert counts() == expected
    progress = CellProgress.objects.get()
    assert (progress.consecutive_error_count, progress.is_significant_error) == expected[-1]
    assert progress.run_count == len(sent)
    assert Student.objects.get().execution_count == len(sent)


def test_threshold_is_a_setting_and_detection_can_be_off(event_pipeline, clock):
    setting = SystemSetting.objects.get(setting_key="consecutive_error_threshold")
    setting.setting_value = "2"
    setting.save()
    event_pipeline.redis.delete(*event_pipeline.redis.keys("*system_settings*") or ["-"])
    event_pipeline.post(*(failing(eventTime=clock(second)) for second in range(2)))
    assert counts()[-1] == (2, True)
    SystemSetting.objects.filter(setting_key="error_detection_enabled").update(setting_value="false")
    event_pipeline.redis.delete(*event_pipeline.redis.keys("*system_settings*"))
    event_pipeline.post(failing(eventTime=clock(3)))
    assert counts()[-1] == (3, False)


def test_resolved_errors_no_longer_count(event_pipeline, clock):
    event_pipeline.post(*(failing(eventTime=clock(second)) for second in range(2)))
    StudentActivity.objects.update(errors_resolved_at=clock.at(5))
    event_pipeline.post(failing(eventTime=clock(10)))
    assert counts()[-1] == (1, False)


def test_student_row_names_the_cells(event_pipeline, clock):
    event_pipeline.post(*(failing(eventTime=clock(second)) for second in range(4)))
    (row,) = student_rows(Student.objects.all(), scope=EVERYTHING, now=clock.at(10))
    assert (row["status"], row["hasSignificantError"], row["consecutiveErrorCount"]) == ("significant_error", True, 4)
    assert row["significantErrorCells"][0]["cell_id"] == CellExecution.objects.first().cell_id
