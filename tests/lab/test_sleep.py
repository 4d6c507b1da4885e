"""A laptop that sleeps: the Jupyter server and its kernel stand still, and go on as if nothing had been."""

import json
import os
import signal
import time

import psutil
import pytest
from websockets.sync.client import connect

from tests.lab.jupyter import TOKEN
from tests.servers import wait_until

EMAIL = "sleeper@example.com"
MESSAGE = f"""
from django.utils import timezone
from lms.models import Class, Student
from lms.notifications import store_message
student, of_class = Student.objects.get(email={EMAIL!r}), Class.objects.get(class_code="LAB")
store_message(student, [of_class.pk], by_name="Ito", text="Good morning", now=timezone.now())
"""


@pytest.fixture
def jupyter(start_jupyter):
    return start_jupyter(EMAIL)


def test_after_a_sleep_the_next_run_is_sent_and_messages_come(product, jupyter):
    """Help that was asked before it is still on, and the token still counts."""
    kernel = jupyter.kernel("sleep.ipynb", "1 + 1")
    kernel.run("1 + 1", cell=0)
    product.wait_for_runs(EMAIL, 1)
    with connect(f"{jupyter.url.replace('http', 'ws')}/api/kernels/{kernel.kernel_id}/channels?token={TOKEN}"):
        sleep_and_wake(product, jupyter, kernel)


def sleep_and_wake(product, jupyter, kernel):
    jupyter.ask("cell-monitor-lab/help", "POST", {"is_on": True, "path": "sleep.ipynb", "cellId": "c0"})
    wait_until(lambda: jupyter.state()["help"]["text"]["code"] == "help-queue", what="a place in the queue", pause=0.1)
    family = [psutil.Process(jupyter.process.pid), *psutil.Process(jupyter.process.pid).children(recursive=True)]
    for process in family:
        os.kill(process.pid, signal.SIGSTOP)
    time.sleep(35)  # longer than a request to the inbox waits
    for process in family:
        os.kill(process.pid, signal.SIGCONT)
    awake_at = time.monotonic()
    kernel.run("1 + 1", cell=0)
    first, second = product.wait_for_runs(EMAIL, 2, seconds=60)
    assert time.monotonic() - awake_at < 20, "the class wakes up within ten seconds, not all at once"
    assert first["status"] == second["status"] == "success"
    assert second["duration"] < 5, "the sleep is not part of the run"
    assert jupyter.state()["help"]["is_on"]
    assert jupyter.state()["device"]["status"] == "active"
    product.live.manage("shell", "--no-imports", "-v", "0", "-c", MESSAGE)
    wait_until(lambda: "Good morning" in json.dumps(jupyter.state()["news"]), seconds=60, what="the message", pause=0.1)
