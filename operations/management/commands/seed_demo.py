"""`manage.py seed_demo`: create a class with assignments, its key and an instructor for a demonstration."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from instructors.models import Instructor
from lms.class_keys import create_key
from lms.models import Class, ClassKey
from operations.local.demo_schoolwork import add_schoolwork

CODE, NAME, EMAIL = "DEMO", "Python 入門 / Intro to Python", "demo@example.com"


class Command(BaseCommand):
    help = "Create the demo class, its key (in DATA_DIR/demo_class_key) and its instructor; print the login."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("Demo credentials exist only in demo mode: this needs DEBUG=1.")
        with transaction.atomic():
            instructor, password = self._instructor()
            demo, _ = Class.objects.get_or_create(class_code=CODE, defaults={"name": NAME, "instructor": instructor})
            add_schoolwork(demo, now=timezone.now())
            self._key(demo, settings.DATA_DIR / "demo_class_key")
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
