"""How soon: from the moment a POST is sent to its answer, to its row in PostgreSQL, to a dashboard's socket.

200 students run one cell a second each. A dashboard's totals are absolute, so an event has arrived with the first frame
in which its student's total includes it. Rows are asked for by single probes sent meanwhile: asking for all of them
would be a load of its own.
"""

import asyncio
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any

import msgspec
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.bodies import address, event
from benchmarks.rows import Row, percentiles
from benchmarks.system import System
from events.simulation.connections import ConnectionPool

PROBE_EVERY = 0.2  # seconds
POLL_EVERY = 0.005  # seconds
SETTLE = 5.0  # seconds the last events get to reach the socket


class Totals:
    """When each student's n-th event went out, and when a frame first counted it."""

    def __init__(self, *, tag: str, students: int) -> None:
        self.sent: dict[str, list[float]] = {address(tag=tag, student=number): [] for number in range(students)}
        self._seen = dict.fromkeys(self.sent, 0)
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


def latency(*, system: System, tag: str, students: int, seconds: int) -> list[Row]:
    """Rows for the answer, the row and the socket, each as p50, p95 and p99."""
    probes = Probes(system=system, tag=f"{tag}probe", seconds=seconds)
    probes.start()
    answers, totals = asyncio.run(_lesson(system=system, tag=tag, students=students, seconds=seconds))
    probes.join()
    note = f"{students} students × 1 event/s, {seconds} s"
    lost = f"; {totals.missing} of {len(answers)} never came" if totals.missing else f"; all {len(answers)} came"
    return [
        *percentiles(answers, name="POST → answer", note=note),
        *percentiles(probes.delays, name="POST → row", note=f"{len(probes.delays)} probes during the same"),
        *percentiles(totals.delays, name="POST → socket", note=note + lost),
    ]


async def _lesson(*, system: System, tag: str, students: int, seconds: int) -> tuple[list[float], Totals]:
    totals, answers = Totals(tag=tag, students=students), list[float]()
    pool = ConnectionPool(url=f"http://127.0.0.1:{system.port}")
    async with connect(f"ws://127.0.0.1:{system.port}/ws", max_size=None, proxy=None) as socket:
        listener = asyncio.create_task(_listen(socket, totals))
        posts = []
        begun = time.monotonic()
        for number in range(students * seconds):
            await asyncio.sleep(max(begun + number / students - time.monotonic(), 0))
            one = event(tag=tag, number=number, students=students)
            posts.append(asyncio.create_task(_post(pool=pool, one=one, totals=totals, answers=answers)))
        await asyncio.gather(*posts)
        deadline = time.monotonic() + SETTLE
        while totals.missing and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        listener.cancel()
    await pool.close()
    return answers, totals


async def _post(*, pool: ConnectionPool, one: dict[str, object], totals: Totals, answers: list[float]) -> None:
    body = msgspec.json.encode([one])
    begun = time.monotonic()
    totals.sent[str(one["emailAddress"])].append(begun)
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
