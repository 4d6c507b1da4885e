"""`manage.py work`: run one rq worker for all priorities; with `--max`, as many as the load needs."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import optional_libraries
from events.worker.tasks import work
from operations.local import gc_tuning
from operations.local.autoscaler import Autoscaler
from operations.local.supervisor import StartFailed, Supervisor
from realtime import broadcast


class Command(BaseCommand):
    help = "Run one worker until it is told to stop; with --max, between --min and --max of them, as the load needs."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--min", type=int, default=1, dest="minimum", help="workers that always run")
        parser.add_argument("--max", type=int, dest="maximum", help="workers at most; EVENT_SHARDS should be no less")

    def handle(self, *args: Any, minimum: int, maximum: int | None, **options: Any) -> None:
        broadcast.load()
        optional_libraries.show()
        if maximum is None:
            gc_tuning.freeze_loaded_objects()
            work()
            return
        if not 1 <= minimum <= maximum:
            raise CommandError("--min must be at least 1, and --max no less than --min.")
        if maximum > settings.EVENT_SHARDS:
            self.stderr.write(
                f"Only {settings.EVENT_SHARDS} workers can process events at the same time: set EVENT_SHARDS to "
                f"{maximum}, for the web processes too."
            )
        supervisor = Supervisor()
        supervisor.listen()
        autoscaler = Autoscaler(supervisor=supervisor, minimum=minimum, maximum=maximum)
        try:
            autoscaler.start()
            supervisor.run(each_turn=autoscaler.poll)
        except StartFailed as error:
            raise CommandError(str(error)) from error
        finally:
            supervisor.stop()
