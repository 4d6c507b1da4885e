import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lms', '0007_notebook_versions'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='session',
            name='sessions_idle_sweep',
        ),
        migrations.AlterField(
            model_name='session',
            name='student',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='lms.student'),
        ),
        migrations.AlterField(
            model_name='student',
            name='last_activity_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddIndex(
            model_name='session',
            index=models.Index(condition=models.Q(('is_active', True)), fields=['id'], name='sessions_active'),
        ),
        # Every batch changes these rows. With room beside it a row's new version needs no new entry in any index.
        migrations.RunSQL(
            'ALTER TABLE students SET (fillfactor = 50); ALTER TABLE sessions SET (fillfactor = 50)',
            'ALTER TABLE students RESET (fillfactor); ALTER TABLE sessions RESET (fillfactor)',
        ),
    ]
