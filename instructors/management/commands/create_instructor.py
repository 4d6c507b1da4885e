"""`manage.py create_instructor`: create an account without the admin site."""

import getpass
import sys
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from core.identity import password_form
from core.validators import validate_address
from instructors.models import Instructor
from instructors.roles import INSTRUCTOR, FalseRole, role_of


class Command(BaseCommand):
    help = "Create an instructor (or, with --update, change one). The password is asked for, never an argument."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", default="", help="Default: the e-mail up to its @.")
        parser.add_argument(
            "--role", default="", help="`instructor` (default), `admin`, `assistant`, or any label of yours."
        )
        parser.add_argument("--password-stdin", action="store_true", help="Read the password's line from stdin.")
        parser.add_argument("--update", action="store_true", help="Change the account if it exists already.")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"].strip()
        try:
            validate_address(email)
        except ValidationError:
            raise CommandError(f"{email!r} is not an e-mail address.") from None
        try:
            role = role_of(options["role"]) if options["role"].strip() else ""
        except FalseRole as error:
            raise CommandError(f"{error}.") from None
        for column, given in (("email", email), ("name", options["name"]), ("role", role)):
            _check_length(column, given)
        found = Instructor.objects.with_email(email)
        if found and not options["update"]:
            raise CommandError(f"{found.email} exists already. To change it, add --update.")
        owner = found or Instructor(email=email, name=options["name"])
        password = self._password(from_stdin=options["password_stdin"], account=owner)
        if found:
            self._change(found, password=password, name=options["name"], role=role)
        else:
            Instructor.objects.create_user(email, password, name=options["name"], role=role or INSTRUCTOR)
        self.stdout.write(self.style.SUCCESS(f"{email}: {'changed' if found else 'created'}."))

    def _password(self, *, from_stdin: bool, account: Instructor) -> str:
        if from_stdin:
            password = sys.stdin.readline().rstrip("\r\n")
        else:
            password = getpass.getpass("Password: ")
            if password_form(password) != password_form(getpass.getpass("Once more: ")):
                raise CommandError("The two passwords differ.")
        try:
            validate_password(password_form(password), account)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        return password

    def _change(self, account: Instructor, *, password: str, name: str, role: str) -> None:
        account.set_password(password)
        account.name = name or account.name
        account.role = role or account.role
        account.is_active = True
        account.save(update_fields=["password", "name", "role", "is_active"])


def _check_length(column: str, given: str) -> None:
    most = getattr(Instructor._meta.get_field(column), "max_length", None)
    if most is not None and len(given) > most:
        raise CommandError(f"--{column} has {len(given)} characters; at most {most} can be stored.")
