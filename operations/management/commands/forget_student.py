"""`manage.py forget_student EMAIL`, or `--id NUMBER`: erase one person, for a request under privacy law."""

import shlex
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from redis.exceptions import RedisError

from events import timeseries
from events.queue import maintenance
from instructors.models import Instructor
from operations.privacy import verification
from operations.privacy.erasure import Report, StudentCameBack, forget
from operations.privacy.person import BadText, Person, address_meant, find_person, hint_of_number
from operations.privacy.redaction import mentions
from operations.privacy.tables import owned


class Command(BaseCommand):
    help = (
        "Erase a student: rows, events on their way, keys, files, points. Grades stay under a pseudonym, as do entries "
        "of the audit log. It cannot be undone; backups keep the person for as long as you keep them (docs/privacy.md)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", nargs="?")
        parser.add_argument("--id", type=int, dest="number", help="The student of this number, instead of an address.")
        parser.add_argument("--also", action="append", default=[], metavar="TEXT",
                            help="Something else the person is called; may be given again.")  # fmt: skip
        parser.add_argument("--with-grades", action="store_true", help="Delete graded submissions as well.")
        parser.add_argument("--dry-run", action="store_true", help="Say what would go, with examples; change nothing.")
        parser.add_argument("--yes", action="store_true", help="Do not ask, and do not count first.")

    def handle(self, *args: Any, email: str | None, number: int | None, also: list[str], **options: Any) -> None:
        person = self._person(email, number, also)
        self._warn(person)
        if options["dry_run"] or not options["yes"]:
            self._count(person)
        if options["dry_run"]:
            return
        if not options["yes"] and not person.is_called(input(f"Type {person.email} to erase it: ")):
            raise CommandError("Nothing was erased.")
        report = self._forget(person, keep_grades=not options["with_grades"])
        self.stdout.write("Writing the files of Redis and PostgreSQL anew …")
        left = verification.clear()
        self._print_report(report, left)

    def _person(self, email: str | None, number: int | None, also: list[str]) -> Person:
        try:
            person = find_person(address_meant(email, number=number), also=also)
        except BadText as error:
            raise CommandError(str(error)) from None
        if not person.student_ids:
            self.stdout.write(
                f"No student has the address {email}: looking for traces only. Names are not known any more; give each "
                f"with --also.{hint_of_number(person.email)}"
            )
        return person

    def _warn(self, person: Person) -> None:
        for name in person.shared_names:
            self.stdout.write(f"Somebody else has the same name, {name!r}: it is not replaced in texts.")
        for name in person.words:
            if name not in person.shared_names:
                self.stdout.write(f"{name!r} may be a word: inside texts it stays, unless you add --also {name!r}.")
        if person.within:
            self.stdout.write(f"Names of others that hold it stay as they are: {', '.join(person.within)}")
        if any(map(person.is_called, Instructor.objects.values_list("email", flat=True))):
            self.stdout.write("An account of staff has this address; it stays (end it in the administration).")

    def _count(self, person: Person) -> None:
        for pk in person.student_ids:
            self.stdout.write(f"Student {pk}, {', '.join(person.called) or 'without a name'}:")
            for table in owned():
                if number := table.rows([pk]).count():
                    self.stdout.write(f"{number:9} {table.model._meta.db_table}")
        self.stdout.write("Rows that name the person, theirs among them:")
        for name, found in mentions(person).items():
            self.stdout.write(f"{found.rows:9} {name}")
            for sample in found.samples:
                self.stdout.write(f"{'':11}{sample}")

    def _forget(self, person: Person, *, keep_grades: bool) -> Report:
        # Once the rows are deleted their names are unknown, so the command must name them.
        names = "".join(f" --also {shlex.quote(name)}" for name in (*person.called, *person.also))
        again = f"manage.py forget_student {shlex.quote(person.email)}{names}"
        try:
            return forget(person, keep_grades=keep_grades, now=datetime.now(UTC))
        except maintenance.StillBusy:
            raise CommandError(
                "Workers are still busy with events of this shard. Nothing was erased: try again."
            ) from None
        except StudentCameBack:
            raise CommandError(
                "New events of this address arrived meanwhile: stop its JupyterLab or revoke its class key, then run "
                f"this again: {again}"
            ) from None
        except RedisError as error:
            raise CommandError(
                f"Redis does not answer ({type(error).__name__}), and events of the person may wait there. When it is "
                f"back, run this again: {again}"
            ) from error
        except timeseries.unreachable() as error:
            raise CommandError(
                f"All but the points is erased: InfluxDB does not answer ({type(error).__name__}). "
                f"Run this again: {again}"
            ) from error

    def _print_report(self, report: Report, left: list[str]) -> None:
        self.stdout.write(
            f"{sum(report.deleted.values())} rows deleted, {sum(report.redacted.values())} rows rewritten, "
            f"{report.grades_kept} grades kept under a pseudonym, {report.waiting_events} waiting events, "
            f"{report.keys} keys and {report.files} files deleted."
        )
        for message in left:
            self.stdout.write(self.style.WARNING(message))
        self.stdout.write(self.style.SUCCESS("Done. Backups made before still hold the person: see docs/privacy.md."))
