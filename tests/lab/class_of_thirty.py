"""`python -m tests.lab.class_of_thirty`: a class of real Jupyter servers, some with a real browser, on one product.

Each kernel runs cells at a student's pace, with errors and waits: asked by a client that names cells as the panel does,
or in JupyterLab in Chromium, where the panel itself does. The product is killed twice (SIGKILL of all processes) and
started again, and the network before it is cut once. Afterwards every run that a kernel ended is one row, in the
kernel's order, with the kernel's duration within 50 ms. Prints a table, and fails if one is missing.
"""

import argparse
import contextlib
import json
import random
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from jupyter_core.utils import ensure_event_loop
from playwright.sync_api import Page, sync_playwright
from psycopg.rows import dict_row

from tests.browser.conftest import FLAGS, executable
from tests.faults.product import Product
from tests.faults.tcp_proxy import TcpProxy
from tests.lab.conftest import MAKE_CLASS
from tests.lab.jupyter import TOKEN, JupyterServer, Kernel, notebook
from tests.live import manage
from tests.servers import wait_until

CODES = ("1 + 1", "1 / 0", "undefined", "import time; time.sleep(1.5)", "print('x' * 2000)", "sum(range(10**6))")
START_SECONDS = 180  # of JupyterLab with a notebook in a browser, on a busy machine
OPEN = """jupyterapp.commands.execute('docmanager:open', {path: 'lesson.ipynb', factory: 'Notebook'})
  .then(() => true, () => false)"""
IDLE = "jupyterapp.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
RUN = """cell => {
  const {content} = jupyterapp.shell.currentWidget;
  content.activeCellIndex = cell;
  content.deselectAll();
  return jupyterapp.commands.execute('notebook:run-cell').then(() => true, () => false); }"""
TOLERANCE = 50.0  # ms


@dataclass
class Student:
    """One Jupyter server, its kernel, and what the kernel said of its runs."""

    number: int
    server: JupyterServer
    begin: threading.Barrier  # of all students: the lesson starts when everybody is there
    seconds: float
    pace: float
    asked: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)  # ms, by the id of the request
    cells: dict[str, str] = field(default_factory=dict)  # by the id of the request
    error: str | None = None

    @property
    def email(self) -> str:
        return f"lab{self.number:02d}@example.com"

    def work(self) -> None:
        """Run cells for `seconds`, `pace` seconds apart on average."""
        try:
            self.lesson()
        except Exception as error:
            self.begin.abort()
            self.error = f"{type(error).__name__}: {error}"
        finally:
            ensure_event_loop().close()  # the one that the kernel's client made for this thread

    def lesson(self) -> None:
        kernel = self.server.kernel("lesson.ipynb", *CODES)
        for cell, pause in self.cells_in_time():
            asked = kernel.execute(CODES[cell], cell=cell)
            kernel.reply(asked)
            self.asked.append(asked)
            self.cells[asked] = f"c{cell}"
            time.sleep(pause)
        self.took = kernel.times()

    def cells_in_time(self) -> Iterator[tuple[int, float]]:
        """Yield cells to run, each with the seconds to wait after it, until the lesson is over."""
        chance = random.Random(self.number)
        self.begin.wait(START_SECONDS)
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            yield chance.randrange(len(CODES)), chance.expovariate(1 / self.pace)


class BrowserStudent(Student):
    """One who works in JupyterLab in a browser; what its kernel says is heard beside it."""

    def lesson(self) -> None:
        kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}  # else JupyterLab asks
        self.server.write("lesson.ipynb", notebook(*CODES) | {"metadata": {"kernelspec": kernelspec}})
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
            page = browser.new_page()
            page.set_default_timeout(START_SECONDS * 1000)
            kernel = self.open(page)
            for cell, pause in self.cells_in_time():
                page.evaluate(RUN, cell)
                kernel.listen(until=len(self.took) + 1, seconds=30)
                self.took = kernel.took
                self.cells |= dict.fromkeys([asked for asked in self.took if asked not in self.cells], f"c{cell}")
                time.sleep(pause)
            self.asked = list(self.took)
            browser.close()

    def open(self, page: Page) -> "HeardKernel":
        page.goto(f"{self.server.url}/lab?token={TOKEN}")
        page.wait_for_function("window.jupyterapp")
        page.evaluate("window.jupyterapp.restored.then(() => true)")
        page.evaluate(OPEN)
        page.wait_for_function(IDLE)
        kernel = HeardKernel(self.server, "lesson.ipynb")
        self.server.kernels.append(kernel)
        return kernel


