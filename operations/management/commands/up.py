"""`manage.py up`: run the whole product on this machine, without other installed software."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from config.operator_errors import sentence_of
from operations.local.launch import Launch
from operations.local.supervisor import StartFailed


class Command(BaseCommand):
    help = "Starts the servers that are missing, then web, workers and cron; Ctrl-C stops all of it."
    requires_system_checks = []  # some need the database, which does not run yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="add a demo class whose students work without end")
        parser.add_argument(
            "--lab",
            type=Path,
            metavar="JUPYTER",
            help="with --demo: start JupyterLab by this command, to play a student",
        )

    def handle(self, *args: Any, demo: bool, lab: Path | None, **options: Any) -> None:
        if lab and not demo:
            raise CommandError("--lab needs --demo: the JupyterLab belongs to the demo class.")
        try:
            Launch(demo=demo, jupyter=lab).run()
        except StartFailed as error:
            raise CommandError(str(error)) from error
        except (ImproperlyConfigured, DatabaseError, OSError) as error:
            if (sentence := sentence_of(error)) is None:
                raise
            raise CommandError(sentence) from error
