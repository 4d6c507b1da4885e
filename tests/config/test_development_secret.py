"""The secret key of a development copy: made once, and the same for all its processes."""

import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.forked import Forked

READ = "from config.settings import SECRET_KEY; print(SECRET_KEY)"

Started = tuple[Forked, Path, Path]


@pytest.fixture
def start(tmp_path_factory) -> Callable[[Path], Started]:
    """A process whose data lies in this folder: it, and the files of what it says."""
    said, numbers = tmp_path_factory.mktemp("said"), count()
    without = ("DEBUG", "SECRET_KEY", "DATA_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in without}

    def start(folder: Path) -> Started:
        number = next(numbers)
        output, error = said / f"{number}.out", said / f"{number}.err"
        settings = {**environment, "DATA_DIR": str(folder)}
        argv = (sys.executable, "-c", READ)
        return Forked(argv, environment=settings, stdin=Path(os.devnull), output=output, error=error), output, error

    return start


def keys(processes: list[Started]) -> set[str]:
    found = set()
    for process, output, error in processes:
        assert process.wait(60) == 0, error.read_text()
        found.add(output.read_text().strip())
    return found


def test_processes_that_start_together_have_one_key(tmp_path, start):
    [key] = keys([start(tmp_path / "data") for _ in range(6)])
    assert len(key) >= 32
    assert keys([start(tmp_path / "data")]) == {key}, "a restart keeps the logins"
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "short"])
def test_half_a_key_is_made_anew(tmp_path, start, text):
    """What one process sees while another writes, and what a full disk leaves."""
    (tmp_path / "secret_key").write_text(text)
    [key] = keys([start(tmp_path), start(tmp_path)])
    assert len(key) >= 32
