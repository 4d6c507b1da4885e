"""The offset to the product's clock, and what happens to it when somebody sets the local clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cell_monitor_lab.clock import Clock
from cell_monitor_lab.contract import iso, seconds, shifted
from cell_monitor_lab.product import Product


class Times:
    def __init__(self, wall=1000.0):
        self.wall, self.steady = wall, 50.0

    def clock(self):
        return Clock(lambda: self.wall, lambda: self.steady)

    def go(self, seconds):
        self.wall += seconds
        self.steady += seconds


def test_small_offsets_are_not_applied_and_large_ones_are():
    clock = Times().clock()
    clock.set_offset(1.9)
    assert clock.offset == 0
    clock.set_offset(-2820)
    assert clock.offset == -2820
    assert not clock.needs_measuring


def test_a_clock_that_is_set_right_in_the_lesson_leaves_earlier_events_their_offset():
    times = Times()
    clock = times.clock()
    before = clock.epoch
    times.go(10)
    times.wall += 2820  # 47 minutes slow, and set right
    after = clock.epoch
    assert after == before + 1
    assert clock.needs_measuring
    clock.set_offset(0.1)
    assert clock.offset_of(before) == pytest.approx(2820.1)
    assert clock.offset_of(after) == 0


def test_a_known_offset_follows_the_clock_before_it_is_measured_again():
    times = Times()
    clock = times.clock()
    clock.set_offset(2820)
    times.wall += 2820
    assert clock.offset == 0
    assert clock.offset_of(0) == 2820


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-5000, 5000)), max_size=8), st.floats(-5000, 5000))
def test_whenever_it_is_set_every_event_gets_the_products_time(sets, ahead):
    times = Times()
    product_ahead_of_steady = times.wall + ahead - times.steady
    clock = times.clock()
    recorded = []
    for waited, jump in sets:
        times.go(waited)
        recorded.append((clock.epoch, times.wall, times.steady + product_ahead_of_steady))
        times.wall += jump
    clock.set_offset(times.steady + product_ahead_of_steady - times.wall if clock.epoch >= 0 else 0)
    for epoch, wall, truth in recorded:
        # A jump of up to a second is not noticed, and an offset of up to two is not applied.
        assert abs(wall + clock.offset_of(epoch) - truth) < 3 + len(sets)


def test_it_is_measured_against_the_product(stub):
    stub.clock_offset = -3600
    clock = Clock()
    product = Product(stub.url)
    assert clock.measure(product)
    product.close()
    assert -3603 < clock.offset < -3598


def test_a_product_that_does_not_tell_the_time_leaves_it_unknown():
    clock = Clock()
    assert not clock.measure(Product("http://127.0.0.1:9"))
    assert clock.needs_measuring
    assert clock.offset == 0


def test_shifting_moves_every_time_of_an_event():
    event = {"eventTime": "2026-11-28T00:00:00.000Z", "metadata": {"queuedAt": "2026-11-27T23:59:59.500Z", "x": 1}}
    moved = shifted(event, 60)
    assert moved["eventTime"] == "2026-11-28T00:01:00.000Z"
    assert moved["metadata"] == {"queuedAt": "2026-11-28T00:00:59.500Z", "x": 1, "clockOffsetMs": 60_000}
    assert event["eventTime"] == "2026-11-28T00:00:00.000Z"
    assert seconds(iso(1_800_000_000.123)) == pytest.approx(1_800_000_000.123)


@pytest.mark.parametrize("jump", [-3600.0, 3600.0, -5.0, 5.0])
def test_what_ended_just_before_the_clock_was_set_has_the_clock_of_then(jump):
    times = Times(wall=100_000.0)
    clock = times.clock()
    times.go(60)
    ended = times.wall
    times.go(0.2)
    times.wall += jump
    times.go(0.3)
    assert clock.epoch == 1
    assert clock.epoch_at(ended) == 0
    assert clock.epoch_at(times.wall) == 1
    assert clock.epoch_at(times.wall - 0.2) == 1
    times.go(7200)
    assert clock.epoch_at(times.wall) == 1
