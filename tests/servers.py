"""One PostgreSQL and one Valkey for the whole test run, started before Django reads its settings.

They are the servers of `manage.py up`, in a temporary directory, without the waits for the disk.
"""

import atexit
import fcntl
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import HTTPServer
from pathlib import Path
from typing import IO

import httpx._config
import httpx._transports.default

from operations.local.embedded_postgres import Postgres
from operations.local.embedded_valkey import Valkey
from operations.local.processes import Program

ROOT = Path(__file__).resolve().parent.parent
# A real InfluxDB for the tests that can use one, read before everything of the developer's environment is set aside.
INFLUXDB = {name: os.environ.get(f"INFLUXDB_{name}", "") for name in ("URL", "TOKEN", "ORG")}

# `httpx.get` reads all root certificates for each request, which takes a twentieth of a second of processor. Thousands
# of requests, most of them in loops that wait for an answer, go to this machine without TLS.
transport = vars(httpx._transports.default)  # where the name is looked up
transport["create_ssl_context"] = cache(httpx.create_ssl_context)

# Seconds for which a busy machine may let whoever asks wait; what is there at once costs none of them.
PATIENCE = 60.0
# httpx gives an answer five seconds, unless it is told.
for part in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, part, PATIENCE)


def wait_until(
    condition: Callable[[], object], *, seconds: float = PATIENCE, what: str = "the condition", pause: float = 0.02
) -> None:
    """Ask again and again, without Django or a loop: for what happens in another process. `pause`, in seconds, is
    longer where to ask costs more than a query."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds:g} s")
        time.sleep(pause)


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """The address of an HTTP server of a test's own, which answers in a thread until the block ends."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(kw_only=True)
class Running:
    """A program, its present process and the file its output goes to."""

    program: Program
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = self.program.spawn(output=output)

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(self.program.stop_signal)
            try:
                self.process.wait(self.program.stop_timeout)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is said."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]


@dataclass(kw_only=True)
class RedisServer:
    """A Valkey that tests may stop, kill and start again; its address and its acknowledged data stay."""

    valkey: Valkey
    running: Running = field(init=False)

    def __post_init__(self) -> None:
        self.valkey.prepare()
        self.running = Running(program=self.valkey.program(), log=self.valkey.data_dir / "log")

    @property
    def url(self) -> str:
        return self.valkey.url

    def start(self) -> None:
        if self.running.process is None:
            self.running.start()
            wait_until(self.valkey.ready, what=f"an answer from Valkey\n{self.running.tail()}")

    def stop(self) -> None:
        self.running.stop()

    def kill(self) -> None:
        self.running.kill()

    def restart(self) -> None:
        self.stop()
        self.start()


def in_memory() -> str | None:
    """A directory that no disk is behind, where there is one with room for what the tests write."""
    memory = Path("/dev/shm")  # of a container it often has 64 MB
    return str(memory) if memory.is_dir() and shutil.disk_usage(memory).free > 6 * 1024**3 else None


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """A directory for servers of a test's own, which goes with the block. In memory where possible: these servers wait
    for the disk at each write, and a disk that is busy for seconds looks to the other nodes as if they were dead."""
    directory, lock = make_directory()
    try:
        yield directory
    finally:
        lock.close()
        shutil.rmtree(directory, ignore_errors=True)


PREFIX, LOCK = "cellmonitor-test-", "lock"


def make_directory() -> tuple[Path, IO[bytes]]:
    """A directory, and the lock on a file in it that lasts as long as this process."""
    directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=in_memory())).resolve()
    lock = (directory / f"{LOCK}.new").open("wb")
    fcntl.flock(lock, fcntl.LOCK_EX)
    Path(lock.name).rename(directory / LOCK)  # nobody sees it before it is locked
    return directory, lock


def clear_leftovers(parent: Path) -> None:
    """Remove the directories of sessions that were killed, a hundred megabytes of memory each: their locks are free."""
    for file in parent.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with file.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(file.parent, ignore_errors=True)
        except OSError:  # it runs, is gone by now, or is another user's
            continue


class Session:
    """What `start` made; `stop` is safe to call twice."""

    def __init__(self) -> None:
        self.directory, self._lock = make_directory()
        clear_leftovers(self.directory.parent)
        self.redis = RedisServer(valkey=Valkey(data_dir=self.directory / "valkey", appendfsync="no"))
        # Its shared memory lies in its directory, which is removed whole, whoever kills it.
        memory = {"dynamic_shared_memory_type": "mmap"}
        self.postgres = Postgres(data_dir=self.directory / "postgres", durable=False, settings=memory)
        self.redis.running.start()
        self.postgres.prepare()
        self.database = Running(program=self.postgres.program(), log=self.directory / "postgres.log")
        self.database.start()
        wait_until(self.postgres.ready, what="an answer from PostgreSQL")
        wait_until(self.redis.valkey.ready, what="an answer from Valkey")
        self.postgres.finish()
        atexit.register(self.stop)

    def stop(self) -> None:
        atexit.unregister(self.stop)
        self.redis.kill()
        self.database.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self._lock.close()

    def point_settings(self) -> None:
        """Nothing of the developer's environment may decide a test: only these addresses are set."""
        for name in setting_names():
            os.environ.pop(name, None)
        os.environ |= self.addresses()

    def addresses(self) -> dict[str, str]:
        return {
            "DATA_DIR": str(self.directory),
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.redis.url,
            "DATABASE_POOL": "0",
            # Whether there is an account must not decide what a test sees (tests/operations/local/test_local_copy.py).
            "API_REQUIRE_AUTH": "0",
        }


def setting_names() -> list[str]:
    """Every setting, from the list that operators read."""
    return re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
