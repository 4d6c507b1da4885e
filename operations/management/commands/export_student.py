"""`manage.py export_student EMAIL`, or `--id NUMBER`: export a student's data, for a request under privacy law."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from instructors import audit
from operations.privacy.person import BadText, address_meant, find_person, hint_of_number
from operations.privacy.student_export import export


class Command(BaseCommand):
    help = "Write everything that is stored of a student to a zip of JSON files and notebooks (docs/privacy.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?")
        parser.add_argument("--id", type=int, dest="number", help="The student of this number, instead of an address.")
        parser.add_argument("--also", action="append", default=[], metavar="TEXT",
                            help="Something else the person is called; may be given again.")  # fmt: skip
        parser.add_argument("--to", type=Path, help="The file to write; default: student-<number>.zip, here.")

    def handle(
        self, *args: Any, email: str | None, number: int | None, also: list[str], to: Path | None, **options: Any
    ) -> None:
        try:
            person = find_person(address_meant(email, number=number), also=also)
        except BadText as error:
            raise CommandError(str(error)) from None
        if not person.student_ids:
            raise CommandError(f"No student has the address {email}.{hint_of_number(person.email)}")
        file = to or Path(f"student-{person.student_ids[0]}.zip")
        try:
            counted = export(person, to=file, now=datetime.now(UTC))
        except FileExistsError:
            raise CommandError(f"{file} exists already: move it away, or name another with --to.") from None
        # Only the number, so that this entry is not a new trace.
        audit.record(
            "student_export",
            actor=None,
            request=None,
            target_type="student",
            target_id=person.student_ids[0],
            details={"rows": sum(counted.values())},
        )
        self.stdout.write(self.style.SUCCESS(f"{file}: {sum(counted.values())} rows from {len(counted)} places."))
