"""The rq jobs and the worker: draining a shard, and periodic jobs.

A job contains no events, only the number of the shard to drain. A drain takes the shard's lease and works until no
entry has arrived for a while or its time is over, so that under load one job serves thousands of requests.
"""

import logging
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, ClassVar

import django_rq
from django.conf import settings
from django.db import connection
from django.db.models import F
from redis.exceptions import RedisError
from rq.job import Job
from rq.queue import Queue
from rq.worker import SimpleWorker

from events import metrics as events_metrics
from events import timeseries
from events.contract.kinds import PRIORITIES
from events.offline import sync as offline_sync
from events.processing import help_requests, notifications, pipeline
from events.queue import heartbeats, jobs, stream
from events.queue.heartbeats import pulse
from events.queue.shared_lease import SharedLease
from events.timeseries import system_metrics
from events.worker import cleanup
from events.worker.renamed_jobs import rename_queued_jobs
from lms.models import Session

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 20.0  # seconds of one drain job; under rq's job timeout of 30 s
IDLE_TIMEOUT = 2.0  # seconds that a drain waits on an empty shard before it returns the lease
# Seconds after which a drain yields to waiting jobs: with small batches, and under load. If there are more shards than
# workers, the first bounds the wait of an event, and the second the wait of a quiet shard beside a busy one.
POLL_INTERVAL, MAX_TURN = 0.25, 5.0
# Seconds between the starts of two batches: events that arrive while a drain pauses share a transaction, whose fixed
# cost is that of 80 events. The first event after a quiet moment does not wait.
BATCH_INTERVAL = 0.1
# Events in a batch up to which one drain serves all shards, and beyond which it hands the others over again.
CALM_EVENTS, SHARED_EVENTS = 100, 250
# It also pauses PAUSE_FACTOR times as long as a shard's share of the batch took, at most MAX_PAUSE seconds, to leave
# the processor to other processes under many small posts.
PAUSE_FACTOR, MAX_PAUSE = 2.0, 0.4
MAX_EVENTS = 1_250  # a batch, each 8 KiB of memory (docs/decisions/0025-memory-of-a-process.md)
MAX_BYTES = 4 * 1024 * 1024  # a batch
# Seconds; 15 fewer than this rq waits for a job at a time. A Redis that hangs, and is followed by another one, is
# noticed no sooner.
WORKER_TTL = 25
MAX_RETRY_DELAY = 2.0  # seconds between two tries while PostgreSQL is away


@dataclass(slots=True)
class BatchSizer:
    """The number of entries to read at once: it grows with the backlog, up to MAX_EVENTS and MAX_BYTES."""

    count: int = 16
    events: float = 1.0  # an entry, running mean
    bytes: float = 1024.0
    last: int = 0  # events in the last batch

    @property
    def is_calm(self) -> bool:
        """Return whether so few events come that one drain can serve all shards."""
        return self.last <= CALM_EVENTS

    def learn(self, entries: list[stream.StreamEntry], events: int, *, is_full: bool) -> None:
        """Learn from a batch of which a stream had more entries (`is_full`) or not."""
        n = len(entries)
        self.last = events
        self.events += 0.3 * (events / n - self.events)
        self.bytes += 0.3 * (sum(len(entry.packed) for entry in entries) / n - self.bytes)
        maximum = int(min(MAX_EVENTS / max(self.events, 1), MAX_BYTES / max(self.bytes, 1)))
        wanted = self.count * 2 if is_full else max(n * 2, 16)
        self.count = max(1, min(wanted, maximum))


@cache
def batch_sizer_of(shard: int) -> BatchSizer:
    """Return this process's batch sizer of the shard, so that a drain starts with its predecessor's batch size."""
    return BatchSizer()


def drain(shard: int) -> None:
    """Process the shard's entries until none has arrived for a while or the time is over.

    While few events come, the drain of the first shard serves the others too (`events.queue.shared_lease`).

    If the shard has no server at the moment, as in the middle of a failover, `requeue_stranded_shards` enqueues another
    drain when it has one: what waits there is still in the stream, and no job has failed.
    """
    try:
        with stream.connect() as redis:
            lease = SharedLease.of(redis, shard)
            try:
                if lease.take() and not _drain(lease):
                    for left in lease.hand_over():
                        jobs.enqueue_drain(left, "low")  # after the jobs that wait already
            finally:
                lease.release()
    except RedisError as error:
        logger.warning("Shard %d cannot be drained at the moment: %s", shard, type(error).__name__)


