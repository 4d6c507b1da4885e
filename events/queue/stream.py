"""The only door to the streams that carry events from the POST to the workers.

The story: the intake appends what one request brought, an entry for each shard and priority it touches, and learns in
the same round trip whether anybody is reading that shard. If nobody is, it wakes a worker (`events.worker.tasks`). The
worker's drain takes the shard's lease, reads what is waiting, and acknowledges after everything else is done, which
deletes the entries. So what is in a stream is exactly what is not finished yet, and whoever takes the lease next
begins at its first entry, with what a predecessor left behind. There is no consumer group: the lease makes its holder
the only reader, and Redis need not keep a list of who read what (docs/decisions/0012-plain-reads.md).

The lease ends in one atomic step that refuses while entries are left (`_FINISH`). An append comes before that step,
and the drain goes on, or after it, and finds no lease and wakes a worker: nothing can fall between.

Keys, all on one Redis Cluster slot a shard (`N` = shard number):

    river:{N}:high|medium|low   stream   fields: b = packed events, i = id of the POST's batch
    river:{N}:lease             string   token of the running drain; expires LEASE_MS after its last sign of life
    river:{N}:wake              string   a drain job is queued; expires WAKE_SECONDS later, in case the job was lost
    river:{N}:bytes             integer  bytes of all entries of the shard
    river:shards                set      shard numbers ever written to, so that a smaller setting strands nothing
"""

import math
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from redis import Redis
from redis import asyncio as aioredis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from core.redis import async_client, blocking_client, short_timeout_client
from events.contract.kinds import PRIORITIES, Priority

BEGINNING = "0-0"
LEASE_MS = 5_000
WAKE_SECONDS = 10
SHARDS_KEY = "river:shards"
# The part of Redis' `maxmemory` that events may not fill: a lease, a job and a heartbeat are writes too, and without
# them nobody could take out what fills it.
RESERVE = 0.15
# The part of it beyond which everything that is no event of a lesson has to do without: points that wait, test events.
COMMON = 0.5

# For scripts of others: whether so many bytes more would be beyond that part.
IS_CROWDED = f"""
local function is_crowded(bytes)
  local memory = redis.call('INFO', 'memory')
  local most = tonumber(string.match(memory, 'maxmemory:(%d+)'))
  return most > 0 and tonumber(string.match(memory, 'used_memory:(%d+)')) + bytes > most * {COMMON}
end
"""

_APPEND = """
-- KEYS: lease, wake, bytes, high, medium, low. ARGV: wake seconds, then repeated: priority (1 to 3), events, batch
local bytes = 0
for i = 2, #ARGV, 3 do
  redis.call('XADD', KEYS[3 + tonumber(ARGV[i])], '*', 'b', ARGV[i + 1], 'i', ARGV[i + 2])
  bytes = bytes + #ARGV[i + 1]
end
local held = redis.call('INCRBY', KEYS[3], bytes)
local waiting = redis.call('XLEN', KEYS[4]) + redis.call('XLEN', KEYS[5]) + redis.call('XLEN', KEYS[6])
local wake = 0
if redis.call('EXISTS', KEYS[1]) == 0 and redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[1]) then wake = 1 end
return {waiting, held, wake}
"""

_ACKNOWLEDGE = """
-- KEYS: bytes, stream.  ARGV: entry id and its bytes, repeated.  Only what was still there counts: twice does no harm
local bytes = 0
for i = 1, #ARGV, 2 do
  if redis.call('XDEL', KEYS[2], ARGV[i]) == 1 then bytes = bytes + tonumber(ARGV[i + 1]) end
end
return redis.call('DECRBY', KEYS[1], bytes)
"""

_KEEP = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
"""

_FINISH = """
-- KEYS: lease, high, medium, low.  ARGV: token.  1 = the lease is given back, 0 = there is more to do
if redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[4]) > 0 then return 0 end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_GIVE_WAY = """
-- KEYS: lease, wake, high, medium, low.  ARGV: token, wake seconds.  1 = entries wait, and nobody is on the way to them
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[4]) + redis.call('XLEN', KEYS[5]) == 0 then return 0 end
if redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[2]) then return 1 end
return 0
"""

_CLAIM_WAKE = """
-- KEYS: lease, wake, high, medium, low.  ARGV: wake seconds.  1 = entries wait and nobody was on the way to them
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[4]) + redis.call('XLEN', KEYS[5]) == 0 then return 0 end
if redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[1]) then return 1 end
return 0
"""

_LOOK = """
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
return {redis.call('XLEN', KEYS[1]), first[1] and first[1][1] or ''}
"""


def stream_key(shard: int, priority: Priority) -> str:
    return f"river:{{{shard}}}:{priority}"


def _keys(shard: int, *names: str) -> list[str]:
    return [f"river:{{{shard}}}:{name}" for name in names]


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """What one request brought for one shard and priority, as it lies in the stream."""

    priority: Priority
    id: str
    packed: bytes
    batch: str = ""  # the batch_id that the POST was answered with, for the log


