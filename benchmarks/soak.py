"""A long lesson, to see what grows: `python -m benchmarks.soak --minutes 60 --students 200`.

Starts a system of its own, as `manage.py up` does for anybody, and lets each student run one cell a second while a
dashboard listens and visitors come and go. Every minute: memory of each process, Redis, PostgreSQL, delays. At the end:
growth, as the slope after the warm-up and as the last part against the first. Other work on the machine disturbs the
delays; it does not disturb the memory.
"""

import argparse
import asyncio
import contextlib
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psycopg
from redis import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from benchmarks.bodies import address, event
from benchmarks.footprint import look
from benchmarks.growth import flat, growth
from benchmarks.report import RESULTS, machine, table
from benchmarks.rows import Row
from benchmarks.system import System, running
from events.simulation.connections import ConnectionPool

VISIT_EVERY = 5.0  # seconds between two people who open the dashboard and go away
AGAIN = 0.5  # seconds until a POST that was answered 5xx, or not at all, is sent again
SETTLE = 30.0  # seconds the last events get


class Delays:
    """Of the current minute, in seconds; and what the dashboard has not yet shown."""

    def __init__(self, *, students: int) -> None:
        self.sent: dict[str, list[float]] = {address(tag="soak", student=number): [] for number in range(students)}
        self._seen = dict.fromkeys(self.sent, 0)
        self.answers: list[float] = []
        self.screens: list[float] = []
        self.failures = 0

    def hear(self, frame: dict[str, Any], *, now: float) -> None:
        if frame.get("type") != "progress_update":
            return
        rows = frame["data"] if isinstance(frame["data"], list) else [frame["data"]]
        for row in rows:
            email = row["emailAddress"]
            if email in self.sent:
                new = max(0, row["cellExecutions"] - self._seen[email])
                self.screens += [now - moment for moment in self.sent[email][:new]]
                del self.sent[email][:new]
                self._seen[email] += new

    @property
    def unseen(self) -> int:
        return sum(map(len, self.sent.values()))

    def take(self) -> dict[str, float]:
        """Percentiles of the minute in ms, and how many POSTs; begins the next minute."""
        answers, screens, failures = sorted(self.answers), sorted(self.screens), self.failures
        self.answers, self.screens, self.failures = [], [], 0
        return {
            "posts": len(answers),
            "failures": failures,
            "post p50": _at(answers, 50),
            "post p99": _at(answers, 99),
            "socket p95": _at(screens, 95),
            "unseen": self.unseen,
        }


def _at(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] * 1000 if ordered else float("nan")


async def lesson(*, system: System, students: int, minutes: float, rate: float) -> list[dict[str, Any]]:
    """One sample a minute, the last one after everything has come to rest."""
    delays, stop = Delays(students=students), asyncio.Event()
    helpers = [
        asyncio.create_task(_dashboard(system, delays)),
        asyncio.create_task(_visitors(system)),
    ]
    sampler = asyncio.create_task(_sample(system, delays, stop))
    sent = await _send(system=system, delays=delays, students=students, seconds=minutes * 60, rate=rate)
    deadline = time.monotonic() + SETTLE
    while delays.unseen and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    stop.set()
    samples = await sampler
    for helper in helpers:
        helper.cancel()
    await asyncio.gather(*helpers, return_exceptions=True)
    with psycopg.connect(system.database_url, autocommit=True) as database:
        [(stored,)] = database.execute("SELECT count(*) FROM cell_executions").fetchall()
    samples[-1] |= {"sent": sent, "stored": stored}
    return samples


async def _send(*, system: System, delays: Delays, students: int, seconds: float, rate: float) -> int:
    pool, posts, begun, number = ConnectionPool(url=system.url), set[asyncio.Task[None]](), time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        await asyncio.sleep(max(begun + number / rate - time.monotonic(), 0))
        one = event(tag="soak", number=number, students=students)
        posts.add(post := asyncio.create_task(_post(pool, one, delays)))
        post.add_done_callback(posts.discard)
        number += 1
    await asyncio.gather(*posts)
    await pool.close()
    return number


