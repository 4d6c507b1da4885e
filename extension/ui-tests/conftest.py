"""A real JupyterLab with the wheel, real kernels, a stub product and Debian's Chromium.

With SHOTS=folder, pictures of what is seen are kept there.
"""

import contextlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.conftest import Stub, wait_for

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
TOKEN = "t"
SECRET_TOKEN = "VERY-SECRET-STUDENT-TOKEN"
STUDENT = {"id": 7, "email": "hanako@example.com", "name": "Hanako", "team": None}
CLASS = {"id": 1, "name": "Informatics 3A", "class_code": "INF3A"}
WAIT = 120_000  # milliseconds; the machine may be busy

# What most of these tests do not touch, a fifth of what JupyterLab takes to load. The tests that connect, those with a
# gateway and tests/lab have all of JupyterLab.
SPARED = (
    "celltags console csvviewer debugger documentsearch extensionmanager fileeditor help htmlviewer hub imageviewer"
    " inspector javascript json launcher logconsole lsp markdownviewer mathjax mermaid metadataform pdf pluginmanager"
    " running settingeditor terminal toc tooltip vega5 workspaces"
)

expect.set_options(timeout=60_000)

# Of the product's tests, whose package has the name of this extension's: a test that fails is tried again.
_place = Path(__file__).parents[2] / "tests" / "second_try.py"
_spec = importlib.util.spec_from_file_location("second_try", _place)
second_try = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(second_try)
pytest_runtest_protocol = second_try.pytest_runtest_protocol
pytest_report_teststatus = second_try.pytest_report_teststatus
pytest_terminal_summary = second_try.pytest_terminal_summary


def pytest_configure(config):
    config.addinivalue_line("markers", "second_try: is tried again if it fails (tests/second_try.py)")


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.second_try)


def notebook(*cells, **metadata):
    """Return a notebook of code cells c0, c1, …"""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}, **metadata},
        "cells": [
            {
                "id": f"c{index}",
                "cell_type": "code",
                "source": cell if isinstance(cell, str) else cell["source"],
                "metadata": {} if isinstance(cell, str) else cell["metadata"],
                "outputs": [],
                "execution_count": None,
            }
            for index, cell in enumerate(cells)
        ],
    }


