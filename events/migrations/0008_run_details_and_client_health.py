"""What some senders report of runs, and of themselves. All new columns are nullable, so no table is rewritten."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0007_verified_events'),
        ('lms', '0012_from_instructors'),
    ]

    operations = [
        migrations.AddField('cellexecution', 'traceback', models.TextField(blank=True, help_text='At most 16 KiB, with colour codes.', null=True)),
        migrations.AddField('cellexecution', 'started_at', models.DateTimeField(blank=True, null=True)),
        migrations.AddField('cellexecution', 'queued_ms', models.FloatField(blank=True, help_text='Milliseconds between the request and the start.', null=True)),
        migrations.AddField('cellexecution', 'run_id', models.CharField(blank=True, help_text="The sender's; the run's start and end share it.", max_length=255, null=True)),
        migrations.CreateModel(
            name='ClientHealth',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('class_id', models.BigIntegerField(db_default=0, default=0, help_text='The class whose key it came with; 0: without a key. A plain number, which outlives its class.')),
                ('version', models.CharField(blank=True, max_length=60, null=True)),
                ('waiting', models.BigIntegerField(blank=True, help_text='Events in its queue.', null=True)),
                ('dropped', models.BigIntegerField(blank=True, help_text='Events that it had to drop.', null=True)),
                ('clock_offset_ms', models.FloatField(blank=True, help_text='Its clock; negative: slow.', null=True)),
                ('reported_at', models.DateTimeField(help_text="By the server's clock.")),
                ('student', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='lms.student')),
            ],
            options={
                'verbose_name_plural': 'client health',
                'db_table': 'client_health',
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('student', 'class_id'), name='client_health_once_a_class')],
            },
        ),
    ]
