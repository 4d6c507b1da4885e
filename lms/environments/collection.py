"""Collection of the server's own environment, from Python and psutil."""

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

from lms.environments.packages import Package, key_packages, versions_of

GIGABYTE = 1024**3
# Seconds for which the list of packages is cached: reading it takes a tenth of a second, and it hardly changes.
CACHE_SECONDS = 5.0


@dataclass(kw_only=True)
class Environment:
    """An environment at one moment, of the server or of a student."""

    captured_at: datetime
    python_env: dict[str, Any]
    system_env: dict[str, Any]
    jupyter_env: dict[str, Any]
    packages: list[Package]
    memory_usage_mb: float | None = None
    cpu_usage_percent: float | None = None
    duration_ms: float = 0.0
    snapshot_id: uuid.UUID = field(default_factory=uuid.uuid4)
    reported: dict[str, Any] | None = None  # a student's report, as sent
    student_id: int | None = None

    @cached_property
    def versions(self) -> dict[str, str]:
        return versions_of(self.packages)


_lock = threading.Lock()
_cached: tuple[float, list[Package], dict[str, str]] = (float("-inf"), [], {})


def collect(*, now: datetime, refresh: bool = False) -> Environment:
    """Collect the server's environment. `refresh` bypasses the cache of packages.

    It blocks for up to a few hundred milliseconds: do not call it in an event loop.
    """
    import psutil  # rarely needed, and 0.6 MiB

    started = time.perf_counter()
    packages, _ = installed(refresh=refresh)
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


def installed(*, refresh: bool = False) -> tuple[list[Package], dict[str, str]]:
    """Return the installed packages sorted by name, and the installer of each (`pip`, `uv`, `conda`, … or empty)."""
    global _cached
    with _lock:
        read_at, packages, installers = _cached
        if refresh or time.monotonic() - read_at > CACHE_SECONDS:
            packages, installers = _read()
            _cached = (time.monotonic(), packages, installers)
    return packages, installers


def _read() -> tuple[list[Package], dict[str, str]]:
    found: dict[str, Package] = {}
    installers: dict[str, str] = {}
    for distribution in metadata.distributions():
        headers = distribution.metadata  # its other attributes read and parse the file anew
        name = headers["Name"]
        if not name or name in found:
            continue  # a remnant of a broken installation, or shadowed by one earlier on the path
        found[name] = {
            "name": name,
            "version": headers["Version"] or "",
            "location": str(distribution.locate_file("")),
            "requires": headers.get_all("Requires-Dist") or list(distribution.requires or []),
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
    import psutil

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
