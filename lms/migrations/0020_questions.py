"""Whether a class asks its students if they are stuck, and whether a student may be asked. With defaults of the database:
no table is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lms', '0019_rooms_and_seats'),
    ]

    operations = [
        migrations.AddField('class', 'asks_if_stuck', models.BooleanField(db_default=False, default=False, help_text='Asks students of whom the list is unsure (classroom/questions).')),
        migrations.AddField('studentclass', 'may_be_asked', models.BooleanField(db_default=True, default=True, help_text='Whether they are stuck. Only the student switches it.')),
    ]
