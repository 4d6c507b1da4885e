"""How readily "needs attention now" lists a student, by class. With a default of the database: no table is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('lms', '0017_gradebook'),
    ]

    operations = [
        migrations.AddField('class', 'attention_list', models.CharField(choices=[('quieter', 'Quieter'), ('usual', 'Usual'), ('busier', 'Busier')], db_default='usual', default='usual', max_length=10)),
    ]
