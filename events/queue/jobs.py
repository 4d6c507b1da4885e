"""Enqueuing rq jobs: drains, syncs of the offline queue, and functions to run in a worker.

A job contains no events, only the number of the shard to drain (`events.worker.tasks`). Jobs name their functions as
text, so that enqueuing one does not import it.
"""

import logging
from collections.abc import Callable, Iterable
from functools import cache

import django_rq
from redis import Redis
from redis.exceptions import RedisError
from rq.job import Job
from rq.registry import FailedJobRegistry

from core.redis import blocking_client
from events.contract.kinds import PRIORITIES, Priority
from events.queue import moved_streams, stream

logger = logging.getLogger(__name__)

JOB_TIMEOUT = 120  # seconds of a job other than a drain


def enqueue_drain(shard: int, priority: Priority = "high") -> None:
    """Enqueue a drain of the shard."""
    queue = django_rq.get_queue(priority)
    queue.enqueue("events.worker.tasks.drain", shard, result_ttl=0, failure_ttl=24 * 3600, description=f"drain {shard}")


def enqueue_drains(shards: Iterable[int]) -> None:
    """Enqueue drains of these shards. If that fails, `requeue_stranded_shards` enqueues them later."""
    try:
        for shard in shards:
            enqueue_drain(shard)
    except (RedisError, OSError) as error:
        logger.warning("No drain could be enqueued: %s", type(error).__name__)


def requeue_stranded_shards() -> None:
    """Enqueue a drain of every shard that has entries but neither a running nor an enqueued drain.

    Take over the shards of an older release before, and those that were elsewhere.
    """
    with stream.connect() as redis:
        moved_streams.take_over(redis)
        for shard in stream.stranded_shards(redis):
            enqueue_drain(shard)


def enqueue_sync() -> None:
    """Enqueue a sync of the offline queue. Raises RedisError if Redis is unavailable."""
    django_rq.get_queue("high").enqueue("events.worker.tasks.sync_offline", by_hand=True, result_ttl=0)


def enqueue_call(work: Callable[[str], None], argument: str) -> None:
    """Enqueue a call of the function, after all waiting events. Raises RedisError if Redis is unavailable.

    The function may run again after a crash, or never if Redis loses its data, so it must record its own progress.
    """
    queue = django_rq.get_queue("low")
    queue.enqueue(work, argument, result_ttl=0, failure_ttl=24 * 3600, job_timeout=JOB_TIMEOUT)


def failed_count() -> int:
    """Return the number of jobs in rq's failed registries."""
    return sum(FailedJobRegistry(name, connection=_connection()).count for name in PRIORITIES)


def is_waiting() -> bool:
    """Return whether jobs wait in a queue. One round trip. Raises RedisError."""
    with _connection().pipeline(transaction=False) as pipe:
        for name in PRIORITIES:
            pipe.llen(f"rq:queue:{name}")
        return any(pipe.execute())


@cache
def _connection() -> Redis:
    return blocking_client(timeout=4, connect_timeout=3, health_check_interval=30)


def delete_jobs_naming(is_named_in: Callable[[str], bool]) -> int:
    """Delete the jobs whose call, description, metadata or results name a person. Return their number.

    rq stores jobs for a day, compressed. Running jobs are left alone. A job contains only a shard number, so no event
    is lost.
    """
    deleted = 0
    for name in PRIORITIES:
        queue = django_rq.get_queue(name)
        registries = [
            queue.failed_job_registry, queue.finished_job_registry, queue.canceled_job_registry,
            queue.deferred_job_registry, queue.scheduled_job_registry,
        ]  # fmt: skip
        for job_id in {*queue.get_job_ids(), *(each for registry in registries for each in registry.get_job_ids())}:
            found = queue.fetch_job(job_id)
            if found is not None and is_named_in(_text_of(found)):
                found.delete()
                deleted += 1
    return deleted


def _text_of(job: Job) -> str:
    results = [text for result in job.results() for text in (result.exc_string, result.return_value)]
    return " ".join(str(text) for text in (job.get_call_string(), job.description, job.meta, *results) if text)
