"""Fair shares of the intake: while events wait, no class may send so many that the others have to wait for them.

Each class has an allowance that fills at EVENT_KEY_RATE events a second and holds SECONDS of it, so that laptops that
were shut may catch up. Spent, it costs nothing as long as the workers keep up. Once events wait (FAIR of what may wait
at all), a class that has spent its allowance is told 503 until it fills again; all others go on, and nine tenths of the
room are theirs. All keys of a class share one allowance. Each web process counts for itself, in memory.
"""

from dataclasses import dataclass, field

FAIR = 0.05  # of EVENT_BACKLOG_LIMIT or EVENT_BACKLOG_BYTES
SECONDS = 20


@dataclass(slots=True)
class RateLimiter:
    """`now` is of any clock that never goes back, in seconds. Half a microsecond a POST."""

    rate: float  # events a second; 0 measures nobody
    _left: dict[int, tuple[float, float]] = field(default_factory=dict)  # class → events, and when that was so

    def is_spent(self, class_id: int | None, now: float) -> bool:
        """Never for events that came without a key: there is nobody to tell apart."""
        known = self._left.get(class_id)  # type: ignore[arg-type]  # None is in no dictionary of numbers
        return known is not None and known[0] + (now - known[1]) * self.rate < 1

    def spend(self, class_id: int | None, events: int, now: float) -> None:
        """What was taken is taken: below nothing there is no debt, or a class that was alone would pay for it later."""
        if class_id is None or not self.rate:
            return
        full = self.rate * SECONDS
        known = self._left.get(class_id)
        left = full if known is None else known[0] + (now - known[1]) * self.rate
        left = (full if left > full else left) - events
        self._left[class_id] = (left if left > 0 else 0.0, now)
