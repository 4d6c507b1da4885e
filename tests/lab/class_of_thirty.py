"""`python -m tests.lab.class_of_thirty`: a class of real Jupyter servers without browsers, on one product.

Each server's kernel runs cells at a student's pace, with errors and waits. The product is killed twice (SIGKILL of all
processes) and started again, and the network before it is cut once. Afterwards every run that a kernel ended is one
row, in the kernel's order, with the kernel's duration within 50 ms. Prints a table, and fails if one is missing.
"""

import argparse
import json
import random
import signal
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from psycopg.rows import dict_row

from tests.faults.product import Product
from tests.faults.tcp_proxy import TcpProxy
from tests.lab.conftest import MAKE_CLASS
from tests.lab.jupyter import JupyterServer
from tests.live import manage
from tests.servers import wait_until

CODES = ("1 + 1", "1 / 0", "undefined", "import time; time.sleep(1.5)", "print('x' * 2000)", "sum(range(10**6))")
OUTAGE = 30.0  # seconds of each kill and of the cut
TOLERANCE = 50.0  # ms


@dataclass
class Student:
    """One Jupyter server, its kernel, and what the kernel said of its runs."""

    number: int
    server: JupyterServer
    asked: list[str] = field(default_factory=list)
    took: dict[str, float] = field(default_factory=dict)  # ms, by the id of the request
    error: str | None = None

    @property
    def email(self) -> str:
        return f"lab{self.number:02d}@example.com"

    def work(self, until: float, pace: float) -> None:
        """Run cells until then, `pace` seconds apart on average."""
        chance = random.Random(self.number)
        try:
            kernel = self.server.kernel("lesson.ipynb", *CODES)
            while time.monotonic() < until:
                cell = chance.randrange(len(CODES))
                asked = kernel.execute(CODES[cell], cell=cell)
                kernel.reply(asked)
                self.asked.append(asked)
                time.sleep(chance.expovariate(1 / pace))
            self.took = kernel.times()
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"


def disturb(product: Product, proxy: TcpProxy, *, begin: float, seconds: float) -> list[str]:
    """Kill all of the product at a fifth and three fifths of the time, and cut the network at two fifths."""
    told = []
    for share, kind in ((0.2, "kill"), (0.4, "cut"), (0.6, "kill")):
        time.sleep(max(0.0, begin + share * seconds - time.monotonic()))
        if kind == "cut":
            proxy.disconnect()
            time.sleep(OUTAGE)
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
            time.sleep(OUTAGE)
            product.start_up()
            wait_until(product.answers, seconds=120, what=f"an answer\n{product.tail()}")
        told.append(f"{kind} at {share * seconds:.0f} s for {OUTAGE:.0f} s")
    return told


def rows_of(product: Product, email: str) -> list[dict[str, Any]]:
    with product.database() as database:
        database.row_factory = dict_row  # type: ignore[assignment]
        query = (
            "SELECT run_id, duration, status, is_verified FROM cell_executions e JOIN students s ON s.id = e.student_id"
            " WHERE s.email = %s ORDER BY executed_at, e.id"
        )
        return database.execute(query, [email]).fetchall()  # type: ignore[return-value]


def judge(product: Product, students: list[Student]) -> tuple[list[str], bool]:
    """Compare rows with what the kernels said. Return lines of a table, and whether all is right."""
    asked = missing = doubled = disordered = compared = off = unverified = 0
    worst = 0.0
    for student in students:
        rows = rows_of(product, student.email)
        ids = [row["run_id"] for row in rows]
        asked += len(student.asked)
        missing += len(set(student.asked) - set(ids))
        doubled += len(ids) - len(set(ids))
        disordered += ids != student.asked
        unverified += sum(not row["is_verified"] for row in rows)
        for row in rows:
            if row["run_id"] in student.took and row["duration"] is not None:
                gap = abs(row["duration"] * 1000 - student.took[row["run_id"]])
                worst = max(worst, gap)
                compared += 1
                off += gap > TOLERANCE
    errors = [f"{student.email}: {student.error}" for student in students if student.error]
    lines = [
        f"runs that a kernel ended   {asked}",
        f"missing, stored twice      {missing}, {doubled}",
        f"students out of order      {disordered}",
        f"durations off by > 50 ms   {off} of {compared} (worst {worst:.1f} ms)",
        f"not verified               {unverified}",
        *errors,
    ]
    return lines, not (missing or doubled or disordered or off or unverified or errors) and compared > 0


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.class_of_thirty", description=__doc__)
    parser.add_argument("--servers", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--pace", type=float, default=6.0, help="seconds between a student's runs, on average")
    given = parser.parse_args()
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
        for number in range(given.servers):
            school = {"URL": proxy.url, "KEY": key, "USER_ID": f"lab{number:02d}@example.com", "CONSENT": "given"}
            variables = {f"CELL_MONITOR_{name}": value for name, value in school.items()}
            students.append(Student(number, JupyterServer(folder / str(number), **variables)))
            sys.stdout.write(f"\r{number + 1} Jupyter servers")
            sys.stdout.flush()
        seconds = given.minutes * 60
        begin = time.monotonic()
        threads = [threading.Thread(target=student.work, args=(begin + seconds, given.pace)) for student in students]
        for thread in threads:
            thread.start()
        told = disturb(product, proxy, begin=begin, seconds=seconds)
        for thread in threads:
            thread.join()
        ended = time.monotonic()
        wait_until(
            lambda: all(len(rows_of(product, student.email)) >= len(student.asked) for student in students),
            seconds=180,
            what="all rows",
        )
        lines, is_right = judge(product, students)
        whole = f"{given.servers} Jupyter servers, {given.minutes:g} minutes; {'; '.join(told)}"
        last = f"all stored                 {time.monotonic() - ended:.1f} s after the last run"
        sys.stdout.write("\n".join(["", whole, *lines, last, ""]))
        if not is_right:
            raise SystemExit(1)
    finally:
        for student in students:
            student.server.close()
        proxy.close()
        product.stop()


if __name__ == "__main__":
    main()
