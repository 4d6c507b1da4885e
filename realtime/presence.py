"""Count the connections of all web processes, and list the students whose `progress` channels have subscribers.

Each process writes a summary of its own sockets to Redis when they change (at most once a second) and every 30 s; a
reader adds up the summaries. The entry of a process that died expires. Nothing is locked.

Keys, all of which expire:

    live:processes          sorted set   process id, scored by the time at which its entry expires
    live:process:<id>       JSON         that process's `Summary`; 90 s
    live:progress           sorted set   form of a student whose `progress` channel was joined, scored by the time at
                                         which it expires; a group that was left stays until then, and costs a send
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NotRequired, TypedDict, TypeVar, get_args

import msgspec
from django.conf import settings
from redis import Redis
from redis import asyncio as aioredis

from core.login_requirement import logins_required
from core.redis import async_client, blocking_client
from realtime.connections import ClientType, Connection, connections

PROCESSES, PROGRESS = "live:processes", "live:progress"
LIFETIME = 90  # seconds
ACTIVE = 300.0  # seconds since the last frame in either direction, for a connection to count as active
TIMEOUT = 2  # seconds for an answer of Redis
Key = TypeVar("Key", str, int)


class Detail(TypedDict):
    client_id: str
    type: ClientType
    room: str | None
    connected_duration_seconds: int


class Stats(TypedDict):
    """The `stats` of websocket.md section 3."""

    total_connections: int
    active_connections: int
    connections_by_type: dict[str, int]
    rooms: dict[str, int]
    messages_sent: int
    connections_detail: NotRequired[list[Detail]]  # with DEBUG only: it holds e-mails


class Summary(msgspec.Struct):
    """One process."""

    total: int
    active: int
    by_type: dict[str, int]
    rooms: dict[str, int]
    sent: int
    dashboards: list[str]  # connection ids
    instructors: dict[int, int]  # account → sockets
    detail: list[Detail] = []


def process_key(process_id: str) -> str:
    return f"live:process:{process_id}"


# --- Reading --------------------------------------------------------------------------------------------------------


def stats() -> Stats:
    """Return the stats, for synchronous callers. Two round trips to Redis."""
    return _public_stats(details())


async def astats() -> Stats:
    """Return the same as `stats()`, for asynchronous callers."""
    async with connect() as redis:
        others = _others(await redis.zrangebyscore(PROCESSES, time.time(), "inf"))
        return _public_stats(_sum(await redis.mget(others) if others else []))


def details() -> Summary:
    """Return the sum of all processes, with the ids of dashboards and the number of sockets of each instructor."""
    redis = _redis()
    others = _others(redis.zrangebyscore(PROCESSES, time.time(), "inf"))
    return _sum(redis.mget(others) if others else [])


def joined_forms(forms: Sequence[str]) -> set[str]:
    """Return those of the forms whose `progress` channel has subscribers. One round trip."""
    if not forms:
        return set()
    scores = _redis().zmscore(PROGRESS, list(forms))
    now = time.time()
    return {form for form, score in zip(forms, scores, strict=True) if score is not None and score > now}


def _public_stats(whole: Summary) -> Stats:
    """Return what clients may know.

    If logins are required they hold no names of rooms and clients: clients choose both and use e-mail addresses there,
    and the reader may be unauthenticated.
    """
    with_names = not logins_required()
    stats: Stats = {
        "total_connections": whole.total,
        "active_connections": whole.active,
        "connections_by_type": whole.by_type,
        "rooms": whole.rooms if with_names else {},
        "messages_sent": whole.sent,
    }
    return {**stats, "connections_detail": whole.detail} if settings.DEBUG and with_names else stats


def _sum(entries: Iterable[Any]) -> Summary:
    """Return the sum of this process's current summary and the stored ones of the others."""
    parts = [summary(), *(msgspec.json.decode(entry, type=Summary) for entry in entries if entry)]
    return Summary(
        total=sum(part.total for part in parts),
        active=sum(part.active for part in parts),
        by_type=dict.fromkeys(get_args(ClientType), 0) | _count(part.by_type for part in parts),
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
    """Return the keys of the other processes' entries; this process is counted directly."""
    return [process_key(name.decode()) for name in names if name.decode() != connections.process_id]


@cache
def _redis() -> Redis:
    return blocking_client(timeout=TIMEOUT)


def connect() -> "aioredis.Redis":
    return async_client(timeout=TIMEOUT, reconnect=True)


# --- Writing --------------------------------------------------------------------------------------------------------


def summary() -> Summary:
    """Return the summary of this process's sockets."""
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


def _detail(socket: Connection) -> Detail:
    seconds = int(time.time() - socket.connected_at)
    return Detail(client_id=socket.client_id, type=socket.kind, room=socket.room, connected_duration_seconds=seconds)


async def write(redis: "aioredis.Redis") -> None:
    """Write this process's summary and the channels that its sockets follow. One round trip."""
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
    """Mark the `progress` channels of these forms as subscribed. Call it before the socket is accepted."""
    if not forms:
        return
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zadd(PROGRESS, dict.fromkeys(forms, time.time() + LIFETIME))
        pipe.expire(PROGRESS, LIFETIME)
        await pipe.execute()


async def delete(redis: "aioredis.Redis") -> None:
    """Delete this process's entry."""
    async with redis.pipeline(transaction=False) as pipe:
        pipe.zrem(PROCESSES, connections.process_id)
        pipe.delete(process_key(connections.process_id))
        await pipe.execute()
