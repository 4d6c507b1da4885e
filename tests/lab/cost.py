"""`python -m tests.lab.cost`: what the extension costs a student's computer, beside the same JupyterLab without it.

Prints the size of the wheel, the start of the server (processor and wall time until it answers), processor time and
memory of the server a run, and the time of the browser's main thread a run. The product really runs and takes the
events. With and without take turns; what is printed are medians of the rounds.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import FLAGS, executable
from tests.faults.product import Product
from tests.lab.conftest import MAKE_CLASS
from tests.lab.jupyter import TOKEN, JupyterServer, Kernel, notebook
from tests.live import manage
from tests.servers import ROOT

RUNS = 200
SOURCE = "total = sum(range(10_000))\nprint(total)"
MIB = 1024 * 1024


class PlainKernel(Kernel):
    """A kernel of a server without the extension."""

    def is_watched(self) -> bool:
        return True

    def execute(self, code: str, *, cell: int | None = None) -> str:
        return super().execute(code)


@contextmanager
def jupyter(folder: Path, school: dict[str, str], *, with_extension: bool) -> Iterator[JupyterServer]:
    """Start JupyterLab on a home of its own, with the extension or with both of its parts disabled."""
    if not with_extension:
        for name, value in {
            "config/jupyter_server_config.json": {"ServerApp": {"jpserver_extensions": {"cell_monitor_lab": False}}},
            "config/labconfig/page_config.json": {"disabledExtensions": {"cell-monitor-lab": True}},
        }.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(value))
    server = JupyterServer(folder, program="jupyter-lab", **(school if with_extension else {}))
    try:
        yield server
    finally:
        server.close()


def processor(process: psutil.Process) -> float:
    """Return its seconds of processor time."""
    times = process.cpu_times()
    return times.user + times.system


def server_part(server: JupyterServer, *, with_extension: bool) -> dict[str, float]:
    """Return what RUNS runs of one kernel cost the server: processor ms a run, and MiB before and after."""
    process = psutil.Process(server.process.pid)
    kernel_class = Kernel if with_extension else PlainKernel
    server.write("lesson.ipynb", notebook(SOURCE))
    kernel = kernel_class(server, "lesson.ipynb")
    server.kernels.append(kernel)
    before, memory = processor(process), process.memory_info().rss
    for _ in range(RUNS):
        kernel.run(SOURCE, cell=0)
    time.sleep(3)  # what waits is sent
    return {
        "server: processor ms a run": (processor(process) - before) * 1000 / RUNS,
        "server: MiB before the runs": memory / MIB,
        "server: MiB after the runs": process.memory_info().rss / MIB,
    }


def browser_part(page: Page, server: JupyterServer) -> dict[str, float]:
    """Return how long the browser's main thread works a run, and until JupyterLab is restored."""
    kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}  # else JupyterLab asks for one
    server.write("many.ipynb", notebook(*[SOURCE] * RUNS) | {"metadata": {"kernelspec": kernelspec}})
    client = page.context.new_cdp_session(page)
    client.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds(name: str) -> float:
        metrics = {metric["name"]: metric["value"] for metric in client.send("Performance.getMetrics")["metrics"]}
        return float(metrics[name])

    page.goto(f"{server.url}/lab?token={TOKEN}")
    page.wait_for_function("window.jupyterapp", timeout=120_000)
    page.evaluate("window.jupyterapp.restored.then(() => true)")
    started = seconds("TaskDuration")
    page.evaluate("jupyterapp.commands.execute('docmanager:open', {path: 'many.ipynb', factory: 'Notebook'})")
    page.wait_for_function(
        "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'", timeout=120_000
    )
    time.sleep(2)
    before = seconds("TaskDuration")
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells').then(() => true)")
    time.sleep(3)
    return {
        "browser: main thread ms until restored": started * 1000,
        "browser: main thread ms a run": (seconds("TaskDuration") - before) * 1000 / RUNS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.cost", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    product = Product(settings={"DEBUG": "1"})
    folder = Path(tempfile.mkdtemp(prefix="lab-cost-"))
    found: dict[tuple[str, bool], list[float]] = {}
    try:
        product.start()
        environment = {**product.environment(), **product.services()}
        printed = manage("shell", "--no-imports", "-v", "0", "-c", MAKE_CLASS, environment=environment)
        key = json.loads(printed.strip().splitlines()[-1])["key"]
        school = {
            "CELL_MONITOR_URL": f"http://127.0.0.1:{product.port}",
            "CELL_MONITOR_KEY": key,
            "CELL_MONITOR_USER_ID": "cost@example.com",
            "CELL_MONITOR_CONSENT": "given",
        }
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
            for number in range(given.rounds + 1):
                for with_extension in (True, False):
                    values: dict[str, Any] = {}
                    begun = time.monotonic()
                    home = folder / f"{number}-{with_extension}"
                    with jupyter(home, school, with_extension=with_extension) as server:
                        values["start: wall ms"] = (time.monotonic() - begun) * 1000
                        values["start: processor ms"] = processor(psutil.Process(server.process.pid)) * 1000
                        values |= server_part(server, with_extension=with_extension)
                        page = browser.new_page()
                        values |= browser_part(page, server)
                        page.close()
                    if number:  # the first round only warms the disk's cache
                        for name, value in values.items():
                            found.setdefault((name, with_extension), []).append(value)
            browser.close()
    finally:
        product.stop()
    [wheel] = (ROOT / "static/extension").glob("*.whl")
    lines = [f"wheel: {wheel.stat().st_size / 1000:.0f} kB", f"{'':42}{'with':>9}{'without':>9}{'more':>9}"]
    for name in dict.fromkeys(name for name, _ in found):
        with_it, without = (statistics.median(found[name, side]) for side in (True, False))
        lines.append(f"{name:42}{with_it:9.2f}{without:9.2f}{with_it - without:9.2f}")
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
