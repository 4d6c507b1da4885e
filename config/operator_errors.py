"""Error messages about what an operator can fix, in one or two sentences: settings, unreachable servers, full disks.

`manage.py` writes them instead of a traceback (`config.command_line`).
"""

import errno
import re

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import InterfaceError, OperationalError, ProgrammingError
from redis import exceptions as redis
from redis import sentinel
from redis.asyncio.sentinel import MasterNotFoundError as AsyncMasterNotFoundError

from config import env
from config.outages import FULL, reason_of
from core import redis_address
from core.redis import why_no_master

UP = "Start `manage.py up` in another terminal, which runs one"
DISK_FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_SUCH = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR)
MISSING_SCHEMA = ("42P01", "42703")  # SQLSTATE of an undefined table and of an undefined column


def sentence_of(error: BaseException) -> str | None:
    """Return what happened and what to do; None for any other error, which needs its traceback."""
    if isinstance(error, ImproperlyConfigured):
        return str(error)
    if isinstance(error, redis.RedisError):
        return _redis(error)
    if isinstance(error, OperationalError | InterfaceError):
        return _database(error)
    if isinstance(error, ProgrammingError) and getattr(error.__cause__, "sqlstate", "") in MISSING_SCHEMA:
        return (
            "The database is not that of this version: a table or a column is missing. `manage.py up` brings it up to "
            "date, and so does `manage.py migrate`."
        )
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        return "A value has bytes that are no UTF-8: type it again, in a terminal with UTF-8."
    return of_file(error) if isinstance(error, OSError) else None


def of_file(error: OSError) -> str | None:
    """Return the sentence for a file that cannot be read or written; None for any other error."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in DISK_FULL:
        return f"The disk is full{where}: make room, or choose another folder for DATA_DIR (now {settings.DATA_DIR})."
    if error.errno in FORBIDDEN and error.filename:
        return f"This user may not write or read {error.filename} ({error.strerror}): change that, or name another one."
    if error.errno in NO_SUCH and error.filename:
        return f"{error.filename} cannot be opened ({error.strerror}): name one that exists."
    return None


def _database(error: Exception) -> str | None:
    reason = reason_of(error)
    if reason is None:
        return None
    if reason == FULL:
        return "The disk of PostgreSQL is full: make room there, then try again."
    where, words = _database_place(), " ".join(str(error).split())
    if "password authentication failed" in words or "no password supplied" in words:
        return f"PostgreSQL at {where} refuses this user or password: check DATABASE_URL, or POSTGRES_*."
    if "does not exist" in words:
        return f"PostgreSQL at {where} answers, but: {_last_part(words)}. Make it, or check DATABASE_URL."
    if not env.database_url({}):
        return f"PostgreSQL does not run ({_last_part(words)}). {UP}, or name one in DATABASE_URL."
    return f"PostgreSQL does not answer at {where}: {_last_part(words)}. Start it, or check DATABASE_URL."


def _database_place() -> str:
    """Return the address without user and password."""
    database = settings.DATABASES["default"]
    host = database["HOST"] or "its default socket"
    return f"{host}:{database['PORT']}" if database["PORT"] else str(host)


def _last_part(words: str) -> str:
    """Return what libpq says after the address, without its question to the user."""
    said = words.rpartition("failed: ")[2]
    return said.partition(" Is the server running")[0].rstrip(".")


def _redis(error: redis.RedisError) -> str:
    if "Redis Cluster cannot be connected" in str(error):
        where = redis_address.parse(settings.EVENTS_REDIS_URL).where
        return f"The Cluster of the event streams does not answer at {where}: start it, or check EVENTS_REDIS_URL."
    address = redis_address.parse(settings.REDIS_URL)
    where = address.where
    if isinstance(error, redis.OutOfMemoryError):
        return f"Redis at {where} has no memory left: give it more, or let workers empty its streams."
    if isinstance(error, redis.AuthenticationError | redis.AuthorizationError) or "NOAUTH" in str(error):
        return f"Redis at {where} refuses the user or password: check REDIS_URL."
    if not env.redis_url({}):
        return f"Redis or Valkey does not run. {UP}, or name one in REDIS_URL."
    if address.kind == "sentinel" and isinstance(error, sentinel.MasterNotFoundError | AsyncMasterNotFoundError):
        return f"{why_no_master(settings.REDIS_URL)}. Check REDIS_URL, and the log of the sentinels."
    said = re.sub(r"^Error \S+ connecting to \S+\. ", "", " ".join(str(error).split())).rstrip(".")
    return f"Redis does not answer at {where}: {said}. Start it, or check REDIS_URL."
