"""Child processes: how one is started so that it cannot outlive us, and how one that did anyway is found and ended."""

import ctypes
import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil
from django.core.exceptions import ImproperlyConfigured

PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec only async-signal-safe work may happen.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def package_directory(name: str) -> Path:
    """Where a package is installed, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured(f"The package {name} is not installed: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0])


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, and how it wants to be ended."""

    name: str
    argv: tuple[str, ...]
    rank: int  # what has the highest rank ends first, the same rank together
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    hurry_signal: signal.Signals = signal.SIGKILL
    # Sent by the kernel when the supervisor is killed outright. The application survives SIGKILL at any moment, so
    # nothing gentler is worth the risk of a child that lingers; the servers ask for a tidy shutdown instead.
    orphan_signal: signal.Signals = signal.SIGKILL
    patience: float = 8.0

    def spawn(self, *, output: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start it in a session of its own, both its outputs as one; Ctrl-C in our terminal does not reach it.

        Call this from the main thread: the kernel ties the orphan signal to the thread that forked.
        """
        return subprocess.Popen(  # noqa: S603 - the programs are ours
            self.argv,
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent(self.orphan_signal),
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user else None,
        )


def _die_with_parent(orphan_signal: signal.Signals) -> Callable[[], None] | None:
    """Runs in the child, after it has given up root: a change of user clears the request."""
    if _prctl is None:
        return None
    parent = os.getpid()

    def ask_kernel() -> None:
        _prctl(PR_SET_PDEATHSIG, int(orphan_signal))
        if os.getppid() != parent:  # the parent died between fork and here, and nobody would tell us
            os._exit(1)

    return ask_kernel


def leftover(*, pid_file: Path, data_dir: Path, executable: str) -> psutil.Process | None:
    """The server an earlier supervisor left running on this data directory, if there is one.

    A pid alone proves nothing, because pids are reused: the process must be that executable and work in that directory.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        found = process.name() == executable and Path(process.cwd()) == data_dir
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return process if found else None


def working_in(data_dir: Path, *, executable: str) -> bool:
    """Whether any process of that name works in the directory: a backend may outlive its postmaster for a moment."""
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == executable and Path(process.cwd()) == data_dir:
                return True
        except (OSError, psutil.Error):
            continue
    return False


def end(process: psutil.Process, *, stop_signal: signal.Signals, patience: float) -> None:
    """Ask politely, then insist. psutil compares start times, so a reused pid is never hit."""
    try:
        process.send_signal(stop_signal)
        try:
            process.wait(patience)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(patience)
    except psutil.NoSuchProcess:
        return
