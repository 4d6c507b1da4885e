"""`manage.py rqcron` that outlives Redis and may run on several machines.

The command of django-rq ends with a traceback when Redis does not answer, and two of them queue every job twice.

Key: cron:lease   string   token of the process that queues; expires LEASE_MS after it last looked for jobs that are due
"""

import logging
import secrets
import time
from typing import Any

from django.core.management.base import CommandError
from django_rq.cron import DjangoCronScheduler
from django_rq.management.commands.rqcron import Command as RqCronCommand
from redis.exceptions import ConnectionError, TimeoutError
from rq.cron import CronJob
from rq.exceptions import StopRequested
from rq.utils import now

from core.redis import Script

logger = logging.getLogger(__name__)

RETRY_SECONDS = 2
LEASE_KEY = "cron:lease"
LEASE_MS = 15_000  # three times the shortest interval of a job, at which a process looks

_TAKE = Script("""
-- KEYS: lease.  ARGV: token, lease ms.  1 = held
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")

_RETURN = Script("""
-- KEYS: lease.  ARGV: token
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0
""")


class Scheduler(DjangoCronScheduler):
    """A scheduler that queues nothing while another process of this installation does. `token` is that of the
    process."""

    def __init__(self, *, token: str, logging_level: int = logging.INFO) -> None:
        super().__init__(logging_level=logging_level)
        self.token = token

    def enqueue_jobs(self) -> list[CronJob]:
        """Queue the jobs that are due, and return them. Without the lease, only count them as queued: this process then
        looks again when they are due the next time."""
        if _TAKE.call(self.connection, [LEASE_KEY], self.token, LEASE_MS):
            return super().enqueue_jobs()
        for job in self.get_jobs():
            if job.should_run():
                job.set_enqueue_time(now())
        return []

    def register_death(self, *args: Any, **options: Any) -> None:
        """Return the lease, so that another process takes over at once."""
        _RETURN.call(self.connection, [LEASE_KEY], self.token)
        super().register_death(*args, **options)


class Command(RqCronCommand):
    requires_system_checks = ()  # they load all pages: 38 MiB

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue the periodic jobs until asked to stop. After an outage of Redis, begin again with all jobs due."""
        token = secrets.token_hex(16)
        while True:
            try:
                scheduler = Scheduler(token=token, logging_level=getattr(logging, options["logging_level"]))
                scheduler.load_config_from_file(options["config_path"])
                scheduler.start()  # type: ignore[no-untyped-call]
                return
            except StopRequested:  # while it waited here, or registered itself
                return
            except (ImportError, AttributeError) as error:  # of the module with the jobs
                raise CommandError(f"{error}. The product's own jobs are in events.worker.periodic.") from error
            except (ConnectionError, TimeoutError) as error:
                logger.warning("Redis does not answer (%s); periodic jobs wait", type(error).__name__)
            try:
                time.sleep(RETRY_SECONDS)
            except StopRequested:
                return
