"""The product as it really runs, for tests of the whole pipeline and of the pages: processes, not calls."""

import dataclasses
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import ClassVar

import httpx
import psycopg
import redis as redis_client
from psycopg import sql

from operations.local import programs
from operations.local.embedded_valkey import Valkey, free_port
from operations.local.processes import Program
from tests import forked
from tests.servers import RedisServer, Running, Session, wait_until


class ForkedRunning(Running):
    def start(self) -> None:
        self.process = forked.spawn(self.program, self.log)  # type: ignore[assignment]


# What `migrate` writes, and what a module may not change.
LEFT = {"django_content_type", "auth_permission", "django_migrations", "system_settings"}


@dataclass(kw_only=True)
class LiveSystem:
    """One running copy. `environment` holds its addresses, for `manage.py` commands run against it."""

    directory: Path
    environment: dict[str, str]
    redis: RedisServer
    port: int
    web: Running = field(init=False)
    cron: Running = field(init=False)
    running_workers: list[Running] = field(default_factory=list)

    # Keys of the processes, which run on; all others are of people: logins, presence, limits, answers.
    OF_PROCESSES: ClassVar = (b"events:", b"rq:", b"worker:")

    def __post_init__(self) -> None:
        self.web = self._running(programs.web(host="127.0.0.1", port=self.port))
        self.cron = self._running(programs.cron())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        return self.environment["DATABASE_URL"]

    @property
    def redis_url(self) -> str:
        return self.redis.url

    @property
    def workers(self) -> list["subprocess.Popen[bytes]"]:
        return [worker.process for worker in self.running_workers if worker.process is not None]

    def start(self, *, workers: int) -> None:
        self.redis.start()
        self.web.start()
        if workers:  # nobody else does what it orders
            self.cron.start()
        for _ in range(workers):
            self.start_worker()
        self.wait_until_answers()

    def wait_until_answers(self) -> None:
        try:
            wait_until(self.answers, seconds=60, what=f"an answer from {self.url}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.web.tail()}") from None

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v1/health/simple", timeout=2).status_code < 500
        except httpx.HTTPError:
            return False

    def _running(self, program: Program) -> Running:
        program = dataclasses.replace(program, environment={**program.environment, **self.environment})
        return ForkedRunning(program=program, log=self.directory / f"{program.name}.log")

    def start_worker(self) -> None:
        worker = self._running(programs.worker(len(self.running_workers) + 1))
        worker.start()
        self.running_workers.append(worker)

    def kill_worker(self, index: int) -> None:
        """SIGKILL, in the middle of whatever it does. It keeps its place in the list of logs, not among `workers`."""
        [worker for worker in self.running_workers if worker.process is not None][index].kill()

    def restart_redis(self) -> None:
        self.redis.restart()

    def manage(self, *arguments: str, stdin: str | None = None) -> str:
        """The output of a `manage.py` command run against this copy."""
        return manage(*arguments, environment=self.environment, stdin=stdin)

    @cached_property
    def suffix(self) -> str:
        """What this copy's cookies are called by."""
        return suffix_of(self.url)

    def clear(self) -> None:
        """As it was when it started, with its processes: what one module left must not be what the next one finds. The
        settings in the database stay; a module that changes one has a copy of its own."""
        with redis_client.Redis.from_url(self.redis_url) as link:
            streams = [key for key in link.scan_iter("events:*") if link.type(key) == b"stream"]
            wait_until(lambda: not any(map(link.xlen, streams)), what="the end of the backlog")
            if gone := [key for key in link.scan_iter() if not key.startswith(self.OF_PROCESSES)]:
                link.delete(*gone)
        with psycopg.connect(self.database_url) as database:
            names = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"
            tables = {name for (name,) in database.execute(names)} - LEFT
            database.execute("SET LOCAL session_replication_role = replica")  # no trigger runs
            for name in sorted(tables):
                database.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))

    def logs(self) -> str:
        return "\n".join(
            f"--- {file.name}\n{file.read_text()[-4000:]}" for file in sorted(self.directory.glob("*.log"))
        )

    def stop(self) -> None:
        self.web.stop()
        self.cron.stop()
        for worker in self.running_workers:  # all are asked before any is waited for
            if worker.process is not None:
                worker.process.terminate()
        for worker in self.running_workers:
            worker.stop()
        self.redis.kill()


@dataclass(kw_only=True)
class LiveSystems:
    """Makes copies; each one's database is copied from one that was migrated once, the template."""

    session: Session
    template: str
    systems: list[LiveSystem] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    def start(self, *, workers: int = 2, **settings: str) -> LiveSystem:
        postgres, number = self.session.postgres, next(self.numbers)
        postgres.create_database(f"live_{number}", template=self.template)
        directory = self.session.directory / f"live_{number}"
        redis = RedisServer(valkey=Valkey(data_dir=directory / "valkey", appendfsync="no"))
        environment = {
            **self._environment(f"live_{number}", redis.url),
            "DATA_DIR": str(directory),
            "WORKERS": str(max(workers, 1)),
            **settings,
        }
        system = LiveSystem(directory=directory, environment=environment, redis=redis, port=free_port())
        self.systems.append(system)
        system.start(workers=workers)
        return system

    def _environment(self, database: str, redis_url: str) -> dict[str, str]:
        return {
            "DATABASE_URL": self.session.postgres.url_of(database),
            "REDIS_URL": redis_url,
            "DATA_DIR": str(self.session.directory),
        }

    def stop(self) -> None:
        for system in self.systems:
            system.stop()


def suffix_of(url: str) -> str:
    """How a running copy names its cookies, as its login page tells."""
    names = httpx.get(f"{url}/login/", timeout=30).cookies
    return next(name for name in names if name.startswith("csrftoken")).removeprefix("csrftoken")


def manage(*arguments: str, environment: dict[str, str], stdin: str | None = None) -> str:
    program = programs.command("manage", *arguments)
    path = {"PATH": sys.exec_prefix + "/bin:/usr/bin:/bin"}
    _, *words = program.argv
    done = forked.python(*words, environment={**path, **program.environment, **environment}, stdin=stdin)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
