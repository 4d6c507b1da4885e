"""`manage.py restore FILE`: bring a backup back. `--check` only reads it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from redis.exceptions import RedisError

from config import archive
from config.postgres_client import ProgramFailed
from config.restore import Refused, restore


class Command(BaseCommand):
    help = "Bring a backup back into an empty database. Stop web, workers and cron first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--force", action="store_true", help="Replace what the database and MEDIA_ROOT hold.")
        parser.add_argument("--check", action="store_true", help="Read the file and compare its checksums; no more.")

    def handle(self, *args: Any, file: Path, force: bool, check: bool, **options: Any) -> None:
        try:
            manifest = archive.verify(file) if check else restore(file, force=force)
        except archive.Damaged as error:
            raise CommandError(f"{file} is damaged: {error}. Nothing was changed.") from None
        except Refused as error:
            raise CommandError(str(error)) from None
        except (ImproperlyConfigured, ProgramFailed, DatabaseError, RedisError, OSError) as error:
            raise CommandError(f"The backup was not brought back: {error}") from error
        rows = sum(manifest["rows"].values())
        done = "is whole" if check else "is brought back"
        waited = f"{manifest['waiting_entries']} waiting entries"
        self.stdout.write(self.style.SUCCESS(f"{file} of {manifest['created_at']} {done}: {rows} rows, {waited}."))
        if not check:
            self.stdout.write("Whom you were asked to forget since then: run forget_student again (docs/privacy.md).")
