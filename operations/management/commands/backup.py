"""`manage.py backup`: write the database, uploaded files and waiting events to one file while the product runs."""

import os
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

from config.operator_errors import sentence_of
from operations.backup.backup import backup
from operations.backup.postgres_client import ProgramFailed
from operations.local import exclusive, services
from operations.local.supervisor import StartFailed


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
        if keep < 0:
            raise CommandError("--keep must not be negative.")
        if not to.is_dir():
            raise CommandError(f"{to} is no folder: make it first, or name another one with --to.")
        if not os.access(to, os.W_OK | os.X_OK):
            raise CommandError(f"{to} cannot be written to by this user: change that, or name another one with --to.")
        if file.exists():
            raise CommandError(f"{file} exists already.")
        if exclusive.is_needed(data_dir := Path(settings.DATA_DIR)):
            self._with_own_servers(data_dir, to, keep)
            return
        try:
            about = backup(to=file, now=now)
        except (ImproperlyConfigured, ProgramFailed, RedisError, OSError) as error:
            raise CommandError(f"No backup was made: {sentence_of(error) or error}") from error
        rows = sum(about["rows"].values())
        size = file.stat().st_size / 1024**2
        summary = f"{file}: {rows} rows, {about['waiting_entries']} waiting entries, {size:.1f} MiB"
        self.stdout.write(self.style.SUCCESS(summary))
        for old in sorted(to.glob("cellmonitor-*Z.tar"))[:-keep] if keep else []:
            old.unlink()
            self.stdout.write(f"{old}: deleted")

    def _with_own_servers(self, data_dir: Path, to: Path, keep: int) -> None:
        """Start the embedded servers for the backup, because `manage.py up` does not run."""
        if "DATABASE_URL" in services.missing(data_dir) and not (data_dir / "postgres").exists():
            raise CommandError(
                f"There is no database in DATA_DIR ({data_dir}), so nothing to back up: is it the folder that "
                "`manage.py up` runs on?"
            )
        try:
            code = exclusive.run(data_dir, "backup", f"--to={to.absolute()}", f"--keep={keep}")
        except (StartFailed, ImproperlyConfigured, OSError) as error:
            raise CommandError(f"No backup was made: {sentence_of(error) or error}") from error
        if code != 0:
            raise CommandError("No backup was made; the lines above say why.")
