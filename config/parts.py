"""The parts of the running product, each as a program: web, workers, cron, and the demo's class."""

import os
import signal
import sys
from pathlib import Path

from config.processes import Program

ROOT = Path(__file__).resolve().parent.parent
SERVERS = ("uvicorn", "daphne")


def _python(name: str, *arguments: str, patience: float = 8.0, stop: signal.Signals = signal.SIGTERM) -> Program:
    return Program(
        name=name,
        argv=(sys.executable, *arguments),
        environment={"PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": _path()},
        patience=patience,
        stop_signal=stop,
    )


def _path() -> str:
    """`python -m uvicorn` finds the project from anywhere."""
    return os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)


def _manage(name: str, *arguments: str, patience: float = 8.0) -> Program:
    return _python(name, str(ROOT / "manage.py"), *arguments, patience=patience)


def web(*, host: str, port: int, server: str = "uvicorn") -> Program:
    if server == "daphne":
        options = ["-b", host, "-p", str(port), "-v", "0", "--application-close-timeout", "5"]
        return _python("web", "-m", "daphne", *options, "config.asgi:application")
    options = ["--host", host, "--port", str(port), "--loop", "uvloop", "--http", "httptools", "--ws", "websockets"]
    options += ["--no-access-log", "--lifespan", "auto", "--timeout-graceful-shutdown", "5", "--log-level", "warning"]
    return _python("web", "-m", "uvicorn", "config.asgi:application", *options)


def worker(number: int) -> Program:
    """Finishes the batch it carries before it ends; what it leaves unacknowledged is redelivered."""
    return _manage(f"worker-{number}", "work", patience=15.0)


def cron() -> Program:
    return _manage("cron", "rqcron", str(ROOT / "config" / "periodic.py"))


def seed() -> Program:
    return _manage("seed", "seed_demo")


def simulator(*, url: str, students: int, rate: str) -> Program:
    return _manage(
        "class", "simulate_class", "--students", str(students), "--rate", rate, "--minutes", "0", "--url", url
    )
