"""Metrics: counters and histograms, collected in each process and written to Redis every few seconds.

Counting needs no round trip. If a process is killed, its counts since the last write are lost. Redis adds up the
numbers of all processes.

Durations are stored as histograms whose buckets grow by the fourth root of two (9 % to either side of a bucket's
middle), so that percentiles over any period and all processes are computed from sums of buckets.

Keys:

    measures:total         hash   field → number, of all time
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
FLUSH_INTERVAL = 5.0  # seconds between two writes of a process
BUCKETS_PER_DOUBLING = 4  # buckets to a doubling
MILLION = 1_000_000


# --- Counting ---------------------------------------------------------------------------------------------------------


class Counters:
    """The counts of this process since its last write."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def count(self, name: str, label: str = "", number: int = 1) -> None:
        with self._lock:
            self._counts[f"{name}|{label}"] += number

    def observe(self, name: str, value: float, number: int = 1) -> None:
        """Add a duration in seconds or a quantity, observed `number` times."""
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
    """Return the bucket of a value: the first one whose `top_of` is not below the value."""
    return math.ceil(math.log2(max(value, 1e-6) * MILLION) * BUCKETS_PER_DOUBLING)


def top_of(bucket: int) -> float:
    """Return the largest value in a bucket."""
    return float(2 ** (bucket / BUCKETS_PER_DOUBLING)) / MILLION


tally = Counters()
count, observe = tally.count, tally.observe


# --- Writing ----------------------------------------------------------------------------------------------------------


def flush(*, now: float) -> None:
    """Add this process's counts to those in Redis, in one round trip. `now` is in seconds since the epoch.

    Raises RedisError, OSError. The counts are then written next time.
    """
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
    """Start a thread that writes every few seconds, and write once more when the process ends."""
    threading.Thread(target=_flush_forever, name="metrics", daemon=True).start()
    atexit.register(_flush_if_possible)


def _flush_forever() -> None:
    while True:
        time.sleep(FLUSH_INTERVAL)
        _flush_if_possible()


def _flush_if_possible() -> None:
    with contextlib.suppress(RedisError, OSError):
        flush(now=time.time())


@cache
def _redis() -> Redis:
    return short_timeout_client(timeout=2)


# --- Reading ----------------------------------------------------------------------------------------------------------


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
        """Return the middle of the bucket that contains the percentile, or None without observations."""
        wanted, seen = share * self.count, 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= wanted:
                return top_of(bucket) / 2 ** (0.5 / BUCKETS_PER_DOUBLING)
        return None

    def up_to(self, last: int) -> int:
        """Return the number of observations in the buckets up to and including `last`."""
        return sum(number for bucket, number in self.buckets.items() if bucket <= last)


@dataclass(slots=True)
class Numbers:
    """The counters and histograms of a period."""

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
    """Return the numbers of all time. One round trip."""
    return _sum([_redis().hgetall(TOTAL)])


def recent(*, seconds: int, now: float) -> Numbers:
    """Return the numbers of the last `seconds`, by minutes or, beyond two hours, by hours. One round trip.

    The current minute or hour is included.
    """
    step, prefix = (60, MINUTE) if seconds <= 7200 else (3600, HOUR)
    last = int(now // step)
    with _redis().pipeline(transaction=False) as pipe:
        for number in range(last - seconds // step, last + 1):
            pipe.hgetall(f"{prefix}{number}")
        return _sum(pipe.execute())


def of_minute(minute: int) -> Numbers:
    """Return the numbers of a minute since the epoch, complete a few seconds after its end. One round trip."""
    return _sum([_redis().hgetall(f"{MINUTE}{minute}")])


def per_minute(name: str, *, now: float) -> float:
    """Return the estimated count of the last sixty seconds: the current minute and a share of the one before."""
    passed = now % 60
    with _redis().pipeline(transaction=False) as pipe:
        for number in (int(now // 60), int(now // 60) - 1):
            pipe.hgetall(f"{MINUTE}{number}")
        running, before = (_sum([answer]).total(name) for answer in pipe.execute())
    return running + before * (60 - passed) / 60


def _sum(answers: Iterable[Any]) -> Numbers:
    found: Counter[str] = Counter()
    for answer in answers:
        found.update({key.decode(): int(value) for key, value in answer.items()})
    return Numbers(dict(found))
