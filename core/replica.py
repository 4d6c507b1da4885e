"""Reading from a replica of PostgreSQL: for reports, exports and history, which read many rows and write none.

A view asks `figures()` after it has decided who may see what, so that access is always decided by the primary. While it
runs, the router sends queries of the ORM to the replica, except those inside a transaction; writes go to the primary.
The replica is left out while it is away, while it lags more than DATABASE_REPLICA_MAX_LAG, and once it is no replica
any more.
"""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, connections, models
from django.http import HttpRequest, HttpResponse

logger = logging.getLogger(__name__)

ALIAS, HEADER = "replica", "X-Figures-As-Of"
AWAY_SECONDS = 10.0  # that a replica which failed is not asked again: a machine that is gone costs two seconds a try

_reads: ContextVar[bool] = ContextVar("reads_from_replica", default=False)
_away_until = 0.0  # time.monotonic()


class Router:
    def db_for_read(self, model: type[models.Model], **hints: Any) -> str | None:
        return ALIAS if _reads.get() and not connections["default"].in_atomic_block else None

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        """Also for rows that were read from the replica."""
        return "default"

    def allow_relation(self, first: models.Model, second: models.Model, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "default"


def figures(request: HttpRequest, view: Callable[[], HttpResponse]) -> HttpResponse:
    """Return the response of a view that reads, from the replica if its lag is small enough.

    Then `request.figures_as_of` and the header say the moment up to which everything is in it. If the replica fails
    meanwhile, the view runs again on the primary. Two queries for the lag.
    """
    as_of = _as_of()
    if as_of is None:
        return view()
    request.figures_as_of = as_of  # type: ignore[attr-defined]
    token = _reads.set(True)
    try:
        response = view()
    except (OperationalError, InterfaceError) as error:
        _leave_out(error)
    else:
        response[HEADER] = as_of.isoformat()
        return response
    finally:
        _reads.reset(token)
    del request.figures_as_of  # type: ignore[attr-defined]
    return view()


def _as_of() -> datetime | None:
    """Return the moment up to which the replica has everything; None if it is not to be read.

    That is now, by the primary's clock, if it has replayed all that the primary has flushed, else the time of the last
    commit that it replayed.
    """
    if ALIAS not in settings.DATABASES or time.monotonic() < _away_until:
        return None
    try:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_current_wal_flush_lsn()::text, clock_timestamp()")
            flushed, now = cursor.fetchone() or ("0/0", None)
        with connections[ALIAS].cursor() as cursor:
            cursor.execute(
                """SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn() >= %s::text::pg_lsn,
                          pg_last_xact_replay_timestamp()""",
                [flushed],
            )
            is_replica, is_level, replayed = cursor.fetchone() or (False, False, None)
    except DatabaseError as error:
        _leave_out(error)
        return None
    as_of: datetime | None = now if is_level else replayed
    limit = timedelta(seconds=settings.DATABASE_REPLICA_MAX_LAG)
    if not is_replica or as_of is None or now is None or now - as_of > limit:
        return None
    return as_of


def _leave_out(error: Exception) -> None:
    global _away_until
    _away_until = time.monotonic() + AWAY_SECONDS
    logger.warning("The replica is left out for %d s (%s)", AWAY_SECONDS, type(error).__name__)
