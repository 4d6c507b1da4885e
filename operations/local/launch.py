"""The work of `manage.py up`: lock, servers, migrations, processes, announcement, and shutdown."""

import errno
import http.client
import ipaddress
import os
import socket
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from psycopg.conninfo import conninfo_to_dict
from redis.exceptions import RedisError

from config import env
from config.operator_errors import sentence_of
from core.redis import client_of
from instructors import first_account
from operations.local import programs, services
from operations.local.autoscaler import Autoscaler
from operations.local.demo_lab import DemoLab
from operations.local.disk_space import refuse_full_disk
from operations.local.file_permissions import make_private, private_files
from operations.local.supervisor import Stopped, Supervisor

DEMO_STUDENTS, DEMO_RATE = 40, "0.2"
DEMO_EMAIL = "demo@example.com"
HEALTH = "/api/v1/health/simple"


@dataclass(kw_only=True)
class Launch:
    """A run of the product, from the lock of its data directory to the end of its last child process."""

    demo: bool
    jupyter: Path | None = None  # with `demo`: the command of a JupyterLab to play a student in
    data_dir: Path = field(default_factory=lambda: Path(settings.DATA_DIR))
    host: str = field(default_factory=lambda: env.text("HOST", "127.0.0.1"))
    port: int = field(default_factory=lambda: int(settings.PORT))
    server: str = field(default_factory=lambda: env.text("WEB_SERVER", programs.SERVERS[0]))

    def __post_init__(self) -> None:
        self.lab = DemoLab(jupyter=self.jupyter, folder=self.data_dir / "lab") if self.jupyter else None
        self.supervisor = Supervisor()
        self.autoscaler = Autoscaler(supervisor=self.supervisor, minimum=settings.WORKERS, maximum=settings.WORKERS_MAX)

    @property
    def url(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - read, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def run(self) -> None:
        self._check_configuration()
        with private_files(), services.own(self.data_dir):
            self._check_port()
            make_private(self.data_dir)
            services.delete_services_file(self.data_dir)  # of a run that was killed
            self.supervisor.listen()
            try:
                self._start()
                self.supervisor.run(each_turn=self.autoscaler.poll)
            except Stopped:
                pass
            finally:
                self.supervisor.stop()
                services.delete_services_file(self.data_dir)

    def _check_configuration(self) -> None:
        if self.server not in programs.SERVERS:
            raise ImproperlyConfigured(
                f"WEB_SERVER is {self.server!r}; it must be one of {', '.join(programs.SERVERS)}."
            )
        if not settings.DEBUG and not settings.ALLOWED_HOSTS:
            raise ImproperlyConfigured("With DEBUG=0, ALLOWED_HOSTS must name the hosts that this copy answers under.")
        if settings.HTTPS and not settings.SECURE_PROXY_SSL_HEADER:
            raise ImproperlyConfigured(
                "HTTPS is 1 and BEHIND_PROXY is 0: every page would lead to https, which only a proxy in front of this "
                "copy can speak. Set BEHIND_PROXY=1 if there is one, else HTTPS=0."
            )
        media = Path(settings.MEDIA_ROOT)
        if (
            not settings.STORAGES["default"].get("OPTIONS")
            and media.exists()
            and not (media.is_dir() and os.access(media, os.W_OK | os.X_OK))
        ):
            raise ImproperlyConfigured(
                f"MEDIA_ROOT is {media}, where no uploads can be kept: make it a folder of yours."
            )
        if self.demo and not is_loopback(self.host):
            raise ImproperlyConfigured(
                f"HOST is {self.host!r}, and the demo has a login that is no secret: it runs on loopback only. "
                "Unset HOST, or start without --demo."
            )

    def _check_port(self) -> None:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.host, self.port))
            except OSError as error:
                raise ImproperlyConfigured(self._why_not_listening(error)) from error

    def _why_not_listening(self, error: OSError) -> str:
        said = f"Cannot listen on {self.host} port {self.port} ({error.strerror})."
        if error.errno == errno.EADDRINUSE:
            return f"{said} Stop what uses it, or choose another one: PORT={min(self.port + 1, 65535)}"
        if error.errno == errno.EACCES:
            return f"{said} Ports below 1024 are for root: choose another one, like PORT=8000."
        return f"{said} HOST must be an address of this machine, like 127.0.0.1, or 0.0.0.0 for all of them."

    def _start(self) -> None:
        os.environ |= {"DATA_DIR": str(self.data_dir), "PORT": str(self.port), "HOST": self.host}
        start_servers(self.supervisor, self.data_dir)
        services.write_services_file(self.data_dir, {**addresses(), "WEB_URL": self.url})
        self._say_if_redis_is_away()
        self._migrate()
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)
        self._start_processes()

    def _say_if_redis_is_away(self) -> None:
        """Say it once, in a sentence: everything starts all the same, and goes on when Redis is there."""
        try:
            with client_of(env.redis_url({}), socket_timeout=2, socket_connect_timeout=2) as client:
                client.ping()
        except RedisError as error:
            self.supervisor.say(f"{sentence_of(error)} Until then events are answered with 503.")

    def _migrate(self) -> None:
        """Apply migrations, if there are any, in this process, because starting Django again costs a second."""
        database = settings.DATABASES["default"]
        address = conninfo_to_dict(env.database_url({}))
        names = {"NAME": "dbname", "USER": "user", "HOST": "host"}
        database |= {name: address[part] for name, part in names.items() if part in address}
        database["OPTIONS"].pop("pool", None)  # a process that forks must not have the pool's threads
        try:
            executor = MigrationExecutor(connection)
            if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
                self.supervisor.say(f"applying {len(plan)} migrations")
                call_command("migrate", interactive=False, verbosity=0)
        finally:
            connection.close()

    def _start_processes(self) -> None:
        """Start the web server first: on two cores the processes would slow each other down, and events can wait."""
        supervisor = self.supervisor
        supervisor.start(programs.web(host=self.host, port=self.port, server=self.server))
        supervisor.wait_for(self._answers, seconds=120, what=f"An answer from {self.url}")
        self.autoscaler.start()
        supervisor.start(programs.cron())
        if self.demo:
            os.environ["DEMO_PASSWORD"] = services.demo_password(self.data_dir)
            if supervisor.finish(programs.seed()) != 0:
                raise ImproperlyConfigured("The demo class could not be made; the lines above say why.")
            key = self._demo_key()
            supervisor.start(programs.simulator(url=self.url, key=key, students=DEMO_STUDENTS, rate=DEMO_RATE))
        self._announce()
        if self.lab:
            self._start_lab(self.lab)

    def _demo_key(self) -> str:
        return (self.data_dir / "demo_class_key").read_text().strip()

    def _start_lab(self, lab: DemoLab) -> None:
        self.supervisor.say("starting JupyterLab")
        started = self.supervisor.start(lab.program(url=self.url, key=self._demo_key()))
        self.supervisor.wait_for(lab.is_ready, seconds=120, what="An answer from JupyterLab", of=started)
        self.supervisor.say(f"  Play a student at {lab.url} with the password {lab.token}")

    def _answers(self) -> bool:
        status = self._status(HEALTH)
        return self._status("/") < 400 if status == 404 else status < 500

    def _status(self, path: str) -> int:
        """Return the status of a GET; 599 without an answer. The Host is an allowed one, because others get 400."""
        address = urlsplit(self.url)
        hosts = [host for host in settings.ALLOWED_HOSTS if "*" not in host]
        web = http.client.HTTPConnection(address.hostname or "", address.port, timeout=2)
        try:
            web.request("GET", path, headers={"Host": hosts[0].lstrip(".")} if hosts else {})
            return web.getresponse().status
        except (OSError, http.client.HTTPException):
            return 599
        finally:
            web.close()

    def _announce(self) -> None:
        lines = ["", f"  Cell Monitor is at {self.url}"]
        if self.demo:
            lines.append(f"  Log in as {DEMO_EMAIL} with the password {services.demo_password(self.data_dir)}")
        for line in lines:
            self.supervisor.say(line)
        if not self.demo and self._has_no_account():
            self._say_how_to_make_the_first_account()
        for line in ("  Ctrl-C stops all of it.", ""):
            self.supervisor.say(line)

    def _say_how_to_make_the_first_account(self) -> None:
        """Print the link where a person reads along; logs in JSON are kept, and secrets do not belong there."""
        supervisor = self.supervisor
        supervisor.say("  There is no account yet. Make the first one, an administrator's, within a day at")
        if settings.LOG_FORMAT == "json":
            supervisor.say("  the link that `manage.py first_account_link` prints.")
        else:
            supervisor.say(f"  {first_account.link(self.url)}", may_be_secret=True)
        if settings.API_REQUIRE_AUTH is None:
            who = "whatever runs on this machine" if is_loopback(self.host) else f"whoever reaches {self.host}"
            supervisor.say(f"  Until then, {who} may ask the API without a login.")

    def _has_no_account(self) -> bool:
        try:
            return first_account.is_missing()
        finally:
            connection.close()


def start_servers(supervisor: Supervisor, data_dir: Path) -> None:
    """Start the servers that the environment has no URL for, and set their URLs in it.

    Raises StartFailed, Stopped, ImproperlyConfigured.
    """
    missing = services.missing(data_dir)
    if missing:
        refuse_full_disk(data_dir)
    children = {}
    for name, server in missing.items():
        for message in server.prepare():
            supervisor.say(message)
        children[name] = supervisor.start(server.program())
    for name, server in missing.items():
        what = f"The start of {server.program().name}"
        supervisor.wait_for(server.ready, seconds=120, what=what, of=children[name], advice=server.advice())
        server.finish()
        os.environ[name] = server.url


def addresses() -> dict[str, str]:
    """Return the URLs of the running servers, for commands in other terminals."""
    return {"DATABASE_URL": env.database_url({}), "REDIS_URL": env.redis_url({})}


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
