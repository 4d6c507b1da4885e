"""The secret key of a development copy: made once, and the same for all its processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import ROOT

READ = "from config.settings import SECRET_KEY; print(SECRET_KEY)"


def start(folder: Path) -> "subprocess.Popen[str]":
    without = ("DEBUG", "SECRET_KEY", "DATA_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in without}
    return subprocess.Popen(
        [sys.executable, "-c", READ],
        cwd=ROOT,
        env={**environment, "DATA_DIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def keys(processes: "list[subprocess.Popen[str]]") -> set[str]:
    found = set()
    for process in processes:
        output, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        found.add(output.strip())
    return found


def test_processes_that_start_together_have_one_key(tmp_path):
    [key] = keys([start(tmp_path / "data") for _ in range(6)])
    assert len(key) >= 32
    assert keys([start(tmp_path / "data")]) == {key}, "a restart keeps the logins"
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "short"])
def test_half_a_key_is_made_anew(tmp_path, text):
    """What one process sees while another writes, and what a full disk leaves."""
    (tmp_path / "secret_key").write_text(text)
    [key] = keys([start(tmp_path), start(tmp_path)])
    assert len(key) >= 32
