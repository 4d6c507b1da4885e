"""A notice says which class it is about, so that the staff of another do not read it."""

from django.db import migrations, models

OF_CLASSES = """
UPDATE progress_notifications n SET class_id = a.class_id FROM class_assignments a WHERE a.id = n.assignment_id;
-- A hint's notice has no assignment. It says what the hint said, to one who was told, at that moment.
UPDATE progress_notifications n SET class_id = h.class_id
FROM hints h JOIN hint_recipients r ON r.hint_id = h.id JOIN students s ON s.id = r.student_id
WHERE n.assignment_id IS NULL AND h.class_id IS NOT NULL AND n.recipient_id = s.email AND n.message = h.text;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('instructors', '0013_accounts_switched_on_again'),
        ('events', '0006_activity_through_classes'),
    ]

    operations = [
        migrations.AddField(
            model_name='progressnotification',
            name='class_id',
            field=models.BigIntegerField(db_default=0, default=0, help_text='Of the class it is about; 0: of none.'),
        ),
        migrations.RunSQL(OF_CLASSES, migrations.RunSQL.noop),
    ]
