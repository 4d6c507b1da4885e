"""The embedded servers, started for real."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis as redis_client
from django.core.exceptions import ImproperlyConfigured

from operations.local import processes, services
from operations.local.embedded_postgres import SOCKET_PATH_LIMIT, Postgres
from operations.local.embedded_valkey import Valkey
from tests.servers import RedisServer, Running, wait_until

Start = Callable[[Postgres | Valkey], Running]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers").resolve()


@pytest.fixture(scope="module")
def postgres(room: Path) -> Postgres:
    """A cluster that initdb has made; the tests start and end its server in turn."""
    return Postgres(data_dir=room / "postgres", durable=False)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Running] = []

    def start(server: Postgres | Valkey) -> Running:
        server.prepare()
        running = Running(program=server.program(), log=tmp_path / f"{len(started)}.log")
        running.start()
        started.append(running)
        wait_until(server.ready, what="an answer from the server")
        server.finish()
        return running

    yield start
    for running in started:
        running.kill()


def test_postgres_speaks_utf8_and_listens_to_nobody_else(postgres: Postgres, start: Start) -> None:
    start(postgres)
    with psycopg.connect(postgres.url) as connection:
        asked = "SELECT datcollate, datlocale, datlocprovider FROM pg_database WHERE datname = 'cellmonitor'"
        assert connection.execute(asked).fetchone() == ("C", "C.UTF-8", "b")
        for name, expected in [("server_encoding", "UTF8"), ("listen_addresses", ""), ("shared_buffers", "128MB")]:
            assert connection.execute(f"SHOW {name}").fetchone() == (expected,)
        assert connection.execute("SELECT upper('é講')").fetchone() == ("É講",)
    assert stat.S_IMODE(postgres.data_dir.stat().st_mode) == 0o700


def test_postgres_is_durable_by_default(tmp_path: Path) -> None:
    argv = Postgres(data_dir=tmp_path / "postgres").program().argv
    assert {"fsync=on", "synchronous_commit=on"} <= set(argv)


def test_a_left_over_postgres_is_ended_and_its_data_stays(postgres: Postgres, start: Start) -> None:
    left = start(postgres)
    with psycopg.connect(postgres.url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    start(postgres)
    assert left.process is not None
    assert left.process.wait(5) == 0
    with psycopg.connect(postgres.url) as connection:
        connection.execute("SELECT n FROM kept")


def test_a_killed_postgres_starts_again(postgres: Postgres, start: Start) -> None:
    start(postgres).kill()
    start(postgres)


def test_a_pid_file_that_names_another_process_hurts_nobody(postgres: Postgres, start: Start) -> None:
    bystander = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        postgres.prepare()
        pid_file = postgres.data_dir / "postmaster.pid"
        pid_file.write_text(f"{bystander.pid}\n{postgres.data_dir}\n1\n5432\n\n\n\nready\n")
        start(postgres)
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("left", ["", "x", "0", "\0\0\0"], ids=["empty", "a word", "nobody's", "zeros"])
def test_a_pid_file_that_names_nobody_hurts_nobody(postgres: Postgres, start: Start, left: str) -> None:
    postgres.prepare()
    (postgres.data_dir / "postmaster.pid").write_text(left)
    start(postgres)


def test_a_backend_that_outlives_its_postmaster_is_waited_for(postgres: Postgres, start: Start, tmp_path: Path) -> None:
    postgres.prepare()
    backend = tmp_path / "postgres"
    shutil.copy2(shutil.which("sleep") or "/bin/sleep", backend)
    (postgres.data_dir / "postmaster.pid").write_text("")
    slow = subprocess.Popen([backend, "1"], cwd=postgres.data_dir)
    try:
        start(postgres)
        assert slow.poll() is not None
    finally:
        slow.kill()
        slow.wait()


def test_data_of_another_version_or_in_part_is_refused_in_a_sentence(postgres: Postgres) -> None:
    postgres.prepare()
    version, control = postgres.data_dir / "PG_VERSION", postgres.data_dir / "global" / "pg_control"
    try:
        version.write_text("16\n")
        with pytest.raises(ImproperlyConfigured, match=r"made by PostgreSQL 16, .* brings 18"):
            postgres.prepare()
        version.unlink()
        with pytest.raises(ImproperlyConfigured, match=r"no whole PostgreSQL database.*manage\.py restore"):
            postgres.prepare()
        version.write_text("18\n")
        kept = control.rename(control.with_name("kept"))
        with pytest.raises(ImproperlyConfigured, match="no whole PostgreSQL database"):
            postgres.prepare()
        kept.rename(control)
    finally:
        version.write_text("18\n")
    postgres.prepare()


def test_an_empty_folder_is_room_for_a_database(tmp_path: Path) -> None:
    fresh = Postgres(data_dir=tmp_path.resolve() / "postgres", durable=False)
    fresh.data_dir.mkdir()
    fresh.prepare()
    assert (fresh.data_dir / "PG_VERSION").read_text() == "18\n"


def test_a_long_path_gets_a_short_private_socket(tmp_path: Path) -> None:
    postgres = Postgres(data_dir=tmp_path / ("long" * 30) / "postgres")
    assert len(str(postgres.socket_dir / ".s.PGSQL.5432")) <= SOCKET_PATH_LIMIT
    assert postgres.socket_dir == Postgres(data_dir=postgres.data_dir).socket_dir
    assert postgres.socket_dir != Postgres(data_dir=tmp_path / ("other" * 30) / "postgres").socket_dir


def test_a_socket_directory_open_to_others_is_refused(tmp_path: Path, postgres: Postgres) -> None:
    long = Postgres(data_dir=tmp_path / ("long" * 30) / "postgres", durable=False)
    long.socket_dir.mkdir(mode=0o755)
    try:
        with pytest.raises(ImproperlyConfigured, match="choose a shorter DATA_DIR"):
            long.prepare()
    finally:
        long.socket_dir.rmdir()


def test_valkey_keeps_what_it_acknowledged_when_killed(tmp_path: Path) -> None:
    server = RedisServer(valkey=Valkey(data_dir=tmp_path.resolve() / "valkey"))
    server.start()
    try:
        with redis_client.Redis.from_url(server.url) as client:
            acknowledged = [client.xadd("events", {"n": n}) for n in range(200)]
            server.kill()
            server.start()
            assert [entry for entry, _ in client.xrange("events")] == acknowledged
            settings = client.config_get("append*")
            assert settings["appendonly"] == "yes"
            assert settings["appendfsync"] == "always"
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
            memory = psutil.virtual_memory().total // 4
            assert int(client.config_get("maxmemory")["maxmemory"]) == max(memory, 256 * 1024**2)
    finally:
        server.stop()


def test_a_left_over_valkey_is_ended(tmp_path: Path, start: Start) -> None:
    first = Valkey(data_dir=tmp_path.resolve() / "valkey")
    left = start(first)
    start(Valkey(data_dir=first.data_dir))
    assert left.process is not None
    assert left.process.wait(5) == 0


def test_children_end_with_a_killed_parent(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux tells a child that its parent died")
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from operations.local.processes import Program\n"
            "child = Program(name='x', rank=0, argv=(sys.executable, '-c', 'import time; time.sleep(60)')).spawn()\n"
            "print(child.pid, flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def test_only_missing_servers_are_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "POSTGRES_SERVER", "REDIS_HOST"):
        monkeypatch.delenv(name, raising=False)
    assert set(services.missing(tmp_path)) == {"DATABASE_URL", "REDIS_URL"}
    monkeypatch.setenv("VALKEY_MEMORY_BYTES", "10000000")
    valkey = services.missing(tmp_path)["REDIS_URL"]
    valkey.prepare()
    assert "maxmemory 10000000\n" in (tmp_path / "valkey" / "valkey.conf").read_text()
    monkeypatch.setenv("REDIS_HOST", "elsewhere")
    assert set(services.missing(tmp_path)) == {"DATABASE_URL"}
    monkeypatch.setenv("POSTGRES_SERVER", "elsewhere")
    assert services.missing(tmp_path) == {}


def test_secrets_are_private_from_the_start(tmp_path: Path) -> None:
    password = services.demo_password(tmp_path)
    assert services.demo_password(tmp_path) == password
    services.write_services_file(tmp_path, {"REDIS_URL": "redis://x"})
    services.write_services_file(tmp_path, {"REDIS_URL": "redis://y"})
    for name in ("demo_password", "services.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    services.delete_services_file(tmp_path)
    services.delete_services_file(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["demo_password"]


def test_one_copy_at_a_time(tmp_path: Path) -> None:
    with services.own(tmp_path), pytest.raises(ImproperlyConfigured, match=rf"process {os.getpid()}.*its own DATA_DIR"):
        services.own(tmp_path)
    with services.own(tmp_path):
        pass


def test_a_missing_package_is_named() -> None:
    with pytest.raises(ImproperlyConfigured, match=r"no_such_package is not installed"):
        processes.package_directory("no_such_package")
