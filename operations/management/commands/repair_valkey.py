"""`manage.py repair_valkey`: copy and repair damaged files of the embedded Valkey."""

import tempfile
from pathlib import Path
from typing import Any

import redis
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from config.operator_errors import sentence_of
from operations.local import append_only_file, services
from operations.local.embedded_valkey import Valkey, server_program
from operations.local.supervisor import StartFailed, Stopped, Supervisor


class Command(BaseCommand):
    help = (
        "Copy the files of the embedded Valkey (DATA_DIR/valkey/appendonlydir), then take out of them what cannot be "
        "read. What is lost are writes that stood there; events in PostgreSQL are not concerned. Not while `up` runs."
    )
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        data_dir = Path(settings.DATA_DIR)
        try:
            with services.own(data_dir):
                valkey = Valkey(data_dir=data_dir / "valkey")
                valkey.end_leftover()
                messages = append_only_file.repair(valkey.data_dir, server=server_program(), known=known_commands())
        except (StartFailed, Stopped, ImproperlyConfigured, OSError) as error:
            raise CommandError(f"Nothing was repaired: {sentence_of(error) or error}") from error
        for message in messages:
            self.stdout.write(message)


def known_commands() -> set[bytes]:
    """Return the commands of this version in upper case, from a temporary server. Raises StartFailed, Stopped."""
    supervisor = Supervisor()
    with tempfile.TemporaryDirectory(prefix="cellmonitor-valkey-") as directory:
        empty = Valkey(data_dir=Path(directory).resolve() / "valkey")
        empty.prepare()
        try:
            child = supervisor.start(empty.program())
            supervisor.wait_for(empty.ready, seconds=30, what="The start of an empty Valkey", of=child)
            with redis.Redis.from_url(empty.url) as link:
                names: list[bytes] = link.execute_command("COMMAND LIST")
        finally:
            supervisor.stop()
    return {name.upper() for name in names}
