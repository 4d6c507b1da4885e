"""The IPython extension in a real kernel without a Jupyter server."""

import json
import os
import shutil
import tempfile

import pytest
from jupyter_client.manager import KernelManager

from cell_monitor_lab.contract import event_id

from .conftest import wait_for

LOAD = "%load_ext cell_monitor_lab.kernel"


@pytest.fixture
def kernel(stub, tmp_path, monkeypatch):
    """Start a kernel that is configured by its environment; call `run`."""
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("CELL_MONITOR")},
        "CELL_MONITOR_URL": stub.url,
        "CELL_MONITOR_USER_ID": "hanako@example.com",
        "CELL_MONITOR_CONSENT": "given",
        "JUPYTER_DATA_DIR": str(tmp_path),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JPY_SESSION_NAME": "week3.ipynb",
        "LANG": "C",
    }
    started = []
    sockets = tempfile.mkdtemp(prefix="k-")  # short: a socket's path has a limit of about a hundred characters

    def start(**more):
        # No ports: they are chosen before the kernel takes them, and another one may be faster.
        manager = KernelManager(transport="ipc", ip=f"{sockets}/{len(started)}")
        manager.start_kernel(env={**environment, **more})
        client = manager.blocking_client()
        started.append((manager, client))
        client.start_channels()
        client.wait_for_ready(timeout=60)

        def run(code):
            outputs = []
            reply = client.execute_interactive(code, timeout=60, output_hook=outputs.append)
            return reply["parent_header"]["msg_id"], outputs

        return run

    yield start
    for manager, client in started:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    shutil.rmtree(sockets)


def printed(outputs):
    return "".join(one["content"].get("text", "") for one in outputs if one["msg_type"] == "stream")


def test_runs_are_sent_with_the_ids_that_the_watcher_gives(kernel, stub):
    run = kernel()
    run(LOAD)
    first, _outputs = run("6 * 7")
    second, _outputs = run("1 / 0")
    wait_for(lambda: len(stub.ends()) == 2, 60)
    assert [event["eventId"] for event in stub.runs()] == [
        event_id(run_id, phase) for run_id in (first, second) for phase in ("start", "end")
    ]
    done, failed = stub.ends()
    assert (done["status"], done["result"], done["code"], done["notebookPath"]) == (
        "success",
        "42",
        "6 * 7",
        "week3.ipynb",
    )
    assert done["emailAddress"] == "hanako@example.com"
    assert (failed["status"], failed["errorMessage"]) == ("error", "ZeroDivisionError: division by zero")
    assert "ZeroDivisionError" in failed["metadata"]["traceback"]


def test_without_consent_nothing_leaves_and_a_magic_gives_it(kernel, stub):
    run = kernel(CELL_MONITOR_CONSENT="")
    run(LOAD)
    run("secret = 1")
    assert "%cell_monitor on" in printed(run("%cell_monitor")[1])
    assert stub.requests == []
    run("%cell_monitor on")
    run("open = 2")
    wait_for(lambda: len(stub.ends()) >= 1, 60)
    assert "secret" not in json.dumps(stub.requests)


def test_help_and_its_end(kernel, stub):
    run = kernel()
    run(LOAD)
    assert "help_stop" in printed(run("%help_me")[1])
    wait_for(lambda: any(event["eventType"] == "help" for event in stub.events), 60)
    run("%help_stop")
    wait_for(lambda: any(event["eventType"] == "help_stop" for event in stub.events), 60)


def test_handing_in_says_the_receipt(kernel, stub, tmp_path):
    path = tmp_path / "mine.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))

    def received(value, _headers):
        import hashlib

        from cell_monitor_lab.assignments import canonical

        sha256 = hashlib.sha256(canonical(value["notebook_content"])).hexdigest()
        return 201, {"attempt": 2, "submitted_at": "10:31", "content_sha256": sha256}

    stub.answers["POST", "/api/v1/submissions"] = received
    run = kernel()
    run(LOAD)
    assert "attempt 2" in printed(run(f"%hand_in 3 {path}")[1])
    assert "Usage" in printed(run("%hand_in x")[1])
    stub.answers["POST", "/api/v1/submissions"] = (422, {"detail": "closed"})
    assert "Not handed in: closed" in printed(run(f"%hand_in 3 {path}")[1])
    run("import os; os.environ['LC_ALL'] = 'ja_JP.UTF-8'")
    assert "提出されていません：closed" in printed(run(f"%hand_in 3 {path}")[1])


def test_a_product_that_is_away_neither_raises_nor_delays(kernel, stub):
    run = kernel(CELL_MONITOR_URL="http://127.0.0.1:9")
    run(LOAD)
    for _ in range(5):
        _msg_id, outputs = run("1")
        assert [one["msg_type"] for one in outputs if one["msg_type"] in ("error", "stream")] == []


def test_it_can_be_unloaded(kernel, stub):
    run = kernel()
    run(LOAD)
    run("%unload_ext cell_monitor_lab.kernel")
    run("after = 1")
    assert "after" not in json.dumps([request[3] for request in stub.requests])