class Lab:
    """One JupyterLab process on a home of its own. `spared` are core extensions that it does without."""

    def __init__(self, folder, environment, program=(sys.executable, "-m", "jupyterlab"), app="LabApp", spared=""):
        self.root = folder / "work"
        self.root.mkdir()
        with contextlib.closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.environment = environment
        self.log = (folder / "lab.log").open("w")
        settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
        if spared:
            config = folder / "config" / "labconfig"
            config.mkdir(parents=True)
            names = {f"@jupyterlab/{name}-extension": True for name in spared.split()}
            (config / "page_config.json").write_text(json.dumps({"disabledExtensions": names}))
        folders = {
            "PATH": folder,  # no Node, as at most students': where it is, JupyterLab runs it twice for each page
            "HOME": folder,
            "JUPYTER_CONFIG_DIR": folder / "config",
            "JUPYTER_DATA_DIR": folder / "data",
            "JUPYTER_RUNTIME_DIR": folder / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": folder / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": folder / "workspaces",
            "IPYTHONDIR": folder / "ipython",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("CELL_MONITOR", "JUPYTER"))}
        self.process = subprocess.Popen(
            [*program, "--no-browser", "--allow-root", f"--port={port}",
             f"--IdentityProvider.token={TOKEN}", f"--{app}.expose_app_in_browser=True",
             "--ServerApp.terminals_enabled=False", f"--ServerApp.root_dir={self.root}"],
            cwd=self.root,
            env={**kept, **{name: str(path) for name, path in folders.items()}, **environment},
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        wait_for(self.is_up, 120)

    def is_up(self):
        try:
            return urllib.request.urlopen(f"{self.url}/api?token={TOKEN}", timeout=5).status == 200
        except OSError:
            assert self.process.poll() is None, Path(self.log.name).read_text()
            return False

    def ask(self, name, method="GET", value=None):
        """Ask a route of the server part, as the panel does."""
        request = urllib.request.Request(
            f"{self.url}/cell-monitor-lab/{name}",
            method=method,
            data=None if value is None else json.dumps(value).encode(),
            headers={"Authorization": f"token {TOKEN}"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def write(self, path, content):
        (self.root / path).write_text(json.dumps(content))

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Tab:
    """A page of JupyterLab."""

    def __init__(self, page, lab):
        self.page, self.lab = page, lab

    def go(self, query=""):
        """Load JupyterLab in a workspace of its own: nothing is open, and nothing of an earlier page is restored."""
        self.page.goto(f"{self.lab.url}/lab/workspaces/{uuid.uuid4().hex}?token={TOKEN}{query}")
        self.page.wait_for_function("window.jupyterapp", timeout=WAIT)
        self.page.evaluate("window.jupyterapp.restored.then(() => true)")
        return self

    def run(self, command, args=None):
        return self.page.evaluate(
            "([command, args]) => jupyterapp.commands.execute(command, args).then(() => true)", [command, args or {}]
        )

    def start(self, command, args=None):
        """The same without waiting for its end."""
        self.page.evaluate(
            "([command, args]) => { jupyterapp.commands.execute(command, args).catch(() => null); }",
            [command, args or {}],
        )

    def open(self, path, timeout=WAIT):
        """Open a notebook and wait until its kernel is idle. `timeout` in milliseconds."""
        self.start("docmanager:open", {"path": path, "factory": "Notebook"})
        self.page.wait_for_function(
            """path => {
              const panel = jupyterapp.shell.currentWidget;
              const kernel = panel?.context?.path === path && panel.sessionContext?.session?.kernel;
              return kernel && kernel.status === 'idle' && panel.sessionContext.isReady;
            }""",
            arg=path,
            timeout=timeout,
        )
        return self

    def select(self, index):
        self.page.evaluate(
            "index => { const {content} = jupyterapp.shell.currentWidget; content.activeCellIndex = index;"
            " content.deselectAll(); }",
            index,
        )

    def panel(self):
        """Show the panel and return it."""
        self.run("cell-monitor-lab:open")
        found = self.page.locator("#cell-monitor-panel")
        found.wait_for(timeout=WAIT)
        return found

    def shot(self, name):
        folder = os.environ.get("SHOTS")
        if folder:
            self.page.screenshot(path=f"{folder}/{name}.png")


class Product(Stub):
    """The stub as the product that knows this student."""

    def __init__(self):
        super().__init__()
        self.inbox = []
        self.question = None
        self.reset()

    def reset(self):
        for kept in (self.script, self.inbox, self.events, self.requests):
            kept.clear()
        self.answers.clear()
        self.question = None
        token = {"token": SECRET_TOKEN, "status": "active", "check_number": "42", "student": STUDENT, "class": CLASS}
        self.answers["POST", "/api/v1/me/token"] = (201, token)
        self.answers["DELETE", "/api/v1/me/token"] = (204, None)
        self.answers["GET", "/api/v1/me"] = (200, {"student_id": 7, "classes": [CLASS], "assignments": []})
        self.answers["GET", "/api/v1/me/inbox"] = self.long_poll
        self.answers["GET", "/api/v1/progress/student/7"] = (200, {"progress": {"assignments_progress": []}})
        self.answers["GET", "/api/v1/submissions"] = (200, [])

    def long_poll(self, _value, _headers):
        end, question = time.monotonic() + 2, self.question
        while not self.inbox and self.question is question and time.monotonic() < end:
            time.sleep(0.05)
        told = {"next": "1", "notifications": [], "messages": [], "question": self.question}
        return 200, {**told, **(self.inbox.pop(0) if self.inbox else {})}

    def of(self, path):
        """Return the events of a notebook."""
        return [event for event in self.events if event.get("notebookPath") == path]

    def ends_of(self, path):
        return [event for event in self.of(path) if event["eventType"] in ENDS]

    def starts_of(self, path):
        return [event for event in self.of(path) if event["eventType"] == "cell_execution_start"]


ENDS = ("cell_execution_complete", "cell_execution_error")


@pytest.fixture(scope="session")
def the_product():
    product = Product()
    yield product
    product.close()


@pytest.fixture
def product(the_product):
    the_product.reset()
    return the_product


@pytest.fixture(scope="session")
def labs(tmp_path_factory):
    """Start a JupyterLab with an environment; one for each."""
    started = {}

    def lab(**environment):
        key = tuple(sorted(environment.items()))
        if key not in started:
            started[key] = Lab(tmp_path_factory.mktemp("lab"), environment, spared=SPARED)
        return started[key]

    yield lab
    for one in started.values():
        one.close()


def set_up(product):
    """Return what a school sets."""
    return {
        "CELL_MONITOR_URL": product.url,
        "CELL_MONITOR_KEY": "CLASS-KEY-OF-3A",
        "CELL_MONITOR_USER_ID": STUDENT["email"],
        "CELL_MONITOR_USER_NAME": "Hanako",
        "CELL_MONITOR_CONSENT": "given",
    }


@pytest.fixture
def lab(labs, product):
    """One that a school has set up; help that an earlier test left on is off."""
    found = labs(**set_up(product))
    found.ask("help", "POST", {"is_on": False})
    return found


@pytest.fixture
def fresh():
    """A product that no other JupyterLab knows."""
    product = Product()
    yield product
    product.close()


@pytest.fixture
def bare(tmp_path_factory):
    """One of which nobody has set anything, for this test alone."""
    made = Lab(tmp_path_factory.mktemp("bare"), {})
    yield made
    made.close()


@pytest.fixture(scope="session")
def browser():
    executable = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert executable, "No Chromium: install the package chromium-headless-shell"
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield made
        made.close()


@pytest.fixture(scope="session")
def contexts(browser):
    """A function: the context of a locale and a size. It is kept, with what it has loaded of JupyterLab's scripts."""
    made = {}

    def context(locale, size):
        if (locale, size) not in made:
            made[locale, size] = browser.new_context(
                locale=locale, viewport={"width": size[0], "height": size[1]}, reduced_motion="reduce"
            )
            made[locale, size].set_default_timeout(60_000)
        return made[locale, size]

    yield context
    for one in made.values():
        one.close()


@pytest.fixture
def tabs(contexts):
    """Open tabs, in a browser that remembers nothing of an earlier test; what a page throws fails the test."""
    used, thrown = set(), []  # used: (context, address)

    def tab(lab, locale="en-US", size=(1280, 800), is_told=True):
        context = contexts(locale, size)
        used.add((context, lab.url))
        page = context.new_page()
        told = getattr(lab, "environment", {}).get("CELL_MONITOR_URL")
        if told and is_told:  # of what the school agreed to
            page.add_init_script(f"localStorage.setItem('cell-monitor-lab told {told}', 'before')")
        page.on("pageerror", lambda error: thrown.append(f"{error}\n{error.stack}"))
        return Tab(page, lab)

    yield tab
    for context, url in used:
        for page in context.pages:  # also those that a page has opened
            page.close()
        forget(context, url)
    assert [text for text in thrown if "cell-monitor" in text] == []


def forget(context, url):
    """Remove cookies and what pages of an address have stored, but not the scripts that were loaded."""
    context.clear_cookies()
    page = context.new_page()
    page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", {"origin": url, "storageTypes": "all"})
    page.close()
