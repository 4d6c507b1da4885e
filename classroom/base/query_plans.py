"""Query plans of PostgreSQL for time ranges.

Statements are prepared (settings: `prepare_threshold`), and from the sixth execution on PostgreSQL may use one plan for
all values. For `executed_at BETWEEN … AND …` that plan must estimate the length of the range. For an hour in a year the
estimate is wrong, and every run of each student is read. Measured with 200 students and 416,000 runs, in seconds of CPU
time: the report of a lesson took 0.15 with custom plans and 0.30 without, the API's progress of an hour 0.06 and 0.12.
Queries by student gain nothing, and would pay for the planning.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def custom_query_plans() -> Iterator[None]:
    """Plan every statement for its values, until the end of the transaction. One query; also a decorator."""
    with transaction.atomic(savepoint=False):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        yield
