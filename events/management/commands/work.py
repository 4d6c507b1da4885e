"""`manage.py work`: one rq worker, for all three priorities."""

from typing import Any

from django.core.management.base import BaseCommand

from events.jobs import work


class Command(BaseCommand):
    help = "Run one worker until it is told to stop. Run several for more throughput (WORKERS, EVENT_SHARDS)."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        work()
