"""Every command of docker-compose.yml, run as it stands there, in its environment, outside of containers; and the
proxy's file by a real Caddy, where there is one."""

import gzip
import json
import os
import re
import runpy
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
import redis
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from events.queue import heartbeats
from operations.local.embedded_postgres import Postgres
from operations.local.embedded_valkey import free_port, server_program
from tests import forked
from tests.deploy import compose
from tests.servers import ROOT, wait_until

HOST = "lessons.example.org"
ASK = {"Host": HOST}
SECRETS = {name: secrets.token_hex(32) for name in compose.example()}
FILLED = {**SECRETS, "SITE_HOST": HOST, "BACKEND_CORS_ORIGINS": "https://hub.example.org", "INFLUXDB_URL": ""}
FILLED["METRICS_TOKEN"] = SECRETS["METRICS_TOKEN"] = secrets.token_hex(24)
MAKE = """
from instructors.models import Instructor
from lms.class_keys import create_key
from lms.models import Class
room = Class.objects.create(class_code="PY", name="Python")
print(create_key(room)[1])
"""


@dataclass
class Stack:
    directory: Path
    environment: dict[str, str]
    services: dict
    running: "list[subprocess.Popen[bytes]]" = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    def argv(self, name: str) -> list[str]:
        command = self.services[name]["command"]
        words = shlex.split(command) if isinstance(command, str) else list(command)
        port = str(self.ports.setdefault(name, free_port()))
        return [port if word == "8000" else word.replace("0.0.0.0", "127.0.0.1") for word in words]

    def start(self, name: str, argv: "list[str] | None" = None, **more: str) -> None:
        with (self.directory / f"{name}.log").open("ab") as log:
            own = self.services.get(name, {}).get("environment", {})
            environment = {**self.environment, **({"PART": own["PART"]} if "PART" in own else {}), **more}
            self.running.append(
                subprocess.Popen(argv or self.argv(name), cwd=ROOT, env=environment, stdout=log, stderr=log)
            )

    def once(self, *argv: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(argv, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)

    def manage(self, *arguments: str, stdin: str = "") -> str:
        """What a `manage.py` command says that is here to make or to look at something, not to be tried."""
        done = forked.python("manage.py", *arguments, environment=self.environment, stdin=stdin)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def is_healthy(self, name: str) -> bool:
        test = self.services[name]["healthcheck"]["test"]
        environment = {**self.environment, "HEALTH_PORT": str(self.ports.get(name, 8000))}
        done = subprocess.run(test[1:], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode == 0

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text()

    def answers(self, name: str) -> bool:
        try:
            path = f"http://127.0.0.1:{self.ports[name]}/api/v1/health/simple"
            return httpx.get(path, headers=ASK, timeout=2).status_code < 500
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        for process in reversed(self.running):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.running):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="module")
def stack(tmp_path_factory, postgres_server, migrated) -> Iterator[Stack]:
    postgres_server.create_database("stack", template=migrated)
    made = _stack(tmp_path_factory.mktemp("stack"), postgres_server)
    try:
        wait_until(lambda: _answers(made.environment["REDIS_URL"]), what=f"Valkey\n{made.log('valkey')}")
        made.manage("collectstatic", "--noinput", "--verbosity", "0")
        migrated = made.once(*made.argv("migrate"))
        assert migrated.returncode == 0, migrated.stderr
        for name in ("intake", "pages", "worker", "cron"):
            made.start(name)
        for name in ("intake", "pages"):
            wait_until(lambda name=name: made.answers(name), seconds=60, what=f"{name}\n{made.log(name)}")
        yield made
    finally:
        made.stop()


