"""Appending to the streams (`events.queue.stream`): what the intake does before it answers 202."""

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias, cast

from django.conf import settings
from redis import asyncio as aioredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError

from core.redis import Script
from core.redis_cluster import AsyncClusterClients
from events.contract.kinds import PRIORITIES, Priority
from events.queue.servers import RESERVE, Memory, good_replicas
from events.queue.stream import SHARDS_KEY, WAKE_SECONDS, shard_keys, stream_key

TOO_FEW = "too few replicas have the entries"
REPLICAS_MS = 1_500  # that an append waits for EVENT_REPLICAS replicas; less than the timeout of the client

Client: TypeAlias = "aioredis.Redis | AsyncClusterClients"
Arguments: TypeAlias = Mapping[int, list[Any]]  # of the script, by shard

_APPEND = Script("""
-- KEYS: for each shard lease, wake, bytes, high, medium, low; then the set of shards, which a Cluster has not.
-- ARGV: wake seconds; for each shard its number, how many entries, and of each: priority (1 to 3), events, batch
-- Returns for each shard: waiting entries, their bytes, 1 = a drain must be enqueued
local answers, i = {}, 2
for first = 0, #KEYS - 6, 6 do
  if #KEYS % 6 == 1 then redis.call('SADD', KEYS[#KEYS], ARGV[i]) end
  local bytes, last = 0, i + 1 + 3 * tonumber(ARGV[i + 1])
  for j = i + 2, last, 3 do
    redis.call('XADD', KEYS[first + 3 + tonumber(ARGV[j])], '*', 'b', ARGV[j + 1], 'i', ARGV[j + 2])
    bytes = bytes + #ARGV[j + 1]
  end
  i = last + 1
  local held = redis.call('INCRBY', KEYS[first + 3], bytes)
  local waiting = 0
  for stream = 4, 6 do waiting = waiting + redis.call('XLEN', KEYS[first + stream]) end
  local wake = 0
  if redis.call('EXISTS', KEYS[first + 1]) == 0
    and redis.call('SET', KEYS[first + 2], 1, 'NX', 'EX', ARGV[1]) then wake = 1 end
  answers[#answers + 1] = {waiting, held, wake}
end
return answers
""")


@dataclass(frozen=True, slots=True)
class OutgoingEntry:
    """An entry to append."""

    shard: int
    priority: Priority
    packed: bytes
    batch: str = ""


@dataclass(slots=True)
class Backlog:
    """The unfinished entries of one shard, and whether a drain must be enqueued for it."""

    entries: int
    bytes: int
    needs_drain: bool


class Incomplete(RedisError):
    """The entries of the shards `failed` are not stored, or too few replicas have them: send them again.

    As they are known by their event ids, having them twice changes nothing. `backlogs` are those of all shards that
    may have entries of this append.
    """

    def __init__(self, reason: str, backlogs: dict[int, Backlog], *, failed: Iterable[int]) -> None:
        super().__init__(reason)
        self.backlogs, self.failed = backlogs, frozenset(failed)


async def append(redis: Client, entries: Iterable[OutgoingEntry]) -> dict[int, Backlog]:
    """Append all entries or none, in one round trip. Raises RedisError, OSError if they are not stored.

    With EVENT_REPLICAS return when so many replicas have them, in one round trip more. If that fails, some may be
    stored: the sender repeats all, and event ids make it harmless. Raises Incomplete.

    In a Cluster append to all masters at a time, in one round trip to each. Raises Incomplete for the shards that are
    not stored; the others are.
    """
    by_shard: dict[int, list[Any]] = {}
    for entry in entries:
        by_shard.setdefault(entry.shard, []).extend((PRIORITIES.index(entry.priority) + 1, entry.packed, entry.batch))
    if isinstance(redis, AsyncClusterClients):
        return await _append_to_cluster(redis, by_shard)
    with connection_loss_as_redis_error():
        return await (_append_replicated if settings.EVENT_REPLICAS else _append)(redis, by_shard)


