"""Only a name in the Django admin changes: no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lms", "0020_questions")]

    operations = [
        migrations.AlterField(
            model_name="class",
            name="class_code",
            field=models.CharField(max_length=100, unique=True, verbose_name="code"),
        )
    ]
