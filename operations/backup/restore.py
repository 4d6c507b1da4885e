"""Restore a backup completely or not at all.

The dump becomes an SQL script that drops the existing schema first and runs in one transaction: if it fails, the
database is unchanged. Media and event streams follow after the commit; both steps are idempotent.
"""

import re
import shutil
import tempfile
import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from core.postgres import fetch_all
from events.contract.kinds import PRIORITIES
from events.queue import maintenance, stream
from lms.models.settings import CACHE_KEY
from operations.backup import archive, postgres_client, uploads
from operations.backup.backup import row_counts
from operations.local.file_permissions import private_files

# Tables that migrations fill: a database with rows in no others counts as empty.
FILLED_BY_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission", "system_settings"}

SHUTDOWN_SECONDS = 3.0
SHARE_OF_DISK = 0.9  # of the free space that the expanded dump may take
REQUIRED_TABLES = {"django_migrations", "instructors", "students", "classes", "audit_logs"}  # in every version
MAX_SHARDS = 1024  # EVENT_SHARDS is 64 at most

PREPARE = """SET lock_timeout = '10s';
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
"""


CHECK = """DO $check$
DECLARE
    expected record;
    found bigint;
BEGIN
    FOR expected IN
        SELECT coalesce(t.relname, b.name) AS name, b.number, t.relname IS NOT NULL AS is_there
        FROM (VALUES {}) AS b (name, number)
        FULL JOIN (
            SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition
        ) t ON t.relname = b.name
    LOOP
        IF NOT expected.is_there OR expected.number IS NULL THEN
            RAISE EXCEPTION 'the tables differ from the backup''s list: %', expected.name;
        END IF;
        EXECUTE format('SELECT count(*) FROM public.%I', expected.name) INTO found;
        IF found <> expected.number THEN
            RAISE EXCEPTION 'the restored table differs from the backup''s count: %', expected.name;
        END IF;
    END LOOP;
    IF EXISTS (SELECT FROM public.django_migrations m WHERE m.app || '.' || m.name <> ALL (ARRAY[{}]::text[])) THEN
        RAISE EXCEPTION 'the restored migrations differ from the backup''s list';
    END IF;
END
$check$;
"""


class RestoreRefused(Exception):
    """The backup cannot be restored into this database; the message says why, and what to do."""


def restore(file: Path, *, force: bool) -> dict[str, Any]:
    """Restore a backup and return its manifest. Restored files are private to their owner.

    Raises RestoreRefused, archive.Damaged, ImproperlyConfigured, postgres_client.ProgramFailed.
    """
    with private_files():
        return _restore(file, force=force)


def _restore(file: Path, *, force: bool) -> dict[str, Any]:
    manifest = archive.verify(file)
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend
    connection.settings_dict["OPTIONS"].pop("pool", None)  # its idle connections would count as other sessions
    refuse_what_cannot_work(manifest, force=force)
    archive.refuse_incomplete(manifest)
    for _ in _waiting_rows(file, manifest):  # validate the rows before anything is changed
        pass
    # Next to the backup, because the /tmp of a container is small.
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=file.parent) as directory:
        dump, script = Path(directory) / "dump", Path(directory) / "script"
        archive.extract(file, archive.DUMP, dump)
        _refuse_other_dumps(dump, manifest)
        max_bytes = int(shutil.disk_usage(directory).free * SHARE_OF_DISK)
        try:
            postgres_client.run_locally(
                "pg_restore", "--no-owner", "--no-privileges", "--schema=public", f"--file={script}", str(dump),
                max_bytes=max_bytes,
            )  # fmt: skip
        except postgres_client.ProgramFailed as error:
            raise RestoreRefused(
                f"The backup's database cannot be unfolded within {max_bytes // 1024**2} MiB beside the backup "
                f"({_reason(error)}). Nothing was changed."
            ) from None
        _run_script(script, manifest)
    connection.close()
    call_command("migrate", interactive=False, verbosity=0)
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=file.parent) as directory:
        uploads.restore(file, manifest, directory=Path(directory))
    _restore_streams(file, manifest)
    cache.delete(CACHE_KEY)
    return manifest


