"""Text cells, whose rendering JupyterLab reports as a run, no longer count in `run_counts`.

One pass over `cell_executions`, which nothing is written to meanwhile: workers wait, events stay in their streams.
"""

from django.db import migrations

COUNTS = """
    SELECT student_id, date_bin('5 minutes', executed_at, 'epoch'::timestamptz) AS slot, class_id,
           count(*) AS runs, count(*) FILTER (WHERE status = 'error') AS errors
    FROM {rows} WHERE status <> 'aborted' AND coalesce(cell_type, 'code') {kinds} ('markdown', 'raw')
    GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
OF_CODE = "NOT IN"
SUBTRACT = """
    UPDATE run_counts c SET runs = c.runs - k.runs, errors = c.errors - k.errors
    FROM ({counts}) AS k
    WHERE c.student_id = k.student_id AND c.slot = k.slot AND c.class_id = k.class_id;
    -- When somebody worked is personal too: nothing is left of what is gone.
    DELETE FROM run_counts c USING ({counts}) AS k
    WHERE c.student_id = k.student_id AND c.slot = k.slot AND c.class_id = k.class_id AND c.runs <= 0;
"""

CODE_ONLY = f"""
LOCK TABLE cell_executions IN SHARE ROW EXCLUSIVE MODE;

CREATE OR REPLACE FUNCTION count_new_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_counts (student_id, slot, class_id, runs, errors)
    SELECT student_id, slot, class_id, runs, errors FROM ({COUNTS.format(rows="new_rows", kinds=OF_CODE)}) AS k
    ON CONFLICT (student_id, slot, class_id) DO UPDATE
    SET runs = run_counts.runs + excluded.runs, errors = run_counts.errors + excluded.errors;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION discount_deleted_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    {SUBTRACT.format(counts=COUNTS.format(rows="old_rows", kinds=OF_CODE))}
    RETURN NULL;
END $$;

{SUBTRACT.format(counts=COUNTS.format(rows="cell_executions", kinds="IN"))}
"""


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0009_what_a_run_refers_to'),
    ]

    operations = [
        migrations.RunSQL(CODE_ONLY, migrations.RunSQL.noop),
    ]
