"""`python -m tests.lab.homes`: homes and clocks as students really have them, beside the real product.

As root: it mounts. A home that is full, one that is read-only, one behind SFTP (sshfs, whose locks no other machine
sees) with two Jupyter servers, a queue that is destroyed under the running server, the product away meanwhile; a clock
that is put back and forward by an hour in the lesson, and the whole group of processes stopped for two minutes. Every
run that a kernel ended is one row. Prints a table, and what the student was told; fails if a run is missing.

Needs sshfs, sftp-server and gcc (Debian: sshfs, openssh-sftp-server, gcc); what is missing is said.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.faults.product import Product
from tests.faults.tcp_proxy import TcpProxy
from tests.lab.conftest import MAKE_CLASS
from tests.lab.jupyter import JupyterServer, jupyter_server
from tests.live import manage

SFTP = Path("/usr/lib/openssh/sftp-server")
QUEUE = "data/cell-monitor"  # of a home
ASLEEP = 120
Start = Callable[..., JupyterServer]


# Shifts the clock of the day by as many seconds as a file says, for a process and its children; no other clock.
SHIFT = """
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static volatile long *offset;
static long seconds(void) {
  if (!offset) {
    int file = open(getenv("CLOCK_OFFSET_FILE"), O_RDONLY);
    offset = mmap(0, 8, PROT_READ, MAP_SHARED, file, 0);
    close(file);
  }
  return *offset;
}
int clock_gettime(clockid_t id, struct timespec *found) {
  int result = syscall(SYS_clock_gettime, id, found);
  if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE) found->tv_sec += seconds();
  return result;
}
int gettimeofday(struct timeval *found, void *zone) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  found->tv_sec = now.tv_sec;
  found->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *found) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (found) *found = now.tv_sec;
  return now.tv_sec;
}
"""


class Lesson:
    """One student's runs, and what became of them. Fills nothing but the table."""

    def __init__(self, product: Product, proxy: TcpProxy, school: dict[str, str], folder: Path) -> None:
        self.product, self.proxy, self.school, self.folder = product, proxy, school, folder
        self.stack = ExitStack()
        self.asked: list[str] = []
        self.told: list[str] = []
        self.email = ""

    def start(self, name: str, **environment: str) -> JupyterServer:
        """Start a Jupyter server on the home `name`."""
        self.email = self.email or f"{name.partition('-')[0]}@example.com"
        home = self.folder / name
        return self.stack.enter_context(
            jupyter_server(home, **{**self.school, "CELL_MONITOR_USER_ID": self.email, **environment})
        )

    def run(self, server: JupyterServer, times: int, path: str = "lesson.ipynb") -> None:
        kernel = next((one for one in server.kernels if one.path == path), None) or server.kernel(path, "1")
        for _ in range(times):
            asked = kernel.execute("print(1)")
            hint = {"kind": "run", "msgId": asked, "kernelId": kernel.kernel_id, "path": path, "code": "print(1)"}
            with suppress(AssertionError):  # on a full disk the panel keeps what it posts, and posts it again
                server.ask("cell-monitor-lab/hints", "POST", {"hints": [{**hint, "cellId": "c0", "cellIndex": 0}]})
            kernel.reply(asked)
            self.asked.append(asked)

    def listen(self, server: JupyterServer) -> None:
        """Note what the student is told."""
        state = server.state()
        lasting = "" if state["queue"]["is_durable"] else ", cannot be stored"
        self.told.append(f"{state['text']['code']}, waiting {state['queue']['waiting']}{lasting}")

    def rows(self) -> list[tuple[str, float, datetime]]:
        query = (
            "SELECT e.run_id, e.duration, e.executed_at FROM cell_executions e JOIN students s ON s.id = e.student_id"
            " WHERE s.email = %s ORDER BY e.executed_at, e.id"
        )
        with psycopg.connect(self.product.services()["DATABASE_URL"]) as database:
            return database.execute(query, [self.email]).fetchall()  # type: ignore[return-value]

    def verdict(self, seconds: float = 90) -> str:
        """Wait for every run; return how it went."""
        end = time.monotonic() + seconds
        while {row[0] for row in self.rows()} < set(self.asked) and time.monotonic() < end:
            time.sleep(1)
        rows = self.rows()
        names = [row[0] for row in rows]
        missing, twice = len(set(self.asked) - set(names)), len(names) - len(set(names))
        off = max((abs(row[2].timestamp() - time.time()) for row in rows), default=0.0)
        longest = max((row[1] for row in rows), default=0.0)
        result = "right" if not missing and not twice else "WRONG"
        return (
            f"{result}: {len(self.asked)} runs, {missing} missing, {twice} twice; longest {longest:.2f} s,"
            f" all within {off:.0f} s of now"
        )


