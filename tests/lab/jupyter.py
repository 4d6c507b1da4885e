"""A real Jupyter server with the extension, from the environment that `make extension-test` and `make test` make."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from jupyter_client import BlockingKernelClient
from websockets.sync.client import connect

from operations.local.embedded_valkey import free_port
from tests.servers import ROOT, wait_until

BIN = ROOT / ".venv-lab/bin"
TOKEN = "of-the-test"


def notebook(*sources: str) -> dict[str, Any]:
    """Return a notebook of code cells c0, c1, …"""
    cells = [
        {"id": f"c{n}", "cell_type": "code", "source": text, "metadata": {}, "outputs": [], "execution_count": None}
        for n, text in enumerate(sources)
    ]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}


class Kernel:
    """A kernel of the server and a client beside JupyterLab's: its requests name their cells, as JupyterLab's do."""

    def __init__(self, server: "JupyterServer", path: str) -> None:
        self.server, self.path = server, path
        body = {"path": path, "name": path, "type": "notebook", "kernel": {"name": "python3"}}
        session = server.ask("api/sessions", "POST", body)
        self.kernel_id = session["kernel"]["id"]
        address = f"{server.url.replace('http', 'ws', 1)}/api/kernels/{self.kernel_id}/channels?token={TOKEN}"
        # A kernel behind a gateway that nobody is connected to is let go; a tab always is.
        self.tab = contextlib.ExitStack()
        if server.gateway:
            self.tab.enter_context(connect(address, max_size=None))
        file = (server.gateway or server).folder / "runtime" / f"kernel-{self.kernel_id}.json"
        wait_until(file.exists, what="the connection file of the kernel")
        self.client = BlockingKernelClient(connection_file=str(file))
        self.client.load_connection_file()
        self.client.start_channels(hb=False)  # on a busy machine a heart that beats late counts as a death
        self.client.wait_for_ready(timeout=120)
        wait_until(self.is_watched, what="the extension's watch over the kernel", pause=0.1)

    def is_watched(self) -> bool:
        kernels = self.server.ask("cell-monitor-lab/state")["kernels"]
        return any(kernel["id"] == self.kernel_id and kernel["is_watched"] for kernel in kernels)

    def execute(self, code: str, *, cell: int | None = None) -> str:
        """Send a request, and its hint as the panel does. Return the id of the request."""
        msg_id = str(self.client.execute(code))
        if cell is not None:
            hint = {"kind": "run", "msgId": msg_id, "kernelId": self.kernel_id, "path": self.path, "code": code}
            hint |= {"cellId": f"c{cell}", "cellIndex": cell, "cellType": "code", "ageMs": 0}
            self.server.ask("cell-monitor-lab/hints", "POST", {"hints": [hint]})
        return msg_id

    def run(self, code: str, *, cell: int | None = None, timeout: float = 60) -> dict[str, Any]:
        """Execute, and return the reply."""
        return self.reply(self.execute(code, cell=cell), timeout=timeout)

    def begun(self, msg_id: str, *, timeout: float = 60) -> None:
        """Wait until the kernel has taken up the run, and half a second more, in which its code begins."""
        deadline = time.monotonic() + timeout
        while True:
            found = self.client.get_iopub_msg(timeout=max(0.1, deadline - time.monotonic()))
            if found["msg_type"] == "execute_input" and found["parent_header"].get("msg_id") == msg_id:
                break
        time.sleep(0.5)

    def reply(self, msg_id: str, *, timeout: float = 60) -> dict[str, Any]:
        deadline = time.monotonic() + timeout
        while True:
            found = self.client.get_shell_msg(timeout=max(0.1, deadline - time.monotonic()))
            if found["parent_header"].get("msg_id") == msg_id:
                return found

    def times(self) -> dict[str, float]:
        """Return how long each run took by the dates of the kernel's messages, in ms by the request's id."""
        begun: dict[str, Any] = {}
        took: dict[str, float] = {}
        with contextlib.suppress(Exception):  # queue.Empty
            while True:
                message = self.client.get_iopub_msg(timeout=1)
                parent, content = message["parent_header"].get("msg_id"), message["content"]
                if message["msg_type"] == "execute_input":
                    begun[parent] = message["header"]["date"]
                if message["msg_type"] == "status" and content["execution_state"] == "idle" and parent in begun:
                    took[parent] = (message["header"]["date"] - begun[parent]).total_seconds() * 1000
        return took

    def close(self) -> None:
        self.client.stop_channels()
        self.tab.close()


class JupyterServer:
    """One process on a home of its own. `environment` is what a school sets (`CELL_MONITOR_…`)."""

    def __init__(self, folder: Path, *, program: str = "jupyter-server", **environment: str) -> None:
        self.folder, self.port, self.program = folder, free_port(), program
        self.root = folder / "work"
        self.root.mkdir(parents=True)
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = environment
        self.kernels: list[Kernel] = []
        self.gateway: JupyterServer | None = None  # the server that runs its kernels
        self.client = httpx.Client(base_url=self.url, headers={"Authorization": f"token {TOKEN}"}, timeout=60)
        self.start()

    def start(self) -> None:
        ours = ("CELL_MONITOR", "JUPYTER", "DJANGO", "DATABASE_URL", "REDIS_URL", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        folders = {f"JUPYTER_{name.upper()}_DIR": str(self.folder / name) for name in ("config", "data", "runtime")}
        options = ["--no-browser", "--allow-root", f"--port={self.port}", "--ServerApp.port_retries=0"]
        options += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={self.root}"]
        if self.program == "jupyter-lab":
            options.append("--LabApp.expose_app_in_browser=True")
        with (self.folder / "jupyter.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(BIN / self.program), *options],
                cwd=self.root,
                # No Node on the path, as at most students': where it is, JupyterLab runs it twice for each page.
                env={**kept, "HOME": str(self.folder), "PATH": str(self.folder), **folders, **self.environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self.answers, seconds=120, what="an answer of the Jupyter server", pause=0.05)

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "jupyter.log").read_text()
        try:
            return httpx.get(f"{self.url}/api", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def ask(self, path: str, method: str = "GET", value: Any = None) -> Any:
        """Ask a route as the panel does, and return its answer. A refusal fails."""
        answer = self.client.request(method, f"/{path}", json=value)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def state(self) -> Any:
        return self.ask("cell-monitor-lab/state")

    def write(self, path: str, content: dict[str, Any]) -> None:
        (self.root / path).write_text(json.dumps(content))

    def kernel(self, path: str, *sources: str) -> Kernel:
        """Write a notebook and start its kernel."""
        self.write(path, notebook(*sources))
        self.kernels.append(Kernel(self, path))
        return self.kernels[-1]

    def kill(self) -> None:
        """SIGKILL. Its kernels go too, as they do when a computer stops."""
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        for kernel in self.kernels:
            kernel.close()
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self.client.close()


@contextmanager
def jupyter_server(folder: Path, **environment: str) -> Iterator[JupyterServer]:
    server = JupyterServer(folder, **environment)
    try:
        yield server
    finally:
        server.close()
