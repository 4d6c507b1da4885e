"""Let `GET /me/inbox?wait=…` wait until there is something to answer.

An ASGI application around Django, which answers. A Django view that waits would hold a thread for each student, because
the middleware is synchronous. Here each waiting client is a task and an entry in memory (`realtime.watchers`).
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from django.db import DatabaseError
from django.utils import timezone
from redis.exceptions import RedisError

from classroom.inbox.selectors import position_of, read_inbox
from classroom.inbox.views import MAX_WAIT
from classroom.sockets import background_tasks
from core.asgi import Message, Receive, Scope, Send
from events.intake.class_keys import KeyRefused, StudentTokenCache
from events.intake.request import credentials
from lms.credential_holders import StudentTokenHolder
from lms.models import Student
from realtime.watchers import Watcher, watchers

PATH = re.compile(r"/api/v1/(?:v1/)?me/inbox/?")
MAX_WATCHERS = 10  # of a student in a class; who comes after them is answered at once, and throttled like every call

App = Callable[[Scope, Receive, Send], Awaitable[None]]


class LongPoll:
    def __init__(self, app: App) -> None:
        self._app = app
        self._tokens = StudentTokenCache()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        seconds, since = _wanted(scope)
        holder = await self._holder(scope) if seconds else None
        if holder is None or watchers.count(holder.student_id, holder.class_id) >= MAX_WATCHERS:
            await self._app(scope, receive, send)
            return
        peer = _Peer(receive)
        try:
            with watchers.watch(holder.student_id, holder.class_id) as watcher:
                is_there = await _wait(peer, watcher, holder, since=since, seconds=seconds)
            if is_there:
                await self._app(scope, peer.receive, send)
        finally:
            peer.stop()

    async def _holder(self, scope: Scope) -> StudentTokenHolder | None:
        """Return the holder of the token that was sent; None where Django has to refuse the request."""
        _, token = credentials(scope)
        try:
            return await self._tokens.student_of(token) if token else None
        except KeyRefused:
            return None


class _Peer:
    """The client: reads ahead to notice when it disconnects, and passes on what was read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._read: list[Message] = []
        self.next = asyncio.ensure_future(receive())

    def has_gone(self) -> bool:
        """Return whether the client has disconnected, once `next` is done. Read on otherwise."""
        message = self.next.result()
        self._read.append(message)
        if message["type"] == "http.disconnect":
            return True
        self.next = asyncio.ensure_future(self._receive())
        return False

    async def receive(self) -> Message:
        if self._read:
            return self._read.pop(0)
        message = await asyncio.shield(self.next)
        if message["type"] != "http.disconnect":  # which is the last, however often one asks
            self.next = asyncio.ensure_future(self._receive())
        return message

    def stop(self) -> None:
        self.next.cancel()


async def _wait(peer: _Peer, watcher: Watcher, holder: StudentTokenHolder, *, since: str, seconds: int) -> bool:
    """Wait until there is news, the time is over, or the server stops. Return False if the client has disconnected."""
    with contextlib.suppress(RedisError, OSError):  # no signal comes until Redis is back; the next poll tries again
        await background_tasks.start()
    deadline = time.monotonic() + seconds
    while not watcher.is_ending:
        watcher.news.clear()
        try:
            is_news = await database_sync_to_async(_is_news)(holder, since)
        except DatabaseError:
            is_news = False
        except Student.DoesNotExist:  # deleted since the token was looked up: Django refuses it
            return True
        if is_news:
            return True
        woken = asyncio.ensure_future(watcher.news.wait())
        try:
            while not woken.done():
                left = deadline - time.monotonic()
                if left <= 0:
                    return True
                await asyncio.wait({woken, peer.next}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                if peer.next.done() and peer.has_gone():
                    return False
        finally:
            woken.cancel()
    return True


def _is_news(holder: StudentTokenHolder, since: str) -> bool:
    now = timezone.now()
    return read_inbox(holder, position_of(holder, since, now=now), now=now).is_news


def _wanted(scope: Scope) -> tuple[int, str]:
    """Return for how many seconds to wait, 0 for a request that Django answers or refuses at once, and `since`."""
    query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    wait = query.get("wait", ["0"])[-1]
    seconds = int(wait) if re.fullmatch(r"\d{1,2}", wait, re.ASCII) else 0
    if scope["method"] != "GET" or seconds > MAX_WAIT:
        seconds = 0
    return seconds, query.get("since", [""])[-1]