class HeardKernel(Kernel):
    """The kernel that the browser asks: the session of that path is there already."""

    def __init__(self, server: JupyterServer, path: str) -> None:
        super().__init__(server, path)
        self.begun: dict[str, datetime] = {}
        self.took: dict[str, float] = {}  # ms, in the order in which runs ended

    def listen(self, *, until: int, seconds: float) -> None:
        """Hear the kernel until so many runs have ended. Raises queue.Empty after so many seconds of silence."""
        while len(self.took) < until:
            message = self.client.get_iopub_msg(timeout=seconds)
            parent, date = message["parent_header"].get("msg_id"), message["header"]["date"]
            if message["msg_type"] == "execute_input":
                self.begun[parent] = date
            is_idle = message["msg_type"] == "status" and message["content"]["execution_state"] == "idle"
            if is_idle and parent in self.begun:
                self.took[parent] = (date - self.begun[parent]).total_seconds() * 1000


def disturb(product: Product, proxy: TcpProxy, *, seconds: float, outage: float) -> list[str]:
    """Kill all of the product at a fifth and three fifths of the time, and cut the network at two fifths."""
    told, begin = [], time.monotonic()
    for share, kind in ((0.2, "kill"), (0.4, "cut"), (0.6, "kill")):
        time.sleep(max(0.0, begin + share * seconds - time.monotonic()))
        if kind == "cut":
            proxy.disconnect()
            time.sleep(outage)
            proxy.open()
        else:
            assert product.process is not None
            family = [
                *psutil.Process(product.process.pid).children(recursive=True),
                psutil.Process(product.process.pid),
            ]
            for process in family:
                process.send_signal(signal.SIGKILL)
            product.process.wait()
            time.sleep(outage)
            product.start_up()
            wait_until(product.answers, seconds=120, what=f"an answer\n{product.tail()}")
        told.append(f"{kind} at {share * seconds:.0f} s for {outage:.0f} s")
    return told


def rows_of(product: Product, email: str) -> list[dict[str, Any]]:
    with product.database() as database:
        database.row_factory = dict_row  # type: ignore[assignment]
        query = (
            "SELECT run_id, duration, status, e.is_verified, c.cell_id AS cell FROM cell_executions e"
            " JOIN students s ON s.id = e.student_id JOIN cells c ON c.id = e.cell_id"
            " WHERE s.email = %s ORDER BY executed_at, e.id"
        )
        return database.execute(query, [email]).fetchall()  # type: ignore[return-value]


@dataclass
class Verdict:
    """What a lesson came to."""

    lines: list[str]  # a table
    is_right: bool


