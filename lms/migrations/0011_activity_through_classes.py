"""Where activity of a class is kept: a row of `student_activity` for each student and class, name and team of a
membership, the class of a session. `events` 0006 fills them, when the rows of activity have a class as well."""

import django.db.models.deletion
from django.db import migrations, models

STATE = (
    "is_requesting_help", "help_requested_at", "last_help_at", "help_stopped_at", "help_dismissed_at",
    "help_session_id", "help_notebook_path", "errors_resolved_at", "last_activity_at", "current_notebook_id",
    "execution_count", "error_count", "last_run_at", "last_run_failed",
)
DEFAULTS = {"is_requesting_help": "false", "execution_count": "0", "error_count": "0", "last_run_failed": "false"}
# The sum of two rows, where what came without a key counts too.
MERGED = {
    "is_requesting_help": "bool_or(is_requesting_help)",
    "help_requested_at": "min(help_requested_at) FILTER (WHERE is_requesting_help)",
    "help_session_id": "(array_agg(help_session_id ORDER BY last_help_at DESC NULLS LAST))[1]",
    "help_notebook_path": "(array_agg(help_notebook_path ORDER BY last_help_at DESC NULLS LAST))[1]",
    "current_notebook_id": "(array_agg(current_notebook_id ORDER BY last_activity_at DESC NULLS LAST))[1]",
    "execution_count": "sum(execution_count)::int",
    "error_count": "sum(error_count)::int",
    "last_run_failed": "(array_agg(last_run_failed ORDER BY last_run_at DESC NULLS LAST))[1]",
}


def shown(source: str) -> str:
    found = (f"{source}.{name}" for name in STATE)
    return ", ".join(
        f"coalesce({column}, {DEFAULTS[name]}) AS {name}" if name in DEFAULTS else f"{column} AS {name}"
        for name, column in zip(STATE, found, strict=True)
    )


WHO = "s.id, e.class_id, {flag} AS with_keyless, s.email, s.email_key, e.name, e.team_id, e.joined_at AS created_at"
VIEW = f"""
CREATE VIEW class_students AS
SELECT {WHO.format(flag="false")}, {shown("a")}
FROM student_classes e JOIN students s ON s.id = e.student_id
LEFT JOIN student_activity a ON a.student_id = e.student_id AND a.class_id = e.class_id
UNION ALL
SELECT {WHO.format(flag="true")}, {shown("m")}
FROM student_classes e JOIN students s ON s.id = e.student_id
LEFT JOIN LATERAL (
    SELECT {", ".join(f"{MERGED.get(name, f'max({name})')} AS {name}" for name in STATE)}
    FROM student_activity WHERE student_id = e.student_id AND class_id IN (e.class_id, 0)) m ON true
"""

STATE_FIELDS = [
    ('is_requesting_help', models.BooleanField(default=False)),
    ('help_requested_at', models.DateTimeField(blank=True, null=True)),
    ('last_help_at', models.DateTimeField(blank=True, help_text="The latest request, by the sender's clock.", null=True)),
    ('help_stopped_at', models.DateTimeField(blank=True, help_text="The latest stop, by the sender's clock.", null=True)),
    ('help_dismissed_at', models.DateTimeField(blank=True, null=True)),
    ('help_session_id', models.CharField(blank=True, max_length=255, null=True)),
    ('help_notebook_path', models.CharField(blank=True, max_length=1024, null=True)),
    ('errors_resolved_at', models.DateTimeField(blank=True, help_text='Older errors no longer count.', null=True)),
    ('last_activity_at', models.DateTimeField(blank=True, null=True)),
    ('execution_count', models.IntegerField(default=0, help_text='Runs that succeeded or failed.')),
    ('error_count', models.IntegerField(default=0, help_text='Runs that failed.')),
    ('last_run_at', models.DateTimeField(blank=True, null=True)),
    ('last_run_failed', models.BooleanField(default=False)),
]


class Migration(migrations.Migration):

    dependencies = [
        ('lms', '0010_one_row_a_notebook'),
    ]

    operations = [
        migrations.CreateModel(
            name='StudentActivity',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                *STATE_FIELDS,
                ('class_id', models.BigIntegerField(db_default=0, default=0)),
                ('current_notebook', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='in_use_by', to='lms.notebook')),
                ('student', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='activities', to='lms.student')),
            ],
            options={
                'verbose_name_plural': 'student activity',
                'db_table': 'student_activity',
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('student', 'class_id'), name='student_activity_once')],
            },
        ),
        migrations.RunSQL("ALTER TABLE student_activity SET (fillfactor = 50)", migrations.RunSQL.noop),
        migrations.AddField(
            model_name='notebook',
            name='is_course_material',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RemoveConstraint(model_name='session', name='sessions_once_a_student'),
        migrations.AddField(
            model_name='session',
            name='class_id',
            field=models.BigIntegerField(db_default=0, default=0, help_text='Of the class it came through; 0: no key.'),
        ),
        migrations.AddConstraint(
            model_name='session',
            constraint=models.UniqueConstraint(fields=('student', 'session_id', 'class_id'), name='sessions_once_a_class'),
        ),
        migrations.AddField(
            model_name='studentclass',
            name='name',
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        migrations.AddField(
            model_name='studentclass',
            name='team',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='members', to='lms.team'),
        ),
        migrations.CreateModel(
            name='ClassStudent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                *STATE_FIELDS,
                ('class_id', models.BigIntegerField()),
                ('with_keyless', models.BooleanField()),
                ('email', models.CharField(max_length=320)),
                ('email_key', models.CharField(max_length=320)),
                ('name', models.CharField(max_length=255, null=True)),
                ('created_at', models.DateTimeField(help_text='When they joined the class.')),
            ],
            options={
                'db_table': 'class_students',
                'ordering': ['id'],
                'managed': False,
            },
        ),
        migrations.RunSQL(VIEW, "DROP VIEW class_students"),
    ]
