"""Real kernels through a real Jupyter server: what students do to them, and what is sent."""

import json
import time
import uuid

import pytest

from .conftest import wait_for_async

SLOW_KERNEL = 60.0


class Notebook:
    """A kernel with a session, and a client that runs cells and gives hints as the panel does."""

    def __init__(self, server, service, kernel_id):
        self.server, self.service, self.kernel_id = server, service, kernel_id
        self.manager = server.kernel_manager.get_kernel(kernel_id)
        self.client = self.manager.client()
        self.client.start_channels()

    async def ready(self):
        await self.client.wait_for_ready(timeout=SLOW_KERNEL)
        return self

    def run(self, code, cell="c", index=0, hint=True, **more):
        """Run a cell; return its msg id."""
        message = self.client.session.msg(
            "execute_request",
            {"code": code, "silent": False, "store_history": True, "allow_stdin": False, "stop_on_error": True},
        )
        msg_id = message["header"]["msg_id"]
        if hint:
            place = {"path": "a.ipynb", "cellId": cell, "cellIndex": index, "code": code, "ageMs": 0}
            value = {"kind": "run", "msgId": msg_id, "kernelId": self.kernel_id, **place, **more}
            self.service.take_hints([value])
        self.client.shell_channel.send(message)
        return msg_id

    def close(self):
        self.client.stop_channels()


@pytest.fixture
def notebook(jp_serverapp, jp_asyncio_loop, service, jp_root_dir):
    (jp_root_dir / "a.ipynb").write_text(json.dumps(saved("x = 1", "print('found')")))

    async def start():
        session = await jp_serverapp.session_manager.create_session(
            path="a.ipynb", name="a.ipynb", type="notebook", kernel_name="python3"
        )
        return await Notebook(jp_serverapp, service, session["kernel"]["id"]).ready()

    notebook = jp_asyncio_loop.run_until_complete(start())
    yield notebook
    notebook.close()
    if notebook.kernel_id in jp_serverapp.kernel_manager:
        jp_asyncio_loop.run_until_complete(jp_serverapp.kernel_manager.shutdown_kernel(notebook.kernel_id, now=True))


def saved(*sources):
    cells = [
        {"cell_type": "code", "id": f"cell{n}", "source": source, "metadata": {}, "outputs": []}
        for n, source in enumerate(sources)
    ]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def story(stub):
    """Return "cell phase status reason" of every event of a run, in the order of their arrival."""
    found = []
    for event in stub.runs():
        words = [event.get("cellId", "-")]
        if event["eventType"] == "cell_execution_start":
            words.append("start")
        else:
            words += ["end", event["status"]]
            words += [event["metadata"]["reason"]] if "reason" in event["metadata"] else []
        found.append(" ".join(words))
    return found


async def ended(stub, count):
    await wait_for_async(lambda: len(stub.ends()) >= count, SLOW_KERNEL)


async def test_a_run_is_seen_from_start_to_end(notebook, stub):
    msg_id = notebook.run("import time\nprint('hi')\ntime.sleep(0.5)\n6 * 7", index=2)
    await ended(stub, 1)
    start, end = stub.runs()
    assert story(stub) == ["c start", "c end success"]
    assert end["result"] == "hi\n42\n"
    assert 500 <= end["executionDurationMs"] < 1500
    assert (end["cellIndex"], end["executionCount"], end["notebookPath"]) == (2, 1, "a.ipynb")
    assert (end["emailAddress"], end["userName"]) == ("hanako@example.com", "Hanako")
    assert start["metadata"]["runId"] == end["metadata"]["runId"] == msg_id
    assert start["sessionId"] == end["sessionId"]
    assert end["metadata"]["queuedMs"] >= 0


