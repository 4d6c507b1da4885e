"""Progress output of long commands: a bar on a terminal, else a line every ten seconds."""

import asyncio
import time
from typing import Protocol

from tqdm import tqdm

from events.simulation.sender import Tally

LINE_EVERY = 10.0  # seconds
BAR_EVERY = 0.5  # seconds


class Output(Protocol):
    """The methods of a management command's stdout that are used."""

    def write(self, msg: str) -> None: ...

    def isatty(self) -> bool: ...


class Progress:
    """Shows a tally until cancelled. `seconds` is 0 if the duration is unknown."""

    def __init__(self, *, tally: Tally, seconds: float, stream: Output, every: float = LINE_EVERY) -> None:
        self._tally = tally
        self._seconds = seconds
        self._stream = stream
        self._every = every
        self._begun = time.monotonic()

    async def show(self) -> None:
        if self._stream.isatty():
            await self._bar()
        else:
            await self._lines()

    async def _bar(self) -> None:
        shape = "{elapsed} {bar} {postfix}" if self._seconds else "{elapsed} {postfix}"
        with tqdm(total=self._seconds or None, bar_format=shape, leave=False) as bar:
            while True:
                passed = time.monotonic() - self._begun
                bar.n = min(passed, self._seconds) if self._seconds else passed
                bar.set_postfix_str(self._words(passed))
                await asyncio.sleep(BAR_EVERY)

    async def _lines(self) -> None:
        before = 0
        while True:
            await asyncio.sleep(self._every)
            errors = self._tally.undelivered
            self._stream.write(
                f"{self._words(time.monotonic() - self._begun)}, {(errors - before) / self._every:.1f} errors/s"
            )
            before = errors

    def _words(self, passed: float) -> str:
        tally = self._tally
        return (
            f"{tally.accepted} events sent, {tally.accepted / max(passed, 0.001):.1f}/s, {tally.undelivered} failed, "
            f"{tally.retries} retries"
        )
