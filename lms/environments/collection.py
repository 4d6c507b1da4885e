"""The server's own environment, asked of Python and of the system."""

import os
import platform
import sys
import sysconfig
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from importlib import metadata
from typing import Any

import psutil

from lms.environments.packages import Package, key_packages, versions_of

GIGABYTE = 1024**3
# Seconds for which the list of packages is remembered: reading it takes a tenth of a second, and it hardly changes.
REMEMBERED = 5.0


@dataclass(kw_only=True)
class Environment:
    """An environment at one moment, wherever it came from."""

    captured_at: datetime
    python_env: dict[str, Any]
    system_env: dict[str, Any]
    jupyter_env: dict[str, Any]
    packages: list[Package]
    memory_usage_mb: float | None = None
    cpu_usage_percent: float | None = None
    duration_ms: float = 0.0
    snapshot_id: uuid.UUID = field(default_factory=uuid.uuid4)
    reported: dict[str, Any] | None = None  # as a student's side gave it
    student_id: int | None = None  # whose side

    @cached_property
    def versions(self) -> dict[str, str]:
        return versions_of(self.packages)


_lock = threading.Lock()
_remembered: tuple[float, list[Package], dict[str, str]] = (float("-inf"), [], {})


def collect(*, now: datetime, afresh: bool = False) -> Environment:
    """Takes up to a few hundred milliseconds, so not for an event loop. `afresh` reads the packages again."""
    started = time.perf_counter()
    packages, _ = installed(afresh=afresh)
    process = psutil.Process()
    environment = Environment(
        captured_at=now,
        python_env=_python(packages),
        system_env=_system(),
        jupyter_env=_jupyter(packages),
        packages=packages,
        memory_usage_mb=round(process.memory_info().rss / 1024**2, 1),
        cpu_usage_percent=psutil.cpu_percent(interval=None),
    )
    environment.duration_ms = round((time.perf_counter() - started) * 1000, 2)
    return environment


def installed(*, afresh: bool = False) -> tuple[list[Package], dict[str, str]]:
    """The installed packages by name, and by whom each was installed (`pip`, `uv`, `conda`, … or empty)."""
    global _remembered
    with _lock:
        read_at, packages, installers = _remembered
        if afresh or time.monotonic() - read_at > REMEMBERED:
            packages, installers = _read()
            _remembered = (time.monotonic(), packages, installers)
    return packages, installers


def _read() -> tuple[list[Package], dict[str, str]]:
    found: dict[str, Package] = {}
    installers: dict[str, str] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if not name or name in found:
            continue  # a leftover of a broken installation; or hidden by one earlier on the path
        found[name] = {
            "name": name,
            "version": distribution.version or "",
            "location": str(distribution.locate_file("")),
            "requires": list(distribution.requires or []),
        }
        installers[name] = (distribution.read_text("INSTALLER") or "").strip()
    return [found[name] for name in sorted(found, key=str.lower)], installers


def _python(packages: list[Package]) -> dict[str, Any]:
    versions = versions_of(packages)
    return {
        "python_version": platform.python_version(),
        "python_implementation": platform.python_implementation(),
        "python_executable": sys.executable,
        "virtual_env": sys.prefix if sys.prefix != sys.base_prefix else None,
        "conda_env": os.environ.get("CONDA_DEFAULT_ENV"),
        "pip_version": versions.get("pip"),
        "key_packages": [
            {"name": package["name"], "version": package["version"], "location": package["location"]}
            for package in key_packages(packages)
        ],
        "total_packages_count": len(packages),
        "platform_tag": sysconfig.get_platform(),
    }


def _system() -> dict[str, Any]:
    memory, disk = psutil.virtual_memory(), psutil.disk_usage(sys.prefix)
    return {
        "os_name": platform.system(),
        "os_version": platform.release(),
        "platform": platform.platform(),
        "architecture": platform.machine(),
        "hostname": platform.node(),
        "cpu_count": psutil.cpu_count() or 1,
        "memory_total_gb": round(memory.total / GIGABYTE, 2),
        "memory_available_gb": round(memory.available / GIGABYTE, 2),
        "disk_total_gb": round(disk.total / GIGABYTE, 2),
        "disk_free_gb": round(disk.free / GIGABYTE, 2),
    }


def _jupyter(packages: list[Package]) -> dict[str, Any]:
    versions = versions_of(packages)
    return {
        "jupyterlab_version": versions.get("jupyterlab"),
        "jupyter_core_version": versions.get("jupyter-core"),
        "ipython_version": versions.get("ipython"),
        "kernel_name": None,  # the server runs no kernel
        "kernel_id": None,
        "extensions": [name for name in versions if name.startswith("jupyterlab-")],
    }
