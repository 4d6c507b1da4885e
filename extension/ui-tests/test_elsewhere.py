"""The same wheel in other JupyterLabs, Notebook 7, JupyterLite, with real-time collaboration and Enterprise Gateway.

Once a release: each needs an environment of its own. `make extension-elsewhere` makes them and runs this file; the
variables name them.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import STUDENT, TOKEN, WAIT, Lab, Tab, notebook, set_up
from playwright.sync_api import expect
from test_gateway import opened

from tests.conftest import wait_for

SECONDS = WAIT / 1000


def environment(name):
    found = os.environ.get(name)
    if not found:
        pytest.skip(f"{name} names no environment")
    return found


def is_asked_once(tab, product):
    """Whether they are stuck, in the panel and in a notification, until they answered."""
    product.answers["POST", "/api/v1/me/question"] = (200, {})
    product.question = {"id": 4, "asked_at": "2026-11-29T10:00:00.000Z", "until": "2026-11-29T10:05:00.000Z"}
    asked = tab.page.locator("#cell-monitor-panel").get_by_role("region", name="Are you stuck?")
    expect(asked).to_be_visible(timeout=WAIT)
    expect(tab.page.locator(".jp-toast-message")).to_have_text("Are you stuck?")
    asked.get_by_role("button", name="I’m fine").click()
    product.question = None
    expect(asked).to_have_count(0)
    expect(tab.page.locator(".jp-toast-message")).to_have_count(0)
    told = [value for method, path, _, value in product.requests if (method, path) == ("POST", "/api/v1/me/question")]
    assert told == [{"id": 4, "answer": "fine"}]


@pytest.mark.parametrize("name", ["LAB40", "LAB41", "LAB42", "LAB43", "LAB44", "LAB45"])
def test_jupyterlab(name, tmp_path, tabs, product):
    python = f"{environment(name)}/bin/python"
    lab = Lab(tmp_path, set_up(product), (python, "-m", "jupyterlab"))
    try:
        lab.write("old.ipynb", notebook("print(1)", "1/0", "print(3)"))
        tab = tabs(lab).go().open("old.ipynb")
        expect(tab.panel()).to_contain_text("Informatics 3A", timeout=WAIT)
        tab.run("notebook:run-all-cells")
        wait_for(lambda: len(product.ends_of("old.ipynb")) == 3, SECONDS)
        said = [(event["cellId"], event["cellIndex"], event["status"]) for event in product.ends_of("old.ipynb")]
        assert said == [("c0", 0, "success"), ("c1", 1, "error"), ("c2", 2, "aborted")]
        is_asked_once(tab, product)
        tab.page.locator(".cm-HelpButton button").click()
        wait_for(lambda: any(event["eventType"] == "help" for event in product.of("old.ipynb")), SECONDS)
        tab.shot(name.lower())
    finally:
        lab.close()


@pytest.mark.parametrize("name", ["NOTEBOOK70", "NOTEBOOK7"])
def test_notebook_7(name, tmp_path, tabs, product):
    python = f"{environment(name)}/bin/python"
    lab = Lab(tmp_path, set_up(product), (python, "-m", "notebook"), "JupyterNotebookApp")
    try:
        lab.write("seven.ipynb", notebook("print(1)", "print(2)"))
        tab = tabs(lab)
        tab.page.goto(f"{lab.url}/notebooks/seven.ipynb?token={TOKEN}")
        tab.page.wait_for_function(
            "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'", timeout=WAIT
        )
        expect(tab.page.locator(".jp-NotebookPanel .cm-StateItem")).to_contain_text("Sending")
        tab.run("notebook:run-all-cells")
        wait_for(lambda: len(product.ends_of("seven.ipynb")) == 2, SECONDS)
        assert [event["cellId"] for event in product.ends_of("seven.ipynb")] == ["c0", "c1"]
        tab.page.locator(".jp-NotebookPanel .cm-StateItem button").click()
        expect(tab.page.locator("#cell-monitor-panel")).to_be_visible()
        expect(tab.page.locator("#cell-monitor-panel")).to_contain_text("Informatics 3A")
        is_asked_once(tab, product)
        tab.shot(name.lower())
    finally:
        lab.close()


def test_two_people_in_one_document(tmp_path, tabs, product):
    """With jupyter-collaboration. A Jupyter server is one student's, so both browsers' runs are that student's."""
    python = f"{environment('COLLABORATION')}/bin/python"
    lab = Lab(tmp_path, set_up(product), (python, "-m", "jupyterlab"))
    try:
        lab.write("both.ipynb", notebook("print('a')", "print('b')", "1/0"))
        first, second = tabs(lab).go(), tabs(lab, "en-GB").go()  # two contexts: nothing is shared but the server
        first.open("both.ipynb")
        second.open("both.ipynb")
        second.page.evaluate(
            "jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.setSource('print(42)')"
        )
        source = "jupyterapp.shell.currentWidget.content.widgets[0].model.sharedModel.getSource()"
        first.page.wait_for_function(f"{source} === 'print(42)'", timeout=WAIT)  # it is one document
        for number, (tab, cell) in enumerate([(first, 0), (second, 1), (second, 0), (first, 2)]):
            tab.select(cell)
            tab.run("notebook:run-cell")
            wait_for(lambda number=number: len(product.ends_of("both.ipynb")) > number, SECONDS)
        ends = product.ends_of("both.ipynb")
        said = [(event["cellId"], event["cellIndex"], event["status"]) for event in ends]
        assert said == [("c0", 0, "success"), ("c1", 1, "success"), ("c0", 0, "success"), ("c2", 2, "error")]
        assert ends[0]["result"].strip() == ends[2]["result"].strip() == "42"
        assert {event["emailAddress"] for event in ends} == {STUDENT["email"]}
        for tab in (first, second):
            expect(tab.panel()).to_contain_text("Informatics 3A", timeout=WAIT)
        second.select(1)
        second.start("notebook:run-all-cells")
        wait_for(lambda: len(product.ends_of("both.ipynb")) >= 7, SECONDS)
        first.page.close()
        second.run("notebook:run-cell")
        wait_for(lambda: len(product.ends_of("both.ipynb")) >= 8, SECONDS)
        assert len({event["eventId"] for event in product.ends_of("both.ipynb")}) == 8
        assert len(product.starts_of("both.ipynb")) == 8
        assert len({event["sessionId"] for event in product.ends_of("both.ipynb")}) == 1
    finally:
        lab.close()


