"""The one way to rq for those who queue jobs: wake a drain, start a sync, run a function in a worker.

A job carries no events, only the number of the shard to drain (`events.worker.tasks`). Jobs name their functions as
text, so that nobody who queues one loads what it runs.
"""

import logging
from collections.abc import Callable, Iterable

import django_rq
from redis.exceptions import RedisError
from rq.job import Job
from rq.registry import FailedJobRegistry

from events.contract.kinds import PRIORITIES, Priority
from events.queue import stream

logger = logging.getLogger(__name__)

JOB_TIMEOUT = 120  # seconds of one job that is no drain


def enqueue_drain(shard: int, priority: Priority = "high") -> None:
    """Queue a drain for the shard."""
    queue = django_rq.get_queue(priority)
    queue.enqueue("events.worker.tasks.drain", shard, result_ttl=0, failure_ttl=24 * 3600, description=f"drain {shard}")


def enqueue_drains(shards: Iterable[int]) -> None:
    """The same for several. A wake that fails is made good by the periodic one: the events are in already."""
    try:
        for shard in shards:
            enqueue_drain(shard)
    except (RedisError, OSError) as error:
        logger.warning("No worker could be woken: %s", type(error).__name__)


def requeue_stranded_shards() -> None:
    """Queue a drain for every shard where something waits and nobody is on the way: the net under every lost wake."""
    redis = stream.connect()
    for shard in stream.stranded_shards(redis):
        enqueue_drain(shard)
    redis.close()


def enqueue_sync() -> None:
    """Have a worker sync the offline queue. Raises RedisError while Redis is away."""
    django_rq.get_queue("high").enqueue("events.worker.tasks.sync_offline", by_hand=True, result_ttl=0)


def enqueue_call(work: Callable[[str], None], argument: str) -> None:
    """Have a worker call the function, behind the events that wait. Raises RedisError while Redis is away.

    It may be called again after a crash, or never after a lost Redis: it keeps its own record of what is still to do.
    """
    queue = django_rq.get_queue("low")
    queue.enqueue(work, argument, result_ttl=0, failure_ttl=24 * 3600, job_timeout=JOB_TIMEOUT)


def failed_count() -> int:
    """Jobs in rq's failed registries."""
    with stream.connect() as redis:
        return sum(FailedJobRegistry(name, connection=redis).count for name in PRIORITIES)


def delete_jobs_naming(is_named_in: Callable[[str], bool]) -> int:
    """Delete the jobs whose call, description, notes or results name somebody, in whatever state but at work; rq keeps
    them for a day, packed. Returns how many. A job of ours carries a number, so nothing is lost with it."""
    forgotten = 0
    for name in PRIORITIES:
        queue = django_rq.get_queue(name)
        registries = [
            queue.failed_job_registry, queue.finished_job_registry, queue.canceled_job_registry,
            queue.deferred_job_registry, queue.scheduled_job_registry,
        ]  # fmt: skip
        for job_id in {*queue.get_job_ids(), *(each for registry in registries for each in registry.get_job_ids())}:
            found = queue.fetch_job(job_id)
            if found is not None and is_named_in(_said_of(found)):
                found.delete()
                forgotten += 1
    return forgotten


def _said_of(job: Job) -> str:
    results = [text for result in job.results() for text in (result.exc_string, result.return_value)]
    return " ".join(str(text) for text in (job.get_call_string(), job.description, job.meta, *results) if text)
