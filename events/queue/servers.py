"""The state of the servers that have the event streams: memory, replicas, and whether they take a write."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from redis import Redis

from core.redis_cluster import as_redis_errors, servers_of
from events.queue.stream import shard_keys

# The share of Redis' `maxmemory` that events may not fill: leases, jobs and heartbeats need memory too, and without
# them no worker could drain the streams.
RESERVE = 0.15


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory that Redis uses and may use, in bytes; `maximum` is 0 without a limit."""

    used: int
    maximum: int

    @classmethod
    def read(cls, info: dict[str, int]) -> "Memory":
        return cls(info["used_memory"], info.get("maxmemory", 0))

    @property
    def share(self) -> float:
        return self.used / self.maximum if self.maximum else 0.0

    @property
    def is_full(self) -> bool:
        """Return whether the intake answers 503."""
        return self.share >= 1 - RESERVE


def good_replicas(info: dict[str, Any]) -> int:
    """Return how many replicas follow this server, of INFO's section `replication`."""
    of_each = (info[name] for name in info if name.startswith("slave") and name[5:].isdigit())
    return sum(replica.get("state") == "online" for replica in of_each)


def infos(redis: Redis, section: str) -> list[dict[str, Any]]:
    """Return this section of INFO of the server, or of each master of a Cluster."""
    return [server.info(section) for server in servers_of(redis)]


def refusals(redis: Redis) -> list[Exception]:
    """Write a value that expires beside each shard that is in use, and return the errors of those that refuse it.

    Raises RedisError if a server does not answer.
    """
    with redis.pipeline(transaction=False) as pipe:
        for shard in range(settings.EVENT_SHARDS):
            pipe.set(shard_keys(shard, "written")[0], 1, ex=60)
        with as_redis_errors():
            return [answer for answer in pipe.execute(raise_on_error=False) if isinstance(answer, Exception)]


def fullest(found: Iterable[dict[str, Any]]) -> Memory:
    """Return the memory of the server that has least left, of their INFO's section `memory`."""
    return max(map(Memory.read, found), key=lambda memory: memory.share)


def fewest_replicas(found: Iterable[dict[str, Any]]) -> int:
    """Return the replicas of the server that has fewest, of their INFO's section `replication`."""
    return min(map(good_replicas, found))