@pytest.fixture
def enterprise(tmp_path):
    """An Enterprise Gateway with kernels of this machine; its address."""
    folder = environment("ENTERPRISE_GATEWAY")
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    log = tmp_path / "gateway.log"
    with log.open("w") as written:
        process = subprocess.Popen(
            [f"{folder}/bin/jupyter-enterprisegateway", "--ip=127.0.0.1", f"--port={url.rsplit(':', 1)[1]}",
             "--port_retries=0", "--EnterpriseGatewayApp.allow_remote_access=True"],
            cwd=tmp_path, stdout=written, stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
                 "PATH": f"{folder}/bin:{os.environ['PATH']}"},
        )  # fmt: skip

    def answers():
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{url}/api/kernelspecs", timeout=5).status == 200

    try:
        wait_for(answers, SECONDS)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.timeout(300)
def test_enterprise_gateway(enterprise, tmp_path, tabs, product):
    (tmp_path / "lab").mkdir()
    # A gateway asks whose kernel it is, and starts none for root.
    lab = Lab(tmp_path / "lab", {**set_up(product), "JUPYTER_GATEWAY_URL": enterprise, "KERNEL_USERNAME": "hanako"})
    try:
        lab.write("far.ipynb", notebook("import time; time.sleep(3); print('slept')", "1 + 1", "1/0"))
        tab = opened(tabs(lab).go(), "far.ipynb")
        wait_for(lambda: all(kernel["is_watched"] for kernel in lab.ask("state")["kernels"]), SECONDS)
        tab.start("notebook:run-all-cells")
        wait_for(lambda: product.starts_of("far.ipynb"), SECONDS)
        tab.go()  # the page is loaded anew during the run
        wait_for(lambda: len(product.ends_of("far.ipynb")) >= 3, SECONDS)
        ends = product.ends_of("far.ipynb")
        assert [(event["cellId"], event["status"]) for event in ends] == [
            ("c0", "success"),
            ("c1", "success"),
            ("c2", "error"),
        ]
        assert 3000 <= ends[0]["executionDurationMs"] < 3300
        assert len({event["eventId"] for event in ends}) == 3
    finally:
        lab.close()