def _drain(lease: SharedLease) -> bool:
    """Return True if the shards are empty and their leases returned, or the host has the lease; False if entries may be
    left."""
    started = last_entries = last_check = time.monotonic()
    sizer, failures, unchecked = batch_sizer_of(lease.own.shard), 0, 0  # unchecked: events since the last check
    while lease.renew(is_open=sizer.is_calm):
        if sizer.is_calm and lease.join_host():
            return True
        pulse.move()
        count = max(1, sizer.count // len(lease.leases))
        entries = lease.read(count=count, block_ms=int(POLL_INTERVAL * 1000))
        begun = time.monotonic()
        small = True
        if entries:
            try:
                events = pipeline.process_batch(entries, lease=lease)
            except pipeline.UNAVAILABLE as error:
                failures += 1
                events_metrics.count("retries")
                _wait_for_database(error, failures)
                lease.reset_position()
            else:
                small = max(Counter((entry.shard, entry.priority) for entry in entries).values()) < count
                failures, last_entries = 0, begun
                sizer.learn(entries, events, is_full=not small)
                unchecked += events
                pulse.processed_batch(events, time.monotonic() - begun)
                if events > SHARED_EVENTS:
                    jobs.enqueue_drains(lease.leave_guests())
        now = time.monotonic()
        if now - started > DRAIN_SECONDS or Worker.is_stopping:
            return False
        if now - last_entries > IDLE_TIMEOUT and lease.finish():
            return True
        # After many events another shard has probably as many: no pause while it waits.
        turn = MAX_TURN if not small else 0.0 if unchecked > SHARED_EVENTS else POLL_INTERVAL
        if now - last_check > turn:
            last_check, unchecked = now, 0
            if jobs.is_waiting():
                return lease.finish()
        if entries and small:
            elapsed = time.monotonic() - begun
            rest = min(PAUSE_FACTOR * elapsed / len(lease.leases), MAX_PAUSE)
            time.sleep(max(BATCH_INTERVAL - elapsed, rest))
    return True


def _wait_for_database(error: Exception, failures: int) -> None:
    pause = min(0.1 * 2**failures, MAX_RETRY_DELAY)
    logger.warning("PostgreSQL does not answer (%s); trying again in %.1f s", type(error).__name__, pause)
    connection.close()
    time.sleep(pause)


# --- Periodic -------------------------------------------------------------------------------------------------------


def expire_idle() -> None:
    """End help requests and sessions after their timeouts."""
    try:
        with stream.connect() as redis:
            oldest = stream.oldest_waiting(redis)
    except RedisError as error:  # as in the middle of a failover; what waits is not known
        logger.warning("Nothing is ended at the moment: %s", type(error).__name__)
        return
    now = datetime.now(UTC)
    # While events wait, a re-send may be among them.
    if oldest is None or now.timestamp() * 1000 - oldest < settings.HELP_RESENT_SILENCE * 1000 / 3:
        notifications.announce_transitions(help_requests.expire_requests(now=now))
    idle = Session.objects.filter(is_active=True, last_event_at__lt=now - timedelta(hours=settings.SESSION_IDLE_HOURS))
    idle.update(is_active=False, end_time=F("last_event_at"))


def record_system_metrics() -> None:
    """Write the system metrics of this minute, if InfluxDB is configured."""
    if timeseries.is_configured():
        try:
            with stream.connect() as redis:
                system_metrics.record(redis, failed_jobs=jobs.failed_count(), now=time.time())
        except RedisError as error:
            logger.warning("This minute's system metrics are missing: %s", type(error).__name__)


def run_cleanup() -> None:
    """Delete expired rows."""
    cleanup.run_all(now=datetime.now(UTC))


# --- The offline queue ----------------------------------------------------------------------------------------------


def sync_offline(by_hand: bool = False) -> None:
    """Sync the offline queue. The periodic sync (not `by_hand`) leaves out entries that wait for a requested sync."""
    if by_hand or offline_sync.has_waiting():
        offline_sync.sync(enqueue_drains=jobs.enqueue_drains, by_hand=by_hand, now=datetime.now(UTC))


# --- The worker -----------------------------------------------------------------------------------------------------


class Worker(SimpleWorker):
    """rq's worker without a fork for each job, which would cost more than the job."""

    is_stopping: ClassVar[bool] = False
    max_connection_wait_time = MAX_RETRY_DELAY  # rq's minute would leave events waiting after a failover
    _taken = 0

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Reorder the queues after a job was taken. Usually high comes first, but one poll in four begins with low and
        one with medium, so that no queue is starved."""
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
        """Let a running drain finish its batch and return the lease, then stop the worker."""
        Worker.is_stopping = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]


def work() -> None:
    """Run a worker in this process until it receives a stop signal."""
    # Django records the text of every statement while DEBUG is on; with a batch's arrays that costs more than the
    # batch. Only one thread of a worker uses PostgreSQL, so it needs a single connection.
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
            # The same name as in its heartbeats, for rq's pages and /admin/worker-status. A number is appended if rq
            # may still have a predecessor of that name.
            name = f"{pulse.worker_id}.{attempt}" if attempt else pulse.worker_id
            attempt += 1
            link = django_rq.get_connection(PRIORITIES[0])
            Worker(queues, name=name, connection=link, worker_ttl=WORKER_TTL).work(logging_level="WARNING")
            reason = "rq's worker stopped"
        except RedisError as error:
            reason = type(error).__name__
        if not Worker.is_stopping:
            # rq's worker stops if Redis becomes unavailable during a job, so start another one.
            failures = 1 if time.monotonic() - started > 30 else failures + 1
            pause = min(0.1 * 2**failures, MAX_RETRY_DELAY)
            logger.warning("Redis does not answer (%s); trying again in %.1f s", reason, pause)
            time.sleep(pause)
