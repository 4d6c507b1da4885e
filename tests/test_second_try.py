"""A test of processes that fails is tried again with fixtures of its own, and the run says so."""

import os
import subprocess
import sys

from tests.servers import ROOT

TESTS = """
import pytest

made = []
pytestmark = pytest.mark.second_try


sessions = []


@pytest.fixture(scope="session")
def session():
    sessions.append("made")


@pytest.fixture(scope="module")
def rows(session):
    made.append("made")
    yield list(made)
    made.append("removed")


def test_passes_at_once(rows):
    assert rows == ["made"]


def test_passes_the_second_time(rows):
    assert rows == ["made", "removed", "made"]


@pytest.fixture
def late(rows):
    assert len(rows) == 5, "its fixture fails the first time"


def test_of_a_late_fixture(late):
    pass


def test_never_passes(rows):
    raise AssertionError(f"session {len(sessions)}")
"""


def test_a_second_try(tmp_path):
    (tmp_path / "test_tries.py").write_text(TESTS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.second_try",
        "-o",
        "markers=second_try",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    assert "1 failed, 3 passed, 3 rerun" in done.stdout, done.stdout + done.stderr
    assert "RERUN test_tries.py::test_passes_the_second_time (call)" in done.stdout
    assert "its fixture fails the first time" in done.stdout
    assert "session 1" in done.stdout
    assert "session 2" not in done.stdout