@pytest.fixture
def site(tmp_path):
    """A site of JupyterLite with one notebook."""
    bin_folder = f"{environment('JUPYTERLITE')}/bin"
    (tmp_path / "files").mkdir()
    made = notebook("console.log('first')", "40 + 2", "throw new Error('bad')")
    made["metadata"]["kernelspec"] = {"name": "javascript", "display_name": "JavaScript", "language": "javascript"}
    (tmp_path / "files" / "lite.ipynb").write_text(json.dumps(made))
    (tmp_path / "overrides.json").write_text("{}")
    subprocess.run(
        [f"{bin_folder}/jupyter", "lite", "build", "--output-dir", str(tmp_path / "site"), "--contents", "files",
         "--LiteBuildConfig.ignore_sys_prefix=False"],
        cwd=tmp_path, check=True, stdout=sys.stderr, env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"},
    )  # fmt: skip
    index = tmp_path / "site" / "jupyter-lite.json"
    config = json.loads(index.read_text())
    config["jupyter-config-data"]["exposeAppInBrowser"] = True
    index.write_text(json.dumps(config))
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


class Site:
    """What a Tab needs to know of a site."""

    def __init__(self, url):
        self.url = url


def test_jupyterlite(site, tabs, product):
    product.origin = site
    tab = Tab(tabs(Site(site)).page, Site(site))
    tab.page.goto(f"{site}/lab/index.html?cell_monitor_code=K7QF-2M9X")
    tab.page.wait_for_function("window.jupyterapp", timeout=WAIT)
    tab.page.evaluate("window.jupyterapp.restored.then(() => true)")
    panel = tab.panel()
    panel.get_by_label("Address").fill(product.url)
    panel.get_by_label("E-mail or student number").fill(STUDENT["email"])
    panel.get_by_role("button", name="Connect").click()
    dialog = tab.page.get_by_role("dialog")
    dialog.get_by_role("button", name="Send").click()
    expect(panel).to_contain_text("Informatics 3A", timeout=WAIT)
    tab.open("lite.ipynb")
    tab.start("notebook:run-all-cells")
    wait_for(lambda: len(product.ends_of("lite.ipynb")) == 3, SECONDS)
    ends = product.ends_of("lite.ipynb")
    assert [(event["cellId"], event["status"]) for event in ends] == [
        ("c0", "success"),
        ("c1", "success"),
        ("c2", "error"),
    ]
    assert {event["emailAddress"] for event in ends} == {STUDENT["email"]}
    assert "42" in ends[1]["result"]
    is_asked_once(tab, product)
    product.answers["POST", "/api/v1/me/page"] = (201, {"code": "K7QF", "url": f"{product.url}/me/#K7QF"})
    with tab.page.expect_popup() as opened:
        panel.get_by_role("button", name="Open my page").click()
    opened.value.wait_for_url("**/me/#K7QF", timeout=WAIT)
    tab.shot("lite")
    # What runs while the product is away is sent after a reload.
    product.script[:] = [(503, {}, {})] * 50
    tab.select(1)
    for _ in range(5):
        tab.run("notebook:run-cell")
    expect(tab.page.locator("#jp-main-statusbar .cm-StateItem")).to_contain_text("Waiting", timeout=WAIT)
    tab.page.reload()
    product.script.clear()
    wait_for(lambda: len(product.ends_of("lite.ipynb")) == 8, SECONDS)
    assert len({event["eventId"] for event in product.ends_of("lite.ipynb")}) == 8
