"""Writing points: the pipeline buffers them in Redis, and a thread of the worker sends them to InfluxDB."""

import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings
from redis import Redis
from redis.exceptions import LockError, RedisError

from events.changes import Changes
from events.contract.schema import Event
from events.timeseries import buffer as timeseries_buffer
from events.timeseries import client as timeseries_client
from events.timeseries import flux
from events.timeseries.hourly_sums import hourly_bucket
from events.timeseries.line_protocol import MEASUREMENT, line, numbers, text, time_of
from events.timeseries.types import Number

logger = logging.getLogger(__name__)

MAX_LINES = 1_000  # of a request; measured: larger ones gain nothing
INTERVAL = 1.0  # seconds between two sends: points that arrive in between share a request
BUDGET = 20.0  # seconds of one turn; under the lock's expiry
SENDER_SECONDS = 60
SUM_SECONDS = 300  # between two times that hours are summed
HOURS_AT_ONCE = 48
HOUR_MS = 3_600_000


def write(batches: Sequence[Changes]) -> None:
    """Buffer the points of these batches. One round trip to Redis, none to InfluxDB. Raises redis.RedisError."""
    if timeseries_client.is_configured():
        _buffer([line(event) for changes in batches for event in changes.events if event.email])


def write_resolution(event: Event, *, resolved_by: str) -> None:
    """Buffer a point for an instructor's resolution; `event` has its type, student and time."""
    if timeseries_client.is_configured():
        _buffer([line(event, more=["success=true", f"resolvedBy={text(resolved_by)}"])])


def write_numbers(measurements: Mapping[str, Mapping[str, Number]], *, tags: Mapping[str, str], at: int) -> None:
    """Buffer a point of each measurement; `at` is in seconds since the epoch. Do nothing without InfluxDB."""
    if timeseries_client.is_configured():
        _buffer([numbers(name, values, tags=tags, at=at) for name, values in measurements.items()])


def _buffer(lines: list[str]) -> None:
    if not lines:
        return
    with timeseries_buffer.connect() as redis:
        dropped = timeseries_buffer.append(redis, lines, now_ms=_now_ms())
    if dropped:
        logger.error(
            "Too many points wait for InfluxDB; %d dropped. PostgreSQL has them: run influx_backfill when it is back",
            dropped,
        )


def send_waiting() -> int:
    """Send the buffered points, oldest first, unless another process does. Return how many left the buffer.

    Stop at the first failure, and then do nothing until the pause is over. Raises redis.RedisError.
    """
    if not timeseries_client.is_configured():
        return 0
    with timeseries_buffer.connect() as redis:
        if timeseries_buffer.is_paused(redis):
            return 0
        lock = redis.lock("points:sender", timeout=SENDER_SECONDS, blocking=False)
        if not lock.acquire():
            return 0
        try:
            return _send_waiting(redis)
        finally:
            try:
                lock.release()
            except LockError:  # it took longer than the lock lasts; what was sent twice is there once
                logger.warning("Sending points took longer than %d s", SENDER_SECONDS)


def probe(redis: Redis) -> timeseries_client.Bucket | None:
    """Read the bucket from the server and record whether it is still the one written to before.

    Return None if the server has none. Raises Unreachable.
    """
    try:
        bucket, of_sums = timeseries_client.bucket(), timeseries_client.bucket(hourly_bucket())
    except timeseries_client.unreachable() as error:
        raise timeseries_client.Unreachable(timeseries_client.describe_error(error)) from error
    if timeseries_buffer.record_bucket(redis, bucket, now_ms=_now_ms()):
        logger.warning(
            "The bucket %s in InfluxDB is not the one that was written to before: run influx_backfill. Until then"
            " PostgreSQL answers about earlier times",
            settings.INFLUXDB_BUCKET,
        )
    timeseries_buffer.record_sums_bucket(redis, of_sums, now_ms=_now_ms())
    return bucket


