"""This machine's clock against the product's: students' clocks are wrong, and set right in the middle of a lesson.

An event is kept with the local time and with the *epoch* in which it was recorded. An epoch ends when the local clock
is set; when the event is sent, the offset of its epoch is added.
"""

from __future__ import annotations

import statistics
import threading
import time
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Callable

from .product import EVENTS_PATH, Product, Unreachable

MEASUREMENTS = 5
APPLIED_FROM_SECONDS = 2.0
JUMP_SECONDS = 1.0
SET_SECONDS = 5.0  # from where the product's clock was set: a Date is whole seconds, and some pass on the way


def steady() -> float:
    """Return seconds of a clock that nobody sets and that, where there is one, goes on while the machine sleeps."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(boottime) if boottime is not None else time.monotonic()


class Clock:
    """Offsets by epoch. Threads may share it."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = steady) -> None:
        self._wall, self._steady = wall, steady
        self._lock = threading.Lock()
        self._difference = wall() - steady()
        self._jumps = [0.0]  # epoch -> how far the clock was set at its beginning
        self._offsets: list[float | None] = [None]  # epoch -> seconds by which the product is ahead
        self._date_ahead: float | None = None  # of the first answer after the measurement, against this machine
        self.needs_measuring = True

    @property
    def epoch(self) -> int:
        """Return the present epoch; begins a new one if the clock was set."""
        with self._lock:
            jump = self._wall() - self._steady() - self._difference
            if abs(jump) > JUMP_SECONDS:
                self._difference += jump
                self._jumps.append(jump)
                known = self._offsets[-1]
                self._offsets.append(None if known is None else known - jump)
                self.needs_measuring = True
            return len(self._offsets) - 1

    @property
    def offset(self) -> float:
        """Return the present offset in seconds; 0 while it is unknown."""
        return self.offset_of(self.epoch)

    def offset_of(self, epoch: int | None) -> float:
        """Return the offset to apply to events of an epoch; None for those that another process recorded."""
        present = self.epoch
        with self._lock:
            offset = self._offsets[present if epoch is None else epoch]
            return offset if offset is not None and abs(offset) > APPLIED_FROM_SECONDS else 0.0

    def measure(self, product: Product) -> bool:
        """Ask the product for its time, five times; False if it does not say it."""
        samples = []
        for _ in range(MEASUREMENTS):
            sent = self._wall()
            try:
                answer = product.request("GET", f"{EVENTS_PATH}/health")
            except Unreachable:
                return False
            received = self._wall()
            said = _timestamp(answer.json())
            if answer.status != 200 or said is None:
                return False
            samples.append(said - (sent + received) / 2)
        self.set_offset(statistics.median(samples))
        return True

    def compare(self, date: str | None) -> None:
        """Take in the Date of an answer that came just now: where the product's clock was set, it is measured anew.

        The first after a measurement is what later ones are compared with: a proxy writes its own.
        """
        try:
            said = parsedate_to_datetime(date).timestamp() if date else None
        except (TypeError, ValueError):
            return
        if said is None:
            return
        ahead = said - self._wall()
        with self._lock:
            if self._date_ahead is None:
                self._date_ahead = ahead
            elif abs(ahead - self._date_ahead) > SET_SECONDS:
                self.needs_measuring = True

    def set_offset(self, offset: float) -> None:
        """Take in a measured offset. Epochs before, of which none was measured, follow from how the clock was set."""
        present = self.epoch
        with self._lock:
            self._offsets[present] = offset
            for epoch in range(present - 1, -1, -1):
                if self._offsets[epoch] is not None:
                    break
                following = self._offsets[epoch + 1]
                assert following is not None
                self._offsets[epoch] = following + self._jumps[epoch + 1]
            self.needs_measuring = False
            self._date_ahead = None


def _timestamp(value: object) -> float | None:
    text = value.get("timestamp") if isinstance(value, dict) else None
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).timestamp()