async def _append_replicated(redis: "aioredis.Redis", by_shard: Arguments) -> dict[int, Backlog]:
    async with redis.client() as link:  # WAIT is about what the same connection has written
        backlogs = await _append(link, by_shard)
        reached = cast(int, await link.execute_command("WAIT", settings.EVENT_REPLICAS, REPLICAS_MS))  # type: ignore[no-untyped-call]
    if reached < settings.EVENT_REPLICAS:
        raise Incomplete(TOO_FEW, backlogs, failed=by_shard)
    return backlogs


async def _append(redis: "aioredis.Redis", by_shard: Arguments) -> dict[int, Backlog]:
    keys = [key for shard in by_shard for key in _keys(shard)]
    # One script for all shards: it is atomic, and a transaction of several costs twice as much.
    answers = await _APPEND.acall(redis, [*keys, SHARDS_KEY], *_arguments(by_shard))
    return {shard: _backlog(answer) for shard, answer in zip(by_shard, answers, strict=True)}


def _arguments(by_shard: Arguments) -> list[Any]:
    found: list[Any] = [WAKE_SECONDS]
    for shard, args in by_shard.items():
        found += (shard, len(args) // 3, *args)
    return found


def _keys(shard: int) -> list[str]:
    return shard_keys(shard, "lease", "wake", "bytes", *PRIORITIES)


def _backlog(answer: Any) -> Backlog:
    entries, held, wake = answer
    return Backlog(entries, held, wake == 1)


@contextmanager
def connection_loss_as_redis_error() -> Iterator[None]:
    """Convert the RuntimeError that uvloop raises if a connection is lost before the first command."""
    try:
        yield
    except RuntimeError as error:
        raise RedisConnectionError(str(error)) from error


# --- A Cluster --------------------------------------------------------------------------------------------------------


class Failure(NamedTuple):
    """Why the entries of a shard are not stored, and at which master."""

    error: Exception
    master: "aioredis.Redis | None" = None


async def _append_to_cluster(cluster: AsyncClusterClients, by_shard: Arguments) -> dict[int, Backlog]:
    """Append to the master of each shard, and once more to its new master if it has changed meanwhile."""
    backlogs, failed = await _append_to_masters(cluster, by_shard, former={})
    if failed:
        await cluster.forget_map()
        again = {shard: by_shard[shard] for shard in failed}
        found, failed = await _append_to_masters(cluster, again, former=failed)
        backlogs |= found
    if failed:
        error = next(iter(failed.values())).error
        reason = TOO_FEW if str(error) == TOO_FEW else type(error).__name__  # not its text, which may quote an event
        raise Incomplete(f"{len(failed)} shards failed: {reason}", backlogs, failed=failed) from error
    return backlogs


async def _append_to_masters(
    cluster: AsyncClusterClients, by_shard: Arguments, *, former: Mapping[int, Failure]
) -> tuple[dict[int, Backlog], dict[int, Failure]]:
    """Return the backlogs of shards that may have the entries, and the failures. Leave out masters that failed."""
    backlogs: dict[int, Backlog] = {}
    failed: dict[int, Failure] = {}
    parts: dict[aioredis.Redis, dict[int, list[Any]]] = {}
    for shard, args in by_shard.items():
        try:
            master = await cluster.master_of(stream_key(shard, PRIORITIES[0]))
        except (RedisError, OSError) as error:
            failed[shard] = Failure(error)
            continue
        if shard in former and former[shard].master is master:
            failed[shard] = former[shard]
        else:
            parts.setdefault(master, {})[shard] = args
    for found, failures in await asyncio.gather(*(_append_to_master(cluster, *part) for part in parts.items())):
        backlogs |= found
        failed |= failures
    return backlogs, failed


async def _append_to_master(
    cluster: AsyncClusterClients, master: "aioredis.Redis", by_shard: Arguments
) -> tuple[dict[int, Backlog], dict[int, Failure]]:
    """Append in one round trip. No transaction: it may not have keys of several slots.

    A master that had too few replicas is asked whether it has enough now, so that posts to others need not wait for
    its timeout (REPLICAS_MS) each time.
    """
    too_few = dict.fromkeys(by_shard, Failure(RedisError(TOO_FEW), master))
    try:
        with connection_loss_as_redis_error():
            if master in cluster.lonely:
                if good_replicas(await master.info("replication")) < settings.EVENT_REPLICAS:
                    return {}, too_few
                cluster.lonely.discard(master)
            answers = await _ask(master, by_shard, "EVALSHA", _APPEND.digest)
            if any(isinstance(answer, NoScriptError) for answer in answers):  # of all shards alike: nothing was done
                answers = await _ask(master, by_shard, "EVAL", _APPEND.text)
    except (RedisError, OSError) as error:
        return {}, dict.fromkeys(by_shard, Failure(error, master))
    reached = answers.pop() if settings.EVENT_REPLICAS else 0
    backlogs: dict[int, Backlog] = {}
    failed: dict[int, Failure] = {}
    for shard, answer in zip(by_shard, answers, strict=True):
        if isinstance(answer, Exception):
            failed[shard] = Failure(answer, master)
        else:
            backlogs[shard] = _backlog(answer[0])
    if isinstance(reached, Exception) or reached < settings.EVENT_REPLICAS:
        cluster.lonely.add(master)
        failed = {**too_few, **failed}
    return backlogs, failed


async def _ask(master: "aioredis.Redis", by_shard: Arguments, command: str, script: str) -> list[Any]:
    """Return the answers or errors of each shard, and that of WAIT behind them with EVENT_REPLICAS."""
    async with master.pipeline(transaction=False) as pipe:  # one connection, which WAIT is about
        for shard, args in by_shard.items():
            keys = _keys(shard)
            pipe.execute_command(command, script, len(keys), *keys, *_arguments({shard: args}))
        if settings.EVENT_REPLICAS:
            pipe.execute_command("WAIT", settings.EVENT_REPLICAS, REPLICAS_MS)
        return await pipe.execute(raise_on_error=False)


# --- The state of the streams, for who appends ------------------------------------------------------------------------


async def backlog(redis: Client, shards: Iterable[int]) -> dict[int, Backlog]:
    """Return the backlogs of these shards without appending anything. Raises RedisError, OSError."""
    by_server: dict[aioredis.Redis, list[int]] = {}
    for shard in shards:
        key = stream_key(shard, PRIORITIES[0])
        server = await redis.master_of(key) if isinstance(redis, AsyncClusterClients) else redis
        by_server.setdefault(server, []).append(shard)
    found: dict[int, Backlog] = {}
    for server, numbers in by_server.items():
        found |= await _backlog_of(server, numbers)
    return found


async def _backlog_of(redis: "aioredis.Redis", shards: list[int]) -> dict[int, Backlog]:
    with connection_loss_as_redis_error():
        async with redis.pipeline(transaction=False) as pipe:
            for shard in shards:
                for priority in PRIORITIES:
                    pipe.xlen(stream_key(shard, priority))
                pipe.get(shard_keys(shard, "bytes")[0])
            answers = await pipe.execute()
    found = {}
    for index, shard in enumerate(shards):
        *lengths, held = answers[index * 4 : index * 4 + 4]
        found[shard] = Backlog(sum(lengths), int(held or 0), needs_drain=False)
    return found


async def free_bytes(redis: Client) -> float:
    """Return the bytes that are free without the reserve for workers (RESERVE), of the server that has fewest.

    Infinite without a limit; negative if the reserve is in use. Masters of a Cluster that do not answer are left out:
    their shards cannot be appended to anyway. Raises RedisError, OSError if nobody answers.
    """
    servers = await redis.masters() if isinstance(redis, AsyncClusterClients) else [redis]
    found = await asyncio.gather(*map(_free_bytes_of, servers), return_exceptions=True)
    answered = [free for free in found if not isinstance(free, BaseException)]
    if not answered:
        raise cast(BaseException, found[0])
    return min(answered)


async def _free_bytes_of(redis: "aioredis.Redis") -> float:
    with connection_loss_as_redis_error():
        found = Memory.read(cast(dict[str, int], await redis.info("memory")))
    return found.maximum * (1 - RESERVE) - found.used if found.maximum else math.inf
