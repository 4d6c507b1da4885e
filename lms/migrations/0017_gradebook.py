"""Weights, extensions of due dates, rubrics and saved comments. The new columns rewrite no table."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lms', '0016_numbers_and_readings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='assignmentsubmission',
            name='ticked_items',
            field=models.JSONField(blank=True, editable=False, help_text='Ids of the rubric items that the grader ticked, ascending.', null=True),
        ),
        migrations.AddField(
            model_name='classassignment',
            name='weight',
            field=models.FloatField(db_default=1, default=1, help_text='In the totals; 0: it does not count.', validators=[django.core.validators.MinValueValidator(0)]),
        ),
        migrations.CreateModel(
            name='DueDateExtension',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('due_date', models.DateTimeField()),
                ('reason', models.TextField(blank=True, help_text='For the staff of the class.', null=True)),
                ('granted_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('assignment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='extensions', to='lms.classassignment')),
                ('granted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('student', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='extensions', to='lms.student')),
            ],
            options={
                'verbose_name': 'extension of a due date',
                'verbose_name_plural': 'extensions of due dates',
                'db_table': 'due_date_extensions',
                'ordering': ['id'],
                'constraints': [models.UniqueConstraint(fields=('assignment', 'student'), name='due_date_extensions_once')],
            },
        ),
        migrations.CreateModel(
            name='RubricItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.IntegerField()),
                ('text', models.CharField(max_length=500)),
                ('points', models.FloatField(help_text='May be negative.')),
                ('assignment', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='rubric', to='lms.classassignment')),
            ],
            options={
                'db_table': 'rubric_items',
                'ordering': ['position', 'id'],
                'indexes': [models.Index(fields=['assignment', 'position'], name='rubric_of_an_assignment')],
            },
        ),
        migrations.CreateModel(
            name='SavedComment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('assignment', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_comments', to='lms.classassignment')),
                ('author', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='saved_comments', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'saved_comments',
                'ordering': ['id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('assignment', None), ('author', None), _connector='XOR'), name='saved_comments_of_one')],
            },
        ),
    ]
