"""Fair shares of the intake: while events wait, no class may send so many that the others have to wait for them.

Each class has an allowance that fills at EVENT_KEY_RATE events a second and holds SECONDS of it, so that laptops that
were shut may catch up. Spent, it costs nothing as long as the workers keep up. Once events wait (FAIR of what may wait
at all), a class that has spent its allowance is told 503 until it fills again; all others go on, and nine tenths of the
room are theirs. All keys of a class share one allowance. Each web process counts for itself, in memory.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

FAIR = 0.05  # of EVENT_BACKLOG_LIMIT or EVENT_BACKLOG_BYTES
SECONDS = 20


@dataclass(slots=True)
class Shares:
    rate: float  # events a second; 0 measures nobody
    clock: Callable[[], float] = time.monotonic
    _left: dict[int, tuple[float, float]] = field(default_factory=dict)  # class → events, and when that was so

    def left(self, class_id: int) -> float:
        """Events that this class may still send while others wait."""
        events, at = self._left.get(class_id, (self.rate * SECONDS, 0.0))
        return min(self.rate * SECONDS, events + (self.clock() - at) * self.rate)

    def is_spent(self, class_id: int | None) -> bool:
        """Never for events that came without a key: there is nobody to tell apart."""
        return class_id is not None and self.rate > 0 and class_id in self._left and self.left(class_id) < 1

    def spend(self, class_id: int | None, events: int) -> None:
        """What was taken is taken: below nothing there is no debt, or a class that was alone would pay for it later."""
        if class_id is not None and self.rate > 0:
            self._left[class_id] = max(0.0, self.left(class_id) - events), self.clock()
