"""The commands of docs/api-quickstart.md, run as they stand there against a running copy."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.live import LiveSystem
from tests.servers import ROOT, wait_until

PAGE = ROOT / "docs" / "api-quickstart.md"
BLOCK = re.compile(r"^```(bash|json|python|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EMAIL, PASSWORD = "reader@example.com", "a long enough sentence 42"
TIMEOUT = 60  # seconds; the page promises two, on a machine that does nothing else


class Shell:
    """Runs blocks one after the other, as somebody in one terminal does: what one exports the next one finds."""

    def __init__(self, *, directory: Path, environment: dict[str, str]) -> None:
        self.directory, self.environment = directory, environment

    def run(self, commands: str) -> str:
        kept = self.directory / "environment"
        script = f"set -euo pipefail\n{commands}\nenv -0 >{kept}\n"
        done = subprocess.run(
            ("bash", "-c", script),
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{commands}\n{done.stdout}\n{done.stderr}"
        self.environment = dict(line.split("=", 1) for line in kept.read_text().split("\0") if line)
        return done.stdout


def contains(found: Any, shown: Any) -> bool:
    """Whether an answer is what the page shows: `…` is any value, and what is not shown may be there too."""
    if shown == "…":
        return True
    if isinstance(shown, dict):
        return isinstance(found, dict) and all(key in found and contains(found[key], shown[key]) for key in shown)
    if isinstance(shown, list):
        is_list = isinstance(found, list) and (bool(shown) or not found)
        return is_list and all(any(contains(each, one) for each in found) for one in shown)
    return bool(found == shown)


@pytest.fixture(scope="module")
def system(start_live_system) -> Iterator[LiveSystem]:
    """A copy as a server is: with logins and class keys, and a class that has one."""
    system = start_live_system(workers=1, API_REQUIRE_AUTH="1", EVENTS_REQUIRE_KEY="1")
    system.manage("create_instructor", "--email", EMAIL, "--role", "admin", "--password-stdin", stdin=PASSWORD + "\n")
    system.manage("seed_demo")
    yield system
    system.stop()


@pytest.fixture
def shell(system, tmp_path) -> Shell:
    key = (system.directory / "demo_class_key").read_text().strip()
    own = {"CELL_MONITOR": system.url, "EMAIL": EMAIL, "PASSWORD": PASSWORD, "CLASS_KEY": key}
    return Shell(directory=tmp_path, environment={"PATH": os.environ["PATH"], **own})


def test_every_command_is_answered_as_the_page_shows(shell, system):
    blocks = BLOCK.findall(PAGE.read_text())
    assert [kind for kind, _ in blocks] == ["bash"] + ["bash", "json"] * 5 + ["python", "text"]
    shell.run(blocks[0][1])
    posting = ""
    for (_, commands), (_, shown) in zip(blocks[1:11:2], blocks[2:11:2], strict=True):
        ends = time.monotonic() + TIMEOUT
        answer = json.loads(shell.run(commands))
        is_question = "-d " not in commands  # what is asked twice may be answered otherwise: it was not stored yet
        while not contains(answer, json.loads(shown)) and is_question and time.monotonic() < ends:
            time.sleep(0.2)
            answer = json.loads(shell.run(commands))
        assert contains(answer, json.loads(shown)), f"{commands}\nanswers\n{json.dumps(answer, indent=1)[:3000]}"
        posting = commands if "/api/v1/events" in commands else posting
    assert posting
    hear(shell, program=blocks[-2][1], shown=blocks[-1][1], meanwhile=posting)


def hear(shell: Shell, *, program: str, shown: str, meanwhile: str) -> None:
    """The listening program prints, line by line, what the page shows, once the event was posted again."""
    out = shell.directory / "heard"
    patterns = [re.compile(".*".join(map(re.escape, line.split("…")))) for line in shown.splitlines()]
    with (
        out.open("w") as file,
        subprocess.Popen(
            [sys.executable, "-c", program], env=shell.environment, stdout=file, stderr=subprocess.STDOUT
        ) as listening,
    ):
        try:
            for pattern in patterns:
                wait_until(
                    lambda line=pattern: any(map(line.fullmatch, out.read_text().splitlines())),
                    seconds=TIMEOUT,
                    what=f"a line like {pattern.pattern}",
                )
                if pattern is patterns[0]:
                    shell.run(meanwhile)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{out.read_text()}") from None
        finally:
            listening.terminate()


@pytest.mark.parametrize(
    ("found", "shown", "is_contained"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 2}, False),
        ({"b": 1}, {"a": "…"}, False),
        ([{"a": 1}, {"a": 2}], [{"a": 2}], True),
        ([], [{"a": 2}], False),
        ([1], [], False),
    ],
)
def test_an_answer_is_told_from_another(found, shown, is_contained):
    assert contains(found, shown) is is_contained
