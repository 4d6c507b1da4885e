"""The programs that `manage.py up` runs: web server, workers, cron, and the simulated class of the demo."""

import os
import sys
from pathlib import Path

from operations.local.processes import Program

ROOT = Path(__file__).resolve().parents[2]
MANAGE = str(ROOT / "manage.py")
SERVERS = ("uvicorn", "daphne")
HTTP_PROTOCOL = "config.http_protocol:HttpProtocol"  # of uvicorn: bounds headers, and how long a request takes
WEBSOCKET_PROTOCOL = "config.websocket_protocol:WebSocketProtocol"  # of uvicorn: compresses once for all sockets


def web(*, host: str, port: int, server: str = "uvicorn") -> Program:
    if server == "daphne":
        options = ["-b", host, "-p", str(port), "-v", "0", "--application-close-timeout", "5"]
    else:
        options = ["--host", host, "--port", str(port), "--loop", "uvloop", "--http", HTTP_PROTOCOL]
        options += ["--ws", WEBSOCKET_PROTOCOL, "--lifespan", "auto", "--timeout-graceful-shutdown", "5"]
        options += ["--no-access-log", "--log-level", "warning"]
    return _python("web", "-m", server, *options, "config.asgi:application", rank=4)


def worker(number: int) -> Program:
    """Return a worker. It finishes its batch before it ends; unacknowledged entries are redelivered."""
    return _python(f"worker-{number}", MANAGE, "work", rank=3, stop_timeout=15.0)


def cron() -> Program:
    return _python("cron", MANAGE, "rqcron", "events.worker.periodic", rank=2)


def seed() -> Program:
    return command("seed", "seed_demo")


def simulator(*, url: str, key: str, students: int, rate: str) -> Program:
    options = ["--students", str(students), "--rate", rate, "--minutes", "0", "--url", url]
    return command("class", "simulate_class", *options, f"--key={key}")  # one argument: a key may begin with a dash


def command(name: str, *arguments: str) -> Program:
    """Return any other `manage.py` command."""
    return _python(name, MANAGE, *arguments, rank=5)


def _python(name: str, *arguments: str, rank: int, stop_timeout: float = 8.0) -> Program:
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    return Program(
        name=name,
        rank=rank,
        argv=(sys.executable, *arguments),
        # PYTHONPATH lets `python -m uvicorn` find the project from any working directory.
        environment={
            "PART": name,
            "PYTHONUNBUFFERED": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PYTHONPATH": path,
            # Threads share freed memory instead of having eight arenas per processor.
            "MALLOC_ARENA_MAX": "2",
        },
        stop_timeout=stop_timeout,
    )