async def test_run_all_stops_at_the_error(notebook, stub):
    # It fails when all have reached the kernel, which aborts only what waits there already.
    codes = ["1", "print(2)", "import time; time.sleep(1); raise ValueError('bad')", "4", "5"]
    for index, code in enumerate(codes):
        notebook.run(code, f"c{index}", index)
    await ended(stub, 5)
    assert story(stub) == [
        "c0 start",
        "c0 end success",
        "c1 start",
        "c1 end success",
        "c2 start",
        "c2 end error",
        "c3 end aborted error-before",
        "c4 end aborted error-before",
    ]
    failed = next(event for event in stub.ends() if event["status"] == "error")
    assert failed["errorMessage"] == "ValueError: bad"
    assert "ValueError" in failed["metadata"]["traceback"]


async def test_fifty_cells_arrive_in_order(notebook, stub):
    for index in range(50):
        notebook.run(str(index), f"c{index}", index)
    await ended(stub, 50)
    assert story(stub) == [f"c{n} {what}" for n in range(50) for what in ("start", "end success")]
    assert [event["executionCount"] for event in stub.ends()] == list(range(1, 51))


async def test_queue_time_is_not_in_the_duration(notebook, stub):
    notebook.run("import time; time.sleep(1)", "c0")
    notebook.run("2", "c1")
    await ended(stub, 2)
    second = stub.ends()[1]
    assert second["executionDurationMs"] < 500
    assert second["metadata"]["queuedMs"] >= 900


async def test_interrupt(notebook, stub, jp_serverapp):
    notebook.run("import time\nprint('on', flush=True)\ntime.sleep(30)", "c0")
    notebook.run("2", "c1")
    await wait_for_async(lambda: "c0 start" in story(stub))
    await jp_serverapp.kernel_manager.interrupt_kernel(notebook.kernel_id)
    await ended(stub, 2)
    assert story(stub) == ["c0 start", "c0 end aborted interrupted", "c1 end aborted error-before"]


async def test_restart(notebook, stub, jp_serverapp):
    notebook.run("import time; time.sleep(30)", "c0")
    notebook.run("time.sleep(30)", "c1")
    await wait_for_async(lambda: "c0 start" in story(stub))
    await jp_serverapp.kernel_manager.restart_kernel(notebook.kernel_id)
    await ended(stub, 2)
    ends = [line for line in story(stub) if line != "c1 start"]  # the kernel may have begun with it
    assert ends == ["c0 start", "c0 end aborted restarted", "c1 end aborted restarted"]
    await notebook.ready()
    notebook.run("3", "c2")
    await ended(stub, 3)
    assert story(stub)[-2:] == ["c2 start", "c2 end success"]
    assert stub.ends()[2]["metadata"]["kernelStart"] == 2


async def test_death(notebook, stub):
    notebook.run("import os, time; time.sleep(1); os._exit(1)", "c0")  # the kernel has c1 by then
    notebook.run("2", "c1")
    await ended(stub, 2)
    assert story(stub) == ["c0 start", "c0 end error", "c1 end aborted died"]
    assert stub.ends()[0]["errorMessage"].startswith("KernelDied")
    await notebook.ready()
    notebook.run("3", "c2")
    await ended(stub, 3)
    assert story(stub)[3:] == ["c2 start", "c2 end success"]


async def test_shutting_the_kernel_down(notebook, stub, jp_serverapp):
    notebook.run("import time; time.sleep(30)", "c0")
    await wait_for_async(lambda: "c0 start" in story(stub))
    await jp_serverapp.kernel_manager.shutdown_kernel(notebook.kernel_id)
    await ended(stub, 1)
    assert story(stub) == ["c0 start", "c0 end aborted shutdown"]


async def test_stopping_the_server(notebook, stub, service):
    notebook.run("import time; time.sleep(30)", "c0")
    await wait_for_async(lambda: "c0 start" in story(stub))
    await service.stop()
    assert story(stub) == ["c0 start", "c0 end aborted server-stopped"]


async def test_a_flood_is_bounded_and_its_end_is_seen_soon(notebook, stub, service):
    notebook.run("for n in range(100_000):\n    print(n)", "c0")
    await ended(stub, 1)
    end = stub.ends()[0]
    assert end["status"] == "success"
    assert end["result"].startswith("0\n1\n2\n")
    assert end["result"].endswith("99998\n99999\n")
    assert "bytes are not shown" in end["result"]
    assert len(json.dumps(end).encode()) <= 32 * 1024
    assert end["metadata"]["outputBytes"] > 500_000


