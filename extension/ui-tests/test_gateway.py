"""Kernels behind a gateway: the server part sees them; what it cannot see the page tells, and says so."""

import pytest
from conftest import TOKEN, WAIT, Lab, notebook, set_up
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.conftest import wait_for

SECONDS = WAIT / 1000
# A gateway that gives the server part no connection, for as long as a file is there.
CONFIG = """
import os
from cell_monitor_lab import gateway
real = gateway.GatewayStream._request
def request(stream):
    if os.path.exists({!r}):
        raise OSError("no connection")
    return real(stream)
gateway.GatewayStream._request = request
"""


@pytest.fixture
def far(tmp_path, product):
    """A JupyterLab whose kernels run at another Jupyter server, and the file that keeps it from watching them."""
    (tmp_path / "gateway").mkdir()
    (tmp_path / "lab" / "config").mkdir(parents=True)
    blocked = tmp_path / "blocked"
    (tmp_path / "lab" / "config" / "jupyter_server_config.py").write_text(CONFIG.format(str(blocked)))
    gateway = Lab(tmp_path / "gateway", {})
    try:
        far = {"JUPYTER_GATEWAY_URL": gateway.url, "JUPYTER_GATEWAY_AUTH_TOKEN": TOKEN}
        lab = Lab(tmp_path / "lab", {**set_up(product), **far})
        try:
            yield lab, blocked
        finally:
            lab.close()
    finally:
        gateway.close()


def opened(tab, path):
    """Open a notebook; load the page anew where its kernel does not get ready: behind a gateway JupyterLab sometimes
    gets no answer to its first question to a kernel that is just starting, with or without this extension."""
    for _ in range(4):
        try:
            return tab.open(path, timeout=20_000)
        except PlaywrightTimeout:
            tab.go()
    return tab.open(path)


def said(product, path):
    return [(event["cellId"], event["status"], event.get("result", "").strip()) for event in product.ends_of(path)]


@pytest.mark.timeout(300)
def test_kernels_behind_a_gateway(far, tabs, product):
    lab, blocked = far
    lab.write("far.ipynb", notebook("import time; time.sleep(4); print('slept')", "1 + 1"))
    tab = opened(tabs(lab).go(), "far.ipynb")
    # Right after the kernel's start the page tells of the runs, later the server part: each is told once.
    tab.run("notebook:run-all-cells")
    wait_for(lambda: len(product.ends_of("far.ipynb")) >= 2, SECONDS)
    wait_for(lambda: all(kernel["is_watched"] for kernel in lab.ask("state")["kernels"]), SECONDS)
    tab.start("notebook:run-all-cells")
    wait_for(lambda: len(product.starts_of("far.ipynb")) >= 3, SECONDS)
    tab.go()  # the page is loaded anew during the run
    wait_for(lambda: len(product.ends_of("far.ipynb")) >= 4, SECONDS)
    assert said(product, "far.ipynb") == [("c0", "success", "slept"), ("c1", "success", "2")] * 2
    assert len({event["eventId"] for event in product.ends_of("far.ipynb")}) == 4
    durations = [event["executionDurationMs"] for event in product.ends_of("far.ipynb")]
    assert all(4000 <= ms < 4500 for ms in durations[::2]), durations

    blocked.touch()
    lab.write("page.ipynb", notebook("import time; time.sleep(1); print('slept')", "1/0", "3"))
    opened(tab, "page.ipynb").start("notebook:run-all-cells")
    wait_for(lambda: len(product.ends_of("page.ipynb")) >= 3, SECONDS)
    statuses = [(cell, status) for cell, status, _ in said(product, "page.ipynb")]
    assert statuses == [("c0", "success"), ("c1", "error"), ("c2", "aborted")]
    assert 1000 <= product.ends_of("page.ipynb")[0]["executionDurationMs"] < 1500
    tab.panel().get_by_text("this page reports what runs there").wait_for(timeout=WAIT)

    blocked.unlink()  # the server part takes over again; a kernel that no page uses need not be watched
    tab.panel().get_by_text("this page reports what runs there").wait_for(state="detached", timeout=WAIT)
    tab.select(2)
    tab.run("notebook:run-cell")
    wait_for(lambda: len(product.ends_of("page.ipynb")) >= 4, SECONDS)
    assert len({event["eventId"] for event in product.ends_of("page.ipynb")}) == len(product.ends_of("page.ipynb")) == 4
