"""What other programs publish on the Redis channel `student_progress_notifications`, for our clients.

Every web process hears every notice and tells its own sockets only, so that each client hears it once however many
processes there are. Our own frames carry `origin` and come by the channel layer instead: they are passed over here.
When Redis was away the channel is subscribed again. Source: docs/contract/websocket.md section 6.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

import msgspec
from channels.db import database_sync_to_async
from django.db import DatabaseError
from redis.exceptions import RedisError

from classroom.sockets import people
from classroom.sockets.people import Person
from core.login_requirement import logins_required
from core.redis import async_client
from lms.models import StudentClass
from realtime import groups, presence
from realtime.broadcast import OUTSIDE_CHANNEL
from realtime.connections import connections
from realtime.messages import Frame, timestamp

logger = logging.getLogger(__name__)

LONGEST_PAUSE = 5.0  # seconds between two tries to subscribe
SIGN_OF_LIFE = 15.0  # seconds without a word after which the connection is tried
LARGEST = 256 * 1024  # bytes of a notice


async def listen() -> None:
    """Until cancelled."""
    pause = 0.1
    while True:
        before = presence.listener.subscriptions
        try:
            await _listen_once()
        except (RedisError, OSError) as error:
            presence.listener.state, presence.listener.since = "reconnecting", time.time()
            logger.warning("Lost %s (%s); subscribing again", OUTSIDE_CHANNEL, type(error).__name__)
        pause = 0.1 if presence.listener.subscriptions > before else min(pause * 2, LONGEST_PAUSE)
        await asyncio.sleep(pause)


async def _listen_once() -> None:
    # Without the client's own silent retries: the state that the health page shows must be true.
    redis = async_client(timeout=SIGN_OF_LIFE + 5, retries=0)
    async with redis, redis.pubsub() as pubsub:
        await pubsub.subscribe(OUTSIDE_CHANNEL)
        while True:
            message = await pubsub.get_message(timeout=SIGN_OF_LIFE)
            if message is None:
                await pubsub.ping()
            elif message["type"] == "subscribe":
                presence.listener.state, presence.listener.since = "subscribed", time.time()
                presence.listener.subscriptions += 1
                connections.version += 1  # Redis may have lost what we wrote there
            elif message["type"] == "message":
                await handle(message["data"])


async def handle(payload: bytes) -> None:
    """Tell our own sockets, unless it is ours or no notice at all."""
    frame = _frame(payload)
    if frame is None:
        return
    presence.listener.heard += 1
    try:
        names = await database_sync_to_async(groups_of)(frame)
    except DatabaseError:
        logger.warning("A notice of another program was dropped: PostgreSQL does not answer")
        return
    connections.deliver(names, msgspec.json.encode(frame).decode())


def _frame(payload: bytes) -> Frame | None:
    try:
        frame: Any = msgspec.json.decode(payload) if len(payload) <= LARGEST else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        frame = None
    if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
        logger.warning("What was published on %s is no notice", OUTSIDE_CHANNEL)
        return None
    if "origin" in frame:
        return None
    return {"event": frame["type"], "timestamp": timestamp(), **frame}


def groups_of(frame: Frame) -> list[str]:
    """The channel that it names; else, if it is about a student, the dashboards that show that student; else all of
    them; and `broadcast`, which tells nothing of students where people have to log in. At most three queries."""
    if isinstance(frame.get("channel"), str):
        return people.groups_of_channel(frame["channel"])
    person = _student(frame)
    if person is None and isinstance(frame.get("data"), list) and logins_required():
        return [groups.ALL_STUDENTS]  # rows, of whom it may be; admins see everybody
    if person is None:
        return [groups.DASHBOARDS, groups.BROADCAST]
    names = [groups.ALL_STUDENTS] if logins_required() else [groups.ALL_STUDENTS, groups.BROADCAST]
    if person.student_id is not None:
        classes = StudentClass.objects.filter(student_id=person.student_id).values_list("class_ref_id", flat=True)
        names += [groups.class_group(class_id) for class_id in classes]
    return names


# What each field calls a student by, in the order in which they are looked at.
CALLED_BY: dict[str, Callable[[str], Person]] = {
    "student_id": people.by_number,
    "emailAddress": people.by_address,
    "email": people.by_address,
    "userId": people.by_either,
    "user_id": people.by_either,
}


def _student(frame: Frame) -> Person | None:
    """Whom it is about, where it says so. At most two queries."""
    data = frame.get("data")
    for place in (frame, data if isinstance(data, dict) else {}):
        for name, find in CALLED_BY.items():
            if isinstance(place.get(name), str | int):
                return find(str(place[name]))
    return None
