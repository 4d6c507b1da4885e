"""`cell_executions` loses its foreign keys and the index of `execution_id`, and gets a trigger instead.

See docs/decisions/0021-what-a-run-refers-to.md. Nothing is scanned or rewritten: with ten million runs it takes as long
as with none, once it has its locks. It takes them in the order of the event pipeline, all at once or none, and gives up
after half a second to try again, so that it neither waits in the way of others nor deadlocks with them (PostgreSQL
looks for a deadlock after one second).
"""

import time

import django.contrib.postgres.functions
import django.db.models.deletion
import uuid
from django.db import OperationalError, migrations, models, transaction

TABLES = "students, notebooks, cells, sessions, cell_executions"
ATTEMPTS, PAUSE = 60, 0.5  # seconds

PARENTS = {"students": "student_id", "notebooks": "notebook_id", "cells": "cell_id", "sessions": "session_id"}

# As a foreign key without ON DELETE does, and at the same moment as Django's: when the transaction is committed. Each
# statement of a function sees what was committed before it, so a batch for which the deletion had to wait counts.
FUNCTION = """
CREATE FUNCTION refuse_orphaned_runs() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    is_used boolean;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM cell_executions WHERE %I = $1)', TG_ARGV[0]) INTO is_used USING OLD.id;
    IF is_used THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('delete on table "%s" violates the rule that its runs go first', TG_TABLE_NAME),
            DETAIL = format('Key (id)=(%s) is still referenced from table "cell_executions".', OLD.id),
            TABLE = 'cell_executions', COLUMN = TG_ARGV[0], CONSTRAINT = TG_NAME;
    END IF;
    RETURN NULL;
END $$;
"""
TRIGGERS = "".join(
    f"CREATE CONSTRAINT TRIGGER {table}_without_runs AFTER DELETE ON {table} DEFERRABLE INITIALLY DEFERRED"
    f" FOR EACH ROW EXECUTE FUNCTION refuse_orphaned_runs('{column}');\n"
    for table, column in PARENTS.items()
)
DROP = "".join(f"DROP TRIGGER {table}_without_runs ON {table};\n" for table in PARENTS)


def lock_tables(apps, schema_editor):
    """Lock the tables until the end of the migration. Raises OperationalError if others hold them for a minute."""
    with schema_editor.connection.cursor() as cursor:
        for attempt in range(ATTEMPTS):
            try:
                with transaction.atomic(schema_editor.connection.alias):  # a savepoint: a failure releases all locks
                    cursor.execute("SET LOCAL lock_timeout = '500ms'")
                    cursor.execute(f"LOCK TABLE {TABLES} IN ACCESS EXCLUSIVE MODE")
                    cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
                return
            except OperationalError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(PAUSE)


def constraint(name, to, related_name, **options):
    return migrations.AlterField(
        model_name='cellexecution',
        name=name,
        field=models.ForeignKey(
            db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name=related_name, to=to, **options
        ),
    )


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0008_run_details_and_client_health'),
        ('lms', '0015_what_came_with_a_key'),
    ]

    operations = [
        migrations.RunPython(lock_tables, lock_tables, elidable=False),
        migrations.AlterField(
            model_name='cellexecution',
            name='execution_id',
            field=models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False),
        ),
        constraint('student', 'lms.student', 'executions', db_constraint=False),
        constraint('notebook', 'lms.notebook', '+', db_constraint=False),
        constraint('cell', 'lms.cell', 'executions', db_constraint=False),
        constraint('session', 'lms.session', '+', db_constraint=False),
        migrations.RunSQL(FUNCTION + TRIGGERS, DROP + "DROP FUNCTION refuse_orphaned_runs();"),
    ]