@contextmanager
def mounted(*command: object, at: Path) -> Iterator[None]:
    at.mkdir(parents=True, exist_ok=True)
    subprocess.run([str(word) for word in command], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(at)], check=False)


def a_full_home(lesson: Lesson) -> None:
    """A megabyte for the queue, and then another file takes the rest."""
    queue = lesson.folder / "full" / QUEUE
    with mounted("mount", "-t", "tmpfs", "-o", "size=400k", "none", queue, at=queue):
        server = lesson.start("full")
        lesson.run(server, 10)
        with away(lesson.proxy):
            fill(queue / "a film")
            lesson.run(server, 100)
            lesson.listen(server)
        lesson.told.append(lesson.verdict())
        (queue / "a film").unlink()
        lesson.run(server, 5)
        lesson.told.append(lesson.verdict())
        lesson.listen(server)
        lesson.stack.close()


def fill(file: Path) -> None:
    """Write until the disk is full."""
    opened = os.open(file, os.O_WRONLY | os.O_CREAT)
    try:
        while os.write(opened, b"x" * 4096):
            pass
    except OSError:
        return
    finally:
        os.close(opened)


def a_read_only_home(lesson: Lesson) -> None:
    queue = lesson.folder / "readonly" / QUEUE
    with mounted("mount", "-t", "tmpfs", "-o", "ro", "none", queue, at=queue):
        server = lesson.start("readonly", CELL_MONITOR_CONSENT="")
        lesson.told.append(server.state()["text"]["code"])
        server.ask("cell-monitor-lab/consent", "POST", {"is_given": True})
        lesson.run(server, 10)
        lesson.listen(server)
        lesson.told.append(lesson.verdict())
        lesson.stack.close()


def a_destroyed_queue(lesson: Lesson) -> None:
    """Its bytes are overwritten while the server runs, then the folder is removed."""
    server = lesson.start("destroyed")
    lesson.run(server, 10)
    lesson.verdict()
    queue = lesson.folder / "destroyed" / QUEUE
    for file in queue.glob("*.sqlite3"):
        with file.open("r+b") as opened:
            opened.write(os.urandom(file.stat().st_size))
    (queue / "settings.json").write_bytes(os.urandom(200))
    lesson.run(server, 10)
    lesson.listen(server)
    lesson.told.append(lesson.verdict())
    shutil.rmtree(queue)
    lesson.run(server, 10)
    lesson.listen(server)
    lesson.told.append(lesson.verdict())
    lesson.stack.close()


def a_home_on_another_machine(lesson: Lesson) -> None:
    """Two Jupyter servers with one home, each through a mount of its own: neither sees the locks of the other."""
    far = lesson.folder / "far"
    far.mkdir(parents=True)
    command = lesson.folder / "sftp.sh"
    command.write_text(f"#!/bin/sh\nexec {SFTP}\n")
    command.chmod(0o755)
    with ExitStack() as mounts:
        servers = []
        for name in ("sshfs-1", "sshfs-2"):
            queue = lesson.folder / name / QUEUE
            mounts.enter_context(
                mounted("sshfs", f"any:{far}", queue, "-o", f"ssh_command={command}", "-o", "cache=no", at=queue)
            )
            server = lesson.start(name)
            servers.append(server)
            lesson.run(server, 10, f"{name}.ipynb")
        with away(lesson.proxy):
            for number in range(20):
                lesson.run(servers[number % 2], 1, f"sshfs-{number % 2 + 1}.ipynb")
            lesson.run(servers[0], 3, "sshfs-1.ipynb")
            third = lesson.folder / "sshfs-3" / QUEUE  # a third starts while the others live
            mounts.enter_context(
                mounted("sshfs", f"any:{far}", third, "-o", f"ssh_command={command}", "-o", "cache=no", at=third)
            )
            slow = servers[1].kernels[0].execute("import time; time.sleep(8); print('slow')", cell=0)
            time.sleep(2)
            servers.append(lesson.start("sshfs-3"))
            servers[1].kernels[0].reply(slow)
            lesson.asked.append(slow)
            lesson.run(servers[1], 3, "sshfs-2.ipynb")
            for server in servers:
                lesson.listen(server)
        lesson.told.append(lesson.verdict())
        with psycopg.connect(lesson.product.services()["DATABASE_URL"]) as database:
            found = database.execute("SELECT status FROM cell_executions WHERE run_id = %s", [slow]).fetchall()
        lesson.told.append(f"the run that was on when a third server came: {found}")
        lesson.stack.close()