def judge(product: Product, students: list[Student]) -> Verdict:
    """Compare rows with what the kernels said."""
    asked = missing = doubled = disordered = unverified = elsewhere = 0
    stored = in_browsers = 0
    gaps: list[float] = []
    for student in students:
        rows = rows_of(product, student.email)
        ids = [row["run_id"] for row in rows]
        asked += len(student.asked)
        stored += len(rows)
        in_browsers += len(student.asked) * isinstance(student, BrowserStudent)
        missing += len(set(student.asked) - set(ids))
        doubled += len(ids) - len(set(ids))
        disordered += ids != student.asked
        unverified += sum(not row["is_verified"] for row in rows)
        elsewhere += sum(student.cells.get(row["run_id"]) != row["cell"] for row in rows)
        gaps += [
            abs(row["duration"] * 1000 - student.took[row["run_id"]])
            for row in rows
            if row["run_id"] in student.took and row["duration"] is not None
        ]
    compared, off = len(gaps), sum(gap > TOLERANCE for gap in gaps)
    errors = [f"{student.email}: {student.error}" for student in students if student.error]
    typical = statistics.median(gaps) if gaps else 0.0
    lines = [
        f"runs that a kernel ended   {asked}, of these in browsers {in_browsers}",
        f"rows                       {stored}",
        f"missing, stored twice      {missing}, {doubled}",
        f"students out of order      {disordered}",
        f"at another cell            {elsewhere}",
        f"durations off by > 50 ms   {off} of {compared} (median {typical:.1f}, worst {max(gaps, default=0.0):.1f} ms)",
        f"not verified               {unverified}",
        *errors,
    ]
    wrong = missing or doubled or disordered or elsewhere or off or unverified or errors
    return Verdict(lines, not wrong and compared > 0)


def hold_lesson(*, servers: int, browsers: int, seconds: float, pace: float, outage: float) -> Verdict:
    """Let the class work for so long, with two kills and a cut of `outage` seconds, and judge what is stored."""
    product = Product(settings={"DEBUG": "1"})
    proxy = TcpProxy(behind=product.port)
    folder = Path(tempfile.mkdtemp(prefix="lab-class-"))
    students: list[Student] = []
    try:
        product.start()
        proxy.open()
        environment = {**product.environment(), **product.services()}
        printed = manage("shell", "--no-imports", "-v", "0", "-c", MAKE_CLASS, environment=environment)
        key = json.loads(printed.strip().splitlines()[-1])["key"]
        begin = threading.Barrier(servers + browsers + 1)

        def arrive(number: int) -> Student:
            has_browser = number >= servers
            school = {"URL": proxy.url, "KEY": key, "USER_ID": f"lab{number:02d}@example.com", "CONSENT": "given"}
            variables = {f"CELL_MONITOR_{name}": value for name, value in school.items()}
            program = "jupyter-lab" if has_browser else "jupyter-server"
            server = JupyterServer(folder / str(number), program=program, **variables)
            return (BrowserStudent if has_browser else Student)(number, server, begin, seconds, pace)

        with ThreadPoolExecutor(3) as pool:
            for student in pool.map(arrive, range(servers + browsers)):
                students.append(student)
        threads = [threading.Thread(target=student.work) for student in students]
        for thread in threads:
            thread.start()
        with contextlib.suppress(threading.BrokenBarrierError):  # the student who broke it says why
            begin.wait(START_SECONDS)
        told = disturb(product, proxy, seconds=seconds, outage=outage)
        for thread in threads:
            thread.join()
        ended = time.monotonic()
        with contextlib.suppress(AssertionError):  # the verdict says what is missing
            wait_until(
                lambda: all(len(rows_of(product, student.email)) >= len(student.asked) for student in students),
                seconds=180,
                what="all rows",
            )
        stored = time.monotonic() - ended
        verdict = judge(product, students)
        whole = f"{servers} Jupyter servers and {browsers} with browsers, {seconds:g} s; {'; '.join(told)}"
        last = f"all stored                 {stored:.1f} s after the last run"
        return Verdict([whole, *verdict.lines, last], verdict.is_right)
    finally:
        for student in students:
            student.server.close()
        proxy.close()
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.class_of_thirty", description=__doc__)
    parser.add_argument("--servers", type=int, default=30)
    parser.add_argument("--browsers", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pace", type=float, default=6.0, help="seconds between a student's runs, on average")
    parser.add_argument("--outage", type=float, default=30.0, help="seconds of each kill and of the cut")
    given = parser.parse_args()
    verdict = hold_lesson(
        servers=given.servers,
        browsers=given.browsers,
        seconds=given.minutes * 60,
        pace=given.pace,
        outage=given.outage,
    )
    sys.stdout.write("\n".join([*verdict.lines, ""]))
    if not verdict.is_right:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
