"""`manage.py export_account EMAIL`: export the data of a staff account, for a request under privacy law."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from instructors import audit
from instructors.models import Instructor
from operations.privacy.account_export import export_account


class Command(BaseCommand):
    help = "Write the account, what it did and what it wrote to a JSON file (docs/privacy.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--to", type=Path, help="The file to write; default: account-<number>.json, here.")

    def handle(self, *args: Any, email: str, to: Path | None, **options: Any) -> None:
        account = Instructor.objects.with_email(email)
        if account is None:
            raise CommandError(f"No account has the address {email}.")
        file = to or Path(f"account-{account.pk}.json")
        try:
            counted = export_account(account, to=file)
        except FileExistsError:
            raise CommandError(f"{file} exists already: move it away, or name another with --to.") from None
        audit.record("account_export", account, actor=None, request=None, details={"rows": sum(counted.values())})
        self.stdout.write(self.style.SUCCESS(f"{file}: {sum(counted.values())} rows from {len(counted)} tables."))
