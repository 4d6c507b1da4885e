"""Take over this model from the app `instructors`. Its table stays as it is: only Django's records change.
"""

import django.utils.timezone
from django.db import migrations, models


MODELS = ['progressnotification']


def move_content_types(apps, schema_editor):
    """Keep the admin's history and permissions with their models."""
    types = apps.get_model("contenttypes", "ContentType").objects
    there = set(types.filter(app_label="lms").values_list("model", flat=True))
    types.filter(app_label="instructors", model__in=set(MODELS) - there).update(app_label="lms")


class Migration(migrations.Migration):

    dependencies = [
        ('contenttypes', '0002_remove_content_type_name'),
        ('instructors', '0014_notices_of_classes'),
        ('lms', '0011_activity_through_classes'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='ProgressNotification',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('notification_id', models.UUIDField(unique=True)),
                        ('recipient_id', models.CharField(help_text='The key of the address.', max_length=320)),
                        ('recipient_type', models.CharField(default='student', max_length=20)),
                        ('title', models.CharField(max_length=255)),
                        ('message', models.TextField()),
                        ('level', models.CharField(default='info', max_length=20)),
                        ('assignment_id', models.BigIntegerField(blank=True, null=True)),
                        ('class_id', models.BigIntegerField(db_default=0, default=0, help_text='Of the class it is about; 0: of none.')),
                        ('user_id', models.CharField(blank=True, max_length=320, null=True)),
                        ('is_read', models.BooleanField(default=False)),
                        ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                        ('expires_at', models.DateTimeField(blank=True, null=True)),
                        ('action_url', models.TextField(blank=True, null=True)),
                        ('action_label', models.CharField(blank=True, max_length=255, null=True)),
                    ],
                    options={
                        'db_table': 'progress_notifications',
                        'ordering': ['-id'],
                        'indexes': [models.Index(fields=['recipient_id', '-created_at'], name='notifications_of_somebody')],
                    },
                ),
            ],
        ),
        migrations.RunPython(move_content_types, migrations.RunPython.noop),
    ]