@dataclass(frozen=True, slots=True)
class OutgoingEntry:
    """The same on its way in."""

    shard: int
    priority: Priority
    packed: bytes
    batch: str = ""


@dataclass(slots=True)
class Backlog:
    """What waits in one shard after an append, and whether a worker has to be woken for it."""

    entries: int
    bytes: int
    wake: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """What Redis uses and may use, in bytes; `most` is 0 where nothing bounds it."""

    used: int
    most: int

    @classmethod
    def read(cls, info: dict[str, int]) -> "Memory":
        return cls(info["used_memory"], info.get("maxmemory", 0))

    @property
    def share(self) -> float:
        return self.used / self.most if self.most else 0.0

    @property
    def is_full(self) -> bool:
        """Whether the intake answers 503."""
        return self.share >= 1 - RESERVE


# --- The intake's side ----------------------------------------------------------------------------------------------


async def append(redis: "aioredis.Redis", parcels: Iterable[OutgoingEntry]) -> dict[int, Backlog]:
    """Append all parcels or none, in one round trip. Raises redis.RedisError when they are not safely in."""
    by_shard: dict[int, list[Any]] = {}
    for parcel in parcels:
        by_shard.setdefault(parcel.shard, []).extend(
            (PRIORITIES.index(parcel.priority) + 1, parcel.packed, parcel.batch)
        )
    with _lost_lines_as_redis_errors():
        return await _append(redis, by_shard)


async def _append(redis: "aioredis.Redis", by_shard: dict[int, list[Any]]) -> dict[int, Backlog]:
    async with redis.pipeline(transaction=True) as pipe:
        for shard, args in by_shard.items():
            keys = _keys(shard, "lease", "wake", "bytes", *PRIORITIES)
            pipe.eval(_APPEND, len(keys), *keys, WAKE_SECONDS, *args)
        pipe.sadd(SHARDS_KEY, *by_shard)
        answers = await pipe.execute()
    return {
        shard: Backlog(entries, held, wake == 1)
        for shard, (entries, held, wake) in zip(by_shard, answers, strict=False)
    }


async def backlog(redis: "aioredis.Redis", shards: Iterable[int]) -> dict[int, Backlog]:
    """What waits in these shards, without appending anything."""
    shards = list(shards)
    with _lost_lines_as_redis_errors():
        async with redis.pipeline(transaction=False) as pipe:
            for shard in shards:
                for priority in PRIORITIES:
                    pipe.xlen(stream_key(shard, priority))
                pipe.get(_keys(shard, "bytes")[0])
            answers = await pipe.execute()
    found = {}
    for index, shard in enumerate(shards):
        *lengths, held = answers[index * 4 : index * 4 + 4]
        found[shard] = Backlog(sum(lengths), int(held or 0), wake=False)
    return found


@contextmanager
def _lost_lines_as_redis_errors() -> Iterator[None]:
    """uvloop says RuntimeError where a line was cut between its opening and the first command."""
    try:
        yield
    except RuntimeError as error:
        raise RedisConnectionError(str(error)) from error


async def free_bytes(redis: "aioredis.Redis") -> float:
    """Bytes that Redis may take without touching what its workers need to empty it (RESERVE); infinite without a
    limit, negative where that is touched already."""
    with _lost_lines_as_redis_errors():
        found = Memory.read(cast(dict[str, int], await redis.info("memory")))
    return found.most * (1 - RESERVE) - found.used if found.most else math.inf


# --- The worker's side ----------------------------------------------------------------------------------------------


_LAY_ANEW = """
-- KEYS: stream
local entries = redis.call('XRANGE', KEYS[1], '-', '+')
if #entries == 0 then return redis.call('DEL', KEYS[1]) end
local info, last = redis.call('XINFO', 'STREAM', KEYS[1]), nil
for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
redis.call('DEL', KEYS[1])
for _, entry in ipairs(entries) do redis.call('XADD', KEYS[1], entry[1], unpack(entry[2])) end
redis.call('XSETID', KEYS[1], last)
return #entries
"""


def requeue(redis: Redis, key: str) -> None:
    """Write a stream again, each entry under its id: Redis only marks a deleted entry, and keeps its bytes while others
    lie beside it. One script, so nothing comes between; Redis answers nobody else for as long as it takes."""
    redis.eval(_LAY_ANEW, 1, key)


