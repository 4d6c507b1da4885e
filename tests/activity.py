"""What a test says a student did, seen in their classes.

In the product the event pipeline writes a student's row and their row of `student_activity` together. A test that makes
a student who is asking for help, or was here a minute ago, writes the student's row alone; with `mirror()` the other
follows, and what their classes call them, as if it had come without a key.
"""

from collections.abc import Iterable
from typing import Any

from django.db import connection
from django.db.models.signals import post_save

from core.key_fields import KeyedQuerySet
from lms.models import Student
from lms.models.people import WITHOUT_KEY, ActivityColumns

STATE = [field.attname for field in ActivityColumns._meta.get_fields()]
NAMES = {*STATE, "current_notebook", "name", "team", "team_id"}
FOLLOW = f"""
    WITH changed AS (SELECT * FROM students WHERE id = ANY(%s)),
    followed AS (
        INSERT INTO student_activity (student_id, class_id, {", ".join(STATE)})
        SELECT id, {WITHOUT_KEY}, {", ".join(STATE)} FROM changed
        ON CONFLICT (student_id, class_id) DO UPDATE SET {", ".join(f"{name} = EXCLUDED.{name}" for name in STATE)}
    )
    UPDATE student_classes SET name = changed.name, team_id = changed.team_id
    FROM changed WHERE changed.id = student_classes.student_id
"""


def mirror() -> None:
    """From now on, in this process. Rows that the pipeline writes are left alone: it does not go through models."""
    post_save.connect(lambda instance, **_: follow([instance.pk]), sender=Student, weak=False)
    update, bulk_create = KeyedQuerySet.update, KeyedQuerySet.bulk_create

    def update_and_follow(self: Any, **values: Any) -> int:
        if self.model is not Student or NAMES.isdisjoint(values):
            return update(self, **values)
        pks = list(self.order_by().values_list("pk", flat=True))
        changed = update(self, **values)
        follow(pks)
        return changed

    def create_and_follow(self: Any, *args: Any, **options: Any) -> list[Any]:
        made = bulk_create(self, *args, **options)
        if self.model is Student:
            follow([each.pk for each in made])
        return made

    KeyedQuerySet.update, KeyedQuerySet.bulk_create = update_and_follow, create_and_follow


def follow(student_ids: Iterable[int]) -> None:
    """In one statement: every other test makes a student."""
    with connection.cursor() as cursor:
        cursor.execute(FOLLOW, [list(student_ids)])
