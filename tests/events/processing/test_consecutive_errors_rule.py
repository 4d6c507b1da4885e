"""The rule for errors in a row as a pure function: docs/contract/events.md section 5."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from events.processing import consecutive_errors

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


def counts(*statuses: str, **options: object) -> list[int]:
    runs = [(START + timedelta(seconds=index), status) for index, status in enumerate(statuses)]
    return list(consecutive_errors.count(runs, **options))


def test_errors_count_up_and_a_success_starts_over():
    assert counts("error", "error", "success", "error") == [1, 2, 0, 1]


def test_aborted_run_is_neither():
    assert counts("error", "aborted", "error") == [1, 1, 2]


def test_no_more_than_ten_runs_are_looked_at():
    assert counts(*["error"] * 14)[-4:] == [11, 11, 11, 11]


def test_count_goes_on_from_what_is_stored():
    assert counts("error", before=2) == [3]


def test_errors_up_to_the_resolution_do_not_count():
    resolved_at = START + timedelta(seconds=2)
    assert counts("error", "error", "error", "error", "error", resolved_at=resolved_at) == [0, 0, 0, 1, 2]


@given(st.lists(st.sampled_from(["error", "success", "aborted"]), max_size=40))
def test_each_count_is_what_the_contract_says(statuses):
    for index, count in enumerate(counts(*statuses)):
        judged = [status for status in statuses[: index + 1] if status != "aborted"]
        if statuses[index] == "aborted":
            continue
        before = judged[:-1][::-1][:10]
        leading = next((n for n, status in enumerate(before) if status != "error"), len(before))
        assert count == (leading + 1 if judged[-1] == "error" else 0)
