"""`manage.py password_link`: print a link with which the owner of an account chooses a new password."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.management.connection import default_url, server_url
from instructors import password_links
from instructors.models import Instructor


class Command(BaseCommand):
    help = "Print a link with which the owner of an account chooses a new password. It works once, within a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument(
            "--url", type=server_url, help="address of the server; default: WEB_URL, or the server `up` runs here"
        )

    def handle(self, *args: Any, email: str, url: str | None, **options: Any) -> None:
        account = Instructor.objects.with_email(email)
        if account is None:
            raise CommandError(f"There is no account of {email}. Make one with create_instructor.")
        if not account.is_active:
            raise CommandError(f"The account of {account.email} is switched off: switch it on first.")
        password_links.record(account, by=None, request=None, how="command")
        self.stdout.write(password_links.link(account, base=url or default_url()))
