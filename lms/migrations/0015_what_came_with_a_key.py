"""What a hand-in's key came with, and the hand-in whose grade is told. Both are nullable: no table is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lms', '0014_hand_ins_once_and_cells_of_hints'),
    ]

    operations = [
        migrations.AddField('assignmentsubmission', 'sent_with_key', models.JSONField(blank=True, editable=False, help_text='The content_sha256 and submission_comment that came with it.', null=True)),
        migrations.AddField('progressnotification', 'submission_id', models.BigIntegerField(blank=True, help_text='Of the hand-in whose grade it tells.', null=True)),
    ]
