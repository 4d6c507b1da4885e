"""How the product does: counts and durations, added up in each process and written to Redis every few seconds.

A request or a batch costs a few dictionary entries here and no round trip; what one process counted since its last
write is lost with it when it is killed. Numbers that all processes wrote are added up by Redis, so whoever reads sees
the whole product, however many processes there are.

Durations are kept as a histogram whose buckets grow by a fourth root of two (9 % to either side of a bucket's middle),
so that a percentile over any time, and over all processes, is a sum of buckets.

Keys:

    measures:total         hash   field → number, since the beginning
    measures:minute:<n>    hash   the same, of one minute; expires MINUTES_KEPT minutes later
    measures:hour:<n>      hash   the same, of one hour; expires HOURS_KEPT hours later

Fields: `<name>|<label>` counts; `<name>#<bucket>` and `<name>#sum` are a histogram, its sum in millionths.
"""

import atexit
import contextlib
import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from core.redis import short_timeout_client

TOTAL, MINUTE, HOUR = "measures:total", "measures:minute:", "measures:hour:"
MINUTES_KEPT, HOURS_KEPT = 130, 8 * 24
EVERY = 5.0  # seconds between two writes of a process
STEPS = 4  # buckets to a doubling
MILLION = 1_000_000


# --- Counted --------------------------------------------------------------------------------------------------------


class Tally:
    """What this process counted since it last wrote."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, name: str, label: str = "", number: int = 1) -> None:
        with self._lock:
            self._counts[f"{name}|{label}"] += number

    def observe(self, name: str, value: float, number: int = 1) -> None:
        """A duration in seconds, or a number of things; seen so many times."""
        with self._lock:
            self._counts[f"{name}#{bucket_of(value)}"] += number
            self._counts[f"{name}#sum"] += round(value * MILLION) * number

    def take(self) -> Counter[str]:
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken

    def put_back(self, counts: Mapping[str, int]) -> None:
        with self._lock:
            self._counts.update(counts)


def bucket_of(value: float) -> int:
    """The number of the bucket: it holds what is at most `top_of` it, and more than `top_of` the one before."""
    return math.ceil(math.log2(max(value, 1e-6) * MILLION) * STEPS)


def top_of(bucket: int) -> float:
    """The largest value in a bucket."""
    return float(2 ** (bucket / STEPS)) / MILLION


tally = Tally()
count, observe = tally.count, tally.observe


# --- Written --------------------------------------------------------------------------------------------------------


def flush(*, now: float) -> None:
    """Add what this process counted to what is in Redis, in one round trip. Raises what Redis raises; then the counts
    stay here and go with the next write. `now` in seconds since the epoch."""
    counts = tally.take()
    if not counts:
        return
    minute, hour = f"{MINUTE}{int(now // 60)}", f"{HOUR}{int(now // 3600)}"
    try:
        with _redis().pipeline(transaction=True) as pipe:
            for name, number in counts.items():
                for key in (TOTAL, minute, hour):
                    pipe.hincrby(key, name, number)
            pipe.expire(minute, MINUTES_KEPT * 60)
            pipe.expire(hour, HOURS_KEPT * 3600)
            pipe.execute()
    except (RedisError, OSError):
        tally.put_back(counts)
        raise


@cache
def start() -> None:
    """Write every few seconds from now on, in a thread of its own, and once more at the end of the process."""
    threading.Thread(target=_flush_forever, name="measures", daemon=True).start()
    atexit.register(_flush_if_possible)


def _flush_forever() -> None:
    while True:
        time.sleep(EVERY)
        _flush_if_possible()


def _flush_if_possible() -> None:
    with contextlib.suppress(RedisError, OSError):
        flush(now=time.time())


@cache
def _redis() -> Redis:
    return short_timeout_client(timeout=2)


# --- Read -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Histogram:
    buckets: dict[int, int] = field(default_factory=dict)
    sum: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.buckets.values())

    @property
    def mean(self) -> float | None:
        return self.sum / self.count if self.buckets else None

    def percentile(self, share: float) -> float | None:
        """The middle of the bucket below which this share lies; None where nothing was seen."""
        wanted, seen = share * self.count, 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return top_of(bucket) / 2 ** (0.5 / STEPS)
        return None

    def up_to(self, last: int) -> int:
        """How many there are in the buckets up to this one."""
        return sum(number for bucket, number in self.buckets.items() if bucket <= last)


@dataclass(slots=True)
class Numbers:
    """What was counted, in some time."""

    fields: dict[str, int] = field(default_factory=dict)

    def total(self, name: str) -> int:
        return sum(self.by_label(name).values())

    def by_label(self, name: str) -> dict[str, int]:
        start = f"{name}|"
        return {key.removeprefix(start): number for key, number in self.fields.items() if key.startswith(start)}

    def histogram(self, name: str) -> Histogram:
        start = f"{name}#"
        found = {key.removeprefix(start): number for key, number in self.fields.items() if key.startswith(start)}
        millionths = found.pop("sum", 0)
        return Histogram({int(bucket): number for bucket, number in found.items()}, millionths / MILLION)


def totals() -> Numbers:
    """One round trip."""
    return _added([_redis().hgetall(TOTAL)])


def recent(*, seconds: int, now: float) -> Numbers:
    """The minutes, or beyond two hours the hours, of that time and the one that is running. One round trip."""
    step, prefix = (60, MINUTE) if seconds <= 7200 else (3600, HOUR)
    last = int(now // step)
    with _redis().pipeline(transaction=False) as pipe:
        for number in range(last - seconds // step, last + 1):
            pipe.hgetall(f"{prefix}{number}")
        return _added(pipe.execute())


def of_minute(minute: int) -> Numbers:
    """What was written in that minute of the epoch; whole a few seconds after its end. One round trip."""
    return _added([_redis().hgetall(f"{MINUTE}{minute}")])


def per_minute(name: str, *, now: float) -> float:
    """How many in the last sixty seconds: of the running minute all, of the one before its share."""
    passed = now % 60
    with _redis().pipeline(transaction=False) as pipe:
        for number in (int(now // 60), int(now // 60) - 1):
            pipe.hgetall(f"{MINUTE}{number}")
        running, before = (_added([answer]).total(name) for answer in pipe.execute())
    return running + before * (60 - passed) / 60


def _added(answers: Iterable[Any]) -> Numbers:
    found: Counter[str] = Counter()
    for answer in answers:
        found.update({key.decode(): int(value) for key, value in answer.items()})
    return Numbers(dict(found))
