"""Take over these models from the app `instructors`. Their tables stay as they are: only Django's records change.
"""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


MODELS = ['analyticsreport', 'attentioncase', 'classinvitation', 'hint', 'hintrecipient', 'studentnote']


def move_content_types(apps, schema_editor):
    """Keep the admin's history and permissions with their models."""
    types = apps.get_model("contenttypes", "ContentType").objects
    there = set(types.filter(app_label="classroom").values_list("model", flat=True))
    types.filter(app_label="instructors", model__in=set(MODELS) - there).update(app_label="classroom")


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('instructors', '0014_notices_of_classes'),
        ('lms', '0012_from_instructors'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='AnalyticsReport',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('report_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                        ('report_type', models.CharField(choices=[('class', 'Class'), ('team', 'Team'), ('student', 'Student')], max_length=20)),
                        ('parameters', models.JSONField(default=dict, help_text='Target, span of time and format, as they were understood.')),
                        ('status', models.CharField(choices=[('pending', 'Pending'), ('ready', 'Ready'), ('failed', 'Failed')], default='pending', max_length=10)),
                        ('content', models.JSONField(blank=True, help_text='What was found; of a failed one, what to do.', null=True)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('queued_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When a worker was last told.')),
                        ('finished_at', models.DateTimeField(blank=True, null=True)),
                        ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'db_table': 'analytics_reports',
                        'ordering': ['-id'],
                    },
                ),
                migrations.CreateModel(
                    name='ClassInvitation',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('email', models.CharField(max_length=255)),
                        ('email_key', models.CharField(editable=False, max_length=320)),
                        ('role', models.CharField(max_length=20)),
                        ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('expires_at', models.DateTimeField()),
                        ('closed_at', models.DateTimeField(blank=True, null=True)),
                        ('accepted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('class_ref', models.ForeignKey(db_column='class_id', on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='lms.class')),
                        ('invited_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'db_table': 'class_invitations',
                        'ordering': ['id'],
                    },
                ),
                migrations.CreateModel(
                    name='Hint',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('nonce', models.UUIDField(help_text='Chosen with the form: sending it twice makes one hint.', unique=True)),
                        ('error_name', models.CharField(blank=True, default='', max_length=100)),
                        ('fingerprint', models.CharField(help_text='Of the mistake (`queries.fingerprints`).', max_length=16)),
                        ('text', models.TextField()),
                        ('sent_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('cell', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='lms.cell')),
                        ('class_ref', models.ForeignKey(blank=True, db_column='class_id', help_text='Empty: sent from the room of everybody.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='lms.class', verbose_name='class')),
                        ('notebook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='lms.notebook')),
                        ('sent_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'db_table': 'hints',
                        'ordering': ['-id'],
                    },
                ),
                migrations.CreateModel(
                    name='HintRecipient',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('hint', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sent_to', to='classroom.hint')),
                        ('student', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='lms.student')),
                    ],
                    options={
                        'db_table': 'hint_recipients',
                        'ordering': ['id'],
                    },
                ),
                migrations.AddField(
                    model_name='hint',
                    name='recipients',
                    field=models.ManyToManyField(related_name='hints', through='classroom.HintRecipient', to='lms.student'),
                ),
                migrations.CreateModel(
                    name='StudentNote',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('text', models.TextField()),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('edited_at', models.DateTimeField(blank=True, null=True)),
                        ('earlier_texts', models.JSONField(blank=True, default=list, help_text='[{text, until}], the oldest first.')),
                        ('deleted_at', models.DateTimeField(blank=True, null=True)),
                        ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('class_ref', models.ForeignKey(blank=True, db_column='class_id', help_text='Empty for one written in the room of everybody, which is seen there alone.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='lms.class')),
                        ('deleted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('student', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='notes', to='lms.student')),
                    ],
                    options={
                        'db_table': 'student_notes',
                        'ordering': ['-id'],
                    },
                ),
                migrations.CreateModel(
                    name='AttentionCase',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('code', models.CharField(max_length=20)),
                        ('evidence', models.JSONField(default=dict, help_text='The numbers behind the reason; never code or output.')),
                        ('opened_at', models.DateTimeField(help_text='First shown.')),
                        ('claimed_at', models.DateTimeField(blank=True, null=True)),
                        ('snoozed_until', models.DateTimeField(blank=True, null=True)),
                        ('ended_at', models.DateTimeField(blank=True, null=True)),
                        ('outcome', models.CharField(blank=True, choices=[('helped', 'Helped'), ('dismissed', 'Dismissed'), ('not_found', 'Not Found'), ('recovered', 'Recovered')], max_length=10, null=True)),
                        ('claimed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('class_ref', models.ForeignKey(blank=True, db_column='class_id', help_text='Where it was shown; empty for the room of everybody.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='attention_cases', to='lms.class', verbose_name='class')),
                        ('ended_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('student', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='attention_cases', to='lms.student')),
                    ],
                    options={
                        'db_table': 'attention_cases',
                        'ordering': ['-id'],
                        'indexes': [models.Index(fields=['student', '-ended_at'], name='attention_cases_of_a_student'), models.Index(condition=models.Q(('outcome__in', ['helped', 'dismissed'])), fields=['class_ref', 'outcome'], name='attention_cases_judged')],
                        'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('student', 'class_ref'), name='attention_cases_one_open', nulls_distinct=False)],
                    },
                ),
                migrations.AddConstraint(
                    model_name='hintrecipient',
                    constraint=models.UniqueConstraint(fields=('hint', 'student'), name='hint_recipients_once'),
                ),
                migrations.AddIndex(
                    model_name='hint',
                    index=models.Index(fields=['cell', '-sent_at'], name='hints_of_a_cell'),
                ),
                migrations.AddIndex(
                    model_name='hint',
                    index=models.Index(fields=['fingerprint', '-sent_at'], name='hints_of_a_mistake'),
                ),
                migrations.AddIndex(
                    model_name='studentnote',
                    index=models.Index(condition=models.Q(('deleted_at', None)), fields=['student', '-created_at'], name='student_notes_latest'),
                ),
            ],
        ),
        migrations.RunPython(move_content_types, migrations.RunPython.noop),
    ]
