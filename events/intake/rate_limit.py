"""Rate limits of the intake: under load, no class may send so many events that other classes have to wait.

Each class has an allowance that refills at EVENT_KEY_RATE events a second up to ALLOWANCE_SECONDS of that rate, so that
laptops that were offline may catch up. An exceeded allowance has no effect while the workers keep up. While the
backlog is above BUSY_SHARE of its limit, such a class is refused with 503 until its allowance refills. All keys of a
class share one allowance. Each web process counts in its own memory.
"""

from dataclasses import dataclass, field

BUSY_SHARE = 0.05  # of EVENT_BACKLOG_LIMIT or EVENT_BACKLOG_BYTES
ALLOWANCE_SECONDS = 20


@dataclass(slots=True)
class RateLimiter:
    """A token bucket for each class. `now` is in seconds of a monotonic clock. Takes half a microsecond a POST."""

    rate: float  # events a second; 0 disables the limit
    _allowances: dict[int, tuple[float, float]] = field(default_factory=dict)  # by class: events left, and when

    def is_exceeded(self, class_id: int | None, now: float) -> bool:
        """Return whether the class exceeded its allowance; False without a class key."""
        known = self._allowances.get(class_id)  # type: ignore[arg-type]  # None is in no dictionary of numbers
        return known is not None and known[0] + (now - known[1]) * self.rate < 1

    def record(self, class_id: int | None, events: int, now: float) -> None:
        """Subtract accepted events from the allowance, down to zero: what was accepted under no load is not owed."""
        if class_id is None or not self.rate:
            return
        full = self.rate * ALLOWANCE_SECONDS
        known = self._allowances.get(class_id)
        left = full if known is None else known[0] + (now - known[1]) * self.rate
        left = (full if left > full else left) - events
        self._allowances[class_id] = (left if left > 0 else 0.0, now)
