"""The system with its events in a Valkey Cluster of so many masters, without replicas: each append is synced all the
same."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from benchmarks.system import System, data_folder, started
from operations.local.embedded_valkey import free_port
from tests.faults.valkeys import PASSWORD, SLOTS, Group, Node, server_lines
from tests.servers import wait_until


class Masters(Group):
    """Masters that share the slots evenly."""

    @property
    def url(self) -> str:
        return f"redis+cluster://:{PASSWORD}@{','.join(f'{node.address}:{node.port}' for node in self.servers)}"

    def start(self, number: int) -> None:
        for each in range(number):
            bus = free_port()
            lines = server_lines("cluster-enabled yes", f"cluster-port {bus}")
            self.servers.append(Node(directory=self.directory / f"valkey-{each}", lines=lines, bus=bus))
        for node in self.servers:
            node.start()
        for each, node in enumerate(self.servers):
            node.ask("CLUSTER", "ADDSLOTSRANGE", SLOTS * each // number, SLOTS * (each + 1) // number - 1)
            node.ask("CLUSTER", "SET-CONFIG-EPOCH", each + 1)
        first = self.servers[0]
        for node in self.servers[1:]:
            node.ask("CLUSTER", "MEET", first.address, first.port, first.bus)
        wait_until(lambda: all(map(self._is_whole, self.servers)), seconds=60, what="all slots", pause=0.1)

    def _is_whole(self, node: Node) -> bool:
        state = node.ask("CLUSTER INFO")
        return state["cluster_state"] == "ok" and int(state["cluster_size"]) == len(self.servers)


@contextmanager
def running_with_stream_nodes(number: int, *, workers: int, settings: Mapping[str, str]) -> Iterator[System]:
    """The system as `benchmarks.system.running` has it; the nodes count to its processor time."""
    with data_folder() as folder:
        nodes = Masters(directory=folder / "stream-nodes")
        try:
            nodes.start(number)
            more = {**settings, "EVENTS_REDIS_URL": nodes.url}
            with started(folder=folder, workers=workers, settings=more) as system:
                pids = tuple(node.running.process.pid for node in nodes.servers if node.running.process)
                yield replace(system, beside=pids)
        finally:
            nodes.stop()
