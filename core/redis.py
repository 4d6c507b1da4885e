"""Clients of the Redis or Valkey that the settings name (`core.redis_address`).

All timeouts are in seconds. Clients made from an address do not retry. The pools of synchronous clients notice
connections that Redis has closed, as it does with all when it restarts; those of asynchronous ones do not, and fail at
the next command. With ASYNC_RECONNECT this command is sent once more, on a new connection.

Behind Sentinel each new connection asks the sentinels which server is the master. So after a failover everything goes
on by itself: connections to the former master end, because it is gone or because the sentinels make it a replica.
"""

from collections.abc import Sequence
from hashlib import sha1
from typing import Any, cast

from django.conf import settings
from redis import Redis
from redis import asyncio as aioredis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncSentinelConnectionPool
from redis.asyncio.sentinel import SentinelManagedConnection, SentinelManagedSSLConnection
from redis.backoff import NoBackoff
from redis.connection import SSLConnection
from redis.exceptions import ConnectionError, NoScriptError, RedisError
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from core.redis_address import Options, RedisAddress, parse
from core.redis_cluster import AsyncClusterClients, cluster_client

ASYNC_RECONNECT = AsyncRetry(NoBackoff(), 1, supported_errors=(ConnectionError,))
# Of each sentinel. One that is gone costs a new connection so much, until another was asked successfully.
SENTINEL_TIMEOUT = 1.0
# Where nothing else is said: else a connection would wait for a dead machine for ever.
CONNECT_TIMEOUT = 2.0


def blocking_client(
    *,
    timeout: float,
    connect_timeout: float | None = None,
    health_check_interval: int = 0,
    url: str | None = None,
) -> Redis:
    """Return a client for synchronous code that waits for the answer. A blocking command must end before `timeout`."""
    return client_of(
        url or settings.REDIS_URL,
        socket_timeout=timeout,
        socket_connect_timeout=connect_timeout,
        health_check_interval=health_check_interval,
    )


def short_timeout_client(*, timeout: float, connect_timeout: float = 1, url: str | None = None) -> Redis:
    """Return a client for synchronous code that can do without Redis and must not be held up by it."""
    return client_of(url or settings.REDIS_URL, socket_timeout=timeout, socket_connect_timeout=connect_timeout)


def async_client(
    *,
    timeout: float | None = None,
    connect_timeout: float = CONNECT_TIMEOUT,
    max_connections: int | None = None,
    reconnect: bool = False,
    url: str | None = None,
) -> "aioredis.Redis":
    """Return a client for one event loop."""
    address = parse(url or settings.REDIS_URL)
    options: Options = {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        "max_connections": max_connections,
        "retry": ASYNC_RECONNECT if reconnect else None,
    }
    if address.kind == "sentinel":
        return aioredis.Redis.from_pool(_async_master_pool(address, options))
    return aioredis.Redis.from_url(address.url, **address.keepalive, **options)


def async_cluster_clients(
    url: str, *, timeout: float, connect_timeout: float, max_connections: int
) -> AsyncClusterClients:
    """Return clients of a Cluster's masters for one event loop."""
    options = {
        "socket_timeout": timeout,
        "socket_connect_timeout": connect_timeout,
        "max_connections": max_connections,
    }
    address = parse(url)
    return AsyncClusterClients(address, _merged(address, options))


def client_of(url: str, **options: Any) -> Redis:
    """Return a synchronous client of any address. `options` are those of redis-py's connections."""
    address = parse(url)
    if address.kind == "cluster":
        return cluster_client(address, _merged(address, options))
    if address.kind == "sentinel":
        return Redis.from_pool(MasterPool.from_url(url, **options))
    return Redis.from_url(url, **{**address.keepalive, **options})


# --- Sentinel ---------------------------------------------------------------------------------------------------------


class _Sentinel(Sentinel):
    """Keeps no connections to the sentinels: they are asked when a connection to the master is made, which is rare."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            return cast(tuple[str, int], super().discover_master(service_name))  # type: ignore[no-untyped-call]
        finally:
            for sentinel in self.sentinels:
                sentinel.connection_pool.disconnect(inuse_connections=False)


class _AsyncSentinel(AsyncSentinel):
    async def discover_master(self, service_name: str) -> tuple[str, int]:
        try:
            return cast(tuple[str, int], await super().discover_master(service_name))
        finally:
            for sentinel in self.sentinels:
                await sentinel.connection_pool.disconnect(inuse_connections=False)


class MasterPool(SentinelConnectionPool):
    """Connections to whichever server is the master. The pool of Django's cache behind Sentinel, too."""

    @classmethod
    def from_url(cls, url: str, **options: Any) -> "MasterPool":
        address = parse(url)
        asked = _Sentinel(address.nodes, sentinel_kwargs=sentinel_options(address))  # type: ignore[no-untyped-call]
        return cls(address.master, asked, **_merged(address, options))


def _async_master_pool(address: RedisAddress, options: Options) -> AsyncSentinelConnectionPool:
    retry = AsyncRetry(NoBackoff(), 0)
    kwargs = {**sentinel_options(address), "retry": retry}
    asked = _AsyncSentinel(address.nodes, sentinel_kwargs=kwargs)  # type: ignore[no-untyped-call]
    merged = _merged(address, options)
    return AsyncSentinelConnectionPool(address.master, asked, **merged)  # type: ignore[no-untyped-call]


