"""The processor time of parts that are many processes, some of which are killed and come back."""

import os
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress

import psutil


class Processor:
    """Seconds by part, of all processes that `look` was told of and their children; of this process without them, which
    are the parts. What one used between the last look and its end is missing."""

    def __init__(self) -> None:
        self._seconds: dict[str, dict[int, float]] = defaultdict(dict)
        self._begun: dict[str, dict[int, float]] = defaultdict(dict)
        self._is_first = True
        self._whole = _busy()

    def look(self, parts: Iterable[tuple[str, int]]) -> None:
        """`parts`: each process, by its part's name and its id."""
        for name, pid in parts:
            with suppress(psutil.Error):
                used = _used(psutil.Process(pid))
                self._begun[name].setdefault(pid, used if self._is_first else 0.0)
                self._seconds[name][pid] = used
        self._is_first = False

    def shares(self, *, seconds: float) -> list[tuple[str, float]]:
        """Return (part, cores that it kept busy), the busiest first; and what the whole machine did."""
        found = {
            name: sum(used - self._begun[name][pid] for pid, used in of.items()) / seconds
            for name, of in self._seconds.items()
        }
        ordered = sorted(found.items(), key=lambda each: -each[1])
        return [*ordered, ("the whole machine", (_busy() - self._whole) / seconds)]


def _used(process: psutil.Process) -> float:
    """Seconds of a process, of its living children, and of those that it has seen end."""
    if process.pid == os.getpid():
        return time.process_time()
    total = 0.0
    for each in [process, *process.children(recursive=True)]:
        with suppress(psutil.Error):
            times = each.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total


def _busy() -> float:
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)
