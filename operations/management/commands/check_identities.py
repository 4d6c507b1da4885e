"""`manage.py check_identities`: list accounts and students that no address leads to, and what to do about each."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from operations import identity_conflicts


class Command(BaseCommand):
    help = "List accounts and students whose address is another's or none. Exit code 1 where there are any."

    def handle(self, *args: Any, **options: Any) -> None:
        if released := identity_conflicts.release():
            self.stdout.write(f"{released} had an address that is free again, and are found by it.")
        found = identity_conflicts.complaints()
        for sentence in found:
            self.stdout.write(sentence)
        if found:
            raise CommandError(f"{len(found)} to look at.")
        self.stdout.write(self.style.SUCCESS("Every account and every student is found by their address."))
