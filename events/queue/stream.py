"""The Redis streams between the intake and the workers. No other module accesses their keys, except maintenance.

The intake appends the events of a request (`events.queue.appending`), one entry for each shard and priority, and
learns in the same round trip whether a drain is running or enqueued for the shard. If not, it enqueues one
(`events.worker.tasks`). The drain takes
the shard's lease, reads the waiting entries, and acknowledges them after everything else is done, which deletes them.
So a stream contains exactly the unfinished entries, and the next holder of the lease begins at the first entry,
including those that a predecessor left unfinished. There is no consumer group: the holder of the lease is the only
reader, so Redis need not record who read which entry (docs/decisions/0012-plain-reads.md).

The lease is returned in one atomic step that fails while entries are left (`_FINISH`). An append either precedes that
step, and the drain continues, or follows it, finds no lease, and enqueues a drain. So no entry is missed.

Keys, all of a shard in one slot of a Cluster (`N` = shard number):

    events:{N}:high|medium|low   stream   fields: b = packed events, i = batch id of the POST
    events:{N}:lease             string   token of the running drain; expires LEASE_MS after its last renewal
    events:{N}:wake              string   a drain is enqueued; expires WAKE_SECONDS later, in case the job was lost
    events:{N}:bytes             integer  bytes of all entries of the shard
    events:{N}:written           string   only if the streams have a Redis of their own: tests whether it accepts a
                                          write; expires
    events:host                  string   see `events.queue.shared_lease`
    events:shards                set      all shard numbers ever written to, so that a smaller EVENT_SHARDS loses none;
                                          not in a Cluster, where a script has the keys of one slot: `bytes` tells

They are in EVENTS_REDIS_URL, which is REDIS_URL if it is not set. `events.queue.renamed_keys` takes over the keys of
older versions, whose names differ, and `events.queue.moved` what waits in REDIS_URL if the streams are elsewhere.
"""

import logging
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django.conf import settings
from redis import Redis
from redis import asyncio as aioredis
from redis.exceptions import RedisError

from core import redis_address
from core.redis import Script, async_client, async_cluster_clients, blocking_client, short_timeout_client
from core.redis_cluster import AsyncClusterClients, as_redis_errors, is_cluster
from events.contract.kinds import PRIORITIES, Priority

logger = logging.getLogger(__name__)

BEGINNING = "0-0"
LEASE_MS = 5_000
WAKE_SECONDS = 10
SHARDS_KEY = "events:shards"
MAX_SHARDS = 64  # the largest EVENT_SHARDS
# The share beyond which only events of lessons are stored, and no waiting points or test events.
COMMON = 0.5

# For scripts of other modules: whether so many more bytes would exceed the share COMMON.
IS_CROWDED = f"""
local function is_crowded(bytes)
  local memory = redis.call('INFO', 'memory')
  local maximum = tonumber(string.match(memory, 'maxmemory:(%d+)'))
  return maximum > 0 and tonumber(string.match(memory, 'used_memory:(%d+)')) + bytes > maximum * {COMMON}
end
"""

_ACKNOWLEDGE = Script("""
-- KEYS: bytes, high, medium, low.  ARGV: repeated: priority (1 to 3), entry id, its bytes.
-- Counts only existing entries, so it may be repeated
local bytes = 0
for i = 1, #ARGV, 3 do
  if redis.call('XDEL', KEYS[1 + tonumber(ARGV[i])], ARGV[i + 1]) == 1 then bytes = bytes + tonumber(ARGV[i + 2]) end
end
return redis.call('DECRBY', KEYS[1], bytes)
""")

_RENEW = Script("""
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
""")

_FINISH = """
-- KEYS: lease, high, medium, low.  ARGV: token.  1 = the lease is returned, 0 = entries are waiting
if redis.call('XLEN', KEYS[2]) + redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[4]) > 0 then return 0 end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1
"""

_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"

_YIELD = """
-- KEYS: lease, wake, high, medium, low.  ARGV: token, wake seconds.  1 = entries are waiting and no drain is enqueued
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
if redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[4]) + redis.call('XLEN', KEYS[5]) == 0 then return 0 end
if redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[2]) then return 1 end
return 0
"""

_CLAIM_WAKE = """
-- KEYS: lease, wake, high, medium, low.  ARGV: wake seconds.  1 = entries are waiting and no drain was enqueued
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if redis.call('XLEN', KEYS[3]) + redis.call('XLEN', KEYS[4]) + redis.call('XLEN', KEYS[5]) == 0 then return 0 end
if redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[1]) then return 1 end
return 0
"""

