"""Valkeys that replicate each other, as an operator runs them: a master with replicas and sentinels, or a Cluster.

No pytest in here: `kill_valkeys` is a program too.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis

from core.redis import client_of
from operations.local.embedded_valkey import free_port, server_program
from operations.local.processes import Program
from tests.servers import Running, wait_until

PASSWORD = "of-the-tests"
NAME = "lessons"
DOWN_MS = 1000  # without an answer, until a sentinel or a node of the Cluster takes a server for dead


@dataclass(kw_only=True)
class Node:
    """A server, or with `is_sentinel` a sentinel. Keeps its port and its data when it is killed and started."""

    directory: Path
    lines: list[str]
    is_sentinel: bool = False
    port: int = field(default_factory=free_port)
    bus: int = 0  # the port at which nodes of a Cluster talk
    address: str = "127.0.0.1"
    running: Running = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True)
        file = self.directory / "valkey.conf"
        common = [f"port {self.port}", f"bind {self.address}", f'dir "{self.directory}"', "loglevel notice"]
        file.write_text("\n".join([*common, *self.lines, ""]))
        words = (str(server_program()), str(file), *(("--sentinel",) if self.is_sentinel else ()))
        program = Program(name=f"valkey-{self.port}", rank=1, argv=words, environment={"LC_ALL": "C"})
        self.running = Running(program=program, log=self.directory / "log")

    def start(self) -> None:
        if self.running.process is None:
            self.running.start()
        wait_until(self._answers, what=f"an answer from {self.directory.name}")

    def kill(self) -> None:
        self.running.kill()

    def client(self) -> redis.Redis:
        return redis.Redis(
            host=self.address, port=self.port, password=None if self.is_sentinel else PASSWORD, socket_timeout=2
        )

    def ask(self, *words: Any) -> Any:
        with self.client() as link:
            return link.execute_command(*words)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except redis.RedisError:
            return False

    def tail(self) -> str:
        return f"--- {self.directory.name} ({self.port})\n{self.running.tail()}"


def server_lines(*more: str) -> list[str]:
    """As docs/deploy.md asks for it."""
    return [
        f"requirepass {PASSWORD}", f"masterauth {PASSWORD}", "appendonly yes", "appendfsync always", 'save ""',
        "maxmemory 256mb", "maxmemory-policy noeviction", "repl-diskless-sync-delay 0", "repl-timeout 5", *more,
    ]  # fmt: skip


@dataclass(kw_only=True)
class Group:
    """What stands behind one address. `servers` hold data."""

    directory: Path
    servers: list[Node] = field(default_factory=list)
    sentinels: list[Node] = field(default_factory=list)

    @property
    def all(self) -> list[Node]:
        return [*self.servers, *self.sentinels]

    def stop(self) -> None:
        for node in self.all:
            node.kill()

    kill = stop  # as of a `RedisServer`

    def tails(self) -> str:
        return "\n".join(node.tail() for node in self.all)

    def role(self, node: Node) -> str:
        """`master`, `slave`, or nothing of one that is away."""
        try:
            with node.client() as link:
                return str(link.info("replication")["role"])
        except redis.RedisError:
            return ""

    def masters(self) -> list[Node]:
        return [node for node in self.servers if self.role(node) == "master"]


@dataclass(kw_only=True)
class Sentinels(Group):
    """A master, two replicas and three sentinels. `servers[0]` begins as the master."""

    min_replicas: int = 0
    addresses: tuple[str, ...] = ("127.0.0.1",)  # of the machines, which take servers and sentinels in turn

    @property
    def url(self) -> str:
        nodes = ",".join(f"{node.address}:{node.port}" for node in self.sentinels)
        return f"redis+sentinel://:{PASSWORD}@{nodes}/{NAME}/0"

    def start(self) -> None:
        if not self.servers:
            self._make()
        for node in self.servers:
            node.start()
        wait_until(lambda: self.replicas() == 2, what="two replicas")
        for node in self.sentinels:
            node.start()
        wait_until(lambda: all(map(self._knows_all, self.sentinels)), what="sentinels that know each other")

    def _make(self) -> None:
        more = [f"min-replicas-to-write {self.min_replicas}", "min-replicas-max-lag 10"]
        places = [self.addresses[number % len(self.addresses)] for number in range(3)]
        master = Node(directory=self.directory / "valkey-0", lines=server_lines(*more), address=places[0])
        of = f"replicaof {master.address} {master.port}"
        replicas = [
            Node(directory=self.directory / f"valkey-{i}", lines=server_lines(of, *more), address=places[i])
            for i in (1, 2)
        ]
        self.servers = [master, *replicas]
        watched = [
            f"sentinel monitor {NAME} {master.address} {master.port} 2",
            f"sentinel auth-pass {NAME} {PASSWORD}",
            f"sentinel down-after-milliseconds {NAME} {DOWN_MS}",
            f"sentinel failover-timeout {NAME} 6000",
        ]
        self.sentinels = [
            Node(directory=self.directory / f"sentinel-{i}", lines=watched, is_sentinel=True, address=places[i])
            for i in range(3)
        ]

    def _knows_all(self, sentinel: Node) -> bool:
        with suppress(redis.RedisError), sentinel.client() as link:
            state: Any = link.sentinel_masters()[NAME]
            return bool(state["num-slaves"] == 2 and state["num-other-sentinels"] == 2)
        return False

    def replicas(self) -> int:
        """How many replicas the master has that follow it."""
        try:
            with self.client() as link:
                state: Any = link.info("replication")
        except redis.RedisError:
            return -1
        return sum(
            state[name]["state"] == "online" for name in state if name.startswith("slave") and name[5:].isdigit()
        )

    def client(self) -> redis.Redis:
        if all(node.running.process is None for node in self.sentinels):
            return self.servers[0].client()
        return client_of(self.url, socket_timeout=2)

    def master(self) -> Node:
        """The server that the sentinels name."""
        for sentinel in self.sentinels:
            with suppress(redis.RedisError):
                _, port = sentinel.ask("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
                return next(node for node in self.servers if node.port == int(port))
        raise AssertionError("no sentinel answers")

    def kill_master(self) -> Node:
        node = self.master()
        node.kill()
        return node

    def wait_for_failover(self, former: Node, *, seconds: float = 20) -> float:
        begun = time.monotonic()
        wait_until(lambda: self.role(self.master()) == "master" and self.master() is not former,
                   seconds=seconds, what=f"another master\n{self.tails()}")  # fmt: skip
        return time.monotonic() - begun


SLOTS = 16384


@dataclass(kw_only=True)
class Cluster(Group):
    """Three masters with a replica each, `servers[0:3]` and `servers[3:6]` as they begin: as `--cluster create` makes
    it, without the program for it, which Valkey's wheel has not."""

    addresses: tuple[str, ...] = ("127.0.0.1",)  # of the machines, which take the servers in turn

    @property
    def url(self) -> str:
        nodes = ",".join(f"{node.address}:{node.port}" for node in self.servers)
        return f"redis+cluster://:{PASSWORD}@{nodes}"

    def start(self) -> None:
        is_new = not self.servers
        if is_new:
            self._make()
        for node in self.servers:
            node.start()
        if is_new:
            self._join()
        wait_until(self.is_whole, what=f"a Cluster of six\n{self.tails()}")

    def _make(self) -> None:
        lines = server_lines(
            "cluster-enabled yes", f"cluster-node-timeout {DOWN_MS}", "cluster-require-full-coverage no",
            "cluster-replica-validity-factor 0", "cluster-allow-replica-migration no",
        )  # fmt: skip
        for number in range(6):
            # A replica lies on another machine than its master.
            address = self.addresses[(number + number // 3) % len(self.addresses)]
            port, bus = free_port(), free_port()
            self.servers.append(
                Node(
                    directory=self.directory / f"valkey-{number}",
                    lines=[*lines, f"cluster-port {bus}", f"cluster-announce-ip {address}"],
                    port=port,
                    bus=bus,
                    address=address,
                )
            )

    def _join(self) -> None:
        first, masters, replicas = self.servers[0], self.servers[:3], self.servers[3:]
        for number, node in enumerate(masters):
            begin, end = SLOTS * number // 3, SLOTS * (number + 1) // 3 - 1
            node.ask("CLUSTER", "ADDSLOTSRANGE", begin, end)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for node in self.servers[1:]:
            node.ask("CLUSTER", "MEET", first.address, first.port, first.bus)
        wait_until(lambda: all(map(self._knows_all, self.servers)), what="nodes that know each other", pause=0.1)
        for replica, master in zip(replicas, masters, strict=True):
            replica.ask("CLUSTER", "REPLICATE", master.ask("CLUSTER", "MYID"))

    def _knows_all(self, node: Node) -> bool:
        known: Any = node.ask("CLUSTER NODES")
        states = " ".join(each["flags"] for each in known.values())
        return len(known) == 6 and "handshake" not in states and "fail" not in states

    def is_whole(self) -> bool:
        """Whether every node sees three masters with all slots, and each of them has its replica."""
        return all(map(self._is_well, self.servers))

    def _is_well(self, node: Node) -> bool:
        try:
            with node.client() as link:
                state: Any = link.execute_command("CLUSTER INFO")  # one word, as redis-py names what it reads
                replication: Any = link.info("replication")
        except redis.RedisError:
            return False
        if replication["role"] == "slave" and replication["master_link_status"] != "up":
            return False
        if replication["role"] == "master" and replication.get("slave0", {}).get("state") != "online":
            return False
        return state["cluster_state"] == "ok" and int(state["cluster_slots_ok"]) == SLOTS and self._knows_all(node)

    def client(self) -> redis.Redis:
        return client_of(self.url, socket_timeout=2)

    def master_of(self, key: str) -> Node:
        """The server that has the key. Raises RedisError if it is away."""
        link: Any = self.client()
        link.xlen(key)  # reads the map again if it is of before
        place = link.get_node_from_key(key)
        return next(node for node in self.servers if (node.address, node.port) == (place.host, place.port))

    def wait_for_failover(self, former: Node, key: str, *, seconds: float = 20) -> float:
        """Seconds until another server than `former` takes writes to the key."""
        begun = time.monotonic()

        def is_taken() -> bool:
            with suppress(redis.RedisError):
                return self.master_of(key) is not former
            return False

        wait_until(is_taken, seconds=seconds, what=f"another master\n{self.tails()}", pause=0.1)
        return time.monotonic() - begun
