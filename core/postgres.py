"""PostgreSQL beyond Django's ORM: plain statements, pipeline mode, results in binary, query plans, errors."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from psycopg.pq import Format
from psycopg.sql import Composable

READ_ONLY_TRANSACTION = "25006"  # an SQLSTATE


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


@contextmanager
def custom_query_plans() -> Iterator[None]:
    """Plan every statement for its values, until the end of the transaction. One query; also a decorator.

    For queries of time ranges. Statements are prepared (settings: `prepare_threshold`), and from the sixth execution on
    PostgreSQL may use one plan for all values. For `executed_at BETWEEN … AND …` that plan must estimate the length of
    the range. For an hour in a year the estimate is wrong, and every run of each student is read. Measured with 200
    students and 416,000 runs, in seconds of CPU time: the report of a lesson took 0.15 with custom plans and 0.30
    without, the API's progress of an hour 0.06 and 0.12. Queries by student gain nothing and would pay for planning.
    """
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        yield


def is_read_only(error: BaseException) -> bool:
    """Return whether the server takes no writes: a replica, a former primary, or one whose disk is nearly full.

    Django raises InternalError for it, as for a bug.
    """
    return getattr(error.__cause__, "sqlstate", None) == READ_ONLY_TRANSACTION
