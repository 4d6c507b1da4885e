"""Merging of duplicate rows, for the migrations that add key columns. No data is lost.

Plain SQL on temporary tables `(old, kept)`, so that the cost depends on the number of merged rows only.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from core.identity import EMAIL_LENGTH

UNREACHABLE = "UNREACHABLE:"  # as in core/key_fields.py
BATCH = 10_000

Cursor = Any


def pairs(rows: Iterable[tuple[int, str]]) -> list[tuple[int, int]]:
    """Return `(old, kept)` for each row (id, key) with the key of an earlier row, which is kept."""
    first: dict[str, int] = {}
    return [(pk, kept) for pk, key in rows if (kept := first.setdefault(key, pk)) != pk]


def keys_of(rows: Iterable[tuple[int, str]], form: Callable[[str], str]) -> list[tuple[int, str]]:
    """Return `(id, key)` for each `(id, text)`. A text without a valid key gets a key that no typed text can equal."""
    found = []
    for pk, text in rows:
        key = form(text)
        found.append((pk, key if 0 < len(key) <= EMAIL_LENGTH else f"{UNREACHABLE}{pk}"))
    return found


def set_column(cursor: Cursor, table: str, column: str, values: Sequence[tuple[int, str]]) -> None:
    for start in range(0, len(values), BATCH):
        part = values[start : start + BATCH]
        cursor.execute(
            f"UPDATE {table} t SET {column} = k.value FROM unnest(%s::bigint[], %s::text[]) AS k (id, value)"  # noqa: S608
            " WHERE t.id = k.id",
            [[pk for pk, _ in part], [value for _, value in part]],
        )


def table_of(cursor: Cursor, name: str, rows: Sequence[tuple[int, int]]) -> None:
    """Create a temporary table `(old, kept)`, which is dropped at the end of the transaction."""
    cursor.execute(f"CREATE TEMP TABLE {name} (old bigint PRIMARY KEY, kept bigint NOT NULL) ON COMMIT DROP")
    cursor.execute(
        f"INSERT INTO {name} SELECT * FROM unnest(%s::bigint[], %s::bigint[])",  # noqa: S608
        [[old for old, _ in rows], [kept for _, kept in rows]],
    )
    cursor.execute(f"ANALYZE {name}")


def repoint(cursor: Cursor, merged: str, *columns: str) -> None:
    """Change each `table.column` to refer to the kept rows."""
    for column in columns:
        table, name = column.split(".")
        cursor.execute(f"UPDATE {table} t SET {name} = m.kept FROM {merged} m WHERE t.{name} = m.old")  # noqa: S608


def repoint_once(cursor: Cursor, merged: str, table: str, column: str, *others: str) -> None:
    """Change `table.column` likewise where (column, others) is unique: of duplicates, keep only the first."""
    same = ", ".join(["owner", *others])
    cursor.execute(
        f"""DELETE FROM {table} WHERE id IN (
                SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY {same} ORDER BY id) AS place
                    FROM (SELECT t.*, coalesce(m.kept, t.{column}) AS owner
                          FROM {table} t LEFT JOIN {merged} m ON m.old = t.{column}
                          WHERE t.{column} IN (SELECT old FROM {merged} UNION SELECT kept FROM {merged})) AS involved
                ) AS placed WHERE place > 1)"""  # noqa: S608
    )
    repoint(cursor, merged, f"{table}.{column}")


def merge_histories(cursor: Cursor, merged: str, column: str) -> None:
    """Merge the version histories of merged owners or notebooks.

    The branches and versions of the second history are moved into the first, with its id appended to their names.
    """
    others = [name for name in ("notebook_id", "class_id", "student_id", "owner_id") if name != column]
    cursor.execute(
        f"""CREATE TEMP TABLE merged_histories ON COMMIT DROP AS
            SELECT id AS old, kept FROM (
                SELECT t.id, first_value(t.id) OVER (
                    PARTITION BY coalesce(m.kept, t.{column}), {", ".join(others)} ORDER BY t.id) AS kept
                FROM notebook_histories t LEFT JOIN {merged} m ON m.old = t.{column}
                WHERE t.{column} IN (SELECT old FROM {merged} UNION SELECT kept FROM {merged})) AS placed
            WHERE id <> kept"""  # noqa: S608
    )
    cursor.execute(
        """CREATE TEMP TABLE merged_snapshots ON COMMIT DROP AS
           SELECT s.id AS old, t.id AS kept FROM notebook_snapshots s JOIN merged_histories m ON m.old = s.history_id
           JOIN notebook_snapshots t ON t.history_id = m.kept AND t.snapshot_id = s.snapshot_id"""
    )
    # If three histories are merged, the second and the third may share a content that the first does not have.
    cursor.execute(
        """INSERT INTO merged_snapshots
           SELECT id, kept FROM (
               SELECT s.id, first_value(s.id) OVER (PARTITION BY m.kept, s.snapshot_id ORDER BY s.id) AS kept
               FROM notebook_snapshots s JOIN merged_histories m ON m.old = s.history_id
               WHERE s.id NOT IN (SELECT old FROM merged_snapshots)) AS placed WHERE id <> kept"""
    )
    repoint(cursor, "merged_snapshots", "notebook_versions.snapshot_id")
    cursor.execute("DELETE FROM notebook_snapshots WHERE id IN (SELECT old FROM merged_snapshots)")
    repoint(cursor, "merged_histories", "notebook_snapshots.history_id")
    cursor.execute(
        """UPDATE notebook_branches b SET branch_name = left(b.branch_name, 70) || ' (' || m.old || ')',
               history_id = m.kept
           FROM merged_histories m WHERE b.history_id = m.old"""
    )
    cursor.execute(
        """UPDATE notebook_versions v SET version_number = left(v.version_number, 100) || ' (' || m.old || ')',
               history_id = m.kept
           FROM merged_histories m WHERE v.history_id = m.old"""
    )
    cursor.execute("DELETE FROM notebook_histories WHERE id IN (SELECT old FROM merged_histories)")
    repoint(cursor, merged, f"notebook_histories.{column}")
    cursor.execute("DROP TABLE merged_histories; DROP TABLE merged_snapshots")
