"""Logins and tokens end when an account is switched on again, and no label passes for a role."""

from django.db import migrations, models

from core.identity import label_key

# In the database, so that it holds whatever way the account is switched on: API, administration, command, SQL. A row
# that is written whole from an older reading does not undo it.
MARK = """
CREATE FUNCTION instructors_mark_revival() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.is_active AND NOT OLD.is_active THEN
        NEW.revived_at := clock_timestamp();
    ELSE
        NEW.revived_at := greatest(OLD.revived_at, NEW.revived_at);
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER instructors_revival BEFORE UPDATE OF is_active, revived_at ON instructors
FOR EACH ROW EXECUTE FUNCTION instructors_mark_revival();
"""
UNMARK = """
DROP TRIGGER instructors_revival ON instructors;
DROP FUNCTION instructors_mark_revival();
"""


def tell_labels_from_roles(apps, schema_editor):
    """`Admin` was a label without the rights of an admin. It becomes what it was in effect: an instructor."""
    accounts = apps.get_model("instructors", "Instructor").objects.all()
    roles = ("admin", "instructor", "assistant")
    for account in accounts.exclude(role__in=roles).only("pk", "role").iterator():
        if label_key(account.role) in ("", *roles):
            accounts.filter(pk=account.pk).update(role="instructor")


class Migration(migrations.Migration):
    dependencies = [("instructors", "0012_invitations_by_key")]

    operations = [
        migrations.AddField("instructor", "revived_at", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.RunSQL(MARK, UNMARK),
        migrations.RunPython(tell_labels_from_roles, migrations.RunPython.noop),
    ]
