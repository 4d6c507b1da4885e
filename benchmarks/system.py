"""Start and stop the whole system with `manage.py up`, in a temporary folder and on a free port."""

import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

ROOT = Path(__file__).resolve().parent.parent
START = 180  # seconds the system may take to answer, migrations included
STOP = 60  # seconds it may take to end
POLL_EVERY = 0.05  # seconds between two polls of the number of rows
# What would point it at other servers than its own.
FOREIGN = (
    "DATABASE_URL",
    "POSTGRES_SERVER",
    "REDIS_URL",
    "EVENTS_REDIS_URL",
    "REDIS_HOST",
    "INFLUXDB_URL",
    "WEB_URL",
    "DJANGO_SETTINGS_MODULE",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    pid: int
    port: int
    database_url: str
    redis_url: str
    beside: tuple[int, ...] = ()  # processes that belong to it, and were not started by it

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.database_url, autocommit=True)

    def last_row(self) -> int:
        """The id after which whatever is stored from now on comes."""
        with self.connect() as connection:
            return _number(connection.execute("SELECT coalesce(max(id), 0) FROM cell_executions").fetchone())

    def wait_for_rows(self, *, after: int, count: int, seconds: float = 300) -> float:
        """Returns the moment (seconds since the epoch) at which `count` executions were stored behind the id `after`.

        Asked for only once everything is accepted: before that it cannot be true, and counting costs.
        """
        deadline = time.time() + seconds
        with self.connect() as connection:
            while True:
                found = _number(
                    connection.execute("SELECT count(*) FROM cell_executions WHERE id > %s", [after]).fetchone()
                )
                moment = time.time()
                if found == count:
                    return moment
                if found > count or moment > deadline:
                    raise RuntimeError(f"{found} rows were stored, {count} events sent")
                time.sleep(POLL_EVERY)


@contextmanager
def running(
    *, workers: int, logins: bool = False, root: Path = ROOT, settings: Mapping[str, str] | None = None
) -> Iterator[System]:
    """The system, answering, in a folder of its own. Its log is shown when it does not come up."""
    with (
        data_folder() as folder,
        started(folder=folder, workers=workers, logins=logins, root=root, settings=settings) as system,
    ):
        yield system


@contextmanager
def data_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="bench-"))  # short: PostgreSQL's socket path has a limit of 107 characters
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def started(
    *,
    folder: Path,
    workers: int,
    logins: bool = False,
    root: Path = ROOT,
    settings: Mapping[str, str] | None = None,
) -> Iterator[System]:
    """Start the system of the checkout `root` on an existing folder."""
    port = free_port()
    log = (folder / "up.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, str(root / "manage.py"), "up"],
        cwd=root,
        env=environment(folder=folder, port=port, workers=workers, logins=logins) | dict(settings or {}),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C reaches the benchmarks alone, which then stop it
    )
    try:
        yield _wait(process=process, folder=folder, port=port)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        log.close()


def environment(*, folder: Path, port: int, workers: int, logins: bool) -> dict[str, str]:
    """Return the environment: as in production, but on loopback and without class keys."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {
        "DATA_DIR": str(folder),
        "PORT": str(port),
        "WORKERS": str(workers),
        "DEBUG": "0",
        "SECRET_KEY": secrets.token_urlsafe(48),
        "API_REQUIRE_AUTH": str(int(logins)),
        "EVENTS_REQUIRE_KEY": "0",
        "RATE_LIMITS": "0",
        "HTTPS": "0",
        "ALLOWED_HOSTS": "127.0.0.1",
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _number(row: tuple[object, ...] | None) -> int:
    return int(str(row[0])) if row else 0


def _wait(*, process: "subprocess.Popen[bytes]", folder: Path, port: int) -> System:
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            services = json.loads((folder / "services.json").read_text())
        except (OSError, ValueError):
            services = {}
        if "DATABASE_URL" in services and answers(port):
            return System(
                pid=process.pid,
                port=port,
                database_url=services["DATABASE_URL"],
                redis_url=services["REDIS_URL"],
            )
        time.sleep(0.1)
    sys.stderr.write((folder / "up.log").read_text(errors="replace")[-8000:])
    raise RuntimeError("`manage.py up` did not come up; its last lines are above")


def answers(port: int) -> bool:
    web = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        web.request("GET", "/api/v1/health/simple")
        return web.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        web.close()
