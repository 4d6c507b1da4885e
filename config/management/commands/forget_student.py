"""`manage.py forget_student EMAIL`: erase one person, for a request under privacy law."""

from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.privacy.erasure import CameBack, Report, forget
from config.privacy.person import Person, Unknown, find_person
from config.privacy.redaction import mentions
from config.privacy.tables import owned
from events import points, waiting
from instructors.models import Instructor


class Command(BaseCommand):
    help = (
        "Erase a student: rows, events on their way, keys, files, points. Grades stay under a pseudonym, as do entries "
        "of the audit log. It cannot be undone; backups keep the person for as long as you keep them (docs/privacy.md)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--also", action="append", default=[], metavar="TEXT",
                            help="Something else the person is called: replaced in every text.")  # fmt: skip
        parser.add_argument("--with-grades", action="store_true", help="Delete graded submissions as well.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would go; change nothing.")
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, email: str, also: list[str], **options: Any) -> None:
        person = self._person(email, tuple(also))
        self._show(person)
        if options["dry_run"]:
            return
        if not options["yes"] and input(f"Type {person.email} to erase it: ").strip() != person.email:
            raise CommandError("Nothing was erased.")
        try:
            report = forget(person, keep_grades=not options["with_grades"], now=datetime.now(UTC))
        except waiting.StillBusy:
            raise CommandError(
                "Workers are still busy with events of this shard. Nothing was erased: try again."
            ) from None
        except CameBack:
            raise CommandError(
                "New events of this address arrived meanwhile: stop its JupyterLab or revoke its class key, then run "
                "this again."
            ) from None
        except points.unreachable() as error:
            raise CommandError(
                f"All but the points is erased: InfluxDB does not answer ({type(error).__name__}). Run this again."
            ) from error
        self._tell(report)

    def _person(self, email: str, also: tuple[str, ...]) -> Person:
        try:
            return find_person(email, also=also)
        except Unknown:
            self.stdout.write(f"No student has the address {email}: looking for traces only.")
            return Person(email=email.strip(), also=also)

    def _show(self, person: Person) -> None:
        if person.student_id is not None:
            self.stdout.write(f"Student {person.student_id}, {person.name or 'without a name'}:")
            for table in owned():
                if number := table.rows(person.student_id).count():
                    self.stdout.write(f"{number:9} {table.model._meta.db_table}")
        self.stdout.write("Rows that name the person, theirs among them:")
        for name, number in mentions(person).items():
            self.stdout.write(f"{number:9} {name}")
        if person.name and not person.has_own_name:
            self.stdout.write("Another student has the same name: it is not replaced in texts.")
        elif person.name and not person.has_telling_name:
            self.stdout.write(
                f"{person.name!r} may be a word: inside texts it stays, unless you add --also {person.name!r}."
            )
        if Instructor.objects.with_email(person.email):
            self.stdout.write("An account of staff has this address; it stays (end it in the administration).")

    def _tell(self, report: Report) -> None:
        self.stdout.write(
            f"{sum(report.deleted.values())} rows deleted, {sum(report.redacted.values())} rows rewritten, "
            f"{report.grades_kept} grades kept under a pseudonym, {report.waiting_events} waiting events, "
            f"{report.keys} keys and {report.files} files deleted."
        )
        self.stdout.write(self.style.SUCCESS("Done. Backups made before still hold the person: see docs/privacy.md."))
