"""A cursor with results in binary: to parse a timestamp from text costs more than to find its row."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.pq import Format


@contextmanager
def binary_cursor() -> Iterator[CursorWrapper]:
    """Open a cursor for SELECTs of plain columns. Django's converters do not apply: psycopg returns dates in UTC."""
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        yield cursor
