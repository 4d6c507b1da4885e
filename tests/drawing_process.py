"""The process that draws and compares notebooks, forked with its libraries imported: to start it from nothing takes
half a second of processor, fifty times. That it starts from nothing is for tests/lms/notebooks/test_notebook_drawing.py
to say, and for copies of the product."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from lms.notebooks import render_process
from tests.forked import Forked


class Subprocess:
    """What `lms.notebooks.render_process` uses of the module."""

    DEVNULL, TimeoutExpired = subprocess.DEVNULL, subprocess.TimeoutExpired

    @staticmethod
    def run(
        argv: Sequence[str], *, input: bytes, stdout: IO[bytes], env: Mapping[str, str], timeout: float, **_: Any
    ) -> "subprocess.CompletedProcess[bytes]":
        with TemporaryDirectory() as name:
            given = Path(name) / "stdin"
            given.write_bytes(input)
            output = Path(f"/proc/{os.getpid()}/fd/{stdout.fileno()}")  # it has no name
            process = Forked(argv, environment=env, stdin=given, output=output, error=Path(os.devnull))
            try:
                return subprocess.CompletedProcess(argv, process.wait(timeout))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def use() -> None:
    render_process.subprocess = Subprocess  # type: ignore[assignment]
