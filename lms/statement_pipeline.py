"""Statements that need not wait for each other's answers: PostgreSQL's pipeline mode (docs/decisions/0023)."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def pipelined() -> Iterator[None]:
    """Send the statements of this block without waiting for their answers, until one's rows are fetched or it ends.

    Call it inside a transaction. An error of any statement is raised at one of the next statements, at the next fetch
    or at the end of the block; the statements after it are not run. So nothing in the block may catch a database error
    or roll back to a savepoint. Raises Django's database errors.
    """
    connection.ensure_connection()
    with connection.wrap_database_errors, connection.connection.pipeline():
        yield
