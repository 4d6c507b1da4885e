"""The sender's key of a hand-in, and the cell that a hint is about. All columns are nullable: no table is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lms', '0013_student_tokens'),
    ]

    operations = [
        migrations.AddField('assignmentsubmission', 'idempotency_key', models.CharField(blank=True, editable=False, help_text="The sender's: sent again, it is one hand-in.", max_length=64, null=True)),
        migrations.AddConstraint('assignmentsubmission', models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('assignment', 'student', 'idempotency_key'), name='submissions_once_a_key')),
        migrations.AddField('progressnotification', 'notebook_path', models.CharField(blank=True, max_length=1024, null=True)),
        migrations.AddField('progressnotification', 'cell_id', models.CharField(blank=True, help_text='As the notebook names it.', max_length=255, null=True)),
    ]
