"""Bringing a backup back: all of it or nothing.

The dump becomes one SQL script that begins with dropping what is there, run in one transaction: a script that fails
leaves the database as it was. Media and the river follow once that is committed; each may be repeated.
"""

import tempfile
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from config import archive, postgres_client
from config.backup import media_files, row_counts
from events import stream, waiting
from lms.models.settings import CACHE_KEY

# What migrations themselves write: a database with nothing else in it is empty.
FILLED_BY_MIGRATIONS = {"django_migrations", "django_content_type", "auth_permission", "system_settings"}

GOODBYE = 3.0  # seconds

PREPARE = """SET lock_timeout = '10s';
DROP SCHEMA public CASCADE;
CREATE SCHEMA public;
"""


class Refused(Exception):
    """Why this backup is not brought into this database, and what to do."""


def restore(file: Path, *, force: bool) -> dict[str, Any]:
    """Returns the manifest. Raises Refused, archive.Damaged, ImproperlyConfigured, postgres_client.ProgramFailed."""
    manifest = archive.verify(file)
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # of the PostgreSQL backend
    connection.settings_dict["OPTIONS"].pop("pool", None)  # a pool's idle connections look like somebody else's
    refuse_what_cannot_work(manifest, force=force)
    # Beside the backup, where there is room for one: a container's /tmp is small.
    with tempfile.TemporaryDirectory(prefix=".restore-", dir=file.parent) as directory:
        dump, script = Path(directory) / "dump", Path(directory) / "script"
        archive.extract(file, archive.DUMP, dump)
        postgres_client.run_locally(
            "pg_restore", "--no-owner", "--no-privileges", "--schema=public", f"--file={script}", str(dump)
        )
        _run_script(script)
    connection.close()
    _compare(manifest)
    call_command("migrate", interactive=False, verbosity=0)
    _restore_media(file, manifest)
    _restore_river(file)
    cache.delete(CACHE_KEY)
    return manifest


def refuse_what_cannot_work(manifest: dict[str, Any], *, force: bool) -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    known = {f"{app}.{name}" for app, name in loader.disk_migrations}
    newer = sorted(set(manifest["migrations"]) - known)
    if newer:
        raise Refused(f"The backup is of a newer version, which has {newer[-1]}: install that version first.")
    postgres_client.refuse_older_programs()
    if manifest["postgresql"] > postgres_client.server_major():
        raise Refused(
            f"The backup is of PostgreSQL {manifest['postgresql']}, the server is {postgres_client.server_major()}."
        )
    if others := _others_after_a_while():
        raise Refused(f"{others} other connections use the database: stop web, workers and cron first.")
    filled = sorted(name for name, number in row_counts().items() if number and name not in FILLED_BY_MIGRATIONS)
    if filled and not force:
        raise Refused(f"The database is not empty ({', '.join(filled[:5])}): --force replaces everything in it.")


def other_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
        )
        [number] = cursor.fetchone() or [0]
    return int(number)


def _others_after_a_while() -> int:
    """Whoever was stopped a moment ago may still be saying goodbye."""
    deadline = time.monotonic() + GOODBYE
    while (others := other_sessions()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return others


def _run_script(script: Path) -> None:
    prepare = script.with_name("prepare")
    prepare.write_text(PREPARE)
    connection.close()  # nothing of ours may hold a lock on what is dropped
    postgres_client.run(
        "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1",
        f"--file={prepare}", f"--file={script}",
    )  # fmt: skip


def _compare(manifest: dict[str, Any]) -> None:
    found = row_counts()
    if wrong := sorted(name for name in {*found, *manifest["rows"]} if found.get(name) != manifest["rows"].get(name)):
        raise Refused(f"The restored tables differ from the backup's counts: {', '.join(wrong)}. Do not use them.")


def _restore_media(file: Path, manifest: dict[str, Any]) -> None:
    """The backup's files, and no others: a picture of a class that is no more must not be served."""
    root = Path(settings.MEDIA_ROOT)
    wanted = {name.removeprefix(archive.MEDIA) for name in manifest["parts"] if name.startswith(archive.MEDIA)}
    for name in sorted(wanted):
        unfinished = root / f".{name.replace('/', '-')}.new"
        archive.extract(file, f"{archive.MEDIA}{name}", unfinished)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        unfinished.rename(root / name)
    for found in media_files():
        if found.relative_to(root).as_posix() not in wanted:
            found.unlink()


def _restore_river(file: Path) -> None:
    redis = stream.connect()
    try:
        rows = archive.lines(file, archive.RIVER)
        waiting.put_back(redis, ((int(shard), name, b64decode(packed)) for shard, name, packed in rows))
    finally:
        redis.close()
