"""Take over the streams that an older release left under its names (`river:` instead of `events:`).

Done before a worker or an intake of this release uses the streams, and again with each `requeue_stranded_shards`,
because an intake of the older release may still be running and appending. docs/upgrading.md says when this module may
be removed.

Each key of `events.queue.stream`:

- The streams are renamed with their entries' ids. If the new stream exists, the old entries are appended to it in their
  order. Entries that a drain has read and not acknowledged are still in the stream, so they are processed again;
  rows are keyed by event id, so that this changes nothing. Consumer groups of releases before
  docs/decisions/0012-plain-reads.md may be renamed along: nothing reads them.
- `lease` is renamed with its expiry. So a drain of the older release that still runs loses the shard and stops, and a
  drain of this one waits until the lease has expired, as after a crash.
- `wake` is renamed with its expiry, or deleted if the new one exists: the job that it stands for drains the new stream.
- `bytes` is added to the new counter. A drain that has lost its shard and acknowledges its last batch may leave the old
  counter at 0.
- `shards` loses the number of the shard in the same step, and is gone after the last.

Heartbeats, points, and rq's keys and queues have kept their names.
"""

from collections.abc import Iterator
from typing import cast

from redis import Redis

from events.contract.kinds import PRIORITIES, Priority
from events.queue import stream

SHARDS_KEY = "river:shards"

# Begins with a write that needs no memory, so that Redis refuses none of the following: the workers that would free
# memory start after this.
_TAKE_OVER = """
-- KEYS: shards, lease, wake, bytes, high, medium, low by their old names, then by their new names.  ARGV: shard
-- 1 = taken over, 0 = drains of both releases are running
local function exists(i) return redis.call('EXISTS', KEYS[i]) == 1 end
if exists(2) and exists(9) then return 0 end
redis.call('SREM', KEYS[1], ARGV[1])
redis.call('SADD', KEYS[8], ARGV[1])
redis.call('INCRBY', KEYS[11], redis.call('GET', KEYS[4]) or 0)
redis.call('DEL', KEYS[4])
for _, i in ipairs({2, 3, 5, 6, 7}) do
  if exists(i) and redis.call('RENAMENX', KEYS[i], KEYS[i + 7]) == 0 then
    if i >= 5 then
      for _, entry in ipairs(redis.call('XRANGE', KEYS[i], '-', '+')) do
        redis.call('XADD', KEYS[i + 7], '*', unpack(entry[2]))
      end
    end
    redis.call('DEL', KEYS[i])
  end
end
return 1
"""


def take_over(redis: Redis) -> int:
    """Take over the shards of an older release and return their number. One round trip if there are none.

    Each shard is one atomic step, so this may run in several processes. A shard that drains of both releases are
    reading is left for the next call. Raises RedisError.
    """
    names = ("lease", "wake", "bytes", *PRIORITIES)
    taken = 0
    for shard in _shards(redis):
        old = [SHARDS_KEY, *(_key(shard, name) for name in names)]
        new = [stream.SHARDS_KEY, *stream.shard_keys(shard, *names)]
        taken += cast(int, redis.eval(_TAKE_OVER, len(old) + len(new), *old, *new, shard))
    return taken


def streams(redis: Redis) -> Iterator[tuple[int, Priority, str]]:
    """Yield shard, priority and key of the streams that are not taken over, without changing anything."""
    for shard in _shards(redis):
        for priority in PRIORITIES:
            yield shard, priority, _key(shard, priority)


def _shards(redis: Redis) -> list[int]:
    return sorted(int(member) for member in cast(set[bytes], redis.smembers(SHARDS_KEY)))


def _key(shard: int, name: str) -> str:
    return f"river:{{{shard}}}:{name}"
