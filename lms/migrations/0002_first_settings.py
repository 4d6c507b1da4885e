"""The three settings that the pipeline reads, with the values it would assume without them."""

from django.db import migrations

ROWS = [
    ("consecutive_error_threshold", "3", "int", "Errors in a row on one cell that make a significant error (1 to 10)."),
    ("error_detection_enabled", "true", "bool", "Whether significant errors are flagged at all."),
    ("cache_ttl_seconds", "300", "int", "How long a read of these settings is kept."),
]


def add(apps, schema_editor):
    table = apps.get_model("lms", "SystemSetting")
    for key, value, kind, description in ROWS:
        table.objects.get_or_create(
            setting_key=key, defaults={"setting_value": value, "setting_type": kind, "description": description}
        )


class Migration(migrations.Migration):
    dependencies = [("lms", "0001_initial")]
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
