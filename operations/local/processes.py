"""Start child processes that end with their parent, and find and end those that did not."""

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
    """Return the directory of an installed package without importing it. Raises ImproperlyConfigured."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise ImproperlyConfigured(f"The package {name} is not installed: pip install -r requirements.txt")
    return Path(spec.submodule_search_locations[0])


@dataclass(frozen=True, kw_only=True)
class Program:
    """A command, and how to end it."""

    name: str
    argv: tuple[str, ...]
    rank: int  # higher ranks end first, those of the same rank together
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    hurry_signal: signal.Signals = signal.SIGKILL
    # Sent by the kernel when the supervisor is killed. The application survives SIGKILL at any moment, so a signal that
    # a child could ignore is not worth the risk; the servers get one for a regular shutdown instead.
    orphan_signal: signal.Signals = signal.SIGKILL
    stop_timeout: float = 8.0

    def spawn(self, *, output: int | IO[bytes] = subprocess.PIPE) -> subprocess.Popen[bytes]:
        """Start the program in its own session, so that Ctrl-C does not reach it. Standard error goes to `output` too.

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
    """Return a function for the child, called after the change of user, which would clear the request."""
    if _prctl is None:
        return None
    parent = os.getpid()

    def ask_kernel() -> None:
        _prctl(PR_SET_PDEATHSIG, int(orphan_signal))
        if os.getppid() != parent:  # the parent died before prctl, so the signal will not come
            os._exit(1)

    return ask_kernel


def leftover(*, pid_file: Path, data_dir: Path, executable: str) -> psutil.Process | None:
    """Return the server that an earlier supervisor left running on the data directory, or None.

    Pids are reused, so the process must also have the name of the executable and that working directory.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        is_server = process.name() == executable and Path(process.cwd()) == data_dir
    except (OSError, ValueError, IndexError, psutil.Error):
        return None
    return process if is_server else None


def working_in(data_dir: Path, *, executable: str) -> bool:
    """Return whether a process of that name has this working directory, as a backend that outlives its postmaster."""
    for process in psutil.process_iter(["name"]):
        try:
            if process.info["name"] == executable and Path(process.cwd()) == data_dir:
                return True
        except (OSError, psutil.Error):
            continue
    return False


def end(process: psutil.Process, *, stop_signal: signal.Signals, stop_timeout: float) -> None:
    """Send the stop signal, and SIGKILL after the timeout. psutil compares start times, so a reused pid is safe."""
    try:
        process.send_signal(stop_signal)
        try:
            process.wait(stop_timeout)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(stop_timeout)
    except psutil.NoSuchProcess:
        return