_LENGTH_AND_FIRST = """
local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)
return {redis.call('XLEN', KEYS[1]), first[1] and first[1][1] or ''}
"""


def stream_key(shard: int, priority: Priority) -> str:
    return f"events:{{{shard}}}:{priority}"


def shard_keys(shard: int, *names: str) -> list[str]:
    return [f"events:{{{shard}}}:{name}" for name in names]


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """The events of one request for one shard and priority, as read from the stream."""

    priority: Priority
    id: str
    packed: bytes
    batch: str = ""  # batch_id in the answer to the POST, for the log
    shard: int = 0


# --- Draining ---------------------------------------------------------------------------------------------------------


_REWRITE = """
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
    """Write a stream again, each entry under its id, to free the memory of deleted entries.

    Redis only marks a deleted entry, and stores its bytes while neighbouring entries exist. This is one script, so it
    is atomic, and blocks Redis while it runs.
    """
    redis.eval(_REWRITE, 1, key)


@dataclass(slots=True)
class Lease:
    """The right to read one shard. At most one holder at a time; it expires LEASE_MS after the last renewal."""

    redis: Redis
    shard: int
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    position: dict[Priority, str] = field(default_factory=dict)  # the last entry read of each stream

    def take(self) -> bool:
        """Take the lease. Return False if another drain holds it, which then reads all entries."""
        (lease, wake) = shard_keys(self.shard, "lease", "wake")
        taken = bool(self.redis.set(lease, self.token, nx=True, px=LEASE_MS))
        if taken:
            self.redis.delete(wake)
        return taken

    def renew(self) -> bool:
        """Renew the lease. Return False if it is lost: stop at once."""
        return bool(_RENEW.call(self.redis, shard_keys(self.shard, "lease"), self.token, LEASE_MS))

    def finish(self) -> bool:
        """Return the lease, unless entries are waiting. Return False if they are: the drain must continue."""
        keys = shard_keys(self.shard, "lease", *PRIORITIES)
        return bool(self.redis.eval(_FINISH, len(keys), *keys, self.token))

    def release(self) -> None:
        """Return the lease, even if entries are waiting."""
        self.redis.eval(_RELEASE, 1, *shard_keys(self.shard, "lease"), self.token)

    def hand_over(self) -> bool:
        """Return the lease, even if entries are waiting. Return True if the caller must enqueue a drain for them.

        One atomic step, so that a following append does not enqueue a second drain. Two jobs for each drain that
        returns its lease would fill the queue as long as events arrive.
        """
        keys = shard_keys(self.shard, "lease", "wake", *PRIORITIES)
        return bool(self.redis.eval(_YIELD, len(keys), *keys, self.token, WAKE_SECONDS))

    def read(self, *, count: int, block_ms: int | None = None) -> list[StreamEntry]:
        """Return up to `count` unread entries of each priority, high first.

        The first read begins with the entries that a predecessor left unfinished. Wait up to `block_ms` for an entry;
        None does not wait.
        """
        return read([self], count=count, block_ms=block_ms)

    def reset_position(self) -> None:
        """Read entries that are not acknowledged again."""
        self.position.clear()

    def acknowledge(self, entries: Iterable[StreamEntry]) -> None:
        """Delete these finished entries from the stream. This is the last step of a batch."""
        finished = [
            value for entry in entries for value in (PRIORITIES.index(entry.priority) + 1, entry.id, len(entry.packed))
        ]
        _ACKNOWLEDGE.call(self.redis, shard_keys(self.shard, "bytes", *PRIORITIES), *finished)


def read(leases: Sequence[Lease], *, count: int, block_ms: int | None = None) -> list[StreamEntry]:
    """Read with several leases like `Lease.read` with one: up to `count` entries of each priority of each shard, those
    of high priority first. One round trip; not over several slots of a Cluster."""
    streams = {
        stream_key(lease.shard, priority).encode(): (lease, priority) for priority in PRIORITIES for lease in leases
    }
    after = {key: lease.position.get(priority, BEGINNING) for key, (lease, priority) in streams.items()}
    answer = leases[0].redis.xread(cast(Any, after), count=count, block=block_ms)
    found: list[StreamEntry] = []
    for key, entries in _stream_pages(answer):
        lease, priority = streams[key]
        for entry_id, fields in entries:
            packed, batch = fields.get(b"b", b""), fields.get(b"i", b"").decode()
            found.append(StreamEntry(priority, entry_id.decode(), packed, batch, lease.shard))
        if entries:
            lease.position[priority] = entries[-1][0].decode()
    return found


def _stream_pages(answer: Any) -> Iterable[tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]]:
    """Return the streams of an XREAD reply in either protocol version."""
    if isinstance(answer, dict):
        return [(key, [item for page in pages for item in page]) for key, pages in answer.items()]
    return answer or []


# --- The state of the streams -----------------------------------------------------------------------------------------


def shards(redis: Redis) -> list[int]:
    """Return all shard numbers ever written to, in ascending order."""
    if is_cluster(redis):
        counted = _ask_all(redis, [("EXISTS", *shard_keys(shard, "bytes")) for shard in range(MAX_SHARDS)])
        return [shard for shard, exists in enumerate(counted) if exists]
    return sorted(int(member) for member in cast(set[bytes], redis.smembers(SHARDS_KEY)))


def shard_here(redis: Redis, shard: int) -> int:
    """Return the number that a shard of another Redis or of a backup gets: a Cluster has MAX_SHARDS at most."""
    return shard % MAX_SHARDS if is_cluster(redis) else shard


def stranded_shards(redis: Redis) -> list[int]:
    """Return the shards that have entries but neither a running nor an enqueued drain.

    This marks the drains as enqueued, so the caller must enqueue them. In a Cluster, leave shards out that have no
    master at the moment.
    """
    found = []
    for shard in range(MAX_SHARDS) if is_cluster(redis) else shards(redis):
        keys = shard_keys(shard, "lease", "wake", *PRIORITIES)
        try:
            if redis.eval(_CLAIM_WAKE, len(keys), *keys, WAKE_SECONDS):
                found.append(shard)
        except (RedisError, OSError) as error:
            if not is_cluster(redis):
                raise
            logger.warning("Shard %d cannot be read at the moment: %s", shard, type(error).__name__)
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """The number of unfinished entries in one stream, and the time of the oldest in ms since the epoch."""

    shard: int
    priority: Priority
    entries: int
    oldest: int | None


def waiting(redis: Redis) -> list[Waiting]:
    """Return the state of all streams, including empty ones. Two round trips, without reading the entries' contents."""
    streams = [(shard, priority) for shard in shards(redis) for priority in PRIORITIES]
    answers = _ask_all(redis, [("EVAL", _LENGTH_AND_FIRST, 1, stream_key(*each)) for each in streams])
    return [
        Waiting(shard, priority, entries, int(first.split(b"-")[0]) if first else None)
        for (shard, priority), (entries, first) in zip(streams, answers, strict=True)
    ]


