"""A dashboard as a page keeps it: it reads the state when it comes, and every row that is sent; it comes again."""

import asyncio
import json
import threading
from contextlib import suppress

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

PAUSE = 0.5  # seconds before it comes again
SILENCE = 20.0  # seconds after which a ping without an answer ends the socket


class CountingDashboard:
    """A context. `runs` are the students' runs as it shows them; `comings` says how often it had to come."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.runs: dict[str, int] = {}
        self.comings = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._watch()), daemon=True)

    def __enter__(self) -> "CountingDashboard":
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._stop.set()
        self._thread.join(30)

    def has(self, counts: dict[str, int]) -> bool:
        """Whether it shows at least so many."""
        return all(self.runs.get(student, 0) >= number for student, number in counts.items())

    def difference(self, counts: dict[str, int]) -> str:
        wrong = [student for student in counts if self.runs.get(student) != counts[student]]
        return f"{len(wrong)} of {len(counts)} students, such as {wrong[:1]}"

    async def _watch(self) -> None:
        while not self._stop.is_set():
            self.comings += 1
            with suppress(OSError, WebSocketException, httpx.HTTPError, TimeoutError):
                await self._come()
            await asyncio.sleep(PAUSE)

    async def _come(self) -> None:
        address = f"{self._url.replace('http', 'ws', 1)}/ws"
        async with connect(address, proxy=None, max_size=None, open_timeout=5, ping_timeout=SILENCE) as socket:
            await self._read_state()
            while not self._stop.is_set():
                with suppress(TimeoutError):
                    frame = json.loads(await asyncio.wait_for(socket.recv(), 0.5))
                    if frame["type"] == "refresh_required":
                        await self._read_state()
                    elif frame["type"] == "progress_update":
                        self._show(frame["data"] if isinstance(frame["data"], list) else [frame["data"]])

    async def _read_state(self) -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.get(f"{self._url}/api/v1/dashboard/overview")
            answer.raise_for_status()
        self._show(answer.json()["students"])

    def _show(self, rows: list[dict[str, object]]) -> None:
        for row in rows:
            self.runs[str(row["emailAddress"])] = int(str(row["cellExecutions"]))