@dataclass(slots=True)
class Lease:
    """The right to read one shard. At most one holder at a time; lost when it shows no sign of life for LEASE_MS."""

    redis: Redis
    shard: int
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    _position: dict[Priority, str] = field(default_factory=dict)  # the last entry read of each stream

    def take(self) -> bool:
        """False where another drain holds it: that one will see whatever is in the stream."""
        (lease, wake) = _keys(self.shard, "lease", "wake")
        taken = bool(self.redis.set(lease, self.token, nx=True, px=LEASE_MS))
        if taken:
            self.redis.delete(wake)
        return taken

    def keep(self) -> bool:
        """A sign of life. False where the lease is lost: stop at once."""
        return bool(self.redis.eval(_KEEP, 1, *_keys(self.shard, "lease"), self.token, LEASE_MS))

    def finish(self) -> bool:
        """Give the lease back, unless something is waiting; then False, and the drain goes on."""
        keys = _keys(self.shard, "lease", *PRIORITIES)
        return bool(self.redis.eval(_FINISH, len(keys), *keys, self.token))

    def release(self) -> None:
        """Give the lease back, whatever is waiting."""
        self.redis.eval(_RELEASE, 1, *_keys(self.shard, "lease"), self.token)

    def give_way(self) -> bool:
        """Give the lease back, whatever is waiting. True where somebody has to be woken for it: act on the answer.

        In one step, so that an append right behind it does not wake one more: two jobs for each that gives way would
        fill the queue for as long as events keep coming.
        """
        keys = _keys(self.shard, "lease", "wake", *PRIORITIES)
        return bool(self.redis.eval(_GIVE_WAY, len(keys), *keys, self.token, WAKE_SECONDS))

    def read(self, *, count: int, block_ms: int | None = None) -> list[StreamEntry]:
        """Up to `count` entries of each priority, high first, that were not read yet; the first read begins with what
        a predecessor left unfinished. Waits `block_ms` for the first; None does not wait."""
        streams = {stream_key(self.shard, each): self._position.get(each, BEGINNING) for each in PRIORITIES}
        answer = self.redis.xread(cast(Any, streams), count=count, block=block_ms)
        found: list[StreamEntry] = []
        for key, entries in _pairs(answer):
            priority = cast(Priority, key.decode().rpartition(":")[2])
            for entry_id, fields in entries:
                packed, batch = fields.get(b"b", b""), fields.get(b"i", b"").decode()
                found.append(StreamEntry(priority, entry_id.decode(), packed, batch))
            if entries:
                self._position[priority] = entries[-1][0].decode()
        return found

    def start_over(self) -> None:
        """What was read but not acknowledged is to be read again."""
        self._position.clear()

    def acknowledge(self, entries: Iterable[StreamEntry]) -> None:
        """The last step of a batch: these entries are finished and leave the stream."""
        by_priority: dict[Priority, list[Any]] = {}
        for entry in entries:
            by_priority.setdefault(entry.priority, []).extend((entry.id, len(entry.packed)))
        with self.redis.pipeline(transaction=True) as pipe:
            for priority, finished in by_priority.items():
                pipe.eval(_ACKNOWLEDGE, 2, *_keys(self.shard, "bytes", priority), *finished)
            pipe.execute()


def _pairs(answer: Any) -> Iterable[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """The streams of an XREAD answer, in whichever of its two shapes the protocol version gives them."""
    if isinstance(answer, dict):
        return [(key, [item for page in pages for item in page]) for key, pages in answer.items()]
    return answer or []


def stranded_shards(redis: Redis) -> list[int]:
    """Shards where entries wait and no drain runs or is queued. Asking claims the wake: act on the answer."""
    found = []
    for shard in sorted(int(member) for member in cast(set[bytes], redis.smembers(SHARDS_KEY))):
        keys = _keys(shard, "lease", "wake", *PRIORITIES)
        if redis.eval(_CLAIM_WAKE, len(keys), *keys, WAKE_SECONDS):
            found.append(shard)
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is not finished yet in one stream, and since when, in ms since the epoch."""

    shard: int
    priority: Priority
    entries: int
    oldest: int | None


def waiting(redis: Redis) -> list[Waiting]:
    """All streams, empty ones too. Two round trips; the entries themselves, which may be large, stay where they are."""
    shards = sorted(int(member) for member in cast(set[bytes], redis.smembers(SHARDS_KEY)))
    streams = [(shard, priority) for shard in shards for priority in PRIORITIES]
    with redis.pipeline(transaction=False) as pipe:
        for shard, priority in streams:
            pipe.eval(_LOOK, 1, stream_key(shard, priority))
        answers = pipe.execute()
    return [
        Waiting(shard, priority, entries, int(first.split(b"-")[0]) if first else None)
        for (shard, priority), (entries, first) in zip(streams, answers, strict=True)
    ]


def oldest_waiting(redis: Redis) -> int | None:
    """When the oldest unfinished entry was appended, in ms since the epoch; None when nothing waits."""
    return min((found.oldest for found in waiting(redis) if found.oldest is not None), default=None)


def connect() -> Redis:
    """A client for one worker. Its timeout is longer than any blocking read, and shorter than a lease lasts."""
    return blocking_client(timeout=4, connect_timeout=3, health_check_interval=30)


def is_reachable() -> bool:
    """Whether Redis answers within a second; asked once, so that a caller who can do without it need not wait."""
    try:
        with short_timeout_client(timeout=1) as redis:
            return bool(redis.ping())
    except (RedisError, OSError):
        return False


def connect_async() -> "aioredis.Redis":
    """A client for one event loop; a POST that waits longer than this for Redis answers 503."""
    return async_client(timeout=4, connect_timeout=2, max_connections=16)
