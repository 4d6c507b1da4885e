"""One row a person and a team, however their address and name are spelt (`lms.identity`)."""

from django.db import migrations, models
from django.db.models.functions import Lower

from lms.identity import email_key, label_key


def fill(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for table, typed, column, form in (
            ("students", "email", "email_key", email_key),
            ("teams", "team_name", "team_key", label_key),
        ):
            cursor.execute(f"SELECT id, {typed} FROM {table}")
            rows = cursor.fetchall()
            cursor.execute(
                f"UPDATE {table} t SET {column} = k.key FROM unnest(%s::bigint[], %s::text[]) AS k (id, key)"
                " WHERE t.id = k.id",
                [[pk for pk, _ in rows], [form(text) for _, text in rows]],
            )


class Migration(migrations.Migration):
    dependencies = [
        ("lms", "0008_fewer_indexes"),
        ("events", "0005_run_counts"),
        ("instructors", "0010_reports"),
    ]

    operations = [
        migrations.AddField("student", "email_key", models.CharField(max_length=320, null=True, editable=False)),
        migrations.AddField("team", "team_key", models.CharField(max_length=320, null=True, editable=False)),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
        # Otherwise a table with rows changed in this transaction cannot be altered in it.
        migrations.RunSQL("SET CONSTRAINTS ALL IMMEDIATE", migrations.RunSQL.noop),
        migrations.AlterField("student", "email_key", models.CharField(max_length=320, editable=False)),
        migrations.AlterField("team", "team_key", models.CharField(max_length=320, editable=False)),
        migrations.RemoveConstraint("student", "students_email_without_case"),
        migrations.AddConstraint("student", models.UniqueConstraint(fields=["email_key"], name="students_once")),
        migrations.AddConstraint("team", models.UniqueConstraint(fields=["team_key"], name="teams_once")),
        migrations.AlterField(
            "student",
            "email",
            models.CharField(help_text="The public identity, as it was typed first; any text.", max_length=320),
        ),
        migrations.AlterField(
            "team", "team_name", models.CharField(help_text="As it was typed first.", max_length=255)
        ),
    ]
