"""`manage.py backup`: database, uploaded files and events on their way, as one file, while everything runs."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

from config.backup import backup
from config.postgres_client import ProgramFailed


class Command(BaseCommand):
    help = (
        "Write a backup. It holds everything that students did and no secret of the server: keep SECRET_KEY and the "
        "passwords elsewhere. The file appears when it is complete (docs/deploy.md)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--to", type=Path, default=Path(), help="Directory, default: here.")
        parser.add_argument("--keep", type=int, default=0, help="Delete all but the newest so many backups in it.")

    def handle(self, *args: Any, to: Path, keep: int, **options: Any) -> None:
        now = datetime.now(UTC)
        file = to / f"cellmonitor-{now:%Y%m%dT%H%M%SZ}.tar"
        if keep < 0 or not to.is_dir():
            raise CommandError(f"{to} must be a directory, and --keep not negative.")
        if file.exists():
            raise CommandError(f"{file} exists already.")
        try:
            about = backup(to=file, now=now)
        except (ImproperlyConfigured, ProgramFailed, RedisError, OSError) as error:
            raise CommandError(f"No backup was made: {error}") from error
        rows = sum(about["rows"].values())
        size = file.stat().st_size / 1024**2
        said = f"{file}: {rows} rows, {about['waiting_entries']} waiting entries, {size:.1f} MiB"
        self.stdout.write(self.style.SUCCESS(said))
        for old in sorted(to.glob("cellmonitor-*Z.tar"))[:-keep] if keep else []:
            old.unlink()
            self.stdout.write(f"{old}: deleted")
