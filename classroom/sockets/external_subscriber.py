"""Deliver what external programs publish on the Redis channel `student_progress_notifications` to our clients.

Each web process receives every notice and sends it to its own sockets only, so that each client receives it once. Our
own frames carry `origin` and are ignored: they are delivered by the channel layer. After a loss of Redis the channel is
subscribed again. Source: docs/contract/websocket.md section 6.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from django.db import DatabaseError
from redis.exceptions import RedisError

from classroom.sockets import people
from classroom.sockets.people import StudentIdentity
from classroom.sockets.requests import Frame
from core.login_requirement import logins_required
from core.redis import async_client
from lms.models import StudentClass
from realtime import groups
from realtime.broadcast import OUTSIDE_CHANNEL, OWN_ENDING
from realtime.connections import connections
from realtime.messages import timestamp

logger = logging.getLogger(__name__)

MAX_PAUSE = 5.0  # seconds between two attempts to subscribe
PING_INTERVAL = 15.0  # seconds without a message after which the connection is pinged
MAX_BYTES = 256 * 1024  # of a notice


subscriptions = 0  # of this process since its start


async def listen() -> None:
    """Subscribe and deliver until cancelled."""
    pause = 0.1
    while True:
        before = subscriptions
        try:
            await _listen_once()
        except (RedisError, OSError) as error:
            logger.warning("Lost %s (%s); subscribing again", OUTSIDE_CHANNEL, type(error).__name__)
        pause = 0.1 if subscriptions > before else min(pause * 2, MAX_PAUSE)
        await asyncio.sleep(pause)


async def _listen_once() -> None:
    global subscriptions
    # Without the client's silent retries: each subscription is counted and makes presence be written again.
    redis = async_client(timeout=PING_INTERVAL + 5)
    async with redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(OUTSIDE_CHANNEL)
        while True:
            message = await pubsub.get_message(timeout=PING_INTERVAL)
            if message is None:
                await pubsub.ping()
            elif message["type"] == "subscribe":
                subscriptions += 1
                connections.version += 1  # Redis may have lost the presence entry
            elif message["type"] == "message":
                await handle(message["data"])


async def handle(payload: bytes) -> None:
    """Send a notice to this process's sockets; ignore our own frames and invalid payloads."""
    frame = _frame(payload)
    if frame is None:
        return
    try:
        names = await database_sync_to_async(groups_of)(frame)
    except DatabaseError:
        logger.warning("An external notice was dropped: PostgreSQL does not answer")
        return
    connections.deliver(names, msgspec.json.encode(frame).decode())


def _frame(payload: bytes) -> Frame | None:
    if payload.endswith(OWN_ENDING):  # nearly always: the rows of each batch, which need not be decoded for that
        return None
    try:
        frame: Any = msgspec.json.decode(payload) if len(payload) <= MAX_BYTES else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        frame = None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        logger.warning("An invalid notice was published on %s", OUTSIDE_CHANNEL)
        return None
    if "origin" in frame:
        return None
    return {"event": frame["type"], "timestamp": timestamp(), **frame}


def groups_of(frame: Frame) -> list[str]:
    """Return the groups that receive a notice. At most three queries.

    These are the groups of the channel that it names; else, for a notice about a student, the dashboards that show the
    student; else all dashboards; and `broadcast`, except for notices about students if logins are required.
    """
    if isinstance(frame.get("channel"), str):
        return people.groups_of_channel(frame["channel"])
    person = _student(frame)
    if person is None and isinstance(frame.get("data"), list) and logins_required():
        return [groups.ALL_STUDENTS]  # rows of unknown students: admins only
    if person is None:
        names = [groups.DASHBOARDS, groups.BROADCAST]
        return names if isinstance(frame.get("data"), list) else [*names, groups.DEVICES]
    names = [groups.ALL_STUDENTS] if logins_required() else [groups.ALL_STUDENTS, groups.BROADCAST]
    if person.student_id is not None:
        classes = StudentClass.objects.filter(student_id=person.student_id).values_list("class_ref_id", flat=True)
        names += [groups.class_group(class_id) for class_id in classes]
    return names


# How the value of each field is resolved to a student, in order of precedence.
RESOLVERS: dict[str, Callable[[str], StudentIdentity]] = {
    "student_id": people.by_number,
    "emailAddress": people.by_address,
    "email": people.by_address,
    "userId": people.by_either,
    "user_id": people.by_either,
}


def _student(frame: Frame) -> StudentIdentity | None:
    """Return the student that a notice is about, or None. At most two queries."""
    data = frame.get("data")
    for fields in (frame, data if isinstance(data, dict) else {}):
        for name, find in RESOLVERS.items():
            if isinstance(fields.get(name), str | int):
                return find(str(fields[name]))
    return None
