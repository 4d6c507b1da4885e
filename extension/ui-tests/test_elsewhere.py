"""The same wheel in JupyterLab 4.0, Notebook 7 and JupyterLite. Once a release: each needs an environment of its own.

    LAB40=… NOTEBOOK7=… JUPYTERLITE=… python -m pytest ui-tests/test_elsewhere.py

Each names a virtual environment with the wheel and ipykernel. The last has jupyterlite-core,
jupyterlite-javascript-kernel and jupyter_server.
"""

import json
import os
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from conftest import STUDENT, TOKEN, WAIT, Lab, Tab, notebook, set_up
from playwright.sync_api import expect

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


def test_jupyterlab_40(tmp_path, tabs, product):
    python = f"{environment('LAB40')}/bin/python"
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
        tab.shot("lab40")
    finally:
        lab.close()


def test_notebook_7(tmp_path, tabs, product):
    python = f"{environment('NOTEBOOK7')}/bin/python"
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
        tab.shot("notebook7")
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
