"""`manage.py restore FILE`: restore a backup. `--check` only verifies it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from redis.exceptions import RedisError

from config.operator_errors import sentence_of
from operations.backup import archive
from operations.backup.postgres_client import ProgramFailed
from operations.backup.restore import RestoreRefused, restore
from operations.local import exclusive, services
from operations.local.supervisor import StartFailed


class Command(BaseCommand):
    help = (
        "Bring a backup back into an empty database. Stop web, workers and cron first; where `manage.py up` runs the "
        "servers, stop that, and this starts them for itself."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="Replace what the database and MEDIA_ROOT hold.")
        parser.add_argument("--check", action="store_true", help="Read the file and compare its checksums; no more.")

    def handle(self, *args: Any, file: Path, force: bool, check: bool, **options: Any) -> None:
        data_dir = Path(settings.DATA_DIR)
        try:
            if not check and services.missing(data_dir):
                self._with_own_servers(data_dir, file, force)
                return
            manifest = self._checked(file) if check else restore(file, force=force)
        except archive.Damaged as error:
            raise CommandError(f"{file} is damaged: {error}. Nothing was changed.") from None
        except RestoreRefused as error:
            raise CommandError(str(error)) from None
        except (StartFailed, ImproperlyConfigured, ProgramFailed, DatabaseError, RedisError, OSError) as error:
            raise CommandError(f"The backup was not brought back: {sentence_of(error) or error}") from error
        rows = sum(manifest["rows"].values())
        done = "is whole" if check else "is brought back"
        waited = f"{manifest['waiting_entries']} waiting entries"
        self.stdout.write(self.style.SUCCESS(f"{file} of {manifest['created_at']} {done}: {rows} rows, {waited}."))
        if not check:
            self.stdout.write("Whom you were asked to forget since then: run forget_student again (docs/privacy.md).")

    @staticmethod
    def _checked(file: Path) -> dict[str, Any]:
        manifest = archive.verify(file)
        archive.refuse_incomplete(manifest)
        return manifest

    def _with_own_servers(self, data_dir: Path, file: Path, force: bool) -> None:
        """Start the embedded servers for the restore. `manage.py up` must not run, because its processes use them."""
        if (holder := services.holder_of(data_dir)) is not None:
            who = f" (process {holder})" if holder else ""
            raise CommandError(
                f"`manage.py up`{who} runs on {data_dir} and uses the database. Stop it with Ctrl-C, run this command "
                "again (it starts the servers that it needs, and stops them), then start `up` again. Nothing was "
                "changed."
            )
        archive.verify(file)  # before the servers are started
        if exclusive.run(data_dir, "restore", str(file.absolute()), *(["--force"] if force else [])) != 0:
            raise CommandError("The backup was not brought back; the lines above say why.")
        self.stdout.write("Its servers are stopped again: start `manage.py up`.")
