"""Why a store, or a password, could not be asked about, for the answer 503 (`config.errors.answer_outage`). Pure.

A request that meets an outage is nobody's mistake and no bug: 500 would send an administrator to look for one.
"""

from collections.abc import Iterator

from django.db import InterfaceError, OperationalError
from redis.exceptions import OutOfMemoryError, RedisError

from instructors.hashing import Busy

RETRY_AFTER = "2"  # seconds
AWAY = "The database does not answer; try again"
NO_CONNECTION = "The database has no connection left; try again"
NONE_FREE = "No connection to the database was free in time; try again"
FULL = "The database's disk is full; an administrator must make room"
REDIS_AWAY = "Redis does not answer; try again"
TOO_MANY_LOGINS = "Too many passwords are being checked at once; try again"
REDIS_FULL = "Redis has no memory left; try again"
ABOUT_THE_REQUEST = "54"  # SQLSTATE class "program limit exceeded", which Django files under operational too


def reason_of(error: BaseException | None) -> str | None:
    """Why nothing could be asked, for a person; None where the error is no outage."""
    if isinstance(error, Busy):
        return TOO_MANY_LOGINS
    if isinstance(error, OutOfMemoryError):
        return REDIS_FULL
    if isinstance(error, RedisError):
        return REDIS_AWAY
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    causes = list(_causes(error))
    states = {str(getattr(cause, "sqlstate", None) or "") for cause in causes}
    said = " ".join(map(str, causes))
    if any(state.startswith(ABOUT_THE_REQUEST) for state in states):
        return None
    if "53100" in states or "No space left" in said:
        return FULL
    # A refused connection has no SQLSTATE, only words.
    if "53300" in states or "too many clients" in said or "connection slots" in said:
        return NO_CONNECTION
    return NONE_FREE if any(type(cause).__name__ == "PoolTimeout" for cause in causes) else AWAY


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__
