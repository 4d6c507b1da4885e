"""Student number and reading of an enrolment, also in the view of a class's students; former addresses of students."""

from importlib import import_module

import django.db.models.deletion
import django.utils.timezone
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
        migrations.AlterModelOptions('student', {'ordering': ['id'], 'verbose_name': 'student', 'verbose_name_plural': 'students'}),
        migrations.AlterModelOptions('studentclass', {'ordering': ['id'], 'verbose_name': 'enrolment', 'verbose_name_plural': 'enrolments'}),
        migrations.CreateModel(
            name='StudentAddress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('email', models.CharField(max_length=320)),
                ('email_key', models.CharField(editable=False, max_length=320)),
                ('added_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('student', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='former_addresses', to='lms.student')),
            ],
            options={
                'verbose_name': 'former address',
                'verbose_name_plural': 'former addresses',
                'db_table': 'student_addresses',
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('email_key',), name='student_addresses_once')],
            },
        ),
    ]
