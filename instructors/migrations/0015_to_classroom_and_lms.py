"""Hand models over to the apps `classroom` and `lms`, which have their tables from now on."""

from django.db import migrations

MODELS = [
    "HintRecipient", "Hint", "StudentNote", "AttentionCase", "AnalyticsReport", "ClassInvitation", "ProgressNotification",
]  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [
        ("instructors", "0014_notices_of_classes"),
        ("classroom", "0001_from_instructors"),
        ("lms", "0012_from_instructors"),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel(name) for name in MODELS]),
    ]
