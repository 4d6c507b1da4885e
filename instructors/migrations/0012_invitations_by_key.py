"""Invitations are for the key of an address; so are the notices of students."""

from django.db import migrations, models

from core.identity import email_key
from core import row_merging as merging


def give_keys(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, email FROM class_invitations")
        keys = merging.keys_of(cursor.fetchall(), email_key)
        merging.set_column(cursor, "class_invitations", "email_key", keys)


class Migration(migrations.Migration):
    dependencies = [("instructors", "0011_one_account_an_address")]

    operations = [
        migrations.AddField(
            "classinvitation", "email_key", models.CharField(max_length=320, null=True, editable=False)
        ),
        migrations.RunPython(give_keys, migrations.RunPython.noop),
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField("classinvitation", "email_key", models.CharField(max_length=320, editable=False)),
        migrations.AlterField(
            "progressnotification",
            "recipient_id",
            models.CharField(help_text="The key of the address.", max_length=320),
        ),
    ]
