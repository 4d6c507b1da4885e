"""Kernels that run elsewhere, behind a gateway: here a second Jupyter server, which speaks a gateway's language."""

import os
import signal
import time

import pytest

from tests.lab.jupyter import TOKEN, JupyterServer, jupyter_server
from tests.servers import wait_until

EMAIL = "gateway@example.com"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with jupyter_server(tmp_path_factory.mktemp("gateway"), CELL_MONITOR_URL="") as server:
        yield server


@pytest.fixture(scope="module")
def server(gateway, start_jupyter):
    found = start_jupyter(EMAIL, JUPYTER_GATEWAY_URL=gateway.url, JUPYTER_GATEWAY_AUTH_TOKEN=TOKEN)
    found.gateway = gateway
    return found


def test_runs_are_seen_once_each_with_their_duration(product, server):
    sources = ["import time; time.sleep(2); print('slept')", "6 * 7", "1/0", "3"]
    kernel = server.kernel("far.ipynb", *sources)
    asked = [kernel.execute(text, cell=n) for n, text in enumerate(sources)]
    kernel.reply(asked[-1])
    rows = product.wait_for_runs(EMAIL, 4)
    assert [row["run_id"] for row in rows] == asked, "once each, in the kernel's order"
    assert [row["cell"] for row in rows] == ["c0", "c1", "c2", "c3"]
    assert [row["status"] for row in rows] == ["success", "success", "error", "aborted"]
    assert {row["path"] for row in rows} == {"far.ipynb"}
    assert 2 <= rows[0]["duration"] < 2.3
    assert rows[1]["output"].strip() == "42"
    took = kernel.times()
    assert {row["run_id"]: row["duration"] * 1000 for row in rows[:3]} == pytest.approx(
        {run: ms for run, ms in took.items() if run in asked[:3]}, abs=50
    )


def test_interrupt_restart_and_death(product, server):
    before = len(product.runs(EMAIL))
    kernel = server.kernel("ends.ipynb", "import time; time.sleep(60)", "import os; os._exit(1)")
    asked = kernel.execute("import time; time.sleep(60)", cell=0)
    kernel.begun(asked)
    server.ask(f"api/kernels/{kernel.kernel_id}/interrupt", "POST")
    kernel.reply(asked)
    product.wait_for_runs(EMAIL, before + 1)
    kernel.begun(kernel.execute("import time; time.sleep(60)", cell=0))
    server.ask(f"api/kernels/{kernel.kernel_id}/restart", "POST")
    product.wait_for_runs(EMAIL, before + 2)
    kernel.client.wait_for_ready(timeout=60)
    kernel.execute("import os; os._exit(1)", cell=1)
    rows = product.wait_for_runs(EMAIL, before + 3)[before:]
    assert [(row["status"], row["cell"]) for row in rows] == [("aborted", "c0"), ("aborted", "c0"), ("error", "c1")]
    assert rows[2]["error_message"].startswith("KernelDied")


def test_a_gateway_that_is_away_for_a_moment(product, server):
    """Its connections break; a run that goes on is told with its end, and the next ones too."""
    before = len(product.runs(EMAIL))
    kernel = server.kernel("moment.ipynb", "import time; time.sleep(4)", "2")
    kernel.begun(kernel.execute("import time; time.sleep(4)", cell=0))
    stop_for(server.gateway, 8)
    wait_until(kernel.is_watched, seconds=60, what="the watch after the pause", pause=0.1)
    kernel.run("2", cell=1)
    rows = product.wait_for_runs(EMAIL, before + 2)[before:]
    assert [row["cell"] for row in rows] == ["c0", "c1"]
    assert 4 <= rows[0]["duration"] < 4.5


def test_a_kernel_that_the_gateway_ends(product, server):
    before = len(product.runs(EMAIL))
    kernel = server.kernel("culled.ipynb", "import time; time.sleep(60)")
    kernel.begun(kernel.execute("import time; time.sleep(60)", cell=0))
    server.gateway.ask(f"api/kernels/{kernel.kernel_id}", "DELETE")
    [row] = product.wait_for_runs(EMAIL, before + 1)[before:]
    assert (row["cell"], row["status"]) == ("c0", "aborted")


def test_an_unused_kernel_is_let_go(server):
    """Else the gateway takes it for used, and never ends it; what runs there later is seen all the same."""
    kernel = server.kernel("unused.ipynb", "1")
    assert connections(server.gateway, kernel) == 2, "the tab's and ours"
    kernel.tab.close()
    wait_until(lambda: connections(server.gateway, kernel) == 0, seconds=60, what="an end of our connection", pause=0.1)
    assert not kernel.is_watched()


def connections(gateway: JupyterServer, kernel) -> int:
    return gateway.ask(f"api/kernels/{kernel.kernel_id}")["connections"]


def stop_for(server: JupyterServer, seconds: float) -> None:
    os.kill(server.process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(server.process.pid, signal.SIGCONT)
