"""Student number and reading of an enrolment, also in the view of a class's students."""

from importlib import import_module

from django.db import migrations, models

before = import_module("lms.migrations.0011_activity_through_classes")

MORE = ", e.student_number, e.reading, e.reading_key"
# The view as it was, with three more columns at its end: PostgreSQL replaces it in place.
VIEW = before.VIEW.replace("CREATE VIEW", "CREATE OR REPLACE VIEW").replace(
    "\nFROM student_classes e JOIN", f"{MORE}\nFROM student_classes e JOIN"
)
UNDO = f"DROP VIEW class_students; {before.VIEW}"


class Migration(migrations.Migration):

    dependencies = [
        ('lms', '0015_what_came_with_a_key'),
    ]

    operations = [
        migrations.AddField('studentclass', 'student_number', models.CharField(blank=True, help_text='学籍番号: any text.', max_length=64, null=True)),
        migrations.AddField('studentclass', 'reading', models.CharField(blank=True, help_text='ふりがな, by which names are sorted.', max_length=255, null=True)),
        migrations.AddField('studentclass', 'reading_key', models.CharField(db_collation='C', db_default='', default='', editable=False, max_length=640)),
        migrations.AddField('classstudent', 'student_number', models.CharField(max_length=64, null=True)),
        migrations.AddField('classstudent', 'reading', models.CharField(max_length=255, null=True)),
        migrations.AddField('classstudent', 'reading_key', models.CharField(db_collation='C', max_length=640)),
        migrations.RunSQL(VIEW, UNDO),
    ]
