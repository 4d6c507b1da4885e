"""A class at work in a thread of its own, whose JupyterLabs never forget: what they were told was taken is recorded.

Each event is posted alone and a little late, so that a student's events arrive in any order, as from the extension in
the field. Like it, a sender tries again with the same id after a 5xx, a timeout or no answer at all, and drops what is
refused with 4xx.
"""

import asyncio
import json
import random
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from events.simulation.connections import ConnectionPool

WAITS = (0.5, 1.0, 2.0)  # seconds before the next tries; the extension goes on doubling, this goes on with the last
TIMEOUT = 8.0  # seconds a try may take
LATEST = 0.5  # seconds by which a post may be late
CELLS = 6
KINDS = ["cell_executed", "notebook_opened", "notebook_saved", "help", "help_stop", "log_entry"]
WEIGHTS = [85, 4, 4, 2, 2, 3]


@dataclass(kw_only=True)
class Classroom:
    """`sent` by event id; `accepted` holds the ids that were answered 202. As a context it works."""

    url: str
    seed: int
    students: int = 40
    rate: float = 100.0  # events a second, all students together
    timeout: float = 120.0  # seconds for which an event is tried
    path: str = "/api/v1/events"
    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    accepted: dict[str, float] = field(default_factory=dict)  # id → seconds from the first try to 202
    order: list[str] = field(default_factory=list)  # the ids in `accepted`, as they came
    answers: Counter[str] = field(default_factory=Counter)
    given_up: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._last: dict[int, int] = {}
        self._runs: Counter[int] = Counter()
        self._ending = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="classroom", daemon=True)

    def __enter__(self) -> "Classroom":
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.end()

    def end(self) -> None:
        """No new events; returns when every event was taken, refused or given up. Everybody switches help off."""
        self._ending.set()
        self._thread.join(self.timeout + 60)
        assert not self._thread.is_alive(), "posts are under way that do not end"
        if self._failure:
            raise self._failure

    def event(self, kind: str = "", *, student: int | None = None) -> dict[str, Any]:
        """One more event of this class, from now. Times of a student are all different, in ms."""
        chance = self._chance
        student = chance.randrange(self.students) if student is None else student
        kind = kind or chance.choices(KINDS, WEIGHTS)[0]
        moment = max(time.time_ns() // 1_000_000, self._last.get(student, 0) + 1)
        self._last[student] = moment
        found: dict[str, Any] = {
            "eventId": str(uuid.UUID(int=chance.getrandbits(128))),
            "eventType": kind,
            "eventTime": datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds"),
            "emailAddress": address(self.seed, student),
            "userName": f"学生 {student}",
            "teamName": f"チーム{student // 4 + 1}",
            "sessionId": f"session-{self.seed}-{student}",
            "notebookPath": "lesson/演習01.ipynb",
        }
        if kind == "cell_executed":
            self._runs[student] += 1
            failed, cell = chance.random() < 0.6, chance.randrange(CELLS)
            found |= {
                "cellId": f"cell-{cell}",
                "cellIndex": cell,
                "code": "print('値')\n" * 8,
                "executionCount": self._runs[student],
                "hasError": failed,
                "result": "NameError" if failed else "値",
            }
        return found

    # --- In the thread --------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            asyncio.run(self._lesson())
        except BaseException as error:
            self._failure = error

    async def _lesson(self) -> None:
        pool, posts, begun, number = ConnectionPool(url=self.url, path=self.path), set[Any](), time.monotonic(), 0
        while not self._ending.is_set():
            await asyncio.sleep(max(0.0, begun + number / self.rate - time.monotonic()))
            number += 1
            posts.add(post := asyncio.create_task(self._deliver(pool, self.event(), self._chance.random() * LATEST)))
            post.add_done_callback(posts.discard)
        await asyncio.gather(*posts)
        last = [self.event("help_stop", student=student) for student in range(self.students)]
        await asyncio.gather(*(self._deliver(pool, event, 0.0) for event in last))
        await pool.close()

    async def _deliver(self, pool: ConnectionPool, event: dict[str, Any], late: float) -> None:
        await asyncio.sleep(late)
        name, body = event["eventId"], json.dumps([event], ensure_ascii=False).encode()
        self.sent[name] = event
        begun, waits = time.monotonic(), list(WAITS)
        while True:
            answer = await self._try(pool, body)
            self.answers[answer] += 1
            if answer == "202":
                self.accepted[name] = time.monotonic() - begun
                self.order.append(name)
                return
            if answer.startswith("4"):
                self.refused.add(name)
                return
            if time.monotonic() - begun > self.timeout:
                self.given_up.add(name)
                return
            await asyncio.sleep(waits.pop(0) if len(waits) > 1 else waits[0])

    async def _try(self, pool: ConnectionPool, body: bytes) -> str:
        """The status, or what came instead of one."""
        try:
            return str(await asyncio.wait_for(pool.post(body), TIMEOUT))
        except TimeoutError:
            return "timeout"
        except (OSError, asyncio.IncompleteReadError):
            return "no answer"


def address(seed: int, student: int) -> str:
    return f"student{student:03d}.{seed}@example.com"
