"""`python -m benchmarks.pixels`: a real browser on the live page while a class of 200 runs a cell a second each.

From the POST to the changed pixel, how busy the page's main thread is, and whether its memory grows. The page is
watched from inside: an observer sees a student's total change, waits for the frame that shows it, and notes the moment.
The busy share comes from the browser's own tracing (top-level tasks of the renderer's main thread), memory from its
metrics after a collection of garbage. Needs the packages of requirements-dev.txt and Chromium.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import msgspec
from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.bodies import address, event
from benchmarks.pages import EMAIL, PASSWORD, class_of_students
from benchmarks.rows import Row, percentiles, shown
from benchmarks.system import System, running
from events.simulation.connections import ConnectionPool

Note = tuple[str, int, float]  # a student's address, the total shown, and when, in ms since the epoch

STUDENTS = 200
TAG = "pixel"
TRACED = 30.0  # seconds of tracing: a trace of minutes would be gigabytes
SETTLE = 5.0
CATEGORIES = ["toplevel"]
TASKS = ("RunTask", "ThreadControllerImpl::RunTask")  # one of another version contains the other
BEFORE = 2  # runs of each student before the page is opened
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

# Notes [student's address, total, moment] for each total, once the frame with it has been handed to the screen.
OBSERVER = """
window.seen = [];
addEventListener("DOMContentLoaded", () => {
  const grid = document.getElementById("cards");
  if (!grid) return;
  let changed = new Set();
  const note = () => {
    const cards = changed;
    changed = new Set();
    const channel = new MessageChannel(); // a message posted in a frame's callback arrives after the frame is painted
    channel.port1.onmessage = () => {
      const now = performance.timeOrigin + performance.now();
      for (const [email, total] of cards) window.seen.push([email, Number(total), now]);
    };
    channel.port2.postMessage(0);
  };
  new MutationObserver((records) => {
    if (!changed.size) requestAnimationFrame(note);
    for (const record of records) {
      const card = (record.target.closest ? record.target : record.target.parentElement)?.closest(".card");
      const total = card?.querySelector('[data-field="runs"]')?.textContent;
      if (total) changed.add([card.dataset.email, total]);
    }
  }).observe(grid, { subtree: true, childList: true, characterData: true });
});
"""


class Class(threading.Thread):
    """200 students, a cell a second each, in a thread of their own.

    `sent` holds when each student's n-th run went out, by their address.
    """

    def __init__(self, *, system: System, seconds: float, first: int = 0) -> None:
        super().__init__(daemon=True)
        self._system, self._seconds, self._first = system, seconds, first
        self.sent: dict[str, list[float]] = {address(tag=TAG, student=number): [] for number in range(STUDENTS)}
        self.refused = 0

    def run(self) -> None:
        asyncio.run(self._teach())

    async def _teach(self) -> None:
        pool = ConnectionPool(url=f"http://127.0.0.1:{self._system.port}")
        begun = time.monotonic()
        under_way: set[asyncio.Task[None]] = set()
        for number in range(int(STUDENTS * self._seconds)):
            await asyncio.sleep(max(begun + number / STUDENTS - time.monotonic(), 0))
            task = asyncio.create_task(self._post(pool, event(tag=TAG, number=self._first + number, students=STUDENTS)))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        await asyncio.gather(*under_way)
        await pool.close()

    async def _post(self, pool: ConnectionPool, one: dict[str, object]) -> None:
        self.sent[str(one["emailAddress"])].append(time.time())
        self.refused += await pool.post(msgspec.json.encode([one])) != 202


def pixels(*, system: System, minutes: float) -> list[Row]:
    """The rows of one run of so many minutes."""
    first = Class(system=system, seconds=BEFORE)  # so that there are students to make a class of
    before = system.last_row()
    first.run()
    system.wait_for_rows(after=before, count=BEFORE * STUDENTS)
    class_id, _ = class_of_students(system)
    lesson = Class(system=system, seconds=minutes * 60, first=BEFORE * STUDENTS)
    lesson.sent = first.sent
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        _log_in(page, system)
        page.add_init_script(OBSERVER)
        page.goto(f"http://127.0.0.1:{system.port}/classes/{class_id}/")
        page.locator('#freshness[data-state="live"]').wait_for()
        metrics = page.context.new_cdp_session(page)
        metrics.send("Performance.enable")
        lesson.start()
        memory, seen = _watch(page, metrics, lesson, seconds=minutes * 60)
        busy = _trace(browser, page, seconds=min(TRACED, minutes * 30))
        lesson.join()
        page.wait_for_timeout(SETTLE * 1000)
        seen += page.evaluate("window.seen")
        browser.close()
    return [*_delays(lesson, seen, minutes), *busy, *memory]


def _log_in(page: Page, system: System) -> None:
    page.goto(f"http://127.0.0.1:{system.port}/login/")
    page.fill("input[name=username]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.locator(".class-list").wait_for()


def _watch(page: Page, metrics: CDPSession, lesson: Class, *, seconds: float) -> tuple[list[Row], list[Note]]:
    """Memory each minute after a collection, and the share of the whole time in which the main thread worked; and what
    the observer noted meanwhile."""
    until = time.monotonic() + seconds - TRACED - 1
    begun, samples = _metrics(metrics), []
    seen: list[Note] = []
    started = time.monotonic()
    while time.monotonic() < until:
        page.wait_for_timeout(min(60.0, max(until - time.monotonic(), 0.1)) * 1000)
        seen += page.evaluate("window.seen.splice(0)")  # what the observer keeps is not the page's
        metrics.send("HeapProfiler.collectGarbage")
        found = _metrics(metrics)
        samples.append((found["JSHeapUsedSize"], found["Nodes"]))
        sys.stderr.write(
            f"{time.monotonic() - started:5.0f} s: {samples[-1][0] / 2**20:.1f} MiB, {samples[-1][1]:.0f} nodes\n"
        )
    ended, spent = _metrics(metrics), time.monotonic() - started
    share = (ended["TaskDuration"] - begun["TaskDuration"]) / spent * 100
    heaps = [heap / 2**20 for heap, _ in samples]
    by_minute = "by minute: " + ", ".join(map(shown, heaps))
    rows = [
        Row(name="main thread busy, whole run", value=share, unit="%", note=f"metrics over {spent:.0f} s"),
        Row(name="page memory, first minute", value=heaps[0], unit="MiB", note="JS heap after a collection"),
        Row(name="page memory, last minute", value=heaps[-1], unit="MiB", note=by_minute),
        Row(name="DOM nodes, last minute", value=samples[-1][1], unit="", note=f"first minute {samples[0][1]:.0f}"),
    ]
    return rows, seen


def _metrics(session: CDPSession) -> dict[str, float]:
    return {entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]}


def _trace(browser: Any, page: Page, *, seconds: float) -> list[Row]:
    """The browser's own account: top-level tasks of the renderer's main thread."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.json"
        browser.start_tracing(page=page, path=path, categories=CATEGORIES)
        page.wait_for_timeout(seconds * 1000)
        browser.stop_tracing()
        entries = json.loads(path.read_text())["traceEvents"]
    names = [entry for entry in entries if entry.get("name") == "thread_name"]
    pages = {(entry["pid"], entry["tid"]) for entry in names if entry["args"]["name"] == "CrRendererMain"}
    tasks: dict[tuple[int, int], list[tuple[int, int]]] = {thread: [] for thread in pages}
    worked: dict[tuple[int, int], list[tuple[int, int]]] = {thread: [] for thread in pages}  # by the thread's own clock
    for entry in entries:
        thread = entry.get("pid"), entry.get("tid")
        if thread in tasks and entry.get("ph") == "X" and entry["name"] in TASKS:
            tasks[thread].append((entry["ts"], entry["ts"] + entry.get("dur", 0)))
            worked[thread].append((entry.get("tts", 0), entry.get("tts", 0) + entry.get("tdur", 0)))
    durations = max(map(_outermost, tasks.values()), key=sum, default=[])
    own = max((sum(_outermost(spans)) for spans in worked.values()), default=float("nan")) / seconds * 100
    share, longest = sum(durations) / seconds * 100, max(durations, default=float("nan")) * 1000
    note = f"{len(durations)} tasks in {seconds:.0f} s"
    return [
        Row(name="main thread busy, traced", value=share, unit="%", note=note),
        Row(name="the same, without waiting", value=own, unit="%", note="its own processor time"),
        Row(name="longest task", value=longest, unit="ms", note="of the same trace"),
    ]


