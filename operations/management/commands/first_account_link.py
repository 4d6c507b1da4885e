"""`manage.py first_account_link`: print a link that makes the first account."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from events.management.connection import default_url, server_url
from instructors import first_account


class Command(BaseCommand):
    help = "Print a link with which the first account, an administrator's, is made in a browser. Valid for a day."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--url", type=server_url, help="address of the server; default: WEB_URL, or the server `up` runs here"
        )

    def handle(self, *args: Any, url: str | None, **options: Any) -> None:
        if not first_account.is_missing():
            raise CommandError(
                "There is an account already. Log in with it; to change one, use create_instructor --update."
            )
        self.stdout.write(first_account.link(url or default_url()))
