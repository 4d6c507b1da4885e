"""How soon: from the moment a POST is sent to its answer, to its row in PostgreSQL, to the dashboards' sockets.

Each student runs one cell a second. A dashboard's totals are absolute, so an event has arrived with the first frame in
which its student's total includes it; dashboards are opened as our pages open them. Rows are asked for by single probes
sent meanwhile: asking for all of them would be a load of its own.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from http.client import HTTPConnection
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.bodies import address, event
from benchmarks.processes import cpu_seconds
from benchmarks.rows import Row, percentiles, shown
from benchmarks.system import System
from events.simulation.connections import ConnectionPool

PROBE_EVERY = 0.2  # seconds
POLL_EVERY = 0.005  # seconds
SETTLE = 5.0  # seconds the last events get to reach the socket


Sent = dict[str, list[float]]  # when each student's n-th event went out, by address


class Totals:
    """When a dashboard's frames first counted each event."""

    def __init__(self, sent: Sent) -> None:
        self.sent = sent
        self._seen = dict.fromkeys(sent, 0)
        self.delays: list[float] = []

    def hear(self, frame: dict[str, Any], *, now: float) -> None:
        if frame.get("type") != "progress_update":
            return
        data = frame["data"]
        for row in data if isinstance(data, list) else [data]:
            email = row["emailAddress"]
            if email in self.sent:
                upto = min(row["cellExecutions"], len(self.sent[email]))
                self.delays += [now - moment for moment in self.sent[email][self._seen[email] : upto]]
                self._seen[email] = max(upto, self._seen[email])

    @property
    def missing(self) -> int:
        return sum(len(moments) for moments in self.sent.values()) - sum(self._seen.values())


class Probes(threading.Thread):
    """Posts one event at a time and looks for its row every few milliseconds, on a connection of its own."""

    def __init__(self, *, system: System, tag: str, seconds: float) -> None:
        super().__init__()
        self._system, self._tag, self._seconds = system, tag, seconds
        self.delays: list[float] = []

    def run(self) -> None:
        web = HTTPConnection("127.0.0.1", self._system.port, timeout=10)
        with self._system.connect() as database:
            until = time.monotonic() + self._seconds
            for number in _numbers():
                begun = time.monotonic()
                if begun > until:
                    break
                self.delays.append(self._probe(web=web, database=database, number=number))
                time.sleep(max(PROBE_EVERY - (time.monotonic() - begun), 0))
        web.close()

    def _probe(self, *, web: HTTPConnection, database: Any, number: int) -> float:
        one = event(tag=self._tag, number=number, students=1)
        body = msgspec.json.encode([one])
        begun = time.monotonic()
        web.request("POST", "/api/v1/events", body, {"Content-Type": "application/json"})
        web.getresponse().read()
        while not database.execute("SELECT 1 FROM cell_executions WHERE event_id = %s", [one["eventId"]]).fetchone():
            if time.monotonic() - begun > 30:
                raise RuntimeError("a probe was not stored within 30 s")
            time.sleep(POLL_EVERY)
        return time.monotonic() - begun


class Meter(threading.Thread):
    """Return the use of each part of the system in % of a core, without the first seconds, in which all connect."""

    def __init__(self, *, system: System, seconds: float) -> None:
        super().__init__()
        self._pid, self._seconds = system.pid, seconds
        self.spent: dict[str, float] = {}

    def run(self) -> None:
        time.sleep(1)
        before, begun = cpu_seconds(self._pid), time.monotonic()
        time.sleep(self._seconds - 1)
        after, took = cpu_seconds(self._pid), time.monotonic() - begun
        self.spent = {group: (after[group] - before.get(group, 0.0)) / took * 100 for group in sorted(after)}


def latency(*, system: System, tag: str, students: int, seconds: int, dashboards: int = 1) -> list[Row]:
    """Rows for the answer, the row and the sockets, each as p50, p95 and p99, and what the system took: in the first
    half of the time, because the probes of the second are a load of their own."""
    of = f"{students} students"
    meter, probes = (
        Meter(system=system, seconds=seconds / 2),
        Probes(system=system, tag=f"{tag}probe", seconds=seconds / 2),
    )
    meter.start()
    later = threading.Timer(seconds / 2, probes.start)
    later.start()
    answers, heard = asyncio.run(
        _lesson(system=system, tag=tag, students=students, seconds=seconds, dashboards=dashboards)
    )
    later.join()
    probes.join()
    spent = meter.spent
    missing = sum(totals.missing for totals in heard)
    lost = f"{missing} of {len(answers) * dashboards} never came" if missing else f"all {len(answers):,} came to each"
    parts = ", ".join(f"{group} {shown(share)}" for group, share in spent.items() if share >= 0.1)
    return [
        *percentiles(answers, name=f"{of}, POST → answer", note=f"each 1 event/s, {seconds} s"),
        *percentiles(probes.delays, name=f"{of}, POST → row", note=f"{len(probes.delays)} probes during the same"),
        *percentiles(
            [delay for totals in heard for delay in totals.delays],
            name=f"{of}, POST → socket",
            note=f"{dashboards} dashboards; {lost}",
        ),
        Row(name=f"{of}, the whole system", value=sum(spent.values()), unit="% of a core", note=parts),
    ]


async def _lesson(
    *, system: System, tag: str, students: int, seconds: int, dashboards: int
) -> tuple[list[float], list[Totals]]:
    sent: Sent = {address(tag=tag, student=number): [] for number in range(students)}
    heard, answers = [Totals(sent) for _ in range(dashboards)], list[float]()
    pool = ConnectionPool(url=f"http://127.0.0.1:{system.port}")
    async with AsyncExitStack() as sockets:
        listeners = []
        for totals in heard:
            socket = await sockets.enter_async_context(
                connect(f"ws://127.0.0.1:{system.port}/ws?runs=0", max_size=None, proxy=None)
            )
            listeners.append(asyncio.create_task(_listen(socket, totals)))
        posts = []
        begun = time.monotonic()
        for number in range(students * seconds):
            await asyncio.sleep(max(begun + number / students - time.monotonic(), 0))
            one = event(tag=tag, number=number, students=students)
            posts.append(asyncio.create_task(_post(pool=pool, one=one, sent=sent, answers=answers)))
        await asyncio.gather(*posts)
        deadline = time.monotonic() + SETTLE
        while any(totals.missing for totals in heard) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for listener in listeners:
            listener.cancel()
    await pool.close()
    return answers, heard


async def _post(*, pool: ConnectionPool, one: dict[str, object], sent: Sent, answers: list[float]) -> None:
    body = msgspec.json.encode([one])
    begun = time.monotonic()
    sent[str(one["emailAddress"])].append(begun)
    status = await pool.post(body)
    answers.append(time.monotonic() - begun)
    if status != 202:
        raise RuntimeError(f"a POST was answered {status}")


async def _listen(socket: ClientConnection, totals: Totals) -> None:
    async for frame in socket:
        totals.hear(msgspec.json.decode(frame), now=time.monotonic())


def _numbers() -> Iterator[int]:
    number = 0
    while True:
        yield number
        number += 1
