"""The leases of one drain: that of its own shard and, while few events come, those of the other shards.

What is fixed in a batch costs as much as 80 events, so in a lesson one drain for all shards needs half of the processor
that two need, or half of the time between batches (docs/decisions/0026-fewer-wakes.md). The drain of shard HOST is the
host: while it is open it takes every shard without a holder, and drains of other shards pass theirs to it. When more
comes than one drain should carry, it hands the others over again. Nothing is shared in a Cluster, whose scripts have
the keys of one slot.

A shard still has one holder at a time, whose token is in its lease, and its entries are read by nobody else. If the
host dies its leases expire like any other, and `stranded_shards` finds them. A lease is passed between two batches, and
the host reads the shard from its first unfinished entry, so the order of a student's events stays.

Key: events:host   string   token of the open host; expires HOST_MS after its last renewal
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.conf import settings
from redis import Redis

from core.redis import Script
from core.redis_cluster import is_cluster
from events.contract.kinds import PRIORITIES
from events.queue.stream import LEASE_MS, WAKE_SECONDS, Lease, StreamEntry, read, shard_keys

HOST = 0  # the shard
HOST_KEY = "events:host"
HOST_MS = 2_000

_RENEW = Script("""
-- KEYS: host, lease of the own shard, then lease and wake of each other shard.
-- ARGV: token, lease ms, host ms, 1 = open
-- Returns 0 for the own shard if it is lost; for each other shard 0 = not held, 1 = held, 2 = taken
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return {0} end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
local is_open = ARGV[4] == '1'
if is_open then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[3])
elseif redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
local held = {1}
for i = 3, #KEYS, 2 do
  local holder = redis.call('GET', KEYS[i])
  if holder == ARGV[1] then
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
    held[#held + 1] = 1
  elseif is_open and not holder then
    redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
    redis.call('DEL', KEYS[i + 1])
    held[#held + 1] = 2
  else
    held[#held + 1] = 0
  end
end
return held
""")

_PASS = Script("""
-- KEYS: host, lease.  ARGV: token, lease ms.  1 = the host has the lease
local host = redis.call('GET', KEYS[1])
if not host or host == ARGV[1] or redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], host, 'PX', ARGV[2])
return 1
""")

_END = Script("""
-- KEYS: host, then of each shard: lease, wake, high, medium, low.
-- ARGV: token; wake seconds, 0 = wake nobody; 1 = only if no entries are waiting
-- Returns the held leases. Replies with the places of the shards for which a drain must be enqueued; nil = entries wait
local held, places = {}, {}
for i = 2, #KEYS, 5 do
  if redis.call('GET', KEYS[i]) == ARGV[1] then held[#held + 1] = i end
end
local function is_empty(i)
  return redis.call('XLEN', KEYS[i + 2]) + redis.call('XLEN', KEYS[i + 3]) + redis.call('XLEN', KEYS[i + 4]) == 0
end
if ARGV[3] == '1' then
  for _, i in ipairs(held) do if not is_empty(i) then return false end end
end
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
for _, i in ipairs(held) do
  redis.call('DEL', KEYS[i])
  if ARGV[2] ~= '0' and not is_empty(i) and redis.call('SET', KEYS[i + 1], 1, 'NX', 'EX', ARGV[2]) then
    places[#places + 1] = (i - 2) / 5
  end
end
return places
""")


@dataclass(slots=True)
class SharedLease:
    """The leases of one drain, all with one token. `others` are the shards that it may hold beside its own."""

    own: Lease
    others: Sequence[int] = ()
    guests: dict[int, Lease] = field(default_factory=dict)  # those of them that it holds

    @classmethod
    def of(cls, redis: Redis, shard: int) -> "SharedLease":
        """Return the leases of a drain of this shard, none of which is taken."""
        may_host = shard == HOST and not is_cluster(redis)
        return cls(Lease(redis, shard), [each for each in range(settings.EVENT_SHARDS) if may_host and each != shard])

    @property
    def leases(self) -> list[Lease]:
        return [self.own, *self.guests.values()]

    def take(self) -> bool:
        """Take the lease of the own shard. Return False if another drain holds it."""
        return self.own.take()

    def renew(self, *, is_open: bool) -> bool:
        """Renew all leases and, if the host is open, take those that nobody holds. Return False if the own one is lost:
        stop at once."""
        if not self.others:
            return self.own.renew()
        keys = [HOST_KEY, *shard_keys(self.own.shard, "lease")]
        keys += [key for shard in self.others for key in shard_keys(shard, "lease", "wake")]
        is_held, *held = _RENEW.call(self.own.redis, keys, self.own.token, LEASE_MS, HOST_MS, int(is_open))
        for shard, state in zip(self.others, held, strict=False):
            if state == 0:
                self.guests.pop(shard, None)
            elif state == 2 or shard not in self.guests:
                self.guests[shard] = Lease(self.own.redis, shard, self.own.token)
        return bool(is_held)

    def join_host(self) -> bool:
        """Pass the lease to the host, if there is an open one. Return True if it has it: stop, and enqueue nothing."""
        if self.own.shard == HOST or is_cluster(self.own.redis):
            return False
        keys = [HOST_KEY, *shard_keys(self.own.shard, "lease")]
        return bool(_PASS.call(self.own.redis, keys, self.own.token, LEASE_MS))

    def leave_guests(self) -> list[int]:
        """Return the leases of the other shards. Return those for which the caller must enqueue a drain."""
        guests, self.guests = self.guests, {}
        return [shard for shard, lease in guests.items() if lease.hand_over()]

    def finish(self) -> bool:
        """Return all leases, unless entries are waiting. Return False if they are: the drain must continue."""
        if not self.others:
            return self.own.finish()
        return self._end(wake_seconds=0, only_if_empty=True) is not None

    def hand_over(self) -> list[int]:
        """Return all leases. Return the shards for which the caller must enqueue a drain, in one atomic step."""
        if not self.others:
            return [self.own.shard] if self.own.hand_over() else []
        shards = [self.own.shard, *self.others]
        return [shards[place] for place in self._end(wake_seconds=WAKE_SECONDS) or ()]

    def release(self) -> None:
        """Return all leases, even if entries are waiting."""
        if self.others:
            self._end(wake_seconds=0)
        else:
            self.own.release()

    def _end(self, *, wake_seconds: int, only_if_empty: bool = False) -> list[int] | None:
        """Run _END for all shards, also for those that were passed since the last renewal."""
        keys = [HOST_KEY]
        for shard in (self.own.shard, *self.others):
            keys += shard_keys(shard, "lease", "wake", *PRIORITIES)
        found: list[int] | None = _END.call(self.own.redis, keys, self.own.token, wake_seconds, int(only_if_empty))
        return found

    def read(self, *, count: int, block_ms: int | None = None) -> list[StreamEntry]:
        """Return up to `count` unread entries of each priority of each shard, high first."""
        return read(self.leases, count=count, block_ms=block_ms)

    def reset_position(self) -> None:
        for lease in self.leases:
            lease.reset_position()

    def acknowledge(self, entries: Iterable[StreamEntry]) -> None:
        """Delete these finished entries from their streams. This is the last step of a batch."""
        by_shard: dict[int, list[StreamEntry]] = {}
        for entry in entries:
            by_shard.setdefault(entry.shard, []).append(entry)
        for lease in self.leases:
            if lease.shard in by_shard:
                lease.acknowledge(by_shard[lease.shard])
