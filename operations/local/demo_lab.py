"""A JupyterLab for the demo class, in which a teacher plays a student (`manage.py up --demo --lab`)."""

import http.client
import json
import os
import secrets
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from events.simulation.lesson import notebook
from operations.local.processes import Program

FIRST_PORT, PORTS = 8888, 100
STUDENT = {"USER_ID": "you@example.com", "USER_NAME": "あなた / You"}


@dataclass(kw_only=True)
class DemoLab:
    """A JupyterLab with the extension, connected to the demo class. Its files are in `folder`, so that a Jupyter of the
    user's own is not touched."""

    jupyter: Path  # the command, in an environment that has JupyterLab and the extension
    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    # JupyterLab's own login asks for it; in the address, `config.logs` would hide it.
    token: str = field(default_factory=lambda: secrets.token_urlsafe(9))

    def __post_init__(self) -> None:
        if not os.access(self.jupyter, os.X_OK):
            raise ImproperlyConfigured(
                f"{self.jupyter} is not a command. `make demo-lab` installs JupyterLab and starts it."
            )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/lab"

    def program(self, *, url: str, key: str) -> Program:
        """Write the notebook of the lesson where there is none, and return the program."""
        notebooks = self.folder / "notebooks"
        path = self._write_notebook(notebooks)
        options = ["--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={self.port}"]
        options += ["--ServerApp.port_retries=0", f"--ServerApp.root_dir={notebooks}"]
        options += [f"--LabApp.default_url=/lab/tree/{path}", "--LabApp.news_url=None", "--Application.log_level=WARN"]
        if os.geteuid() == 0:
            options.append("--allow-root")
        student = {f"CELL_MONITOR_{name}": value for name, value in STUDENT.items()}
        jupyter = {f"JUPYTER_{name}_DIR": str(self.folder / name.lower()) for name in ("CONFIG", "DATA", "RUNTIME")}
        return Program(
            name="lab",
            rank=6,
            argv=(str(self.jupyter), "lab", *options),
            environment={
                **student,
                **jupyter,
                "JUPYTER_TOKEN": self.token,
                "CELL_MONITOR_URL": url,
                "CELL_MONITOR_KEY": key,
                "CELL_MONITOR_CONSENT": "given",
                # Jupyter's own environment, without the product's.
                "PYTHONPATH": "",
            },
        )

    def is_ready(self) -> bool:
        lab = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            lab.request("GET", "/api")
            return lab.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            lab.close()

    def _write_notebook(self, notebooks: Path) -> str:
        """Write what the simulated class works on, with the same cell ids, and return its path below `notebooks`."""
        lesson = notebook(language="ja", number=1)
        file = notebooks / lesson.path
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            cells: list[dict[str, Any]] = [
                {"id": cell.cell_id, "cell_type": cell.kind, "metadata": {}, "source": cell.code}
                | ({"execution_count": None, "outputs": []} if cell.kind == "code" else {})
                for cell in lesson.cells
            ]
            kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
            content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
            file.write_text(json.dumps(content, ensure_ascii=False, indent=1), "utf-8")
        return lesson.path


def _free_port() -> int:
    """Return the first free port from JupyterLab's usual one on. Raises ImproperlyConfigured."""
    for port in range(FIRST_PORT, FIRST_PORT + PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ImproperlyConfigured(f"JupyterLab needs a port, and {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are all in use.")