async def test_flushed_prints(notebook, stub):
    notebook.run("for n in range(3000):\n    print(n, flush=True)", "c0")
    await ended(stub, 1)
    assert stub.ends()[0]["status"] == "success"
    assert stub.ends()[0]["result"].endswith("2999\n")


async def test_without_a_hint_the_saved_cell_with_this_source_is_meant(notebook, stub):
    notebook.run("print('found')", hint=False)
    notebook.run("nowhere = 1", hint=False)
    await ended(stub, 2)
    found, unknown = stub.ends()
    assert (found["cellId"], found["cellIndex"], found["notebookPath"]) == ("cell1", 1, "a.ipynb")
    assert "cellId" not in unknown
    assert unknown["notebookPath"] == "a.ipynb"


async def test_silent_requests_are_not_reported(notebook, stub):
    notebook.client.execute("secret = 1", silent=True)
    notebook.run("2", "c1")
    await ended(stub, 1)
    assert story(stub) == ["c1 start", "c1 end success"]
    assert "secret" not in json.dumps(stub.requests)


async def test_private_cells_and_notebooks_that_are_off(notebook, stub):
    notebook.run("print('PRIVATE')", "c0", private=True)
    notebook.run("print('OFF')", "c1", off=True)
    notebook.run("3", "c2")
    await ended(stub, 2)
    assert story(stub) == ["c0 start", "c0 end success", "c2 start", "c2 end success"]
    assert "PRIVATE" not in json.dumps(stub.requests)
    assert "OFF" not in json.dumps(stub.requests)


async def test_a_kernel_without_a_session_is_not_reported(jp_serverapp, service, stub):
    kernel_id = await jp_serverapp.kernel_manager.start_kernel(kernel_name="python3")
    other = await Notebook(jp_serverapp, service, kernel_id).ready()
    other.run("1", hint=False)
    await wait_for_async(lambda: service.watcher.counts.unexplained == 1)
    assert stub.runs() == []
    other.close()
    await jp_serverapp.kernel_manager.shutdown_kernel(kernel_id, now=True)


async def test_paused_is_not_recorded(notebook, stub, service):
    service.privacy.pause(15)
    notebook.run("print('PAUSED')", "c0")
    await wait_for_async(lambda: service.watcher.last_message_at and time.time() - service.watcher.last_message_at > 1)
    service.privacy.resume()
    notebook.run("2", "c1")
    await ended(stub, 1)
    assert story(stub) == ["c1 start", "c1 end success"]
    assert "PAUSED" not in json.dumps(stub.requests)


async def test_runs_while_the_product_is_away_arrive_afterwards_in_order_and_once(notebook, stub):
    stub.script = [(503, {}, {})] * 4
    for index in range(20):
        notebook.run(str(index), f"c{index}", index)
    await ended(stub, 20)
    assert story(stub) == [f"c{n} {what}" for n in range(20) for what in ("start", "end success")]
    ids = [event["eventId"] for event in stub.runs()]
    assert len(ids) == len(set(ids))


async def test_another_extension_that_asks_the_kernel_is_not_reported(notebook, stub, service):
    notebook.run("1", "c0")
    notebook.run(f"inspector = '{uuid.uuid4()}'", hint=False)
    await wait_for_async(lambda: service.watcher.counts.unexplained == 1)
    assert story(stub) == ["c0 start", "c0 end success"]


async def test_a_kernel_tells_its_extension_that_it_is_watched(notebook, stub):
    notebook.run("%load_ext cell_monitor_lab.kernel\nprint(get_ipython()._cell_monitor.is_watched)", "c0")
    notebook.run("2", "c1")
    await ended(stub, 2)
    assert story(stub) == ["c0 start", "c0 end success", "c1 start", "c1 end success"]
    assert stub.ends()[0]["result"] == "True\n"
