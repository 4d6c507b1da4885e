"""Delivers events as the extension in the field does: one a POST, after a short delay, tried again on trouble."""

import asyncio
import zlib
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from events.simulation.connections import ConnectionPool
from events.simulation.records import Event

TIMEOUT = 8.0  # seconds until an answer is given up on
WAITS = (0.5, 1.0, 2.0)  # seconds before each further try
TROUBLE = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass(slots=True)
class Tally:
    """What became of the events."""

    accepted: int = 0  # answered 2xx
    refused: int = 0  # answered below 500 but not 2xx: the extension takes it for delivered, and the event is lost
    failed: int = 0  # given up after the last try
    retries: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # by status, or by the kind of trouble

    @property
    def undelivered(self) -> int:
        return self.refused + self.failed


class Sender:
    def __init__(self, *, pool: ConnectionPool, jitter: bool = True, waits: tuple[float, ...] = WAITS) -> None:
        self.tally = Tally()
        self._pool = pool
        self._jitter = jitter
        self._waits = waits
        self._encode = msgspec.json.Encoder().encode

    async def send(self, event: Event) -> None:
        """Deliver one event; never raises for trouble on the way, the tally says what happened."""
        body = self._encode([event])
        if self._jitter:
            await asyncio.sleep(spread(event))
        for wait in (0.0, *self._waits):
            if wait:
                self.tally.retries += 1
                await asyncio.sleep(wait)
            status = await self._try(body)
            if status and status < 500:
                if status < 300:
                    self.tally.accepted += 1
                else:
                    self.tally.refused += 1
                return
        self.tally.failed += 1

    async def _try(self, body: bytes) -> int:
        """The status, or 0 where no answer came."""
        try:
            async with asyncio.timeout(TIMEOUT):
                status = await self._pool.post(body)
        except TROUBLE as trouble:
            self.tally.answers[type(trouble).__name__] += 1
            return 0
        self.tally.answers[str(status)] += 1
        return status


def spread(event: Event) -> float:
    """0.2 to 2.2 seconds from address, cell and second, so that a class in step does not post in step."""
    seed = f"{event['emailAddress']}{event.get('cellId', '')}{str(event['eventTime'])[:19]}"
    return 0.2 + zlib.crc32(seed.encode()) % 2001 / 1000
