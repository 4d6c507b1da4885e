"""The counts that charts are added up from, and the triggers that keep them (see `events.models.RunCount`)."""

import django.db.models.deletion
from django.db import migrations, models

COUNTS = """
    SELECT student_id, date_bin('5 minutes', executed_at, 'epoch'::timestamptz) AS slot,
           count(*) AS runs, count(*) FILTER (WHERE status = 'error') AS errors
    FROM {rows} WHERE status <> 'aborted' GROUP BY 1, 2 ORDER BY 1, 2
"""

KEEP = f"""
ALTER TABLE run_counts SET (fillfactor = 50);

CREATE FUNCTION count_new_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_counts (student_id, slot, runs, errors) {COUNTS.format(rows="new_rows")}
    ON CONFLICT (student_id, slot) DO UPDATE
    SET runs = run_counts.runs + excluded.runs, errors = run_counts.errors + excluded.errors;
    RETURN NULL;
END $$;

CREATE FUNCTION discount_deleted_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE run_counts c SET runs = c.runs - k.runs, errors = c.errors - k.errors
    FROM ({COUNTS.format(rows="old_rows")}) AS k WHERE c.student_id = k.student_id AND c.slot = k.slot;
    -- When somebody worked is personal too: nothing is left of what is gone.
    DELETE FROM run_counts c USING ({COUNTS.format(rows="old_rows")}) AS k
    WHERE c.student_id = k.student_id AND c.slot = k.slot AND c.runs <= 0;
    RETURN NULL;
END $$;

CREATE TRIGGER count_new_runs AFTER INSERT ON cell_executions
    REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION count_new_runs();
CREATE TRIGGER discount_deleted_runs AFTER DELETE ON cell_executions
    REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION discount_deleted_runs();

INSERT INTO run_counts (student_id, slot, runs, errors) {COUNTS.format(rows="cell_executions")};
"""

FORGET = """
DROP TRIGGER count_new_runs ON cell_executions;
DROP TRIGGER discount_deleted_runs ON cell_executions;
DROP FUNCTION count_new_runs();
DROP FUNCTION discount_deleted_runs();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0004_one_index_an_event'),
        ('lms', '0008_fewer_indexes'),
    ]

    operations = [
        migrations.CreateModel(
            name='RunCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slot', models.DateTimeField(help_text='When the five minutes begin.')),
                ('runs', models.IntegerField(help_text='That succeeded or failed.')),
                ('errors', models.IntegerField()),
                ('student', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='lms.student')),
            ],
            options={
                'db_table': 'run_counts',
                'ordering': ['id'],
                'indexes': [models.Index(fields=['slot'], name='run_counts_time')],
                'constraints': [models.UniqueConstraint(fields=('student', 'slot'), name='run_counts_once')],
            },
        ),
        migrations.RunSQL(KEEP, FORGET),
    ]