def _stack(directory: Path, postgres: Postgres) -> Stack:
    services = compose.load(FILLED)["services"]
    port = free_port()
    configuration = (ROOT / "deploy" / "valkey.conf").read_text()
    configuration = configuration.replace("dir /data", f"dir {directory}").replace("port 6379", f"port {port}")
    (directory / "valkey.conf").write_text(configuration)
    environment = {
        **services["pages"]["environment"],
        "PATH": f"{sys.exec_prefix}/bin:/usr/bin:/bin",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "PYTHONPATH": str(ROOT),
        "DATABASE_URL": postgres.url_of("stack"),
        "REDIS_URL": services["pages"]["environment"]["REDIS_URL"].replace("valkey:6379", f"127.0.0.1:{port}"),
        "DATA_DIR": str(directory),
        "STATIC_ROOT": str(directory / "collected"),
    }
    made = Stack(directory, environment, services)
    made.ports["valkey"] = port
    shell = [word.replace("/etc/valkey.conf", str(directory / "valkey.conf")) for word in services["valkey"]["command"]]
    shell[-1] = shell[-1].replace("valkey-server", str(server_program()))
    made.start("valkey", shell, REDIS_PASSWORD=FILLED["REDIS_PASSWORD"])
    return made


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture(scope="module")
def key(stack) -> str:
    return stack.manage("shell", "--no-imports", "-c", MAKE).split()[-1]


def event() -> dict[str, object]:
    return {
        "eventId": str(uuid.uuid4()), "eventType": "cell_executed", "eventTime": datetime.now(UTC).isoformat(),
        "emailAddress": "aoi@example.com", "sessionId": "s", "notebookPath": "a.ipynb", "cellId": "c", "code": "1",
    }  # fmt: skip


def rows(stack: Stack) -> int:
    with psycopg.connect(stack.environment["DATABASE_URL"]) as connection:
        [found] = connection.execute("SELECT count(*) FROM cell_executions").fetchone() or (0,)
    return found


def test_the_parts_become_healthy_and_carry_an_event(stack, key):
    for name in ("intake", "pages", "worker", "cron"):
        wait_until(lambda name=name: stack.is_healthy(name), what=f"{name} healthy\n{stack.log(name)}", pause=0.5)
    address = f"http://127.0.0.1:{stack.ports['intake']}/api/v1/events"
    assert httpx.post(address, headers=ASK, json=[event()]).status_code == 401
    assert httpx.post(address, headers=ASK, params={"key": key}, json=[event()]).status_code == 202
    wait_until(lambda: rows(stack) == 1, what=f"a row\n{stack.log('worker')}")


def test_valkey_keeps_every_append_and_its_password_is_in_no_process_list(stack):
    done = stack.once(
        sys.executable, "-c",
        "import os, redis; r = redis.Redis.from_url(os.environ['REDIS_URL']); "
        "print(*(r.config_get(n)[n] for n in ('appendonly', 'appendfsync', 'maxmemory-policy')))",
    )  # fmt: skip
    assert done.stdout.split() == ["yes", "always", "noeviction"]
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert FILLED["REDIS_PASSWORD"].encode() not in process.read_bytes(), process
        except OSError:
            continue


def test_a_part_without_its_stores_is_not_healthy(stack):
    nowhere = {**stack.environment, "REDIS_URL": "redis://127.0.0.1:9/0", "HEALTH_PORT": str(stack.ports["cron"])}
    for name in ("intake", "pages", "worker", "cron"):
        test = stack.services[name]["healthcheck"]["test"][1:]
        done = subprocess.run(test, cwd=ROOT, env=nowhere, capture_output=True, text=True, check=False)
        assert done.returncode == 1, name
        assert FILLED["REDIS_PASSWORD"] not in done.stdout


def test_the_workers_are_a_supervised_few_and_say_so_in_json(stack):
    """`work --min --max`: one process that runs the others. Each line is an object that names its part."""
    lines = [json.loads(line) for line in stack.log("worker").splitlines() if line.startswith("{")]
    assert len(lines) == len(stack.log("worker").splitlines())
    # A worker's own line would name worker-1; those of the supervisor, up.
    assert {line["process"] for line in lines} <= {"up", "workers", "worker-1"}
    supervisor = next(process for process in stack.running if "work" in process.args)
    [worker] = psutil.Process(supervisor.pid).children()
    assert worker.cmdline()[-1] == "work"
    worker.kill()
    wait_until(
        lambda: [one for one in psutil.Process(supervisor.pid).children() if one.pid != worker.pid],
        what=f"another worker\n{stack.log('worker')}",
    )
    wait_until(lambda: stack.is_healthy("worker"), what="the other worker's heartbeat", pause=0.5)


