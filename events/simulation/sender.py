"""Sending events like the deployed extension: one in each POST, after a short delay, with retries."""

import asyncio
import zlib
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from events.simulation.connections import ConnectionPool
from events.simulation.records import Event

TIMEOUT = 8.0  # seconds
RETRY_DELAYS = (0.5, 1.0, 2.0)  # seconds before each further try
ERRORS = (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError)


@dataclass(slots=True)
class Tally:
    """The numbers of sent events by result."""

    accepted: int = 0  # answered 2xx
    refused: int = 0  # answered below 500 but not 2xx: the extension takes it for delivered, and the event is lost
    failed: int = 0  # given up after the last try
    retries: int = 0
    answers: Counter[str] = field(default_factory=Counter)  # by status, or by the kind of error

    @property
    def undelivered(self) -> int:
        return self.refused + self.failed


class Sender:
    def __init__(
        self, *, pool: ConnectionPool, jitter: bool = True, retry_delays: tuple[float, ...] = RETRY_DELAYS
    ) -> None:
        self.tally = Tally()
        self._pool = pool
        self._jitter = jitter
        self._waits = retry_delays
        self._encode = msgspec.json.Encoder().encode

    async def send(self, event: Event) -> None:
        """Deliver one event and count the result. Does not raise for connection errors."""
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
        """Return the status, or 0 without an answer."""
        try:
            async with asyncio.timeout(TIMEOUT):
                status = await self._pool.post(body)
        except ERRORS as error:
            self.tally.answers[type(error).__name__] += 1
            return 0
        self.tally.answers[str(status)] += 1
        return status


def spread(event: Event) -> float:
    """Return 0.2 to 2.2 seconds from address, cell and time, so that a class does not post simultaneously."""
    seed = f"{event['emailAddress']}{event.get('cellId', '')}{str(event['eventTime'])[:19]}"
    return 0.2 + zlib.crc32(seed.encode()) % 2001 / 1000
