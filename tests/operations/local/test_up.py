"""`manage.py up`, started for real, as an operator starts it."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest
import redis
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from operations.local.embedded_valkey import free_port
from operations.local.launch import Launch, is_loopback
from tests import forked
from tests.servers import ROOT, setting_names, wait_until


@dataclass
class Up:
    """One `manage.py up` on its own DATA_DIR and PORT."""

    data_dir: Path
    port: int
    log: Path
    process: "subprocess.Popen[bytes]"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def services(self) -> dict[str, str]:
        return json.loads((self.data_dir / "services.json").read_text())

    def said(self, text: str) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        return text in self.log.read_text()

    def child(self, marker: str) -> psutil.Process | None:
        """The running child whose command line contains the marker."""
        for child in psutil.Process(self.process.pid).children():
            try:
                if any(marker in part for part in child.cmdline()):
                    return child
            except psutil.Error:
                continue
        return None

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def environment(**settings: str) -> dict[str, str]:
    """This process' environment without its settings, so that nothing of the test run's servers is used."""
    without = {*setting_names(), "DJANGO_SETTINGS_MODULE"}
    return {name: value for name, value in os.environ.items() if name not in without} | settings


def launch(data_dir: Path, *arguments: str, port: int, **settings: str) -> Up:
    log = data_dir.with_suffix(".log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "up", *arguments],
            env=environment(DATA_DIR=str(data_dir), PORT=str(port), WORKERS="1", **settings),
            stdout=output,
            stderr=subprocess.STDOUT,
            umask=0,  # whatever it is, files are their owner's alone
        )
    return Up(data_dir=data_dir, port=port, log=log, process=process)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As an older version left it, under a careless umask: with a picture that everybody may read."""
    made = tmp_path_factory.mktemp("up").resolve() / "data"
    (made / "media" / "maps").mkdir(parents=True)
    (made / "media" / "maps" / "room.jpg").write_bytes(b"a picture")
    for path in (made, *made.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    return made


@pytest.fixture(scope="module")
def up(data_dir: Path) -> Iterator[Up]:
    up = launch(data_dir, port=free_port())
    try:
        wait_until(lambda: up.said("Ctrl-C stops all of it"), seconds=60, what="the announcement")
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            up.process.wait(40)


def test_it_serves_and_tells_where(up: Up) -> None:
    assert httpx.get(f"{up.url}/api/v1/health/simple").status_code == 200
    found = up.services()
    assert found["WEB_URL"] == up.url
    assert stat.S_IMODE((up.data_dir / "services.json").stat().st_mode) == 0o600
    with psycopg.connect(found["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*) > 0 FROM django_migrations").fetchone() == (True,)
    with redis.Redis.from_url(found["REDIS_URL"]) as client:
        assert client.ping()
    assert f"up       |   Cell Monitor is at {up.url}" in up.log.read_text()


def test_it_prints_the_link_that_makes_the_first_account(up: Up) -> None:
    found = re.search(rf"{up.url}/first-account/\S+", up.log.read_text())
    assert found, up.log.read_text()
    assert "Make my account" in httpx.get(found[0]).text
    assert "There is no account yet" in httpx.get(f"{up.url}/login/").text


def test_every_file_is_its_owners_alone(up: Up) -> None:
    """Those that were there, and those that were made since; PostgreSQL's own user passes through the top, as root
    starts it."""
    httpx.get(f"{up.url}/login/")
    loose = {}
    for path in (up.data_dir, *up.data_dir.rglob("*")):
        try:
            found = path.lstat()
        except FileNotFoundError:  # PostgreSQL's come and go
            continue
        if not stat.S_ISSOCK(found.st_mode) and stat.S_IMODE(found.st_mode) & 0o077:
            loose[str(path)] = oct(stat.S_IMODE(found.st_mode))
    assert loose == ({str(up.data_dir): "0o710"} if os.geteuid() == 0 else {})
    for name in ("media/maps/room.jpg", "valkey/appendonlydir", "secret_key", "services.json", "up.lock"):
        assert (up.data_dir / name).exists(), name


def test_a_backup_cannot_come_back_while_it_runs(up: Up, tmp_path: Path) -> None:
    (tmp_path / "backup.tar").write_bytes(b"anything")
    said = command(up, "restore", str(tmp_path / "backup.tar"), code=1)
    assert f"`manage.py up` (process {up.process.pid}) runs on {up.data_dir}" in said
    assert "Stop it with Ctrl-C, run this command again" in said
    assert "Nothing was changed" in said


def command(up: Up, *arguments: str, code: int = 0) -> str:
    """What a command in another terminal says."""
    settings = environment(DATA_DIR=str(up.data_dir))
    done = forked.python(str(ROOT / "manage.py"), *arguments, environment=settings, umask=0)
    said = done.stdout + done.stderr
    assert done.returncode == code, said
    assert "Traceback" not in said
    return said


def test_another_terminal_finds_the_servers(up: Up) -> None:
    asked = [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c"]
    asked.append("from instructors.models import Instructor; print(Instructor.objects.count())")
    answer = subprocess.check_output(asked, env=environment(DATA_DIR=str(up.data_dir)), cwd=ROOT, text=True)
    assert answer.strip() == "0"


@pytest.mark.parametrize("marker", ["config.asgi:application", "work", "valkey", "pginstall18"])
def test_a_killed_child_comes_back(up: Up, marker: str) -> None:
    first = up.child(marker)
    assert first is not None
    first.kill()
    wait_until(lambda: (child := up.child(marker)) and child.pid != first.pid, what=f"the return of {marker}")
    wait_until(lambda: answers(up), what="an answer")
    with redis.Redis.from_url(up.services()["REDIS_URL"]) as client:
        wait_until(lambda: pings(client), what="an answer from Valkey at its old address")
    wait_until(lambda: connects(up), what="an answer from PostgreSQL at its old address")


def answers(up: Up) -> bool:
    try:
        return httpx.get(f"{up.url}/api/v1/health/simple").status_code == 200
    except httpx.HTTPError:
        return False


def pings(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


def connects(up: Up) -> bool:
    try:
        psycopg.connect(up.services()["DATABASE_URL"]).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_second_copy_on_the_same_data_is_refused(up: Up) -> None:
    said = refused_on(up, port=free_port())
    assert f"Another copy (process {up.process.pid}) already runs" in said
    assert "its own DATA_DIR and PORT" in said
    assert up.services()["WEB_URL"] == up.url


def refused_on(up: Up, *, port: int) -> str:
    settings = environment(DATA_DIR=str(up.data_dir), PORT=str(port))
    done = forked.python(str(ROOT / "manage.py"), "up", environment=settings)
    assert done.returncode == 1
    return done.stderr


def test_ctrl_c_leaves_no_process_and_no_addresses(up: Up) -> None:
    family = up.family()
    assert len(family) >= 5
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(40) == 0
    assert not [process for process in family if process.is_running()]
    assert not (up.data_dir / "services.json").exists()
    assert up.log.read_text().rstrip().endswith("stopped")


def test_while_it_does_not_run_backup_and_restore_start_its_servers(up: Up, tmp_path: Path) -> None:
    assert up.process.poll() is not None
    (tmp_path / "bad.tar").write_bytes(b"no backup")
    assert "is damaged" in command(up, "restore", str(tmp_path / "bad.tar"), code=1)
    command(up, "backup", f"--to={tmp_path}")
    [file] = tmp_path.glob("cellmonitor-*.tar")
    picture = up.data_dir / "media" / "maps" / "room.jpg"
    picture.write_bytes(b"another")
    said = command(up, "restore", str(file), "--force")
    assert "is brought back" in said
    assert picture.read_bytes() == b"a picture"
    assert picture.stat().st_mode & 0o077 == 0
    assert not (up.data_dir / "services.json").exists()
    assert not [each for each in psutil.process_iter(["cwd"]) if str(each.info["cwd"]).startswith(str(up.data_dir))]


def test_after_a_kill_the_next_start_works(up: Up, data_dir: Path) -> None:
    assert up.process.poll() is not None
    killed = launch(data_dir, port=up.port)
    wait_until(lambda: (data_dir / "services.json").exists(), what="services.json")
    family = killed.family()
    killed.process.kill()
    killed.process.wait()
    again = launch(data_dir, port=free_port())
    try:
        wait_until(lambda: answers(again), seconds=60, what="an answer")
        wait_until(lambda: not any(process.is_running() for process in family), what="the end of the orphans")
    finally:
        again.process.terminate()
        assert again.process.wait(40) == 0


def test_a_taken_port_is_refused_by_number(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(ImproperlyConfigured, match=rf"127\.0\.0\.1 port {port} .* PORT={port + 1}"):
            Launch(demo=False, data_dir=tmp_path, port=port).run()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_the_demo_stays_on_loopback(tmp_path: Path, host: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="it runs on loopback only"):
        Launch(demo=True, data_dir=tmp_path, host=host).run()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_what_counts_as_loopback(host: str) -> None:
    assert is_loopback(host)


def test_the_address_to_open_is_one_a_browser_can(tmp_path: Path) -> None:
    hosts = {"127.0.0.1": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "[::1]", "localhost": "localhost"}
    for host, shown in hosts.items():
        assert Launch(demo=False, data_dir=tmp_path, host=host, port=8000).url == f"http://{shown}:8000"


@pytest.mark.parametrize(
    ("chosen", "words"),
    [({"DATA_DIR": __file__}, "where no file can be kept"), ({"PORT": "x"}, "PORT"), ({"DEBUG": "0"}, "SECRET_KEY")],
    ids=str,
)
def test_a_wrong_setting_is_said_in_a_sentence(tmp_path: Path, chosen: dict[str, str], words: str) -> None:
    settings = environment(**{"DATA_DIR": str(tmp_path), **chosen})
    done = forked.python(str(ROOT / "manage.py"), "up", environment=settings)
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_refusal_reaches_the_operator_without_a_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_SERVER", "apache")
    with pytest.raises(CommandError, match="must be one of uvicorn, daphne"):
        call_command("up")


def test_daphne_serves_by_choice(tmp_path: Path, migrated: str, postgres_server, redis_server) -> None:
    """On given servers: none of our own is started."""
    postgres_server.create_database("daphne", template=migrated)
    settings = {"DATABASE_URL": postgres_server.url_of("daphne"), "REDIS_URL": redis_server.url}
    up = launch(tmp_path / "data", port=free_port(), WEB_SERVER="daphne", **settings)
    try:
        wait_until(lambda: up.said("Ctrl-C stops all of it"), seconds=60, what="the announcement")
        assert answers(up)
        assert up.child("daphne")
        assert not up.child("valkey")
        assert not up.child("pginstall18")
    finally:
        up.process.terminate()
        up.process.wait(40)