def _ask_all(redis: Redis, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Return the answers, in one round trip to each server."""
    with redis.pipeline(transaction=False) as pipe:
        for command in commands:
            pipe.execute_command(*command)  # type: ignore[no-untyped-call]
        with as_redis_errors():
            return pipe.execute()


def oldest_waiting(redis: Redis) -> int | None:
    """Return when the oldest unfinished entry was appended, in ms since the epoch, or None without entries."""
    return min((found.oldest for found in waiting(redis) if found.oldest is not None), default=None)


# --- Connections ------------------------------------------------------------------------------------------------------


def url() -> str:
    """Return the address of the Redis that has the streams."""
    return settings.EVENTS_REDIS_URL or settings.REDIS_URL


def has_own_redis() -> bool:
    """Return whether the streams are in another Redis than everything else."""
    return url() != settings.REDIS_URL


def connect() -> Redis:
    """Return a client for workers. Its timeout is longer than any blocking read, and shorter than a lease. Raises
    RedisError if the streams are in a Cluster of which no node answers."""
    return blocking_client(timeout=4, connect_timeout=3, health_check_interval=30, url=url())


def is_reachable() -> bool:
    """Return whether Redis answers within a second, of a Cluster any node. Does not retry."""
    try:
        with short_timeout_client(timeout=1, url=url()) as redis:
            return is_cluster(redis) or bool(redis.ping())  # a client of a Cluster has asked for the map
    except (RedisError, OSError):
        return False


def connect_async() -> "aioredis.Redis | AsyncClusterClients":
    """Return a client for one event loop. The intake answers 503 after its timeout."""
    if redis_address.parse(url()).kind == "cluster":
        return async_cluster_clients(url(), timeout=4, connect_timeout=1, max_connections=16)
    return async_client(timeout=4, connect_timeout=2, max_connections=16, url=url())
