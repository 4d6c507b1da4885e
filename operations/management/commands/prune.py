"""`manage.py prune`: delete what is older than the settings RETENTION_* allow."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from lms import deletion
from operations import retention


class Command(BaseCommand):
    help = "Delete what is older than RETENTION_*_DAYS, in small batches; run it daily. 0 keeps for ever."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Say what would go; change nothing.")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        now = datetime.now(UTC)
        for kind, number in retention.due(now=now) if dry_run else retention.prune(now=now):
            older = f"older than {kind.days} days" if kind.days else "expired"
            self.stdout.write(f"{number:9} {kind.name} {older}")
        entries = retention.audit_entries_due(now=now) if dry_run else retention.prune_audit_log(now=now)
        self.stdout.write(f"{entries:9} audit entries")
        left = deletion.orphans(now=now) if dry_run else deletion.delete_orphans(now=now)
        self.stdout.write(f"{left.contents:9} kept notebooks that nothing refers to")
        self.stdout.write(f"{left.pictures:9} pictures of rooms that no map names")
        if dry_run:
            self.stdout.write("Nothing was changed.")
