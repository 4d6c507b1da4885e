"""A machine that sleeps half an hour: what waits is sent soon after, by a new connection, and the clock is measured."""

import time

import pytest

from cell_monitor_lab import sender as module
from cell_monitor_lab.clock import Clock
from cell_monitor_lab.outbox import Outbox
from cell_monitor_lab.sender import Route, Sender
from cell_monitor_lab.store import Item

from .conftest import wait_for

ASLEEP = 1800.0


class Machine:
    """The clocks that the sender reads: in sleep the wall clock and that of the boot go on, the monotonic stands."""

    def __init__(self):
        self.slept = 0.0
        self.monotonic = time.monotonic

    def time(self):
        return time.time() + self.slept

    def steady(self):
        return time.monotonic() + self.slept


@pytest.fixture
def machine(monkeypatch):
    machine = Machine()
    monkeypatch.setattr(module, "time", machine)
    monkeypatch.setattr(module, "steady", machine.steady)
    monkeypatch.setattr(module, "SLICE_SECONDS", 0.2)
    monkeypatch.setattr(module, "SPREAD_SECONDS", 0.5)
    return machine


def test_what_waits_is_sent_soon_after_a_sleep(stub, tmp_path, machine):
    outbox = Outbox.in_folder(tmp_path)
    clock = Clock(wall=machine.time, steady=machine.steady)
    sender = Sender(outbox, clock, lambda: Route(stub.url, {"Authorization": "Student t"}, "stub"))
    stub.script = [(404, {"detail": "no"}, {})]  # after which it is asked again in a minute
    event = {"eventId": "1", "eventType": "cell_execution_complete", "eventTime": "2026-11-28T00:00:00.000Z"}
    outbox.add([Item(event, "end")])
    sender.start()
    wait_for(lambda: stub.times)
    time.sleep(0.5)
    assert stub.events == []
    clock.needs_measuring = False
    machine.slept = ASLEEP
    began = time.monotonic()
    wait_for(lambda: stub.events, 10)
    assert time.monotonic() - began < 8
    assert not clock.needs_measuring, "the clock was measured anew before anything was sent"
    asked = [path for _method, path, _headers, _value in stub.requests]
    assert asked[-2].endswith("/events/health")
    assert clock.epoch == 0, "a sleep is no clock that was set"
    assert stub.requests[-1][2]["Authorization"] == "Student t"
    sender.stop(2)
    outbox.close()
