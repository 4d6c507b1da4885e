"""`manage.py up` as an operator starts it, with time series behind a proxy, and a way to find its processes.

No pytest in here: `kills` is a program too.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg
import redis

from operations.local.embedded_valkey import free_port
from tests.faults.tcp_proxy import TcpProxy
from tests.influx import VictoriaMetrics
from tests.servers import ROOT, setting_names, wait_until

# Seconds after which this version of VictoriaMetrics has what it took on the disk: it writes every five, and on a busy
# machine later.
UNWRITTEN = 15.0
STOP = 60.0  # seconds that the product may take to end


@dataclass(kw_only=True)
class Product:
    """Start it in the main thread: children end with the thread that started them."""

    workers: int = 2
    settings: dict[str, str] = field(default_factory=dict)
    directory: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="faults-")).resolve())
    port: int = field(default_factory=free_port)
    data_dir: Path | None = None  # where its stores lie, if not in `directory`
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir or self.directory / "data"
        self.victoria = VictoriaMetrics(directory=self.directory / "victoria")
        self.proxy = TcpProxy(behind=self.victoria.port)
        self._victoria_due: float | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.directory / "up.log"

    # --- Up and down ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        if self.victoria.running.process is None:
            self.victoria.start()
            self.proxy.open()
        self.start_up()
        wait_until(self.answers, seconds=120, what=f"an answer from {self.url}\n{self.tail()}")

    def start_up(self) -> None:
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(ROOT / "manage.py"), "up"],
                cwd=ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def environment(self) -> dict[str, str]:
        without = {*setting_names(), "DJANGO_SETTINGS_MODULE", "SERVICES"}
        return {name: value for name, value in os.environ.items() if name not in without} | {
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "WORKERS": str(self.workers),
            "RATE_LIMITS": "0",
            "INFLUXDB_URL": self.proxy.url,
            "INFLUXDB_TOKEN": "token",
            **self.settings,
        }

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.proxy.close()
        self.victoria.running.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v1/health/simple", timeout=2).status_code < 500
        except httpx.HTTPError:
            return False

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-6000:] if self.log.exists() else ""

    # --- Its stores -----------------------------------------------------------------------------------------------

    def services(self) -> dict[str, str]:
        assert self.data_dir is not None
        found: dict[str, str] = json.loads((self.data_dir / "services.json").read_text())
        return found

    def database(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.services()["DATABASE_URL"], autocommit=True, connect_timeout=5)

    def redis(self) -> redis.Redis:
        return redis.Redis.from_url(self.services()["REDIS_URL"], socket_timeout=5)

    # --- Its processes --------------------------------------------------------------------------------------------

    def find(self, kind: str) -> list[psutil.Process]:
        """web, workers, cron, redis, postgres (the postmaster), backend (those that serve somebody), up."""
        assert self.process is not None
        try:
            root = psutil.Process(self.process.pid)
            if kind == "up":
                return [root]
            children = root.children()
            if kind == "backend":
                masters = [child for child in children if child.name() == "postgres"]
                return [backend for master in masters for backend in master.children() if _serves(backend)]
            return [child for child in children if _kind(child) == kind]
        except psutil.Error:
            return []

    def kill_victoria(self) -> None:
        """Nobody gets in from this moment; the kill itself comes when it has written down what it took (`turn`)."""
        self.proxy.disconnect()
        if self._victoria_due is None:
            self._victoria_due = time.monotonic() + UNWRITTEN

    def turn(self) -> None:
        """Call again and again: kills what is due."""
        if self._victoria_due is not None and time.monotonic() > self._victoria_due:
            self._victoria_due = None
            self.victoria.running.kill()
            self.victoria.start()
            self.proxy.open()

    @property
    def is_victoria_away(self) -> bool:
        return self._victoria_due is not None


def _kind(process: psutil.Process) -> str:
    try:
        name = process.name()
        if name == "valkey-server":
            return "redis"
        if name == "postgres":
            return "postgres"
        return process.environ().get("PART", "").partition("-")[0]
    except psutil.Error:
        return ""


def _serves(backend: psutil.Process) -> bool:
    try:
        return "cellmonitor" in " ".join(backend.cmdline())
    except psutil.Error:
        return False
