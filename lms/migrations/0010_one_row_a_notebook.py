"""One row a notebook, however its path is spelt: in NFC (`core.identity`). Rows that are one by that are merged into the
oldest; of two rows of a cell, the older one is kept.
"""

from django.db import migrations

from core.identity import notebook_path
from core import row_merging as merging

# Columns that hold a path, which rows of their own are found by.
TEXTS = (
    "environment_snapshots.notebook_path",
    "help_requests.notebook_path",
    "student_events.notebook_path",
    "students.help_notebook_path",
)

CELLS = (
    """CREATE TEMP TABLE merged_cells ON COMMIT DROP AS
       SELECT id AS old, kept FROM (
           SELECT c.id, first_value(c.id) OVER (
               PARTITION BY coalesce(m.kept, c.notebook_id), c.cell_id ORDER BY c.id) AS kept
           FROM cells c LEFT JOIN merged_notebooks m ON m.old = c.notebook_id
           WHERE c.notebook_id IN (SELECT old FROM merged_notebooks UNION SELECT kept FROM merged_notebooks)) AS placed
       WHERE id <> kept""",
    """UPDATE cells c SET content = coalesce(c.content, o.content), position = coalesce(c.position, o.position)
       FROM merged_cells m JOIN cells o ON o.id = m.old WHERE c.id = m.kept""",
    # Reads all executions, once: no index leads from a notebook to its.
    """UPDATE cell_executions e SET cell_id = coalesce(c.kept, e.cell_id), notebook_id = m.kept
       FROM merged_notebooks m, (SELECT o.id, k.kept FROM cells o LEFT JOIN merged_cells k ON k.old = o.id) AS c
       WHERE e.notebook_id = m.old AND c.id = e.cell_id""",
    "UPDATE hints t SET cell_id = m.kept FROM merged_cells m WHERE t.cell_id = m.old",
    """CREATE TEMP TABLE merged_progress ON COMMIT DROP AS
       SELECT id, first_value(id) OVER spot AS latest, sum(run_count) OVER whole AS runs,
              sum(error_count) OVER whole AS errors, max(last_error_at) OVER whole AS last_error_at
       FROM (SELECT p.*, coalesce(m.kept, p.cell_id) AS place FROM cell_progress p
             LEFT JOIN merged_cells m ON m.old = p.cell_id
             WHERE p.cell_id IN (SELECT old FROM merged_cells UNION SELECT kept FROM merged_cells)) AS p
       WINDOW spot AS (PARTITION BY student_id, place ORDER BY last_run_at DESC, id),
              whole AS (PARTITION BY student_id, place)""",
    """UPDATE cell_progress p SET run_count = k.runs, error_count = k.errors, last_error_at = k.last_error_at
       FROM merged_progress k WHERE p.id = k.id AND k.id = k.latest""",
    "DELETE FROM cell_progress WHERE id IN (SELECT id FROM merged_progress WHERE id <> latest)",
    "UPDATE cell_progress t SET cell_id = m.kept FROM merged_cells m WHERE t.cell_id = m.old",
    "DELETE FROM cells WHERE id IN (SELECT old FROM merged_cells)",
)

NOTEBOOK = """
    UPDATE notebooks n SET last_modified = greatest(n.last_modified, k.last_modified),
        notebook_metadata = coalesce(n.notebook_metadata, k.notebook_metadata), updated_at = now()
    FROM (SELECT m.kept, max(o.last_modified) AS last_modified,
              (array_agg(o.notebook_metadata) FILTER (WHERE o.notebook_metadata IS NOT NULL))[1] AS notebook_metadata
          FROM merged_notebooks m JOIN notebooks o ON o.id = m.old GROUP BY m.kept) AS k
    WHERE n.id = k.kept
"""


def merge_notebooks(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id, path, name FROM notebooks ORDER BY id")
        rows = cursor.fetchall()
        same = merging.pairs((pk, notebook_path(path)) for pk, path, _ in rows)
        if same:
            merging.table_of(cursor, "merged_notebooks", same)
            for statement in CELLS:
                cursor.execute(statement)
            merging.repoint(
                cursor,
                "merged_notebooks",
                "cells.notebook_id",
                "cell_progress.notebook_id",
                "notebook_accesses.notebook_id",
                "class_assignments.notebook_id",
                "hints.notebook_id",
                "students.current_notebook_id",
            )
            merging.merge_histories(cursor, "merged_notebooks", "notebook_id")
            cursor.execute(NOTEBOOK)
            cursor.execute("DELETE FROM notebooks WHERE id IN (SELECT old FROM merged_notebooks)")
        gone = {old for old, _ in same}
        for column, place in (("path", 1), ("name", 2)):
            changed = [(row[0], notebook_path(row[place])) for row in rows if row[0] not in gone]
            before = {row[0]: row[place] for row in rows}
            merging.set_column(cursor, "notebooks", column, [(pk, text) for pk, text in changed if before[pk] != text])
        for column in TEXTS:
            _respell(cursor, *column.split("."))


def _respell(cursor, table, column):
    cursor.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} !~ '^[[:ascii:]]*$'")  # noqa: S608
    odd = [path for (path,) in cursor.fetchall() if notebook_path(path) != path]
    cursor.execute(
        f"UPDATE {table} t SET {column} = k.path FROM unnest(%s::text[], %s::text[]) AS k (odd, path)"  # noqa: S608
        f" WHERE t.{column} = k.odd",
        [odd, [notebook_path(path) for path in odd]],
    )


class Migration(migrations.Migration):
    dependencies = [("lms", "0009_one_row_a_person")]

    operations = [migrations.RunPython(merge_notebooks, migrations.RunPython.noop)]
