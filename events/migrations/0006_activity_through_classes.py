"""Every row of activity says through which class it came, and what is derived is counted for each class.

What is stored already never said so. A student of one class did all of it there. Of a student of several, a class can
only have what came after they joined it; of those left, the one whose notebook it is: set as an assignment there, or
worked in by others who are in no other class. What cannot be told apart stays without a class, where admins alone see
it: to show it to a class that it may not belong to is what this is to end.
"""

from django.db import migrations, models

THROUGH = 'The class whose key it came with; 0: without a key. A plain number, which outlives its class.'

COUNTS = """
    SELECT student_id, date_bin('5 minutes', executed_at, 'epoch'::timestamptz) AS slot, {class_id} AS class_id,
           count(*) AS runs, count(*) FILTER (WHERE status = 'error') AS errors
    FROM {rows} WHERE status <> 'aborted' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""

TRIGGERS = f"""
CREATE OR REPLACE FUNCTION count_new_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO run_counts (student_id, slot, class_id, runs, errors)
    {COUNTS.format(rows="new_rows", class_id="class_id")}
    ON CONFLICT (student_id, slot, class_id) DO UPDATE
    SET runs = run_counts.runs + excluded.runs, errors = run_counts.errors + excluded.errors;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION discount_deleted_runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE run_counts c SET runs = c.runs - k.runs, errors = c.errors - k.errors
    FROM ({COUNTS.format(rows="old_rows", class_id="class_id")}) AS k
    WHERE c.student_id = k.student_id AND c.slot = k.slot AND c.class_id = k.class_id;
    -- When somebody worked is personal too: nothing is left of what is gone.
    DELETE FROM run_counts c USING ({COUNTS.format(rows="old_rows", class_id="class_id")}) AS k
    WHERE c.student_id = k.student_id AND c.slot = k.slot AND c.class_id = k.class_id AND c.runs <= 0;
    RETURN NULL;
END $$;
"""

# Who is in one class, who in several, and whose a notebook is.
KNOWN = """
CREATE TEMPORARY TABLE in_one ON COMMIT DROP AS
    SELECT student_id, min(class_id) AS class_id FROM student_classes GROUP BY 1 HAVING count(*) = 1;
CREATE TEMPORARY TABLE in_several ON COMMIT DROP AS
    SELECT student_id, class_id, joined_at FROM student_classes
    WHERE student_id IN (SELECT student_id FROM student_classes GROUP BY 1 HAVING count(*) > 1);
CREATE TEMPORARY TABLE owned ON COMMIT DROP AS
    SELECT notebook_id, class_id FROM class_assignments
    UNION
    SELECT p.notebook_id, o.class_id FROM cell_progress p JOIN in_one o USING (student_id);
CREATE INDEX ON in_one (student_id);
CREATE INDEX ON in_several (student_id);
CREATE INDEX ON owned (notebook_id);
ANALYZE in_one;
ANALYZE in_several;
ANALYZE owned;

