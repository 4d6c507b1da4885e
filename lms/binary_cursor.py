"""How the river reads: answers in binary, because a timestamp in text costs more to parse than its row to find."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg.pq import Format


@contextmanager
def binary_cursor() -> Iterator[CursorWrapper]:
    """A cursor for SELECTs of plain columns. Django's own converters are for text: dates come as psycopg gives them,
    in UTC."""
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        yield cursor