def rq_options(address: RedisAddress) -> Options:
    """Return what django-rq needs to know of the servers, in its own words."""
    if address.kind == "sentinel":
        return {
            "SENTINELS": list(address.nodes),
            "MASTER_NAME": address.master,
            "SENTINEL_KWARGS": sentinel_options(address),
            # No timeout of answers: a worker waits for jobs in a blocking command, and sets one that is longer.
            "CONNECTION_KWARGS": {"socket_connect_timeout": CONNECT_TIMEOUT, **address.options},
        }
    if not address.keepalive:
        return {"URL": address.url}
    # Not URL, with which django-rq takes no options of connections.
    of = {"HOST": "host", "PORT": "port", "DB": "db", "USERNAME": "username", "PASSWORD": "password"}
    [(host, port)] = address.nodes
    given = {"host": host, "port": port, "db": 0, **address.options}
    rest = {name: value for name, value in given.items() if name not in of.values()}
    is_tls = rest.pop("connection_class", None) is SSLConnection
    return {
        **{word: given.get(name) for word, name in of.items()},
        "SSL": is_tls,
        "SSL_CERT_REQS": rest.pop("ssl_cert_reqs", "required"),
        # No retries, as of all clients that are made from an address: rq goes on by itself.
        "REDIS_CLIENT_KWARGS": {**address.keepalive, "retry": Retry(NoBackoff(), 0), **rest},
    }


class _NoticesLoss:
    """Of an asynchronous connection. When the kernel gives one up (ETIMEDOUT), redis-py takes its TimeoutError for "no
    message yet": a subscription would be deaf for ever, and its loop would turn without a pause."""

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        response = await super().read_response(*args, **kwargs)  # type: ignore[misc]
        reader = self._reader  # type: ignore[attr-defined]
        if response is None and reader is not None and (lost := reader.exception()) is not None:
            await self.disconnect(nowait=True)  # type: ignore[attr-defined]
            raise ConnectionError(f"The connection was lost: {lost}") from lost
        return response


class _Connection(_NoticesLoss, aioredis.Connection):
    pass


class _TlsConnection(_NoticesLoss, aioredis.SSLConnection):
    pass


class _MasterConnection(_NoticesLoss, SentinelManagedConnection):
    pass


class _TlsMasterConnection(_NoticesLoss, SentinelManagedSSLConnection):
    pass


def channel_options(address: RedisAddress) -> Options:
    """Return what the channel layer needs to know of the servers, an entry of its `hosts`."""
    if address.kind == "sentinel":
        return {
            "master_name": address.master,
            "sentinels": list(address.nodes),
            "sentinel_kwargs": {**sentinel_options(address), "retry": AsyncRetry(NoBackoff(), 0)},
            "retry": ASYNC_RECONNECT,
            "socket_timeout": 10,
            "socket_connect_timeout": CONNECT_TIMEOUT,
            "connection_class": _TlsMasterConnection if address.options.get("ssl") else _MasterConnection,
            **address.options,
        }
    if not address.keepalive:
        return {"address": address.url, "retry": ASYNC_RECONNECT}
    # Not the URL, which chooses the class of connections.
    [(host, port)] = address.nodes
    given = {"host": host, "port": port, **address.keepalive, "retry": ASYNC_RECONNECT, **address.options}
    is_tls = given.pop("connection_class", None) is SSLConnection
    return {**given, "connection_class": _TlsConnection if is_tls else _Connection}


def sentinel_options(address: RedisAddress) -> Options:
    """Return the options of synchronous connections to the sentinels."""
    return {
        "socket_timeout": SENTINEL_TIMEOUT,
        "socket_connect_timeout": SENTINEL_TIMEOUT,
        "retry": Retry(NoBackoff(), 0),
        **address.sentinel_options,
    }


def _merged(address: RedisAddress, options: Options) -> Options:
    """Return the options of connections. What the address says wins, as with redis-py for one server."""
    given = {name: value for name, value in options.items() if value is not None}
    return {"socket_connect_timeout": CONNECT_TIMEOUT, **given, **address.options}


def why_no_master(url: str) -> str:
    """Ask every sentinel, and say in a sentence why none names a master. One round trip to each."""
    address = parse(url)
    known: set[str] = set()
    answered = 0
    for host, port in address.nodes:
        try:
            with Redis(host=host, port=port, **sentinel_options(address)) as sentinel:
                known |= set(cast(dict[str, Any], sentinel.sentinel_masters()))
                answered += 1
        except (RedisError, OSError):
            continue
    sentinels = ", ".join(f"{host}:{port}" for host, port in address.nodes)
    if not answered:
        return f"No sentinel answers at {sentinels}"
    if address.master not in known:
        names = ", ".join(sorted(known)) or "none"
        return f"The sentinels at {sentinels} know no master called {address.master!r}, but {names}"
    return f"The sentinels at {sentinels} see no living master {address.master!r} at the moment"


class Script:
    """A script that runs for every POST or batch: called by its digest, so that Redis need not read its text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = sha1(text.encode(), usedforsecurity=False).hexdigest()

    def call(self, redis: Redis, keys: Sequence[str], *args: Any) -> Any:
        """Run the script in one round trip; in two if Redis has forgotten it, as after a restart."""
        try:
            return redis.evalsha(self.digest, len(keys), *keys, *args)
        except NoScriptError:  # nothing was done
            return redis.eval(self.text, len(keys), *keys, *args)

    async def acall(self, redis: "aioredis.Redis", keys: Sequence[str], *args: Any) -> Any:
        """Do the same as `call`."""
        try:
            return await redis.evalsha(self.digest, len(keys), *keys, *args)
        except NoScriptError:
            return await redis.eval(self.text, len(keys), *keys, *args)
