"""Tell outages of the stores from bugs, for the 503 response (`config.errors.outage_response`).

An outage is neither the client's mistake nor a bug: 500 would send an administrator to look for one.
"""

from collections.abc import Iterator

from django.db import InterfaceError, InternalError, OperationalError
from redis.exceptions import OutOfMemoryError, RedisError

from core.postgres import is_read_only
from instructors.hashing import Busy

RETRY_AFTER = "2"  # seconds
AWAY = "The database does not answer; try again"
NO_CONNECTION = "The database has no connection left; try again"
NONE_FREE = "No connection to the database was free in time; try again"
READ_ONLY = "The database takes no changes at the moment; try again"
FULL = "The database's disk is full; an administrator must make room"
STORAGE_AWAY = "The storage of uploads does not answer; try again"
REDIS_AWAY = "Redis does not answer; try again"
TOO_MANY_LOGINS = "Too many passwords are being checked at once; try again"
REDIS_FULL = "Redis has no memory left; try again"
S3_MODULES = ("botocore.", "boto3.")  # not imported: only who has a bucket has them
PROGRAM_LIMIT_EXCEEDED = "54"  # SQLSTATE class that is about the statement; Django raises OperationalError for it too


def reason_of(error: BaseException | None) -> str | None:
    """Return the reason of an outage in words; None if the error is not an outage."""
    if isinstance(error, Busy):
        return TOO_MANY_LOGINS
    if isinstance(error, OutOfMemoryError):
        return REDIS_FULL
    if isinstance(error, RedisError):
        return REDIS_AWAY
    if isinstance(error, InternalError) and is_read_only(error):
        return READ_ONLY
    if error is not None and type(error).__module__.startswith(S3_MODULES):
        return STORAGE_AWAY
    if not isinstance(error, OperationalError | InterfaceError):
        return None
    causes = list(_causes(error))
    states = {str(getattr(cause, "sqlstate", None) or "") for cause in causes}
    message = " ".join(map(str, causes))
    if any(state.startswith(PROGRAM_LIMIT_EXCEEDED) for state in states):
        return None
    if "53100" in states or "No space left" in message:
        return FULL
    # A refused connection has no SQLSTATE, only a message.
    if "53300" in states or "too many clients" in message or "connection slots" in message:
        return NO_CONNECTION
    return NONE_FREE if any(type(cause).__name__ == "PoolTimeout" for cause in causes) else AWAY


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
