"""The only door to rq: waking a worker, draining a shard, and the periodic sweeps.

rq is the engine, the stream is the log: a job carries no events, only the number of the shard to drain. A drain takes
the shard's lease and works until the shard has been quiet for a while or its time is up, so that under load one job
serves thousands of requests.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar

import django_rq
from django.conf import settings
from django.db import connection
from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job
from rq.queue import Queue
from rq.worker import SimpleWorker

from events import metrics as events_metrics
from events import timeseries
from events.contract.kinds import PRIORITIES
from events.offline import sync as offline_sync
from events.processing import help_requests, notifications, pipeline
from events.processing.sessions import close_idle_sessions
from events.queue import heartbeats, jobs, stream
from events.queue.heartbeats import pulse
from events.timeseries import system_metrics
from events.worker import cleanup
from events.worker.renamed_jobs import rename_queued_jobs

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 20.0  # seconds of one drain job; under rq's job timeout of 30 s
IDLE_TIMEOUT = 2.0  # seconds that a drain waits on a quiet shard before it gives the lease back
# Seconds after which a drain gives way to jobs that wait: while its shard is calm, and in a flood. The first bounds
# what an event waits where there are more shards than workers, the second what a calm shard waits beside a flooded one.
POLL_INTERVAL, MAX_TURN = 0.25, 5.0
# What arrives while a drain pauses shares a transaction, and a batch's fixed cost is that of COMPANY events. So it
# pauses until about so many have come, for PACE seconds after the last batch began at least, LONGEST_PACE at most: the
# one is what an event waits where many come, the other where few do. The first after a silence waits for nobody.
MIN_BATCH_INTERVAL, MAX_BATCH_INTERVAL, TARGET_BATCH_EVENTS = 0.1, 0.25, 25
# And it rests REST times as long as the batch took, at most LONGEST_REST: in a flood of small posts the processor it
# leaves to others is what they wait for.
PAUSE_FACTOR, MAX_PAUSE = 2.0, 0.4
MAX_EVENTS = 2_000  # a batch
MAX_BYTES = 8 * 1024 * 1024  # a batch
MAX_RETRY_DELAY = 2.0  # seconds between two tries while PostgreSQL is away


@dataclass(slots=True)
class BatchSizer:
    """How many entries to read at once: more while there is more, within what a transaction and memory should hold."""

    count: int = 16
    events: float = 1.0  # an entry, running mean
    bytes: float = 1024.0

    def learn(self, entries: list[stream.StreamEntry], events: int) -> None:
        n = len(entries)
        self.events += 0.3 * (events / n - self.events)
        self.bytes += 0.3 * (sum(len(entry.packed) for entry in entries) / n - self.bytes)
        most = int(min(MAX_EVENTS / max(self.events, 1), MAX_BYTES / max(self.bytes, 1)))
        wanted = self.count * 2 if n >= self.count else max(n * 2, 16)
        self.count = max(1, min(wanted, most))


@cache
def batch_sizer_of(shard: int) -> BatchSizer:
    """What this process learned of the shard: a drain begins where its predecessor ended, not at small batches."""
    return BatchSizer()


def drain(shard: int) -> None:
    """Carry what is in the shard until it has been quiet for a while or the time is up."""
    redis = stream.connect()
    lease = stream.Lease(redis, shard)
    try:
        if lease.take() and not _drain(lease) and lease.give_way():
            jobs.enqueue_drain(shard, "low")  # behind the jobs that wait already
    finally:
        lease.release()
        redis.close()


def _drain(lease: stream.Lease) -> bool:
    """True when the shard is empty and the lease given back; False when there may be more to do."""
    started = last_heard = last_look = last_begun = time.monotonic()
    appetite, failures = batch_sizer_of(lease.shard), 0
    while lease.keep():
        pulse.move()
        entries = lease.read(count=appetite.count, block_ms=int(POLL_INTERVAL * 1000))
        begun = time.monotonic()
        small, events = True, 0
        if entries:
            try:
                events = pipeline.process_batch(entries, lease=lease)
            except pipeline.UNAVAILABLE as error:
                failures += 1
                events_metrics.count("retries")
                _wait_for_database(error, failures)
                lease.start_over()
            else:
                small, failures, last_heard = len(entries) < appetite.count, 0, begun
                appetite.learn(entries, events)
                pulse.carried(events, time.monotonic() - begun)
        now = time.monotonic()
        if now - started > DRAIN_SECONDS or Worker.is_stopping:
            return False
        if now - last_heard > IDLE_TIMEOUT and lease.finish():
            return True
        if now - last_look > (POLL_INTERVAL if small else MAX_TURN):
            last_look = now
            if _others_wait(lease.redis):
                return lease.finish()
        if entries and small:
            took = time.monotonic() - begun
            pace = batch_interval(events, seconds=begun - last_begun)
            time.sleep(max(pace - took, min(PAUSE_FACTOR * took, MAX_PAUSE)))
        last_begun = begun
    return True


def batch_interval(events: int, *, seconds: float) -> float:
    """Seconds from the begin of a batch to that of the next, where so many events came in so many seconds."""
    return min(max(TARGET_BATCH_EVENTS * seconds / max(events, 1), MIN_BATCH_INTERVAL), MAX_BATCH_INTERVAL)


def _wait_for_database(error: Exception, failures: int) -> None:
    pause = min(0.1 * 2**failures, MAX_RETRY_DELAY)
    logger.warning("PostgreSQL does not answer (%s); trying again in %.1f s", type(error).__name__, pause)
    connection.close()
    time.sleep(pause)


def _others_wait(redis: Redis) -> bool:
    with redis.pipeline(transaction=False) as pipe:
        for name in PRIORITIES:
            pipe.llen(f"rq:queue:{name}")
        return any(pipe.execute())


# --- Periodic -------------------------------------------------------------------------------------------------------


def expire_silent() -> None:
    """End what only silence ends: requests for help, and sessions."""
    redis = stream.connect()
    oldest = stream.oldest_waiting(redis)
    redis.close()
    now = datetime.now(UTC)
    # While events wait, silence may be ours: a re-send may be among them.
    if oldest is None or now.timestamp() * 1000 - oldest < settings.HELP_RESENT_SILENCE * 1000 / 3:
        notifications.announce_transitions(help_requests.expire_requests(now=now))
    close_idle_sessions(before=now - timedelta(hours=settings.SESSION_IDLE_HOURS))


def record_system_metrics() -> None:
    """Once a minute, where there is an InfluxDB: how the product itself does."""
    if timeseries.is_configured():
        with stream.connect() as redis:
            system_metrics.note(redis, failed_jobs=jobs.failed_count(), now=time.time())


def run_cleanup() -> None:
    """Once an hour: forget what has expired."""
    cleanup.run_all(now=datetime.now(UTC))


# --- The offline queue ----------------------------------------------------------------------------------------------


def sync_offline(by_hand: bool = False) -> None:
    """Put what the offline queue holds into the river; periodically, without what waits for somebody to ask."""
    if by_hand or offline_sync.has_waiting():
        offline_sync.sync(wake=jobs.enqueue_drains, by_hand=by_hand, now=datetime.now(UTC))


# --- The worker -----------------------------------------------------------------------------------------------------


class Worker(SimpleWorker):
    """rq's worker without a fork for each job, which would cost more than the job."""

    is_stopping: ClassVar[bool] = False
    _taken = 0

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Called when a job was taken. High goes first, and still one look in four begins with low and one with
        medium: whoever floods one queue leaves the others their share."""
        self._taken += 1
        high, medium, low = self.queues
        orders = ([high, medium, low], [medium, high, low], [high, medium, low], [low, high, medium])
        self._ordered_queues = orders[self._taken % len(orders)]

    def perform_job(self, job: Job, queue: Queue) -> bool:
        pulse.begin(str(job.description or job.func_name))
        succeeded = bool(super().perform_job(job, queue))
        pulse.end(failed=not succeeded)
        return succeeded

    def request_stop(self, signum: Any, frame: Any) -> None:
        """A running drain finishes its batch, gives the lease back and ends; then so does the worker."""
        Worker.is_stopping = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def work() -> None:
    """Run a worker in this process until it is told to stop."""
    # Django keeps the text of every statement while DEBUG is on; with a batch's arrays in it that costs more than the
    # batch. And only one of a worker's threads asks PostgreSQL, so one connection is all it needs.
    settings.DEBUG = False
    connection.settings_dict["OPTIONS"].pop("pool", None)
    sender = timeseries.Sender()
    sender.start()
    heartbeats.start()
    events_metrics.start()
    try:
        _work()
    finally:
        heartbeats.remove()
        sender.end()


def _work() -> None:
    failures, attempt = 0, 0
    while not Worker.is_stopping:
        started = time.monotonic()
        try:
            rename_queued_jobs()
            jobs.requeue_stranded_shards()
            queues = [django_rq.get_queue(name) for name in PRIORITIES]
            # The name that its heartbeats have, so that rq's pages and /admin/worker-status speak of the same worker;
            # with a number where rq may remember a predecessor of that name.
            name = f"{pulse.worker_id}.{attempt}" if attempt else pulse.worker_id
            attempt += 1
            Worker(queues, name=name, connection=django_rq.get_connection(PRIORITIES[0])).work(logging_level="WARNING")
            return
        except RedisError as error:
            # rq's worker gives up when Redis goes away during a job. Whoever comes back first must find a worker.
            failures = 1 if time.monotonic() - started > 30 else failures + 1
            pause = min(0.1 * 2**failures, MAX_RETRY_DELAY)
            logger.warning("Redis does not answer (%s); trying again in %.1f s", type(error).__name__, pause)
            time.sleep(pause)