def refuse_what_cannot_work(manifest: dict[str, Any], *, force: bool) -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = {f"{app}.{name}" for app, name in loader.disk_migrations}
    newer = sorted(set(manifest["migrations"]) - known)
    if newer:
        raise RestoreRefused(f"The backup is of a newer version, which has {newer[-1]}: install that version first.")
    postgres_client.refuse_older_programs()
    if manifest["postgresql"] > postgres_client.server_major():
        raise RestoreRefused(
            f"The backup is of PostgreSQL {manifest['postgresql']}, the server is {postgres_client.server_major()}."
        )
    if others := _others_after_a_while():
        raise RestoreRefused(f"{others} other connections use the database: stop web, workers and cron first.")
    filled = sorted(name for name, number in row_counts().items() if number and name not in FILLED_BY_MIGRATIONS)
    if filled and not force:
        raise RestoreRefused(f"The database is not empty ({', '.join(filled[:5])}): --force replaces everything in it.")


def other_sessions() -> int:
    [[number]] = fetch_all(
        """SELECT count(*) FROM pg_stat_activity
           WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
    )
    return int(number)


def _others_after_a_while() -> int:
    """Return the number of other sessions, after those of processes that were just stopped have ended."""
    deadline = time.monotonic() + SHUTDOWN_SECONDS
    while (others := other_sessions()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return others


def _refuse_other_dumps(dump: Path, manifest: dict[str, Any]) -> None:
    """Raise RestoreRefused if the dump is of another product, before it is run."""
    try:
        listed = postgres_client.run_locally("pg_restore", "--list", str(dump))
    except postgres_client.ProgramFailed as error:
        raise RestoreRefused(f"The backup's database cannot be read ({_reason(error)}). Nothing was changed.") from None
    tables = set(re.findall(r"^\d+; \d+ \d+ TABLE public (\S+) ", listed, re.MULTILINE))
    if not REQUIRED_TABLES <= set(manifest["rows"]) <= tables:
        raise RestoreRefused("The database in the backup is none of this product's. Nothing was changed.")


def _run_script(script: Path, manifest: dict[str, Any]) -> None:
    """Run the script and compare the result with the manifest in one transaction. Raises RestoreRefused."""
    prepare, check = script.with_name("prepare"), script.with_name("check")
    prepare.write_text(PREPARE)
    check.write_text(_check_of(manifest))
    connection.close()  # nothing of ours may hold a lock on what is dropped
    try:
        postgres_client.run(
            "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
            f"--file={prepare}", f"--file={script}", f"--file={check}",
        )  # fmt: skip
    except postgres_client.ProgramFailed as error:
        raise RestoreRefused(f"PostgreSQL did not take the backup ({_reason(error)}). Nothing was changed.") from None


def _check_of(manifest: dict[str, Any]) -> str:
    """Return SQL that fails if the tables, their numbers of rows or the migrations differ from the manifest."""
    rows = {name: manifest["rows"][name] for name in sorted(manifest["rows"])}
    counts = sql.SQL(", ").join(sql.SQL("({}, {})").format(sql.Literal(name), number) for name, number in rows.items())
    applied = sql.SQL(", ").join(sql.Literal(name) for name in manifest["migrations"])
    return sql.SQL(CHECK).format(counts, applied).as_string()


def _waiting_rows(file: Path, manifest: dict[str, Any]) -> Iterator[tuple[int, str, bytes]]:
    """Yield shard, priority and packed events of each waiting entry. Raises archive.Damaged."""
    part = archive.streams_part(manifest)
    for row in archive.lines(file, part):
        try:
            shard, priority, packed = row
            if not (isinstance(shard, int) and 0 <= shard < MAX_SHARDS and priority in PRIORITIES):
                raise ValueError
            yield shard, priority, b64decode(packed, validate=True)
        except (ValueError, TypeError):
            raise archive.Damaged(f"{part}: a line of it is no entry of the stream") from None


def _restore_streams(file: Path, manifest: dict[str, Any]) -> None:
    redis = stream.connect()
    try:
        maintenance.restore_entries(redis, _waiting_rows(file, manifest))
    finally:
        redis.close()


def _reason(error: Exception) -> str:
    """Return the error message of a PostgreSQL program without its location."""
    found = re.search(r"(?:ERROR|error): +(.*)", str(error))
    return (found[1] if found else str(error).partition("\n")[0])[:200]
