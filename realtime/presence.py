"""Who is connected, across all web processes, and which students' channels somebody listens to.

Each process writes down its own sockets when they change (at most once a second) and every 30 s; whoever asks adds up
what the processes wrote. A process that died is forgotten when its entry expires. Nothing here is ever locked.

Keys, all of which expire:

    live:processes          sorted set   process id, by the time at which its entry is too old
    live:process:<id>       JSON         that process's `Summary`; 90 s
    live:progress           sorted set   form of a student whose `progress` channel was joined, by the time at which
                                         this is too old; a group that was left stays until then, and costs a send
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypedDict, TypeVar, get_args

import msgspec
from django.conf import settings
from redis import Redis
from redis import asyncio as aioredis

from core.login_requirement import logins_required
from core.redis import async_client, blocking_client
from realtime.connections import ClientType, Connection, connections

PROCESSES, PROGRESS = "live:processes", "live:progress"
LIFETIME = 90  # seconds
ACTIVE = 300.0  # seconds since the last frame, either way, for a connection to count as active
TIMEOUT = 2  # seconds for an answer of Redis
Key = TypeVar("Key", str, int)


class Detail(TypedDict):
    client_id: str
    type: ClientType
    room: str | None
    connected_duration_seconds: int


class Summary(msgspec.Struct):
    """One process."""

    total: int
    active: int
    by_type: dict[str, int]
    rooms: dict[str, int]
    sent: int
    dashboards: list[str]  # connection ids
    instructors: dict[int, int]  # account → sockets
    detail: list[dict[str, Any]] = []


class Listener(msgspec.Struct):
    """The state of this process's ear on the public Pub/Sub channel."""

    state: str = "not started"  # then "subscribed" or "reconnecting"
    subscriptions: int = 0
    heard: int = 0
    since: float = 0.0


listener = Listener()


def listener_state() -> dict[str, Any]:
    """For the health page. `subscribed` is None in a process without sockets, which has nothing to listen for."""
    subscribed = None if listener.state == "not started" else listener.state == "subscribed"
    return {"subscribed": subscribed, **msgspec.to_builtins(listener)}


def process_key(process_id: str) -> str:
    return f"live:process:{process_id}"


# --- Asked ----------------------------------------------------------------------------------------------------------


def stats() -> dict[str, Any]:
    """The `stats` of websocket.md section 3, for synchronous callers. Two round trips to Redis."""
    return _add_up(details())


async def astats() -> dict[str, Any]:
    async with connect() as redis:
        others = _others(await redis.zrangebyscore(PROCESSES, time.time(), "inf"))
        return _add_up(_sum(await redis.mget(others) if others else []))


def details() -> Summary:
    """The sum of all processes, with what `stats` leaves out: ids of dashboards, sockets of each instructor."""
    redis = _redis()
    others = _others(redis.zrangebyscore(PROCESSES, time.time(), "inf"))
    return _sum(redis.mget(others) if others else [])


def joined_forms(forms: Sequence[str]) -> set[str]:
    """Those of these forms of students to whose `progress` channel somebody listens. One round trip."""
    if not forms:
        return set()
    scores = _redis().zmscore(PROGRESS, list(forms))
    now = time.time()
    return {form for form, score in zip(forms, scores, strict=True) if score is not None and score > now}


def _add_up(whole: Summary) -> dict[str, Any]:
    """Where people have to log in without names of rooms and clients: both are chosen by clients, who write addresses
    there, and whoever asks may be anybody."""
    names_people = not logins_required()
    stats: dict[str, Any] = {
        "total_connections": whole.total,
        "active_connections": whole.active,
        "connections_by_type": {kind: whole.by_type.get(kind, 0) for kind in get_args(ClientType)},
        "rooms": whole.rooms if names_people else {},
        "messages_sent": whole.sent,
    }
    return {**stats, "connections_detail": whole.detail} if settings.DEBUG and names_people else stats


def _sum(entries: Iterable[Any]) -> Summary:
    """This process as it is now, and the others as they last said."""
    parts = [summary(), *(msgspec.json.decode(entry, type=Summary) for entry in entries if entry)]
    return Summary(
        total=sum(part.total for part in parts),
        active=sum(part.active for part in parts),
        by_type=_count(part.by_type for part in parts),
        rooms=_count(part.rooms for part in parts),
        sent=sum(part.sent for part in parts),
        dashboards=[name for part in parts for name in part.dashboards],
        instructors=_count(part.instructors for part in parts),
        detail=[row for part in parts for row in part.detail],
    )


def _count(parts: Iterable[Mapping[Key, int]]) -> dict[Key, int]:
    total: Counter[Key] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def _others(names: Iterable[Any]) -> list[str]:
    """The entries of the other processes; this one is asked itself."""
    return [process_key(name.decode()) for name in names if name.decode() != connections.process_id]


@cache
def _redis() -> Redis:
    return blocking_client(timeout=TIMEOUT)


def connect() -> "aioredis.Redis":
    return async_client(timeout=TIMEOUT)


# --- Written --------------------------------------------------------------------------------------------------------


def summary() -> Summary:
    sockets = list(connections.all)
    return Summary(
        total=len(sockets),
        active=connections.active(within=ACTIVE),
        by_type=dict(Counter(socket.kind for socket in sockets)),
        rooms=dict(Counter(socket.room for socket in sockets if socket.room is not None)),
        sent=connections.frames_sent,
        dashboards=[socket.client_id for socket in sockets if socket.kind == "dashboard"],
        instructors=dict(
            Counter(socket.account_id for socket in sockets if socket.account_id is not None and not socket.ending)
        ),
        detail=[_detail(socket) for socket in sockets] if settings.DEBUG else [],
    )


def _detail(socket: Connection) -> dict[str, Any]:
    seconds = int(time.time() - socket.connected_at)
    return dict(
        Detail(client_id=socket.client_id, type=socket.kind, room=socket.room, connected_duration_seconds=seconds)
    )


async def write(redis: "aioredis.Redis") -> None:
    """Say who sits here, and for whose channels. One round trip."""
    now = time.time()
    forms = {form for socket in connections.all for form in socket.followed}
    async with redis.pipeline(transaction=False) as pipe:
        pipe.set(process_key(connections.process_id), msgspec.json.encode(summary()), ex=LIFETIME)
        pipe.zadd(PROCESSES, {connections.process_id: now + LIFETIME})
        pipe.zremrangebyscore(PROCESSES, "-inf", now)
        pipe.expire(PROCESSES, LIFETIME)
        if forms:
            pipe.zadd(PROGRESS, dict.fromkeys(forms, now + LIFETIME))
        pipe.zremrangebyscore(PROGRESS, "-inf", now)
        pipe.expire(PROGRESS, LIFETIME)
        await pipe.execute()


async def join_progress(redis: "aioredis.Redis", forms: Sequence[str]) -> None:
    """Before a socket is accepted: from now on runs of this student are worth sending."""
    if not forms:
        return
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zadd(PROGRESS, dict.fromkeys(forms, time.time() + LIFETIME))
        pipe.expire(PROGRESS, LIFETIME)
        await pipe.execute()


async def forget(redis: "aioredis.Redis") -> None:
    """This process leaves."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zrem(PROCESSES, connections.process_id)
        pipe.delete(process_key(connections.process_id))
        await pipe.execute()
