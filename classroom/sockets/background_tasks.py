"""What each web process does for all its sockets, from its first socket on: hear, count, and end those that sleep and
those that nobody would let in any more.

Started by the first socket, because daphne tells nobody when it starts; where a server does, `config/asgi.py` starts
it then.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from weakref import WeakKeyDictionary

from channels.db import database_sync_to_async
from django.db import DatabaseError
from redis.exceptions import RedisError

from classroom.sockets import external_subscriber
from core import login_requirement
from instructors.credentials import Credential, invalid_credentials
from lms.access import open_keys
from realtime import graceful_shutdown, presence
from realtime.connections import AUTHENTICATION_FAILED, Connection, connections
from realtime.fanout import FanOut

logger = logging.getLogger(__name__)

HEARTBEAT = 30.0  # seconds between two entries that say nothing new
POLL_INTERVAL = 1.0  # seconds between two looks whether there is something new
IDLE, IDLE_LOOK = 30 * 60.0, 5 * 60.0  # seconds
CREDENTIAL_INTERVAL = 5.0  # seconds between two looks whether those who came in would still be let in


class BackgroundTasks:
    def __init__(self) -> None:
        self.hub = FanOut()
        self.redis = presence.connect()  # connects when it is first used
        self.tasks: list[asyncio.Task[None]] = []
        self.starting = asyncio.Lock()

    async def start(self) -> None:
        """Returns when everything listens. Raises what Redis raises; the next caller tries again."""
        async with self.starting:
            if self.tasks:
                return
            await self.hub.prepare()
            graceful_shutdown.prepare(asyncio.get_running_loop())
            work: list[Callable[[], Awaitable[None]]] = [
                self.hub.listen,
                self.hub.repeat,
                external_subscriber.listen,
                self._beat,
                self._end_idle,
                self._end_shut_out,
                self._end_when_logins_begin,
            ]
            self.tasks = [asyncio.create_task(_run_forever(task)) for task in work]

    async def stop(self) -> None:
        remaining = set(self.tasks)
        while remaining:  # said again until it is heard: while it connects, redis-py swallows a cancellation
            for task in remaining:
                task.cancel()
            _, remaining = await asyncio.wait(remaining, timeout=0.1)
        self.tasks = []
        with contextlib.suppress(RedisError, OSError):
            async with presence.connect() as redis:
                await presence.delete(redis)

    async def follow(self, forms: Sequence[str]) -> None:
        """From now on, in every process, the runs of these students are worth sending."""
        await presence.join_progress(self.redis, forms)

    async def _beat(self) -> None:
        """Write down who sits here: soon after a change, and often enough that it does not expire."""
        written, written_at = -1, 0.0
        async with self.redis:  # closed also where the loop ends without a word
            while True:
                if connections.version != written or time.monotonic() - written_at > HEARTBEAT:
                    version = connections.version
                    with contextlib.suppress(RedisError, OSError):
                        await presence.write(self.redis)
                        written, written_at = version, time.monotonic()
                await asyncio.sleep(POLL_INTERVAL)

    async def _end_idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_LOOK)
            await end_idle(before=time.monotonic() - IDLE)

    async def _end_shut_out(self) -> None:
        while True:
            await asyncio.sleep(CREDENTIAL_INTERVAL)
            await close_invalid()

    async def _end_when_logins_begin(self) -> None:
        """Whoever came in while nobody had to log in shows who they are, as soon as the first account is made."""
        while await login_requirement.refresh():
            await asyncio.sleep(CREDENTIAL_INTERVAL)
        while not await login_requirement.refresh():
            await asyncio.sleep(POLL_INTERVAL)
        for socket in list(connections.all):
            if socket.credential is None:
                socket.end(AUTHENTICATION_FAILED)


async def close_invalid() -> None:
    """Close the sockets of those who would not be let in again: whose login, token or class key opens nothing any more.
    While the database is away nobody is shut out."""
    with contextlib.suppress(DatabaseError):
        await _end_keys()
        await _end_credentials()


async def _end_keys() -> None:
    shown = {socket.key_id for socket in connections.all if socket.key_id is not None}
    still_open = await database_sync_to_async(open_keys)(shown) if shown else set()
    for socket in list(connections.all):
        if socket.key_id is not None and socket.key_id in shown - still_open:
            socket.end(AUTHENTICATION_FAILED)


async def _end_credentials() -> None:
    sockets: dict[Credential, list[Connection]] = {}
    for socket in connections.all:
        if isinstance(socket.credential, Credential):
            sockets.setdefault(socket.credential, []).append(socket)
    if not sockets:
        return
    for credential in await database_sync_to_async(invalid_credentials)(list(sockets), now=datetime.now(UTC)):
        for socket in sockets[credential]:
            socket.end(AUTHENTICATION_FAILED)


async def end_idle(*, before: float) -> None:
    """Close the sockets on which no frame went either way since that moment (of the monotonic clock)."""
    for socket in connections.idle_since(before):
        await socket.end_idle()


async def _run_forever(work: Callable[[], Awaitable[None]]) -> None:
    """A fault in one of these must not end it for all sockets of the process."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("The caretaker starts again")
            await asyncio.sleep(1)


_caretakers: WeakKeyDictionary[asyncio.AbstractEventLoop, BackgroundTasks] = WeakKeyDictionary()


async def start() -> BackgroundTasks:
    """The caretaker of this process, at work."""
    loop = asyncio.get_running_loop()
    if loop not in _caretakers:
        _caretakers[loop] = BackgroundTasks()
    await _caretakers[loop].start()
    return _caretakers[loop]


async def stop() -> None:
    found = _caretakers.pop(asyncio.get_running_loop(), None)
    if found:
        await found.stop()
