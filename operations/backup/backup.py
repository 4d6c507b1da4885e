"""Make a backup while the product runs. `operations.backup.archive` defines the file."""

import json
import os
import re
import tempfile
from base64 import b64encode
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, transaction
from django.db.migrations.recorder import MigrationRecorder

from config.setting_names import setting_names
from events.queue import maintenance, stream
from operations.backup import archive, postgres_client, uploads
from operations.local.file_permissions import private_files

SECRET = re.compile(r"SECRET|PASSWORD|TOKEN$", re.IGNORECASE)


def backup(*, to: Path, now: datetime) -> dict[str, Any]:
    """Write a backup and return its manifest.

    Raises ImproperlyConfigured, postgres_client.ProgramFailed, RedisError, OSError.
    """
    postgres_client.refuse_older_programs()
    with private_files(), tempfile.TemporaryDirectory(prefix=".backup-", dir=to.parent) as directory:
        streams, dump = Path(directory) / "streams", Path(directory) / "dump"
        entries = _copy_streams(streams)
        about = _dump(dump) | {"created_at": now.isoformat(), "waiting_entries": entries}
        with archive.writing(to) as writer:
            writer.add_file(archive.DUMP, dump)
            writer.add_file(archive.STREAMS, streams)
            writer.add_bytes(archive.SETTINGS, json.dumps(present_settings(), indent=1, sort_keys=True).encode())
            uploads.add_to(writer)
            writer.finish(about)
    return about


def present_settings() -> dict[str, str]:
    """Return the settings in the environment, without passwords, keys and tokens."""
    names = [name for name in os.environ if name in setting_names() and not SECRET.search(name)]
    return {name: _without_password(os.environ[name]) for name in sorted(names)}


def _without_password(value: str) -> str:
    parts = urlsplit(value) if "://" in value else None
    return value.replace(f":{parts.password}@", ":…@") if parts and parts.password else value


def _copy_streams(file: Path) -> int:
    redis, number = stream.connect(), 0
    try:
        with file.open("w") as out:
            for shard, entry in maintenance.entries(redis):
                out.write(json.dumps([shard, entry.priority, b64encode(entry.packed).decode()]) + "\n")
                number += 1
    finally:
        redis.close()
    return number


def _dump(file: Path) -> dict[str, Any]:
    """Dump the database and count its rows in one snapshot, so that a restore can compare them exactly."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        [snapshot] = cursor.fetchone() or [""]
        rows = row_counts()
        applied = sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())
        postgres_client.run(
            "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--schema=public",
            f"--snapshot={snapshot}", f"--file={file}",
        )  # fmt: skip
    return {
        "product": settings.PROJECT_VERSION,
        "postgresql": postgres_client.server_major(),
        "migrations": applied,
        "rows": rows,
    }


def row_counts() -> dict[str, int]:
    """Return the number of rows by table. Reads all of them."""
    with connection.cursor() as cursor:
        tables = sorted(connection.introspection.table_names(cursor))
        counts: Counter[str] = Counter()
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {connection.ops.quote_name(table)}")  # noqa: S608
            [counts[table]] = cursor.fetchone() or [0]
    return dict(counts)