def a_clock_that_is_set(lesson: Lesson) -> None:
    """For the Jupyter server and its kernels: an hour back, then an hour forward, in the lesson and while away."""
    library, offsets = lesson.folder / "shift.so", lesson.folder / "offset"
    (lesson.folder / "shift.c").write_text(SHIFT)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, lesson.folder / "shift.c"], check=True)
    offsets.write_bytes(bytes(8))
    server = lesson.start("clock", LD_PRELOAD=str(library), CLOCK_OFFSET_FILE=str(offsets))
    lesson.run(server, 5)
    for offset in (-3600, 3600, 0):
        with away(lesson.proxy):
            lesson.run(server, 5)
            with offsets.open("r+b") as opened:
                opened.write(offset.to_bytes(8, "little", signed=True))
            lesson.run(server, 5)
            lesson.listen(server)
        lesson.told.append(f"clock {offset:+} s: {lesson.verdict()}")
    lesson.stack.close()


def a_sleep_of_two_minutes(lesson: Lesson) -> None:
    """SIGSTOP of the Jupyter server with its kernels, in a run. It is no sleep of the machine: clocks go on."""
    server = lesson.start("asleep")
    lesson.run(server, 3)
    kernel = server.kernels[0]
    slow = kernel.execute("import time; time.sleep(5)", cell=0)
    kernel.begun(slow)
    family = [server.process.pid, *(child.pid for child in psutil.Process(server.process.pid).children(recursive=True))]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(ASLEEP)
    for pid in family:
        os.kill(pid, signal.SIGCONT)
    kernel.reply(slow)
    lesson.asked.append(slow)
    lesson.run(server, 3)
    lesson.listen(server)
    lesson.told.append(lesson.verdict())
    lesson.stack.close()


@contextmanager
def away(proxy: TcpProxy) -> Iterator[None]:
    """No way to the product."""
    proxy.disconnect()
    try:
        yield
    finally:
        proxy.open()


CASES = {
    "full": a_full_home,
    "readonly": a_read_only_home,
    "destroyed": a_destroyed_queue,
    "sshfs": a_home_on_another_machine,
    "clock": a_clock_that_is_set,
    "asleep": a_sleep_of_two_minutes,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.homes", description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=" ".join(CASES))
    given = parser.parse_args()
    product = Product(settings={"DEBUG": "1"})
    proxy = TcpProxy(behind=product.port)
    folder = Path(tempfile.mkdtemp(prefix="lab-homes-"))
    lines: list[str] = []
    try:
        product.start()
        proxy.open()
        environment: dict[str, Any] = {**product.environment(), **product.services()}
        printed = manage("shell", "--no-imports", "-v", "0", "-c", MAKE_CLASS, environment=environment)
        school = {
            "CELL_MONITOR_URL": proxy.url,
            "CELL_MONITOR_KEY": json.loads(printed.strip().splitlines()[-1])["key"],
            "CELL_MONITOR_CONSENT": "given",
        }
        for name in given.cases:
            needed = {"sshfs": SFTP, "clock": Path(shutil.which("gcc") or "gcc")}.get(name)
            if needed and not needed.exists():
                lines.append(f"{name}: NOT tried, {needed} is not installed")
                continue
            lesson = Lesson(product, proxy, school, folder)
            try:
                CASES[name](lesson)
            except Exception as error:  # the others go on
                lesson.told.append(f"WRONG: {type(error).__name__}: {error}")
            finally:
                lesson.stack.close()
            lines += [f"{name}:", *(f"    {one}" for one in lesson.told)]
            sys.stdout.write("\n".join(lines[-len(lesson.told) - 1 :]) + "\n")
            sys.stdout.flush()
    finally:
        proxy.close()
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)
    sys.exit(any("WRONG" in line for line in lines))


if __name__ == "__main__":
    main()
