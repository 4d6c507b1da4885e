"""Clients of a Valkey or Redis Cluster: redis-py's, which follows its failovers and the moves of its slots.

All keys of one command or script must lie on one slot, as keys with the same text in braces do. A Cluster of which no
node answers, or whose slot has no master, is a ConnectionError, like any Redis that is away: redis-py's own error for
it is no RedisError.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from redis import Redis
from redis import asyncio as aioredis
from redis.asyncio import cluster as async_cluster
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ConstantBackoff, NoBackoff
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import ConnectionError, RedisClusterException
from redis.retry import Retry

from core.redis_address import Options, RedisAddress

RETRIES = 1  # after the map was read again: a node that is gone costs one timeout


@contextmanager
def as_redis_errors() -> Iterator[None]:
    """Raise ConnectionError instead of redis-py's RedisClusterException."""
    try:
        yield
    except RedisClusterException as error:
        raise ConnectionError(str(error)) from error


class ClusterClient(RedisCluster):
    """A synchronous client. Its pipelines raise RedisClusterException (`as_redis_errors`).

    It stays open, because other callers share it (`cluster_client`).
    """

    def close(self) -> None:
        pass

    def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        with as_redis_errors():
            return super().execute_command(*args, **kwargs)  # type: ignore[no-untyped-call]


_clients: dict[Any, ClusterClient] = {}
_making = threading.Lock()


def cluster_client(address: RedisAddress, options: Options) -> Redis:
    """Return a synchronous client, which has the commands of one server's.

    All callers of a process with the same timeouts share it: to make one takes a tenth of a second, for the map and the
    list of all commands. Raises RedisError if no node answers.
    """
    key = (address.url, options.get("socket_timeout"), options.get("socket_connect_timeout"))
    with _making, as_redis_errors():
        if key not in _clients:
            nodes = [ClusterNode(host, port) for host, port in address.nodes]  # type: ignore[no-untyped-call]
            retry = Retry(ConstantBackoff(0.1), RETRIES)
            _clients[key] = ClusterClient(
                startup_nodes=nodes, require_full_coverage=False, retry=retry, dynamic_startup_nodes=False, **options
            )
    return cast(Redis, _clients[key])


def is_cluster(redis: Any) -> bool:
    return isinstance(redis, RedisCluster)


def servers_of(redis: Any, *, with_replicas: bool = False) -> list[Redis]:
    """Return a client of each server: the masters of a Cluster, or the server itself. They end with `redis`."""
    if not isinstance(redis, RedisCluster):
        return [redis]
    nodes: Any = redis.get_nodes() if with_replicas else redis.get_primaries()  # type: ignore[no-untyped-call]
    return [redis.get_redis_connection(node) for node in nodes]


class AsyncClusterClients:
    """Clients of the masters of a Cluster, for one event loop: plain ones, each of one server.

    `master_of` reads the map of slots when it is first needed, and after `forget_map`.
    """

    def __init__(self, address: RedisAddress, options: Options) -> None:
        nodes = [async_cluster.ClusterNode(host, port) for host, port in address.nodes]
        retry = AsyncRetry(NoBackoff(), 0)
        self._map = aioredis.RedisCluster(
            startup_nodes=nodes, require_full_coverage=False, retry=retry, dynamic_startup_nodes=False, **options
        )
        self._scheme = "rediss" if options.get("ssl") else "redis"
        self._options = {name: value for name, value in options.items() if name != "ssl"}
        self._clients: dict[str, aioredis.Redis] = {}
        self.lonely: set[aioredis.Redis] = set()  # masters that had too few replicas

    async def master_of(self, key: str) -> "aioredis.Redis":
        """Return the client of the key's master. Raises RedisError or OSError if no node answers or has the slot."""
        with as_redis_errors():
            await self._map.initialize()
            return self._client(self._map.get_node_from_key(key))

    async def masters(self) -> list["aioredis.Redis"]:
        """Return the clients of all masters. Raises RedisError or OSError if no node answers."""
        with as_redis_errors():
            await self._map.initialize()
            return [self._client(node) for node in self._map.get_primaries()]

    async def forget_map(self) -> None:
        """Have the map read again: a master did not answer, or has the slot no longer."""
        await self._map.aclose()

    async def aclose(self) -> None:
        await self._map.aclose()
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()

    def _client(self, node: Any) -> "aioredis.Redis":
        if node.name not in self._clients:
            host = f"[{node.host}]" if ":" in node.host else node.host
            url = f"{self._scheme}://{host}:{node.port}"
            self._clients[node.name] = aioredis.Redis.from_url(url, **self._options)
        return self._clients[node.name]
