"""Addresses of Redis or Valkey: one server, servers behind Sentinel, a Cluster.

    redis://:password@host:6379/0
    redis+sentinel://:password@host1:26379,host2:26379,host3:26379/name/0
    redis+cluster://:password@host1:6379,host2:6379

`rediss` instead of `redis` is TLS, to the sentinels too. User and password are those of the servers; those of the
sentinels are `?sentinel_username=…&sentinel_password=…`. Other parameters are redis-py's, as for one server.
"""

import socket
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from redis.connection import SSLConnection, parse_url

Kind = Literal["server", "sentinel", "cluster"]
Options = dict[str, Any]  # keyword arguments of a connection of redis-py
PORTS = {"server": 6379, "sentinel": 26379, "cluster": 6379}
FORMS = {
    "server": "redis://:password@host:6379/0",
    "sentinel": "redis+sentinel://:password@host1:26379,host2:26379/name/0",
    "cluster": "redis+cluster://:password@host1:6379,host2:6379",
}

# A machine that is gone says nothing. The kernel gives a connection to it up after nine seconds, also one on which a
# worker waits for a job or a dashboard for messages; redis-py's own options take 45.
GONE_SECONDS = 9
KEEPALIVE: Options = {
    "socket_keepalive": True,
    "socket_keepalive_options": {
        getattr(socket, name): value
        for name, value in {
            "TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 2, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": GONE_SECONDS * 1000
        }.items()
        if hasattr(socket, name)
    },
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class RedisAddress:
    """What an address says. `nodes` are the sentinels, or some nodes of the Cluster; the server itself of a server."""

    url: str = field(repr=False)
    kind: Kind
    nodes: tuple[tuple[str, int], ...] = ()
    master: str = ""  # the name under which the sentinels know the servers
    options: Options = field(default_factory=dict, repr=False)
    sentinel_options: Options = field(default_factory=dict, repr=False)

    @property
    def where(self) -> str:
        """The address without user and password, for operators."""
        nodes = ", ".join(f"{host}:{port}" for host, port in self.nodes)
        return f"{self.master!r} of the sentinels {nodes}" if self.kind == "sentinel" else nodes

    @property
    def keepalive(self) -> Options:
        """Options of every connection to it: empty where it is a Unix socket, whose end is always noticed."""
        return {} if "path" in self.options else KEEPALIVE


@lru_cache(maxsize=16)
def parse(url: str) -> RedisAddress:
    """Read an address. Raises ValueError, with a sentence that holds no password."""
    scheme, _, rest = url.partition("://")
    plain, _, word = scheme.partition("+")
    if not word:
        options = _options(url)
        host = options.get("path") or options.get("host", "localhost")
        return RedisAddress(
            url=url, kind="server", nodes=((host, options.get("port", PORTS["server"])),), options=options
        )
    if word not in ("sentinel", "cluster") or plain not in ("redis", "rediss"):
        raise ValueError(f"must be like {FORMS['server']} or {FORMS['sentinel']}")
    kind: Kind = "sentinel" if word == "sentinel" else "cluster"
    places, _, path = rest.partition("?")[0].partition("/")
    login, at, hosts = places.rpartition("@")
    try:
        nodes = tuple(_node(host, PORTS[kind]) for host in hosts.split(","))
        query = dict(parse_qsl(rest.partition("?")[2]))
    except ValueError:
        raise ValueError(f"must be like {FORMS[kind]}") from None
    of_sentinels = {
        name.removeprefix("sentinel_"): query.pop(name)
        for name in ("sentinel_username", "sentinel_password")
        if name in query
    }
    master, _, database = unquote(path).strip("/").partition("/")
    if kind == "sentinel" and not master:
        raise ValueError(f"names no master after the sentinels: {FORMS[kind]}")
    if kind == "cluster" and (master or database) not in ("", "0"):
        raise ValueError(f"names a database, and a Cluster has only 0: {FORMS[kind]}")
    if kind == "sentinel" and database and not database.isdigit():
        raise ValueError(f"names a database that is no number: {FORMS[kind]}")
    options = _options(f"{plain}://{login}{at}host/{database or 0}?{urlencode(query)}")
    options.pop("host")
    if options.pop("connection_class", None) is SSLConnection:
        options["ssl"] = True
        of_sentinels |= {name: value for name, value in options.items() if name.startswith("ssl")}
    if kind == "cluster":
        options.pop("db", None)
    return RedisAddress(
        url=url,
        kind=kind,
        nodes=nodes,
        master=master if kind == "sentinel" else "",
        options={**KEEPALIVE, **options},
        sentinel_options={**KEEPALIVE, **of_sentinels},
    )


def _options(url: str) -> Options:
    try:
        found: Options = parse_url(url)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError):
        raise ValueError(f"must be like {FORMS['server']}") from None
    return found


def _node(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text.strip()}")
    if not parts.hostname or parts.path or parts.username is not None:
        raise ValueError("no host")
    return parts.hostname, parts.port or port
