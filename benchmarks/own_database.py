"""A PostgreSQL of one's own for a benchmark that runs the product's code in this process."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_database() -> Iterator[None]:
    """Start a temporary PostgreSQL as `manage.py up` does, then set up Django with its URL."""
    import django

    from operations.local.embedded_postgres import Postgres
    from tests.servers import Running, wait_until

    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    postgres = Postgres(data_dir=folder / "postgres", durable=False)
    postgres.prepare()
    running = Running(program=postgres.program(), log=folder / "log")
    running.start()
    try:
        wait_until(postgres.ready, what="an answer from PostgreSQL")
        postgres.finish()
        os.environ |= {
            "DATABASE_URL": postgres.url, "DATABASE_POOL": "0", "REDIS_URL": "redis://127.0.0.1:1", "DEBUG": "0",
            "SECRET_KEY": secrets.token_urlsafe(48), "DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        yield
        connection.close()
    finally:
        running.stop()
        shutil.rmtree(folder, ignore_errors=True)
