"""PostgreSQL beyond Django's ORM: plain statements, pipeline mode, results in binary, prepared statements, errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from psycopg.pq import Format
from psycopg.sql import Composable

READ_ONLY_TRANSACTION = "25006"  # an SQLSTATE
PREPARE_AFTER = 5  # executions


def fetch_all(statement: str | Composable, params: Any = None) -> list[tuple[Any, ...]]:
    """Run a query and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def execute(statement: str | Composable, params: Any = None) -> None:
    """Run a statement without rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


@contextmanager
def pipelined() -> Iterator[None]:
    """Send the statements of this block without waiting for their answers, until one's rows are fetched or it ends.

    Source: docs/decisions/0023. Call it inside a transaction. An error of any statement is raised at one of the next
    statements, at the next fetch or at the end of the block; the statements after it are not run. So nothing in the
    block may catch a database error or roll back to a savepoint. Raises Django's database errors.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield


@contextmanager
def binary_cursor() -> Iterator[CursorWrapper]:
    """Open a cursor for SELECTs of plain columns, with results in binary: to parse a timestamp from text costs more
    than to find its row. Django's converters do not apply: psycopg returns dates in UTC."""
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        yield cursor


def binary_rows(rows: QuerySet[Any, Any]) -> list[tuple[Any, ...]]:
    """Return the rows of a queryset of `values_list` by `binary_cursor`. One query. Raises EmptyResultSet where Django
    knows without a query that there are none."""
    statement, parameters = rows.query.sql_with_params()
    with binary_cursor() as cursor:
        cursor.execute(statement, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


@contextmanager
def prepared_statements() -> Iterator[None]:
    """Prepare what this block repeats, from the sixth execution on, and have it planned once for all values.

    Source: docs/decisions/0028. For the few dozen statements of a batch of events. Everything else is planned for its
    values: a plan for all values has to guess how long arrays and spans of time are. Raises OperationalError where
    PostgreSQL cannot be reached.
    """
    connection.ensure_connection()
    connection.connection.prepare_threshold = PREPARE_AFTER
    try:
        yield
    finally:
        if connection.connection is not None:
            connection.connection.prepare_threshold = None


def is_read_only(error: BaseException) -> bool:
    """Return whether the server takes no writes: a replica, a former primary, or one whose disk is nearly full.

    Django raises InternalError for it, as for a bug.
    """
    return getattr(error.__cause__, "sqlstate", None) == READ_ONLY_TRANSACTION
