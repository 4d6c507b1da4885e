"""A campus on three machines, of which any process and any machine is killed under load: what is lost, who is late?

    python -m tests.faults.campus --kills 50 --seed 1

The machines are addresses on loopback. On them: a Valkey Cluster for the events (three masters with a replica each,
EVENT_REPLICAS=1), a Valkey behind Sentinel for everything else, PostgreSQL with a synchronous replica, two intakes, two
servers of pages, three workers and cron; before them a balancer each for intakes and pages. What was killed comes back
after some seconds, as from a service manager, and the replica of PostgreSQL is promoted, as by Patroni: both are done
here. Nothing else is helped.

At the end every event that was answered 202 must be exactly one row, and every dashboard must show the counts of the
database. After each kill it is measured how long that takes, from the moment when all servers are back.
"""

import argparse
import dataclasses
import os
import random
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from core.redis import client_of
from operations.local import programs
from operations.local.embedded_valkey import free_port
from operations.local.processes import Program
from tests.faults.balancer import Balancer
from tests.faults.campus_report import Report, table
from tests.faults.classroom_process import ClassroomProcess
from tests.faults.counting_dashboard import CountingDashboard
from tests.faults.postgres_pair import Pair, random_addresses
from tests.faults.processor import Processor
from tests.faults.truth import judge, unrest
from tests.faults.valkeys import Cluster, Node, Sentinels
from tests.live import ForkedRunning, manage
from tests.servers import Running, wait_until

MACHINES = 3
KINDS = {
    "events master": 5, "events replica": 2, "jobs master": 3, "jobs replica": 1, "sentinel": 1, "postgres": 3,
    "postgres replica": 1, "intake": 3, "pages": 3, "worker": 4, "cron": 1, "machine": 6,
}  # fmt: skip
AWAY = 6.0  # seconds that something killed stays away, at most
PROMOTED = 3.0  # seconds until somebody promotes the replica of PostgreSQL
BACK = 120.0  # seconds within which everything must be there again, on a busy machine
DASHBOARDS = 4
OF_THESE = " UNION ALL ".join(
    f"SELECT event_id FROM {table} WHERE event_id = ANY(%s)"
    for table in ("cell_executions", "notebook_accesses", "student_events")
)


@dataclass(kw_only=True)
class Part:
    """A process of the product, on a machine."""

    kind: str
    machine: int
    running: Running
    port: int = 0


