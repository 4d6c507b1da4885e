"""`manage.py rqcron` that outlives Redis: the one of django-rq ends with a traceback when Redis does not answer."""

import logging
import time
from typing import Any

from django.core.management.base import CommandError
from django_rq.management.commands.rqcron import Command as RqCronCommand
from redis.exceptions import ConnectionError, TimeoutError
from rq.exceptions import StopRequested

logger = logging.getLogger(__name__)

RETRY_SECONDS = 2


class Command(RqCronCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        """Queue the periodic jobs until asked to stop. After an outage of Redis, begin again with all jobs due."""
        while True:
            try:
                super().handle(*args, **options)
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
