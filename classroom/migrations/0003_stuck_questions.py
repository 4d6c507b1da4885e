"""Questions to students whether they are stuck, and their answers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('classroom', '0002_erasure_requests'),
        ('lms', '0020_questions'),
    ]

    operations = [
        migrations.CreateModel(
            name='StuckQuestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('asked_at', models.DateTimeField()),
                ('probability', models.FloatField(help_text='That they were stuck, when they were asked.')),
                ('answered_at', models.DateTimeField(blank=True, null=True)),
                ('answer', models.CharField(blank=True, choices=[('yes', 'Yes'), ('fine', 'Fine'), ('never', 'Never')], max_length=5, null=True)),
                ('class_ref', models.ForeignKey(db_column='class_id', on_delete=django.db.models.deletion.CASCADE, related_name='+', to='lms.class', verbose_name='class')),
                ('student', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='stuck_questions', to='lms.student')),
            ],
            options={
                'db_table': 'stuck_questions',
                'ordering': ['-id'],
                'indexes': [
                    models.Index(fields=['student', '-asked_at'], name='stuck_questions_of_a_student'),
                    models.Index(condition=models.Q(('answer', 'fine')), fields=['answered_at'], name='stuck_questions_fine'),
                ],
            },
        ),
    ]