def _outermost(spans: list[tuple[int, int]]) -> list[float]:
    """Seconds of each task, those inside another left out. Spans are in microseconds."""
    found: list[float] = []
    until = 0
    for begun, ended in sorted(spans, key=lambda span: (span[0], -span[1])):
        if begun >= until:
            found.append((ended - begun) / 1e6)
            until = ended
    return found


def _delays(lesson: Class, seen: list[Note], minutes: float) -> list[Row]:
    shown_up_to = dict.fromkeys(lesson.sent, BEFORE)
    delays: list[float] = []
    for email, total, moment in sorted(seen, key=lambda note: note[2]):
        if email in shown_up_to and total > shown_up_to[email]:
            delays += [moment / 1000 - sent for sent in lesson.sent[email][shown_up_to[email] : total]]
            shown_up_to[email] = total
    count = sum(map(len, lesson.sent.values()))
    missing = count - sum(min(upto, len(lesson.sent[email])) for email, upto in shown_up_to.items())
    note = (
        f"{STUDENTS} students × 1 event/s, {minutes:g} min; {missing} of {count} never shown, {lesson.refused} refused"
    )
    return percentiles(delays, name="POST → pixel", note=note)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    with running(workers=options.workers) as system:
        for row in pixels(system=system, minutes=options.minutes):
            print(f"{row.name:<32} {shown(row.value):>8} {row.unit:<4} {row.note}")


if __name__ == "__main__":
    main()
