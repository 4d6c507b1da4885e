"""The background tasks of a web process: fan out messages, write presence, and close idle and unauthorized sockets.

Started by the first socket or long poll, because daphne does not support the lifespan protocol; under a server that
does, `config/asgi.py` stops them.
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

from classroom.sockets import external_subscriber, question_rounds
from classroom.sockets.inbox_delivery import InboxDelivery
from core import login_requirement
from instructors.credentials import Credential, invalid_credentials
from lms.access import class_ids_by_account
from lms.credential_holders import confirmed_tokens, open_keys
from realtime import graceful_shutdown, presence
from realtime.connections import AUTHENTICATION_FAILED, Connection, connections
from realtime.fanout import FanOut

logger = logging.getLogger(__name__)

HEARTBEAT = 30.0  # seconds between two writes of presence without a change
POLL_INTERVAL = 1.0  # seconds between two checks for a change
IDLE, IDLE_INTERVAL = 30 * 60.0, 5 * 60.0  # seconds
CREDENTIAL_INTERVAL = 5.0  # seconds between two checks of credentials


class BackgroundTasks:
    def __init__(self) -> None:
        self.fanout = FanOut()
        self.inbox_delivery = InboxDelivery()
        self.redis = presence.connect()  # connects when it is first used
        self.tasks: list[asyncio.Task[None]] = []
        self.starting = asyncio.Lock()

    async def start(self) -> None:
        """Start the tasks and return once all groups are joined. Raises RedisError, OSError; the next call retries."""
        async with self.starting:
            if self.tasks:
                return
            await self.fanout.prepare()
            await self.inbox_delivery.prepare()
            graceful_shutdown.prepare(asyncio.get_running_loop())
            work: list[Callable[[], Awaitable[None]]] = [
                self.fanout.listen,
                self.fanout.repeat,
                self.fanout.feeds.repeat,
                self.inbox_delivery.listen,
                self.inbox_delivery.work,
                self.inbox_delivery.repeat,
                question_rounds.repeat,
                external_subscriber.listen,
                self._write_presence,
                self._close_idle,
                self._close_invalid,
                self._close_when_logins_are_required,
            ]
            self.tasks = [asyncio.create_task(_run_forever(task)) for task in work]

    async def stop(self) -> None:
        remaining = set(self.tasks)
        while remaining:  # cancel repeatedly: while connecting, redis-py swallows a cancellation
            for task in remaining:
                task.cancel()
            _, remaining = await asyncio.wait(remaining, timeout=0.1)
        self.tasks = []
        with contextlib.suppress(RedisError, OSError):
            async with presence.connect() as redis:
                await presence.delete(redis)

    async def follow(self, forms: Sequence[str]) -> None:
        """Mark the `progress` channels of these students as subscribed, for all processes."""
        await presence.join_progress(self.redis, forms)

    async def _write_presence(self) -> None:
        """Write this process's presence soon after a change, and often enough that it does not expire."""
        written, written_at = -1, 0.0
        async with self.redis:  # closed also if the loop ends without stop()
            while True:
                if connections.version != written or time.monotonic() - written_at > HEARTBEAT:
                    version = connections.version
                    with contextlib.suppress(RedisError, OSError):
                        await presence.write(self.redis)
                        written, written_at = version, time.monotonic()
                await asyncio.sleep(POLL_INTERVAL)

    async def _close_idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_INTERVAL)
            await end_idle(before=time.monotonic() - IDLE)

    async def _close_invalid(self) -> None:
        while True:
            await asyncio.sleep(CREDENTIAL_INTERVAL)
            await close_invalid()

    async def _close_when_logins_are_required(self) -> None:
        """Close the sockets without a credential once the first account exists."""
        while await login_requirement.refresh():
            await asyncio.sleep(CREDENTIAL_INTERVAL)
        while not await login_requirement.refresh():
            await asyncio.sleep(POLL_INTERVAL)
        for socket in list(connections.all):
            if socket.credential is None and socket.token_id is None:
                socket.end(AUTHENTICATION_FAILED)


async def close_invalid() -> None:
    """Close the sockets whose session, token or class key is no longer valid, or whose account is no longer in a class
    that they hear of; none while the database is away."""
    with contextlib.suppress(DatabaseError):
        await _close_by_key()
        await _close_by_student_token()
        await _close_by_credential()
        await _close_by_class()


async def _close_by_key() -> None:
    used = {socket.key_id for socket in connections.all if socket.key_id is not None}
    still_open = await database_sync_to_async(open_keys)(used) if used else set()
    for socket in list(connections.all):
        if socket.key_id is not None and socket.key_id in used - still_open:
            socket.end(AUTHENTICATION_FAILED)


async def _close_by_student_token() -> None:
    used = {socket.token_id for socket in connections.all if socket.token_id is not None}
    still_open = await database_sync_to_async(confirmed_tokens)(used) if used else set()
    for socket in list(connections.all):
        if socket.token_id is not None and socket.token_id in used - still_open:
            socket.end(AUTHENTICATION_FAILED)


async def _close_by_credential() -> None:
    sockets: dict[Credential, list[Connection]] = {}
    for socket in connections.all:
        if isinstance(socket.credential, Credential):
            sockets.setdefault(socket.credential, []).append(socket)
    if not sockets:
        return
    for credential in await database_sync_to_async(invalid_credentials)(list(sockets), now=datetime.now(UTC)):
        for socket in sockets[credential]:
            socket.end(AUTHENTICATION_FAILED)


async def _close_by_class() -> None:
    """Close the sockets of accounts that are no longer in one of the classes: groups are joined once."""
    sockets = [
        (socket, socket.credential.account_id)
        for socket in connections.all
        if socket.class_ids and isinstance(socket.credential, Credential)
    ]
    if not sockets:
        return
    theirs = await database_sync_to_async(class_ids_by_account)({account_id for _, account_id in sockets})
    for socket, account_id in sockets:
        if socket.class_ids - theirs[account_id]:
            socket.end(AUTHENTICATION_FAILED)


async def end_idle(*, before: float) -> None:
    """Close the sockets without a frame in either direction since `before` (time.monotonic())."""
    for socket in connections.idle_since(before):
        await socket.end_idle()


async def _run_forever(work: Callable[[], Awaitable[None]]) -> None:
    """Run a task and restart it after an exception, which must not end it for the whole process."""
    while True:
        try:
            await work()
        except Exception:
            logger.exception("A background task failed and is restarted")
            await asyncio.sleep(1)


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, BackgroundTasks] = WeakKeyDictionary()


async def start() -> BackgroundTasks:
    """Return the background tasks of this event loop, started."""
    loop = asyncio.get_running_loop()
    if loop not in _by_loop:
        _by_loop[loop] = BackgroundTasks()
    await _by_loop[loop].start()
    return _by_loop[loop]


async def stop() -> None:
    found = _by_loop.pop(asyncio.get_running_loop(), None)
    if found:
        await found.stop()