CREATE FUNCTION pg_temp.class_of(student bigint, notebook bigint, moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    candidates bigint[];
    owners bigint[];
BEGIN
    -- Joining by a key is noted a moment after the event that brought it.
    SELECT array_agg(class_id) INTO candidates FROM in_several
    WHERE student_id = student AND joined_at <= moment + interval '10 minutes';
    IF candidates IS NULL THEN
        SELECT array_agg(class_id) INTO candidates FROM in_several WHERE student_id = student;
    END IF;
    IF cardinality(candidates) = 1 THEN
        RETURN candidates[1];
    END IF;
    SELECT array_agg(DISTINCT class_id) INTO owners FROM owned
    WHERE notebook_id = notebook AND class_id = ANY(candidates);
    RETURN CASE WHEN cardinality(owners) = 1 THEN owners[1] ELSE 0 END;
END $$;
"""

# Rows of students of one class, then of those of several: table, notebook, moment.
OF_ONE = "UPDATE {table} t SET class_id = o.class_id FROM in_one o WHERE t.student_id = o.student_id"
OF_SEVERAL = """
UPDATE {table} t SET class_id = pg_temp.class_of(t.student_id, {notebook}, {moment})
WHERE t.student_id IN (SELECT student_id FROM in_several)"""
BY_PATH = "(SELECT n.id FROM notebooks n WHERE n.path = t.notebook_path)"
TABLES = {
    "cell_executions": ("t.notebook_id", "t.executed_at"),
    "notebook_accesses": ("t.notebook_id", "t.accessed_at"),
    "student_events": (BY_PATH, "t.occurred_at"),
    "help_requests": (BY_PATH, "t.asked_at"),
    "sessions": (None, None),  # of students of several classes: below, as the next two
    "cell_progress": (None, None),
    "run_counts": (None, None),
}
ENVIRONMENTS = f"""
UPDATE environment_snapshots t SET class_id = o.class_id FROM in_one o
WHERE t.student_id = o.student_id AND t.source = 'client' AND t.class_id IS NULL;
UPDATE environment_snapshots t SET class_id = nullif(pg_temp.class_of(t.student_id, {BY_PATH}, t.captured_at), 0)
WHERE t.student_id IN (SELECT student_id FROM in_several) AND t.source = 'client' AND t.class_id IS NULL;
"""
# A session is of the class in which most of it was run; else of the one that was open to it.
SESSIONS = """
UPDATE sessions t SET class_id = coalesce(
    (SELECT e.class_id FROM cell_executions e WHERE e.session_id = t.id AND e.student_id = t.student_id
     GROUP BY e.class_id ORDER BY count(*) DESC, e.class_id LIMIT 1),
    pg_temp.class_of(t.student_id, NULL, t.start_time))
WHERE t.student_id IN (SELECT student_id FROM in_several)
"""
# Where a student of several classes stands with a cell: the runs say through which class; where they are gone
# (retention), the time and the notebook do. A cell that was run through two classes becomes a row for each.
PROGRESS = """
CREATE TEMPORARY TABLE ran ON COMMIT DROP AS
    SELECT student_id, cell_id, class_id, count(*) FILTER (WHERE status <> 'aborted') AS runs,
           count(*) FILTER (WHERE status = 'error') AS errors, max(executed_at) AS last_run_at,
           max(executed_at) FILTER (WHERE status = 'error') AS last_error_at,
           (array_agg(status ORDER BY executed_at DESC, id DESC) FILTER (WHERE status <> 'aborted'))[1] AS last_status,
           (array_agg(consecutive_error_count ORDER BY executed_at DESC, id DESC))[1] AS consecutive,
           (array_agg(is_significant_error ORDER BY executed_at DESC, id DESC)
            FILTER (WHERE status <> 'aborted'))[1] AS significant
    FROM cell_executions WHERE student_id IN (SELECT student_id FROM in_several) GROUP BY 1, 2, 3;
CREATE INDEX ON ran (student_id, cell_id);
ANALYZE ran;

UPDATE cell_progress t SET class_id = pg_temp.class_of(t.student_id, t.notebook_id, t.last_run_at)
WHERE t.student_id IN (SELECT student_id FROM in_several)
  AND NOT EXISTS (SELECT 1 FROM ran r WHERE r.student_id = t.student_id AND r.cell_id = t.cell_id);
UPDATE cell_progress t SET class_id = r.class_id FROM ran r
WHERE r.student_id = t.student_id AND r.cell_id = t.cell_id AND NOT EXISTS (
    SELECT 1 FROM ran o WHERE o.student_id = r.student_id AND o.cell_id = r.cell_id AND o.class_id <> r.class_id);

CREATE TEMPORARY TABLE divided ON COMMIT DROP AS
    SELECT p.* FROM cell_progress p WHERE (p.student_id, p.cell_id) IN (
        SELECT student_id, cell_id FROM ran GROUP BY 1, 2 HAVING count(*) > 1);
DELETE FROM cell_progress WHERE id IN (SELECT id FROM divided);
INSERT INTO cell_progress (student_id, cell_id, notebook_id, class_id, run_count, error_count, last_status, last_run_at,
                           last_error_at, consecutive_error_count, is_significant_error)
SELECT d.student_id, d.cell_id, d.notebook_id, r.class_id, r.runs, r.errors, coalesce(r.last_status, 'aborted'),
       r.last_run_at, r.last_error_at, r.consecutive, coalesce(r.significant, false)
FROM divided d JOIN ran r USING (student_id, cell_id);
"""
# Five minutes in which one class was worked in, or from which no run is left, are that class's; others are counted anew.
COUNTED = f"""
CREATE TEMPORARY TABLE counted ON COMMIT DROP AS
    {COUNTS.format(
        rows="cell_executions", class_id="class_id"
    ).replace("WHERE", "WHERE student_id IN (SELECT student_id FROM in_several) AND")};
CREATE INDEX ON counted (student_id, slot);
ANALYZE counted;
UPDATE run_counts t SET class_id = pg_temp.class_of(t.student_id, NULL, t.slot)
WHERE t.student_id IN (SELECT student_id FROM in_several)
  AND NOT EXISTS (SELECT 1 FROM counted c WHERE c.student_id = t.student_id AND c.slot = t.slot);
DELETE FROM run_counts t USING counted c WHERE t.student_id = c.student_id AND t.slot = c.slot;
INSERT INTO run_counts (student_id, slot, class_id, runs, errors) SELECT student_id, slot, class_id, runs, errors FROM counted;
"""
STATE = (
    "is_requesting_help, help_requested_at, last_help_at, help_stopped_at, help_dismissed_at, help_session_id, "
    "help_notebook_path, errors_resolved_at, last_activity_at, current_notebook_id, execution_count, error_count, "
    "last_run_at, last_run_failed"
)
# What is shown of each student in each class. Of a student of one class or none it is what stood on their own row.
ACTIVITY = f"""
UPDATE student_classes e SET name = s.name, team_id = s.team_id FROM students s WHERE s.id = e.student_id;
INSERT INTO student_activity (student_id, class_id, {STATE})
SELECT s.id, coalesce(o.class_id, 0), {STATE} FROM students s LEFT JOIN in_one o ON o.student_id = s.id
WHERE s.id NOT IN (SELECT student_id FROM in_several);

CREATE TEMPORARY TABLE did ON COMMIT DROP AS
    SELECT student_id, class_id, executed_at AS moment, notebook_id FROM cell_executions
    WHERE student_id IN (SELECT student_id FROM in_several)
    UNION ALL
    SELECT student_id, class_id, accessed_at, notebook_id FROM notebook_accesses
    WHERE student_id IN (SELECT student_id FROM in_several)
    UNION ALL
    SELECT student_id, class_id, occurred_at, {BY_PATH} FROM student_events t
    WHERE student_id IN (SELECT student_id FROM in_several)
    UNION ALL
    SELECT student_id, class_id, last_run_at, notebook_id FROM cell_progress
    WHERE student_id IN (SELECT student_id FROM in_several);
INSERT INTO student_activity (student_id, class_id, {STATE})
SELECT d.student_id, d.class_id, h.id IS NOT NULL, h.asked_at, h.last_asked_at, NULL, NULL, h.session_id,
       h.notebook_path, s.errors_resolved_at, d.moment, d.notebook_id, coalesce(p.runs, 0), coalesce(p.errors, 0),
       p.last_run_at, coalesce(p.failed, false)
FROM (SELECT student_id, class_id, max(moment) AS moment,
             (array_agg(notebook_id ORDER BY moment DESC) FILTER (WHERE notebook_id IS NOT NULL))[1] AS notebook_id
      FROM did GROUP BY 1, 2) d
JOIN students s ON s.id = d.student_id
LEFT JOIN help_requests h ON h.student_id = d.student_id AND h.class_id = d.class_id AND h.ended_at IS NULL
LEFT JOIN (SELECT student_id, class_id, sum(run_count) AS runs, sum(error_count) AS errors, max(last_run_at) AS last_run_at,
                  (array_agg(last_status ORDER BY last_run_at DESC))[1] = 'error' AS failed
           FROM cell_progress GROUP BY 1, 2) p ON p.student_id = d.student_id AND p.class_id = d.class_id;
"""


def attribute(apps, schema_editor):
    """One pass over each table. Time by the number of runs: see docs/deploy.md."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(KNOWN)
        for table, (notebook, moment) in TABLES.items():
            cursor.execute(OF_ONE.format(table=table))
            if notebook:
                cursor.execute(OF_SEVERAL.format(table=table, notebook=notebook, moment=moment))
        for statements in (ENVIRONMENTS, SESSIONS, PROGRESS, COUNTED, ACTIVITY):
            cursor.execute(statements)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what is checked at the end would stop ALTER TABLE


class Migration(migrations.Migration):

    dependencies = [
        ('events', '0005_run_counts'),
        ('lms', '0011_activity_through_classes'),
    ]

    operations = [
        migrations.RemoveConstraint(model_name='cellprogress', name='cell_progress_once'),
        migrations.RemoveConstraint(model_name='helprequest', name='help_requests_one_open_a_student'),
        migrations.RemoveConstraint(model_name='runcount', name='run_counts_once'),
        *(
            migrations.AddField(
                model_name=model, name='class_id',
                field=models.BigIntegerField(db_default=0, default=0, help_text=THROUGH),
            )
            for model in ('cellexecution', 'cellprogress', 'helprequest', 'notebookaccess', 'runcount', 'studentevent')
        ),
        migrations.RunPython(attribute, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='cellprogress',
            constraint=models.UniqueConstraint(fields=('student', 'cell', 'class_id'), name='cell_progress_once_a_class'),
        ),
        migrations.AddConstraint(
            model_name='helprequest',
            constraint=models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('student', 'class_id'), name='help_requests_one_open_a_class'),
        ),
        migrations.AddConstraint(
            model_name='runcount',
            constraint=models.UniqueConstraint(fields=('student', 'slot', 'class_id'), name='run_counts_once_a_class'),
        ),
        migrations.RunSQL(TRIGGERS, migrations.RunSQL.noop),
        migrations.RemoveIndex(model_name='studentevent', name='student_events_help'),
        migrations.AddIndex(
            model_name='studentevent',
            index=models.Index(condition=models.Q(('event_type__in', ['help', 'help_stop', 'session_end'])), fields=['student', 'received_at'], name='student_events_help_heard'),
        ),
    ]