def _send_waiting(redis: Redis) -> int:
    sent, begun, is_probed = 0, time.monotonic(), timeseries_buffer.is_probed(redis)
    while time.monotonic() - begun < BUDGET:
        entries = timeseries_buffer.oldest(redis, lines=MAX_LINES)
        try:
            if not is_probed:
                probe(redis)
                is_probed = True
            if not entries:
                _sum_finished_hours(redis)
                break
            kept_from = timeseries_client.kept_from(timeseries_buffer.backlog_status(redis).retention, now_ms=_now_ms())
            lines = [line for entry in entries for line in entry.lines]
            timeseries_buffer.mark_unsummed(redis, _hours(lines, kept_from))
            done = timeseries_client.send(lines, kept_from=kept_from)
        except timeseries_client.Unreachable as away:
            if not entries:  # no points are waiting; queries notice it by themselves
                timeseries_buffer.postpone_probe(redis, seconds=timeseries_buffer.AWAY_PAUSE)
            elif timeseries_buffer.pause(redis, reason=str(away), at_least=away.retry_after):
                logger.warning("InfluxDB %s; points wait%s", away, f": {away.detail}" if away.detail else "")
            break
        if done.expired:
            timeseries_buffer.count_expired(redis, done.expired)
            logger.info("%d points are older than InfluxDB keeps them, and were left out", done.expired)
        if done.refused:
            timeseries_buffer.count_refused(redis, done.refused, reason=done.reason, until_ms=done.refused_until)
            logger.error("InfluxDB refuses %d points: %s", done.refused, done.reason)
        timeseries_buffer.remove(redis, entries)
        sent += sum(len(entry.lines) for entry in entries)
        if (done.written or done.refused) and timeseries_buffer.clear_failure(redis):
            logger.warning("InfluxDB takes points again; %d wait", timeseries_buffer.backlog_status(redis).waiting)
    return sent


def _hours(lines: Iterable[str], kept_from: int) -> set[int]:
    """Return the hours (since the epoch) whose sums these points change."""
    times = (time_of(line) for line in lines if line.startswith(f"{MEASUREMENT},"))
    return {moment // HOUR_MS for moment in times if moment >= kept_from}


def _sum_finished_hours(redis: Redis) -> None:
    """Sum finished hours of which points were sent since they were last summed: usually the last hour."""
    if timeseries_buffer.backlog_status(redis).sums_from is None or not timeseries_buffer.may_sum(
        redis, again_after=SUM_SECONDS
    ):
        return
    begun, now_ms = time.monotonic(), _now_ms()
    kept_from = timeseries_client.kept_from(timeseries_buffer.backlog_status(redis).retention, now_ms=now_ms)
    for hour in timeseries_buffer.finished_hours(redis, before=now_ms // HOUR_MS, number=HOURS_AT_ONCE):
        if time.monotonic() - begun > BUDGET:
            return
        if hour * HOUR_MS < kept_from:  # some of its points have expired: its sums would be too small
            timeseries_buffer.invalidate_sums(redis, until_ms=hour * HOUR_MS)
        else:
            try:
                flux.sum_hour(flux.EPOCH + hour * flux.HOUR)
            except timeseries_client.unanswered() as error:
                logger.warning(
                    "Hours cannot be summed in InfluxDB: it %s. PostgreSQL answers",
                    timeseries_client.describe_error(error),
                )
                return
        timeseries_buffer.mark_summed(redis, hour)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class Sender(threading.Thread):
    """A thread that sends buffered points once a second. Points that it has not sent when it ends stay in the buffer.

    Without InfluxDB it records that and ends, so that an InfluxDB configured later is not taken for complete.
    """

    def __init__(self, *, interval: float = INTERVAL) -> None:
        super().__init__(name="points", daemon=True)
        self._interval = interval
        self._has_set_target = False
        self._ending = threading.Event()

    def run(self) -> None:
        while not self._ending.wait(self._interval):
            try:
                self._set_target()
                if not timeseries_client.is_configured():
                    return
                send_waiting()
            except RedisError as error:
                logger.warning("Redis does not answer (%s); points cannot be sent", type(error).__name__)
            except Exception:
                # The points are still in the buffer, and are sent next time.
                logger.exception("Sending points failed")

    def _set_target(self) -> None:
        if not self._has_set_target:
            with timeseries_buffer.connect() as redis:
                timeseries_buffer.set_target(redis, target=timeseries_client.target())
            self._has_set_target = True

    def end(self) -> None:
        """Stop the thread and wait for it at most five seconds."""
        self._ending.set()
        if self.is_alive():
            self.join(timeout=5)
        timeseries_client.disconnect()