async def _post(pool: ConnectionPool, one: dict[str, object], delays: Delays) -> None:
    """Until it is accepted, as the extension does it."""
    body, begun = msgspec.json.encode([one]), time.monotonic()
    delays.sent[str(one["emailAddress"])].append(begun)
    while True:
        try:
            status = await pool.post(body)
        except (OSError, asyncio.IncompleteReadError):
            status = 599
        if status == 202:
            delays.answers.append(time.monotonic() - begun)
            return
        if status < 500:
            raise RuntimeError(f"a POST was answered {status}")
        delays.failures += 1
        await asyncio.sleep(AGAIN)


async def _dashboard(system: System, delays: Delays) -> None:
    while True:
        try:
            async with connect(f"ws://127.0.0.1:{system.port}/ws", max_size=None, proxy=None) as socket:
                await _listen(socket, delays)
        except (OSError, WebSocketException):
            delays.failures += 1
        await asyncio.sleep(1)


async def _listen(socket: ClientConnection, delays: Delays) -> None:
    async for frame in socket:
        delays.hear(msgspec.json.decode(frame), now=time.monotonic())


async def _visitors(system: System) -> None:
    """Open and close the dashboard again and again, to find leaks per connection."""
    async with httpx.AsyncClient(base_url=system.url, timeout=30) as client:
        while True:
            try:
                async with connect(f"ws://127.0.0.1:{system.port}/ws", max_size=None, proxy=None) as socket:
                    await client.get("/api/v1/dashboard/overview")
                    await asyncio.wait_for(socket.recv(), 5)
            except (OSError, TimeoutError, WebSocketException, httpx.HTTPError):
                pass
            await asyncio.sleep(VISIT_EVERY)


async def _sample(system: System, delays: Delays, stop: asyncio.Event) -> list[dict[str, Any]]:
    samples: list[dict[str, Any]] = []
    begun = time.monotonic()
    with psycopg.connect(system.database_url, autocommit=True) as database, Redis.from_url(system.redis_url) as redis:
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.1, begun + 60 * (len(samples) + 1) - time.monotonic()))
            found = await asyncio.to_thread(look, system=system, redis=redis, database=database)
            samples.append({"minute": (time.monotonic() - begun) / 60, "delays": delays.take(), **found})
            print(_line(samples[-1]), flush=True)
    return samples


def _line(sample: dict[str, Any]) -> str:
    uss = "  ".join(f"{part} {numbers['uss']:.1f}" for part, numbers in sample["memory"].items())
    redis, database, delays = sample["redis"], sample["database"], sample["delays"]
    return (
        f"{sample['minute']:5.1f} min | USS MiB: {uss} | redis {redis['used']:.1f} MiB {redis['keys']} keys "
        f"{redis['waiting']} waiting {redis['clients']} clients | postgres {database['connections']} connections "
        f"{database['rows']} rows | POST p50 {delays['post p50']:.1f} p99 {delays['post p99']:.1f}, "
        f"socket p95 {delays['socket p95']:.0f} ms, {delays['failures']} failures, {delays['unseen']} unseen"
    )


def save(*, samples: list[dict[str, Any]], rows: list[Row], options: dict[str, Any], moment: datetime) -> Path:
    """`<date>-soak.json`: the table and every minute."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    file = RESULTS / f"{moment:%Y-%m-%d}-soak.json"
    whole = {
        "date": moment.isoformat(timespec="seconds"),
        "machine": machine(),
        "options": options,
        "rows": [row.as_dict() for row in rows],
        "minutes": samples,
    }
    file.write_text(json.dumps(whole, indent=1, ensure_ascii=False) + "\n")
    file.with_suffix(".md").write_text(f"# Soak of {moment:%Y-%m-%d %H:%M}\n\n{table(rows)}\n")
    return file


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--rate", type=float, default=200, help="events a second, all students together")
    parser.add_argument("--workers", type=int, default=2)
    given = parser.parse_args()
    moment = datetime.now().astimezone()
    with running(workers=given.workers) as system:
        samples = asyncio.run(lesson(system=system, students=given.students, minutes=given.minutes, rate=given.rate))
    rows = growth([flat(sample) for sample in samples])
    print(f"\n{table(rows)}\n\nSent {samples[-1]['sent']}, stored {samples[-1]['stored']}")
    print(f"Written to {save(samples=samples, rows=rows, options=vars(given), moment=moment)}")


if __name__ == "__main__":
    main()