def test_workers_that_are_all_stuck_are_not_healthy(redis):
    look = runpy.run_path(str(ROOT / "deploy" / "healthcheck.py"))["worker"]
    assert look() == f"no worker of {heartbeats.HOST} in 90 s"
    for worker_id, status in (("a", "error"), ("b", "shutdown")):
        beat = {"host": heartbeats.HOST, "status": status}
        redis.set(heartbeats.key_of(worker_id), json.dumps(beat))
        redis.zadd(heartbeats.WORKERS, {worker_id: time.time() + 90})
    assert look() == f"all workers of {heartbeats.HOST} are stuck or ending"
    redis.set(heartbeats.key_of("c"), json.dumps({"host": heartbeats.HOST, "status": "processing"}))
    redis.zadd(heartbeats.WORKERS, {"c": time.time() + 90})
    assert look() == ""
    redis.zadd(heartbeats.WORKERS, {"c": time.time() - 1})
    assert look()


def test_numbers_are_read_with_the_token_as_prometheus_reads_them(stack):
    """From outside through the proxy; the words of docs/operations.md."""
    address = f"http://127.0.0.1:{stack.ports['pages']}/metrics"
    seen = {**ASK, "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    assert httpx.get(address, headers=seen).status_code == 404
    token = stack.environment["METRICS_TOKEN"]
    answer = httpx.get(address, headers={**seen, "Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert "cellmonitor_up 1.0" in answer.text
    assert httpx.get(address, headers={**seen, "Authorization": "Bearer wrong"}).status_code == 404


def test_the_deployment_check_is_clean_with_this_environment(stack):
    done = stack.once(sys.executable, "manage.py", "check", "--deploy", "--tag=security", "--fail-level=WARNING")
    assert done.returncode == 0, done.stderr


def test_the_tools_run(stack):
    (stack.directory / "backups").mkdir()
    entry = [sys.executable, *stack.services["manage"]["entrypoint"][1:]]
    for arguments in (["backup", f"--to={stack.directory / 'backups'}"], ["prune", "--dry-run"]):
        done = stack.once(*entry, *arguments)
        assert done.returncode == 0, done.stderr


# --- The proxy ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def proxy(stack) -> str:
    caddy = shutil.which("caddy")
    assert caddy, "No Caddy: run `make test`, which installs it, or install the package caddy"
    port, state = free_port(), stack.directory / "caddy"
    stack.start(
        "proxy",
        [caddy, "run", "--config", "deploy/Caddyfile", "--adapter", "caddyfile"],
        SITE_ADDRESS=f"http://{HOST}:{port}, http://127.0.0.1:{port}",
        ADMIN_ADDRESS=f"127.0.0.1:{free_port()}",
        INTAKE=f"127.0.0.1:{stack.ports['intake']}",
        PAGES=f"127.0.0.1:{stack.ports['pages']}",
        XDG_DATA_HOME=str(state),
        XDG_CONFIG_HOME=str(state),
        HOME=str(state),
        TRUSTED_PROXIES=os.environ.get("TEST_TRUSTED", "192.0.2.1/32"),
    )
    address = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        try:
            return httpx.get(f"{address}/api/v1/health/simple", headers=ASK, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    wait_until(answers, what=f"Caddy\n{stack.log('proxy')}")
    return address


def test_events_go_through_the_proxy_and_no_key_is_logged(stack, proxy, key):
    before = rows(stack)
    for path in ("/api/v1/events", "/api/v1/events/", "/api/v1/v1/events"):
        answer = httpx.post(f"{proxy}{path}", headers=ASK, params={"key": key}, json=[event()])
        assert answer.status_code == 202, answer.text
        assert "server" not in answer.headers
    packed = gzip.compress(json.dumps([event()]).encode())
    answer = httpx.post(f"{proxy}/api/v1/events?key={key}", headers={**ASK, "Content-Encoding": "gzip"}, content=packed)
    assert answer.status_code == 202
    wait_until(lambda: rows(stack) == before + 4, what="the rows")
    httpx.post(f"{proxy}/api/v1/events", headers={**ASK, "X-Class-Key": key}, json=[])
    httpx.get(f"{proxy}/invitations/{key}:signed/", headers=ASK)
    log = stack.log("proxy")
    assert '"uri":"/api/v1/events' in log
    for name in ("proxy", "intake", "pages"):
        assert key not in stack.log(name), name


def test_a_body_that_is_too_large_is_refused(proxy, key):
    answer = httpx.post(f"{proxy}/api/v1/events?key={key}", headers=ASK, content=b" " * (12 * 1024 * 1024))
    assert answer.status_code == 413
    assert answer.json() == {"detail": "The body exceeds the maximum size of 11 MiB"}


def test_a_jupyterlab_of_the_list_may_post_and_another_may_not(proxy):
    asked = {**ASK, "Access-Control-Request-Method": "POST"}
    allowed = httpx.options(f"{proxy}/api/v1/events", headers={**asked, "Origin": "https://hub.example.org"})
    assert allowed.headers["access-control-allow-origin"] == "https://hub.example.org"
    other = httpx.options(f"{proxy}/api/v1/events", headers={**asked, "Origin": "https://evil.example.org"})
    assert "access-control-allow-origin" not in other.headers


def test_what_a_client_says_about_itself_is_not_believed(stack, proxy):
    lied = {**ASK, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.example"}
    answer = httpx.get(f"{proxy}/login/", headers=lied)
    assert (answer.status_code, answer.headers["location"]) == (301, f"https://{HOST}/login/")
    # To the part itself, as the proxy speaks to it, the same words are true: nobody else can reach it.
    direct = httpx.get(f"http://127.0.0.1:{stack.ports['pages']}/login/", headers=lied)
    assert direct.status_code == 200
    assert "max-age=31536000" in direct.headers["strict-transport-security"]
    login = {"email": "nobody@example.com", "password": "wrong one"}
    httpx.post(f"{proxy}/api/v1/auth/login", headers=lied, json=login)
    said = stack.manage(
        "shell", "--no-imports", "-c",
        "from instructors.models import AuditLog; print([a.ip_address for a in AuditLog.objects.all()])",
    )  # fmt: skip
    assert "203.0.113.9" not in said


def test_sockets_are_upgraded_through_the_proxy(proxy, stack):
    stack.manage("create_instructor", "--email=taro@example.com", "--password-stdin", stdin="correct horse\n")
    login = {"email": "taro@example.com", "password": "correct horse"}
    answer = httpx.post(f"{proxy}/api/v1/auth/login", headers=ASK, json=login)
    assert answer.status_code == 200, answer.text
    token = answer.json()["token"]["access_token"]
    address = f"{proxy.replace('http', 'ws')}/instructor/ws?token={token}"
    with connect(address) as line:
        assert json.loads(line.recv(timeout=60))["type"] == "connection_success"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, origin="https://evil.example.org")
    assert refused.value.response.status_code == 403
    assert token not in stack.log("proxy")


def test_static_files_are_served_compressed_and_for_long(proxy, stack):
    page = httpx.get(f"http://127.0.0.1:{stack.ports['pages']}/login/", headers={**ASK, "X-Forwarded-Proto": "https"})
    [style, *_] = re.findall(r'href="(/static/[^"]+\.css)"', page.text)
    answer = httpx.get(
        f"http://127.0.0.1:{stack.ports['pages']}{style}",
        headers={**ASK, "X-Forwarded-Proto": "https", "Accept-Encoding": "gzip"},
    )
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
