"""Rewrite the files of Redis and PostgreSQL, which still contain deleted data.

Redis: every write is in the append-only file until it is rewritten. PostgreSQL: a deleted or changed row stays in its
page until that is overwritten, the planner's statistics have the most common values of a column, and the write-ahead
log has every change until its files are reused.

What is not permitted, or would block others for long, is reported in a message (docs/privacy.md).
"""

import time
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.db import OperationalError, ProgrammingError, connection
from psycopg import sql
from redis import Redis
from redis.exceptions import RedisError

from core.postgres import fetch_all
from core.redis import blocking_client
from core.redis_cluster import servers_of
from events.queue import stream
from operations.privacy import tables

REWRITE_TIMEOUT = 120.0  # seconds for Redis to rewrite its file
LOCK_TIMEOUT = "3s"  # for a table that is in use
MAX_REWRITTEN_BYTES = 256 * 1024 * 1024  # of a table; larger ones would be locked for too long
# Clear the statistics of a table: from PostgreSQL 18 on, and as a superuser before.
STATISTICS = (
    """SELECT pg_clear_attribute_stats(schemaname::text, tablename::text, attname::text, inherited) FROM pg_stats
       WHERE schemaname = current_schema() AND tablename = %s""",
    "DELETE FROM pg_statistic WHERE starelid = to_regclass(%s)",
)
MAX_SEGMENTS = 70  # of the write-ahead log, 16 MB each: one more than PostgreSQL keeps by default


def clear() -> list[str]:
    """Rewrite the files. Return messages for the operator about what could not be rewritten."""
    return [*_redis_file(), *_tables(), *_write_ahead_log()]


# --- Redis ----------------------------------------------------------------------------------------------------------


def _redis_file() -> Iterator[str]:
    try:
        for url in dict.fromkeys((settings.REDIS_URL, stream.url())):
            with blocking_client(timeout=10, url=url) as redis:
                for server in servers_of(redis, with_replicas=True):
                    yield from _file_of(server)
    except RedisError as error:
        yield (
            f"Redis does not let us rewrite its file ({error}): the person stays in it until that happens. Ask "
            "whoever runs Redis for BGREWRITEAOF, or BGSAVE where it keeps snapshots."
        )


def _file_of(redis: Redis) -> Iterator[str]:
    state: Any = redis.info("persistence")
    if state.get("aof_enabled"):
        yield from _rewrite(redis)
    elif state.get("rdb_last_save_time") and redis.config_get("save").get("save"):
        redis.bgsave()
        yield from _wait(redis, "rdb_bgsave_in_progress", "rdb_last_bgsave_status")


def _rewrite(redis: Redis) -> Iterator[str]:
    """Rewrite the append-only file, after a rewrite that runs already, which may contain the person."""
    yield from _wait(redis, "aof_rewrite_in_progress", "")
    redis.bgrewriteaof()
    yield from _wait(redis, "aof_rewrite_in_progress", "aof_last_bgrewrite_status")


def _wait(redis: Redis, running: str, status: str) -> Iterator[str]:
    deadline = time.monotonic() + REWRITE_TIMEOUT
    while True:
        state: Any = redis.info("persistence")
        if not state.get(running) and not state.get("aof_rewrite_scheduled"):
            break
        if time.monotonic() > deadline:
            yield "Redis is still rewriting its file: until it is done, the person stays in the old one."
            return
        time.sleep(0.05)
    if status and state.get(status) != "ok":
        yield "Redis could not rewrite its file, see its log: the person stays in the old one. Then run this again."


# --- PostgreSQL -----------------------------------------------------------------------------------------------------


def _tables() -> Iterator[str]:
    """Rewrite every table that is small enough.

    Rows that named the person may have been deleted or changed long ago in tables that no longer have any.
    """
    if connection.in_atomic_block:
        return  # in tests
    kept = []
    for name, size in _sizes():
        if size > MAX_REWRITTEN_BYTES or not _vacuum(name, "FULL, ANALYZE"):
            _vacuum(name, "ANALYZE")
            kept.append(name)
        yield from _clear_statistics(name)
    _vacuum("pg_statistic", "FULL")  # ANALYZE took the person out of it, and left the old rows behind
    if kept:
        yield (
            f"Free space of {', '.join(kept)} may still hold rows of the person until it is used again. At a quiet "
            f"hour: {' '.join(f'VACUUM FULL {name};' for name in kept)}"
        )


def _sizes() -> list[tuple[str, int]]:
    names = [model._meta.db_table for model in tables.all_models()]
    return fetch_all(
        """SELECT relname, pg_total_relation_size(oid) FROM pg_class
           WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace AND relname = ANY(%s)
           ORDER BY relname""",
        [names],
    )


def _vacuum(name: str, options: str) -> bool:
    """Return False if the table is locked for longer than LOCK_TIMEOUT, or not ours."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            cursor.execute(sql.SQL("VACUUM ({}) {}").format(sql.SQL(options), sql.Identifier(name)))
        except (OperationalError, ProgrammingError):
            return False
        finally:
            cursor.execute("SET lock_timeout = 0")
    return True


def _clear_statistics(name: str) -> Iterator[str]:
    """Clear the statistics of an empty table, which ANALYZE does not change."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(name)))
        [has_rows] = cursor.fetchone()
        if has_rows:
            return
        for statement in STATISTICS:
            try:
                cursor.execute(statement, [name])
            except (OperationalError, ProgrammingError):
                continue
            return
    yield f"PostgreSQL's statistics of {name} may hold values of the person until the table has rows again."


def _write_ahead_log() -> Iterator[str]:
    """Overwrite all segments of the write-ahead log if nothing else reads them (wal_level minimal, as embedded).

    Segments are reused; a switch to the next one fills the rest of the current one with zeros.
    """
    if connection.in_atomic_block:
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
            cursor.execute("SHOW wal_level")
            [level] = cursor.fetchone()
            if level != "minimal":
                cursor.execute("SELECT pg_switch_wal()")
                yield (
                    "PostgreSQL's write-ahead log, and what is archived of it, hold the person until they are used "
                    "again or deleted: see docs/privacy.md."
                )
                return
            _overwrite_segments(cursor)
    except (OperationalError, ProgrammingError) as error:
        yield (
            f"PostgreSQL's write-ahead log could not be renewed ({str(error).strip().splitlines()[0]}): it holds the "
            "person until its files are used again. A superuser may say: CHECKPOINT; SELECT pg_switch_wal();"
        )


def _overwrite_segments(cursor: Any) -> None:
    def switch() -> None:
        cursor.execute("SELECT pg_logical_emit_message(true, '', '')")  # a switch needs a record in the segment
        cursor.execute("SELECT pg_switch_wal()")

    switch()
    cursor.execute("CHECKPOINT")  # makes the last segments reusable
    cursor.execute("SELECT count(*) FROM pg_ls_waldir()")
    [segments] = cursor.fetchone()
    for _ in range(min(segments, MAX_SEGMENTS)):
        switch()
    cursor.execute("CHECKPOINT")
