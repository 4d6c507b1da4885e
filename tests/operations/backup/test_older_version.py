"""A backup of an older version, brought back as README says: on a data folder of `manage.py up`, which does not run.

`older_version.tar.xz` was made by `manage.py backup` of the commit 626ee4c, which had other Django applications and
called the streams by another name. In it: an administrator (taro@example.com), a class with a key and a map, two
students with three runs and a request for help, and one entry of the streams with two more runs: its worker was held.
"""

import lzma
import os
import signal
from pathlib import Path

import httpx
import psycopg
import pytest

from operations.local.embedded_valkey import free_port
from tests.events.conftest import event
from tests.operations.local.test_up import Up, command, launch
from tests.servers import wait_until

FIXTURE = Path(__file__).with_name("older_version.tar.xz")
KEY = "a-key-of-an-older-version"
LOGIN = {"email": "taro@example.com", "password": "correct horse 9"}


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    file = tmp_path / "cellmonitor-20261129T043229Z.tar"
    file.write_bytes(lzma.decompress(FIXTURE.read_bytes()))
    return file


@pytest.fixture
def copy(tmp_path: Path):
    """A data folder, and how to start `up` on it; what was started is stopped."""
    data_dir, started = tmp_path / "data", []

    def start() -> Up:
        up = launch(data_dir, port=free_port())
        started.append(up)
        wait_until(lambda: up.said("Ctrl-C stops all of it"), seconds=60, what="the announcement")
        return up

    yield data_dir, start
    for up in started:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
            up.process.wait(40)


def test_everything_is_there_and_goes_on(backup: Path, copy) -> None:
    data_dir, start = copy
    log = data_dir.with_suffix(".log")
    stopped = Up(data_dir=data_dir, port=0, log=log, process=None)  # type: ignore[arg-type]
    said = command(stopped, "restore", str(backup))
    assert "is brought back: 347 rows, 1 waiting entries" in said
    assert "start `manage.py up`" in said
    assert not (data_dir / "services.json").exists()

    up = start()
    assert "There is no account yet" not in log.read_text()
    with psycopg.connect(up.services()["DATABASE_URL"]) as connection:

        def runs() -> int:
            connection.rollback()
            [number] = connection.execute("SELECT count(*) FROM cell_executions").fetchone() or [0]
            return int(number)

        wait_until(lambda: runs() == 5, what="the two runs that waited")
        posted = httpx.post(f"{up.url}/api/v1/events", params={"key": KEY}, json=[event()])
        assert posted.status_code == 202, posted.text
        wait_until(lambda: runs() == 6, what="the run that came with the old key")
    token = httpx.post(f"{up.url}/api/v1/auth/login", json=LOGIN).json()["token"]["access_token"]
    with httpx.Client(base_url=f"{up.url}/api/v1", headers={"Authorization": f"Bearer {token}"}) as api:
        assert [each["name"] for each in api.get("/classes").json()] == ["Python 入門"]
        assert {each["email"] for each in api.get("/students").json()} == {"hanako@example.com", "ren@example.com"}
        assert api.get("/dashboard/overview").status_code == 200
    assert [file.read_bytes()[:3] for file in (data_dir / "media" / "maps").iterdir()] == [b"\xff\xd8\xff"]


def test_where_there_is_no_database_nothing_is_backed_up(tmp_path: Path) -> None:
    empty = Up(data_dir=tmp_path / "data", port=0, log=tmp_path / "log", process=None)  # type: ignore[arg-type]
    said = command(empty, "backup", f"--to={tmp_path}", code=1)
    assert f"There is no database in DATA_DIR ({tmp_path / 'data'})" in said
    assert not list(tmp_path.glob("*.tar"))
    assert os.listdir(tmp_path / "data") == ["secret_key"]
