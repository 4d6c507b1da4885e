"""The command that simulates a class: options, endings and exit codes, over real HTTP."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from events.management.commands.simulate_class import Command
from events.management.connection import default_url
from operations.local import programs
from tests.events.receiver import Receiver, listening


def simulate(server: Receiver, *options: str) -> str:
    out = StringIO()
    call_command(
        "simulate_class", "--students=20", "--rate=5", "--minutes=0.015", "--no-jitter", "--seed=1",
        f"--url={server.url}", *options, stdout=out,
    )  # fmt: skip
    return out.getvalue()


def test_a_class_is_simulated_and_summed_up():
    with listening() as server:
        said = simulate(server, "--key=secret", "--language=mixed")
    assert len(server.bodies) > 20
    assert set(server.paths) == {"/api/v1/events?key=secret"}
    assert f"Done: {len(server.bodies)} events accepted, 0 refused, 0 not delivered" in said
    assert f"202 × {len(server.bodies)}" in said


def test_the_truth_is_written_as_json_lines(tmp_path):
    with listening() as server:
        simulate(server, f"--truth={tmp_path / 'truth.jsonl'}")
    lines = [json.loads(line) for line in (tmp_path / "truth.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines[:2]] == ["class", "student"]
    assert lines[0]["seed"] == 1
    assert sum(line["kind"] == "student" for line in lines) == 20


def test_a_server_that_refuses_everything_is_an_error_that_names_the_key():
    with listening() as server:
        server.status = 401
        with pytest.raises(CommandError, match="--key"):
            simulate(server)


def test_no_server_is_a_clear_error():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(CommandError, match=r"No server answers at .*make run"):
        simulate(Receiver(url=url))


@pytest.mark.parametrize(
    "wrong",
    ["--students=0", "--rate=0", "--minutes=-1", "--url=nonsense", "--minutes=nan", "--minutes=inf", "--rate=nan"],
)
def test_senseless_options_are_refused(wrong):
    with listening() as server, pytest.raises(CommandError):
        simulate(server, wrong)


def test_the_address_comes_from_the_environment_then_from_the_running_server(monkeypatch, settings):
    settings.SERVICES = {}
    monkeypatch.delenv("WEB_URL", raising=False)
    assert default_url() == "http://127.0.0.1:8000"
    settings.SERVICES = {"WEB_URL": "http://127.0.0.1:8123"}
    assert default_url() == "http://127.0.0.1:8123"
    monkeypatch.setenv("WEB_URL", "http://127.0.0.1:9000")
    assert default_url() == "http://127.0.0.1:9000"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_an_endless_class_with_a_summary(number):
    with listening() as server:
        command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "simulate_class", "--minutes=0"]
        with subprocess.Popen(
            [*command, "--students=20", "--rate=5", f"--url={server.url}"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as process:  # fmt: skip
            deadline = threading.Timer(60, process.kill)
            deadline.start()
            while not server.bodies and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(number)
            out, err = process.communicate()
            deadline.cancel()
    assert process.returncode == 0, err or "killed, because it went on"
    assert "Stopped: " in out
    assert "Traceback" not in err


def test_a_key_may_begin_with_a_dash():
    """One key in 64 does, and the demo's class then never came."""
    words = programs.simulator(url="http://127.0.0.1:8000", key="-4kSjW", students=40, rate="0.1").argv
    parser = Command().create_parser("manage.py", "simulate_class")
    assert parser.parse_args(list(words[words.index("simulate_class") + 1 :])).key == "-4kSjW"
