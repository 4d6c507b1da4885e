from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0003_errors_shown_by_time'),
        ('lms', '0008_fewer_indexes'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='cellexecution',
            constraint=models.UniqueConstraint(fields=('event_id',), name='executions_once_an_event'),
        ),
        migrations.AlterField(
            model_name='cellexecution',
            name='event_id',
            field=models.CharField(blank=True, max_length=255, null=True),
        ),
        # Every run changes its cell's row: see the students'.
        migrations.RunSQL(
            'ALTER TABLE cell_progress SET (fillfactor = 50)', 'ALTER TABLE cell_progress RESET (fillfactor)'
        ),
    ]
