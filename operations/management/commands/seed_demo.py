"""`manage.py seed_demo`: create a class, its room, class key and instructor for a local demonstration."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from events.simulation.students import email_of
from instructors.models import Instructor
from lms import rooms
from lms.class_keys import create_key
from lms.enrolment import Listed, enrol_listed
from lms.models import Class, ClassKey, StudentClass
from lms.seat_grid import Grid
from operations.local.launch import DEMO_STUDENTS

CODE, NAME, EMAIL = "DEMO", "Python 入門 / Intro to Python", "demo@example.com"


class Command(BaseCommand):
    help = "Create the demo class, its key (in DATA_DIR/demo_class_key) and its instructor; print the login."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo credentials exist only in demo mode: this needs DEBUG=1.")
        with transaction.atomic():
            instructor, password = self._instructor()
            demo, _ = Class.objects.get_or_create(class_code=CODE, defaults={"name": NAME, "instructor": instructor})
            self._key(demo, settings.DATA_DIR / "demo_class_key")
            if not rooms.rooms_of(demo.pk).exists():
                self._room(demo)
        self.stdout.write(f"Class     {demo.name} ({demo.class_code}, id {demo.pk})")
        self.stdout.write(f"Login     {EMAIL}")
        self.stdout.write(f"Password  {password or 'unchanged; set DEMO_PASSWORD to choose another'}")

    def _instructor(self) -> tuple[Instructor, str]:
        """Return the instructor and the new password. An existing one changes only if DEMO_PASSWORD differs."""
        chosen = os.environ.get("DEMO_PASSWORD", "")
        found = Instructor.objects.with_email(EMAIL)
        if found is None:
            password = chosen or secrets.token_urlsafe(9)
            return Instructor.objects.create_user(EMAIL, password, name="Demo"), password
        if chosen and not found.check_password(chosen):
            found.set_password(chosen)
            found.save(update_fields=["password"])
        return found, chosen

    def _room(self, demo: Class) -> None:
        """Give the class a room with a seat for each simulated student, who says their name with the first event."""
        now = timezone.now()
        enrol_listed(demo.pk, [Listed(email=email_of(number)) for number in range(1, DEMO_STUDENTS + 1)], now=now)
        seats = Grid(rows=5, columns=8, aisles=[4]).seats()
        room = rooms.make_room(demo.pk, name="Room 2", seats=seats, now=now)
        students = StudentClass.objects.filter(class_ref=demo).order_by("student__email")
        rooms.fill(room, list(students.values_list("student", flat=True)), keep=True, now=now)

    def _key(self, demo: Class, file: Path) -> None:
        key = file.read_text().strip() if file.exists() else ""
        valid = ClassKey.objects.filter(ClassKey.open_at(timezone.now()), class_ref=demo)
        if key and valid.filter(key_hash=ClassKey.hash(key)).exists():
            return
        _, key = create_key(demo)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text(key)
