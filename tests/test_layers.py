"""The layers: imports point down, every file has a layer, and only one module uses each outside system."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APPS = ("config", "operations", "classroom", "events", "lms", "instructors", "realtime", "core")


def test_imports_point_down():
    command = [str(Path(sys.executable).parent / "lint-imports")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command", ["redis.xadd", "xread"])
def test_only_the_stream_knows_stream_commands(command):
    word = command.rpartition(".")[2]
    users = [path.name for app in APPS for path in (ROOT / app).rglob("*.py") if f".{word}(" in path.read_text()]
    assert set(users) <= {"stream.py"}