class Campus:
    def __init__(self, *, directory: Path) -> None:
        self.directory = directory
        self.addresses = random_addresses(MACHINES)
        places = tuple(self.addresses)
        self.events = Cluster(directory=directory / "events", addresses=places)
        self.jobs = Sentinels(directory=directory / "jobs", addresses=places)
        self.postgres = Pair(directory, self.addresses[:2])
        self.parts: list[Part] = []
        self.environment: dict[str, str] = {}

    # --- Up and down ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.postgres.start()
        self.events.start()
        self.jobs.start()
        self.environment = {
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.jobs.url,
            "EVENTS_REDIS_URL": self.events.url,
            "EVENT_REPLICAS": "1",
            "EVENT_SHARDS": "6",
            "DATA_DIR": str(self.directory),
            "WORKERS": "3",
            "RATE_LIMITS": "0",
            "LOG_REQUESTS": "0",
        }
        manage("migrate", "--verbosity=0", environment=self.environment)
        for kind, machine in (("intake", 0), ("intake", 1), ("pages", 1), ("pages", 2)):
            port = free_port()
            self._add(kind, machine, programs.web(host=self.addresses[machine], port=port), port=port)
        for machine in range(MACHINES):
            self._add("worker", machine, programs.worker(machine + 1))
        self._add("cron", 2, programs.cron())
        self.intakes, self.pages = (
            Balancer([(self.addresses[part.machine], part.port) for part in self.parts if part.kind == kind])
            for kind in ("intake", "pages")
        )
        self.intakes.open()
        self.pages.open()
        self.bring_back()

    def _add(self, kind: str, machine: int, program: Program, *, port: int = 0) -> None:
        program = dataclasses.replace(program, environment={**program.environment, **self.environment})
        log = self.directory / f"{kind}-{machine}-{len(self.parts)}.log"
        self.parts.append(Part(kind=kind, machine=machine, running=ForkedRunning(program=program, log=log), port=port))

    def stop(self) -> None:
        for part in self.parts:
            part.running.kill()
        for each in (self.intakes, self.pages):
            each.close()
        self.jobs.stop()
        self.events.stop()
        self.postgres.stop()

    def bring_back(self) -> None:
        """Start what does not run, and wait until all of it is there again."""
        for node in [*self.events.servers, *self.jobs.all]:
            if node.running.process is None:
                node.start()
        if self.postgres.running[0].process is None:
            self.postgres.replace_primary()
        elif self.postgres.running[1].process is None:
            self.postgres.restart_replica()
        for part in self.parts:
            if part.running.process is None:
                part.running.start()
        wait_until(self.is_whole, seconds=BACK, what="all servers", pause=0.2)

    def is_whole(self) -> bool:
        return self.events.is_whole() and self.jobs.replicas() == 2 and all(map(self._listens, self.parts))

    def _listens(self, part: Part) -> bool:
        if not part.port:
            return True
        with suppress(OSError), socket.create_connection((self.addresses[part.machine], part.port), 1):
            return True
        return False

    # --- Kills ----------------------------------------------------------------------------------------------------

    def kill(self, kind: str, chance: random.Random) -> str:
        """Return what was killed. If it was the primary of PostgreSQL, its replica has been promoted after that."""
        if kind == "machine":
            machine = chance.randrange(MACHINES)
            self._kill_machine(machine)
            return f"machine {machine + 1}"
        if kind in ("postgres", "postgres replica"):
            self._kill_postgres(0 if kind == "postgres" else 1)
            return kind
        master: Node | None = self.jobs.master()
        nodes = {
            "events master": self.events.masters(),
            "events replica": [node for node in self.events.servers if node not in self.events.masters()],
            "jobs master": [master],
            "jobs replica": [node for node in self.jobs.servers if node is not master],
            "sentinel": self.jobs.sentinels,
        }
        if kind in nodes:
            node = chance.choice(nodes[kind])
            assert node is not None
            node.kill()
        else:
            chance.choice([part for part in self.parts if part.kind == kind]).running.kill()
        return kind

    def _kill_machine(self, machine: int) -> None:
        """Every process at its address, in no order of their own."""
        address = self.addresses[machine]
        for node in [*self.events.servers, *self.jobs.all]:
            if node.address == address:
                node.kill()
        for part in self.parts:
            if part.machine == machine:
                part.running.kill()
        for index, server in enumerate((self.postgres.primary, self.postgres.replica)):
            if self.postgres.address_of(server) == address:
                self._kill_postgres(index)
                return

    def _kill_postgres(self, index: int) -> None:
        self.postgres.kill(index)
        if index == 0:
            time.sleep(PROMOTED)
            self.postgres.promote()

    def processes(self) -> Iterator[tuple[str, int]]:
        """Those that run, by the name of their part."""
        nodes = [("valkeys", node.running) for node in [*self.events.servers, *self.jobs.all]]
        databases = zip(("postgres", "postgres replica"), self.postgres.running, strict=True)
        for name, running in [*nodes, *databases, *((part.kind, part.running) for part in self.parts)]:
            if running.process is not None:
                yield name, running.process.pid

    # --- What is true ---------------------------------------------------------------------------------------------

    def database(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(self.postgres.primary.url, autocommit=True)

    def counts(self) -> dict[str, int]:
        """The number of runs of each student."""
        with self.database() as link:
            return dict(link.execute("SELECT email, execution_count FROM students").fetchall())

    def unrest(self) -> list[str]:
        try:
            with client_of(self.jobs.url, socket_timeout=2) as link:
                found = unrest(link, now=time.time(), streams=self.events.client())
        except redis.RedisError as error:
            return [str(error)]
        return [each for each in found if "points" not in each]  # there are no time series here


def run(campus: Campus, room: ClassroomProcess, screens: list[CountingDashboard], *, kills: int, seed: int) -> Report:
    chance, report, processor = random.Random(seed), Report(), Processor()
    rows, all_begun = Rows(campus, room), time.monotonic()

    def look() -> None:
        processor.look([*campus.processes(), ("the class", room.pid), ("balancers, dashboards, counting", os.getpid())])

    look()
    kinds = list(KINDS)
    plan = [*kinds, *chance.choices(kinds, list(KINDS.values()), k=max(0, kills - len(kinds)))][:kills]
    chance.shuffle(plan)
    for number, kind in enumerate(plan):
        time.sleep(chance.random() * 3)
        look()
        begun = time.monotonic()
        what = campus.kill(kind, chance)
        report.kills[kind] += 1
        time.sleep(chance.random() * AWAY)
        campus.bring_back()
        back = time.monotonic()
        report.whole.append((back - begun, what))
        report.rows.append((rows.wait(begun=back), what))
        report.screens.append((_until_right(campus, screens, begun=back), what))
        sys.stderr.write(
            f"{number + 1:4} {what:<18} all back {report.whole[-1][0]:5.1f} s; rows {report.rows[-1][0]:5.1f} s, "
            f"screens {report.screens[-1][0]:5.1f} s after that; {room.seen} accepted, "
            f"{room.seen / (back - all_begun):.0f} a second\n"
        )
    look()
    report.shares = processor.shares(seconds=time.monotonic() - all_begun)
    room.end()
    with suppress(AssertionError):
        wait_until(lambda: not campus.unrest(), seconds=120, pause=0.5)
    report.unrest = campus.unrest()
    with campus.database() as database:
        report.verdict = judge(database, [room])
    true = campus.counts()
    begun = time.monotonic()
    with suppress(AssertionError):
        wait_until(lambda: all(each.runs == true for each in screens), seconds=60, pause=0.1)
    report.screens.append((time.monotonic() - begun, "the end"))
    report.unrest += [f"a dashboard is wrong about {each.difference(true)}" for each in screens if each.runs != true]
    return report


class Rows:
    """Which accepted events are rows: asks the database for those alone that were none when it asked before."""

    def __init__(self, campus: Campus, room: ClassroomProcess) -> None:
        self._campus, self._room = campus, room
        self._missing: set[str] = set()

    def wait(self, *, begun: float) -> float:
        """Return the seconds until an event that is accepted from now on is a row, and all before it as well."""
        self._missing.update(self._room.look())
        after: list[str] = []
        while len(after) <= 10:
            time.sleep(0.1)
            after += self._room.look()
            assert time.monotonic() - begun < BACK, f"no ten events more within {BACK:g} s"
        self._missing.update(after)
        while self._missing:
            with self._campus.database() as link:
                self._missing -= {name for (name,) in link.execute(OF_THESE, [list(self._missing)] * 3).fetchall()}
            if time.monotonic() - begun > BACK:
                raise AssertionError(f"{len(self._missing)} accepted events are no rows after {BACK:g} s")
            time.sleep(0.1)
        return time.monotonic() - begun


def _until_right(campus: Campus, screens: list[CountingDashboard], *, begun: float) -> float:
    """Seconds until each dashboard shows at least what the database has now: more follows while it looks."""
    true = campus.counts()
    with suppress(AssertionError):
        wait_until(lambda: all(each.has(true) for each in screens), seconds=60, pause=0.1)
    return time.monotonic() - begun


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.campus", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--rate", type=float, default=400.0, help="events a second, of all students")
    given = parser.parse_args()
    campus = Campus(directory=Path(tempfile.mkdtemp(prefix="campus-")).resolve())
    try:
        campus.start()
        room = ClassroomProcess(
            url=campus.intakes.url, seed=given.seed, students=given.students, rate=given.rate, timeout=600.0
        )
        with ExitStack() as stack:
            screens = [stack.enter_context(CountingDashboard(campus.pages.url)) for _ in range(DASHBOARDS)]
            stack.enter_context(room)
            wait_until(lambda: room.look() and room.seen > 100, seconds=60, what="a hundred events", pause=0.1)
            begun = time.monotonic()
            report = run(campus, room, screens, kills=given.kills, seed=given.seed)
        sys.stdout.write(f"{table(report, room, seed=given.seed, seconds=time.monotonic() - begun)}\n")
        if not report.is_good:
            raise SystemExit(1)
    finally:
        campus.stop()
        shutil.rmtree(campus.directory, ignore_errors=True)


if __name__ == "__main__":
    main()
