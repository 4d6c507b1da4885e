"""Python programs in processes that are forked with the libraries imported, which is most of a start.

What a program imports, reads and does is its own: it finds its environment, its arguments and its output as if it had
been started alone. That it starts alone, from nothing, is for
tests/operations/local/test_up.py and tests/deploy/ to say.
"""

import atexit
import gc
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from operations.local import processes
from operations.local.processes import Program
from tests.servers import ROOT

# What the product imports and what asks for no settings while it is imported.
LIBRARIES = [
    "channels.layers", "croniter", "cryptography.hazmat.primitives.asymmetric.rsa", "defusedxml.common",
    "diff_match_patch", "django.contrib.admin.utils", "django.contrib.auth.hashers", "django.contrib.postgres.fields",
    "django.contrib.postgres.indexes", "django.contrib.postgres.search", "django.core.asgi",
    "django.core.handlers.asgi", "django.core.management", "django.core.serializers.json",
    "django.db.backends.postgresql.base", "django.db.migrations.loader", "django.db.migrations.writer",
    "django.db.models", "django.forms", "django.template.backends.django", "django.template.defaulttags",
    "django.test.client", "django.urls", "django.utils.translation.trans_real", "httptools", "inflection", "jwt",
    "mistune", "msgspec", "nh3", "packaging.requirements", "PIL.Image", "prometheus_client", "psutil", "psycopg",
    "psycopg.types.array", "psycopg.types.hstore", "psycopg.types.json", "psycopg_pool", "pygments",
    "pygments.formatters.html", "redis", "redis.asyncio", "requests", "rq", "sqlparse", "statistics", "tablib",
    "tests.forked", "tests.notebook_libraries", "uritemplate", "urllib3", "uvicorn.config",
    "uvicorn.protocols.http.httptools_impl", "uvicorn.protocols.websockets.websockets_sansio_impl", "uvloop",
    "websockets.server", "xml.sax.saxutils", "yaml",
]  # fmt: skip

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(LIBRARIES)


class Forked:
    """As much of a `subprocess.Popen` as tests use."""

    def __init__(
        self, argv: Sequence[str], *, environment: Mapping[str, str], stdin: Path, output: Path, error: Path,
        umask: int | None = None,
    ):  # fmt: skip
        self.args = argv
        arguments = (list(argv), dict(environment), str(stdin), str(output), str(error), umask)
        # A daemon, for multiprocessing: it does not wait for it when this process ends.
        self._process: ForkServerProcess = _server.Process(target=_become, args=arguments, daemon=True)
        with patch.dict(sys.modules, __main__=ModuleType("__main__")):  # else it would import what runs here
            self._process.start()
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self._process.exitcode is None:
            with suppress(ProcessLookupError):  # it ended, and nobody has told this process yet
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def spawn(program: Program, log: Path) -> Forked:
    """Start it as `Program.spawn` does; its output is appended to the file."""
    environment = {**os.environ, **program.environment}
    return Forked(program.argv, environment=environment, stdin=Path(os.devnull), output=log, error=log)


def python(
    *arguments: str, environment: Mapping[str, str], stdin: str | None = None, umask: int | None = None
) -> "subprocess.CompletedProcess[str]":
    """What `subprocess.run([sys.executable, *arguments], …)` in the project's folder would give."""
    with tempfile.TemporaryDirectory() as name:
        given, output, error = (Path(name) / each for each in ("stdin", "stdout", "stderr"))
        given.write_text(stdin or "")
        argv = (sys.executable, *arguments)
        made = Forked(argv, environment=environment, stdin=given, output=output, error=error, umask=umask)
        code = made.wait()
        return subprocess.CompletedProcess(argv, code, output.read_text(), error.read_text())


def _become(
    argv: list[str], environment: dict[str, str], stdin: str, output: str, error: str, umask: int | None
) -> None:
    """In the new process: be that program."""
    gc.freeze()  # what was imported before stays
    gc.set_threshold(20_000, 10, 10)
    if processes._prctl is not None:  # who forked it ends with the session, even if that is killed
        processes._prctl(processes.PR_SET_PDEATHSIG, int(signal.SIGKILL))
    os.setsid()
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    for descriptor, (file, flags) in enumerate(
        [(stdin, os.O_RDONLY), *((file, os.O_WRONLY | os.O_CREAT | os.O_APPEND) for file in (output, error))]
    ):
        opened = os.open(file, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    if umask is not None:
        os.umask(umask)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout.reconfigure(write_through=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = "PYTHONDONTWRITEBYTECODE" in environment
    os.chdir(ROOT)
    sys.path[:0] = [str(ROOT)]
    _, first, *rest = argv
    try:
        if first == "-m":
            sys.argv = rest
            runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
        elif first == "-c":
            sys.argv = [first, *rest[1:]]
            exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__"})
        else:
            sys.argv = [first, *rest]
            runpy.run_path(first, run_name="__main__")
    finally:
        atexit._run_exitfuncs()  # multiprocessing would leave them out
