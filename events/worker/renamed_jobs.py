"""Jobs that an older release queued name functions by the modules they were in then: they get today's names.

Needed once, when a worker of this release starts on the Redis of an older one (docs/upgrading.md).
"""

import django_rq

from events.contract.kinds import PRIORITIES

RENAMED = {
    "events.jobs.drain": "events.worker.tasks.drain",
    "events.jobs.sync_offline": "events.worker.tasks.sync_offline",
    "events.jobs.sweep": "events.worker.tasks.expire_idle",
    "events.jobs.tidy": "events.worker.tasks.run_cleanup",
    "events.jobs.note_vitals": "events.worker.tasks.record_system_metrics",
    "events.jobs.wake_sleepers": "events.queue.jobs.requeue_stranded_shards",
    "instructors.reports.make_report": "classroom.analytics.services.build_report",
}


def rename_queued_jobs() -> int:
    """Give queued jobs the present names of their functions. Return how many had an old one. Raises RedisError."""
    renamed = 0
    for name in PRIORITIES:
        for job in django_rq.get_queue(name).get_jobs():
            function = RENAMED.get(job.func_name or "")
            if function is None:
                continue
            _ = job.instance, job.args, job.kwargs  # read before the name is changed, which throws the packed call away
            job.func_name = function
            job.save()
            renamed += 1
    return renamed
