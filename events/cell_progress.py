"""Where students stand with cells, as seen through some classes: `cell_progress` for statements that read it.

A student who ran a cell through two classes has two rows of it there. Whoever sees both sees one: the counts added up,
and how the last run of the two ended.
"""

from lms.access import Scope

MERGED = """
SELECT student_id, cell_id, max(notebook_id) AS notebook_id, sum(run_count)::int AS run_count,
       sum(error_count)::int AS error_count, max(last_run_at) AS last_run_at, max(last_error_at) AS last_error_at,
       (array_agg(last_status ORDER BY (last_status = 'aborted'), last_run_at DESC))[1] AS last_status,
       (array_agg(consecutive_error_count ORDER BY last_run_at DESC))[1] AS consecutive_error_count,
       bool_or(is_significant_error) AS is_significant_error
"""


def progress_seen(scope: Scope, *, where: str) -> str:
    """A table expression, with the columns of `cell_progress`, of the rows for which `where` holds: a condition on
    `student_id`, `cell_id` or `notebook_id`."""
    rows = f"FROM cell_progress WHERE {where} {scope.sql()}"
    if scope.class_ids is not None and len(scope.class_ids) == 1:
        return f"(SELECT * {rows})"
    return f"({MERGED} {rows} GROUP BY student_id, cell_id)"
