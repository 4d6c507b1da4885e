"""One account an address, however it is spelt (`core.identity`). Accounts are never merged: of two with one address one
keeps it, and the other is found by no address until somebody has looked at it (`manage.py check_identities`).
"""

import logging

from django.db import migrations, models

import core.validators
from core.identity import email_key
from core import row_merging as merging

logger = logging.getLogger(__name__)


def give_keys(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        # Who is switched on comes first, then who was here last, then the older one.
        cursor.execute("SELECT id, email FROM instructors ORDER BY is_active DESC, last_login_at DESC NULLS LAST, id")
        keys = merging.keys_of(cursor.fetchall(), email_key)
        second = {old for old, _ in merging.pairs(keys)}
        given = [(pk, f"{merging.UNREACHABLE}{pk}" if pk in second else key) for pk, key in keys]
        merging.set_column(cursor, "instructors", "email_key", given)
    if second:
        logger.warning(
            "%d accounts have the address of another one and cannot log in: see manage.py check_identities", len(second)
        )


class Migration(migrations.Migration):
    dependencies = [("instructors", "0010_reports"), ("lms", "0009_one_row_a_person")]

    operations = [
        migrations.AddField("instructor", "email_key", models.CharField(max_length=320, null=True, editable=False)),
        migrations.RunPython(give_keys, migrations.RunPython.noop),
        # Otherwise a table with rows changed in this transaction cannot be altered in it.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField("instructor", "email_key", models.CharField(max_length=320, editable=False)),
        migrations.RemoveConstraint("instructor", "instructors_email_without_case"),
        migrations.AddConstraint("instructor", models.UniqueConstraint(fields=["email_key"], name="instructors_once")),
        migrations.AlterField(
            "instructor",
            "email",
            models.CharField(
                help_text="As it was typed.", max_length=255, validators=[core.validators.validate_address]
            ),
        ),
    ]
