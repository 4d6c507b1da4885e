"""A position in the inbox: nothing is told twice, and nothing is passed over that is committed late."""

from datetime import UTC, datetime, timedelta

import pytest

from classroom.inbox.position import MAX_TOLD, OLDEST, SETTLING, Position, beginning, parse

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)


def key(pk: int, *, ago: float = 0) -> tuple[datetime, int]:
    return NOW - timedelta(seconds=ago), pk


def is_untold(position: Position, row: tuple[datetime, int]) -> bool:
    return row > position.base and row not in position.told


def test_round_trip():
    position = (
        beginning(NOW).after([key(7, ago=5), key(9)], now=NOW, is_all=True).with_state(help="abc123", question="")
    )
    assert parse(str(position), now=NOW) == position
    asked = position.with_state(help="abc123", question="7")
    assert parse(str(asked), now=NOW) == asked


def test_a_row_that_is_committed_late_is_still_untold():
    position = beginning(NOW).after([key(9)], now=NOW, is_all=True)
    assert not is_untold(position, key(9))
    assert is_untold(position, key(8, ago=1))


def test_old_rows_are_told_by_the_base_alone():
    rows = [key(7, ago=SETTLING.total_seconds() + 60), key(9)]
    position = beginning(NOW).after(rows, now=NOW, is_all=True)
    later = position.after([], now=NOW + 2 * SETTLING, is_all=True)
    assert {row[1] for row in position.told} == {9}
    assert later.told == frozenset()
    assert not any(is_untold(each, row) for each in (position, later) for row in rows)


def test_an_answer_that_was_cut_leaves_the_rest():
    told, rest = key(1, ago=86400), key(2, ago=86400)
    position = beginning(NOW).after([told], now=NOW, is_all=False)
    assert not is_untold(position, told)
    assert is_untold(position, rest)


def test_it_stays_short():
    position = beginning(NOW)
    rows = [key(pk, ago=(300 - pk) / 10) for pk in range(300)]
    for row in rows:
        position = position.after([row], now=NOW, is_all=False)
    assert len(position.told) == MAX_TOLD
    assert not any(is_untold(position, row) for row in rows)
    assert parse(str(position), now=NOW) == position


@pytest.mark.parametrize(
    "text",
    ["", "x", "1.2", "1.a.0...", "2.1777629600000000.0...", "1.-9.0...", f"1.{10**30}.0...",
     "1.1.0.5-99999999999999999999..", "1.1.-1...", "1.1.0..<b>.", "1.1.0.1-2-3..", f"1.1.0.{'_' * 3000}..",
     f"1.{int((NOW.timestamp() + 60) * 1e6)}.0...", "1.1777629600000000.0...7-3"],
)  # fmt: skip
def test_what_is_no_position_is_the_beginning(text):
    assert parse(text, now=NOW) == beginning(NOW)


def test_an_old_position_is_the_beginning_but_for_help():
    old = Position((NOW - OLDEST - timedelta(days=1), 4), help="abc")
    assert parse(str(old), now=NOW) == beginning(NOW).with_state(help="abc", question="")
