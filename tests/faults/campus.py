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
import random
import shutil
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import redis

from core.redis import client_of
from operations.local import programs
from operations.local.embedded_valkey import free_port
from operations.local.processes import Program
from tests.faults.balancer import Balancer
from tests.faults.classroom import Classroom
from tests.faults.counting_dashboard import CountingDashboard
from tests.faults.postgres_pair import Pair, random_addresses
from tests.faults.truth import EVERY_ID, Verdict, judge, unrest
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
IN_TIME = 15.0  # seconds within which dashboards must show what is true
DASHBOARDS = 4


@dataclass(kw_only=True)
class Part:
    """A process of the product, on a machine."""

    kind: str
    machine: int
    running: Running
    port: int = 0


@dataclass(kw_only=True)
class Report:
    kills: Counter[str] = field(default_factory=Counter)
    # Seconds from the return of all servers to an event posted then that is a row, and to all dashboards being right.
    rows: list[tuple[float, str]] = field(default_factory=list)
    screens: list[tuple[float, str]] = field(default_factory=list)
    whole: list[tuple[float, str]] = field(default_factory=list)  # from the kill to the return of all servers
    verdict: Verdict = field(default_factory=Verdict)
    unrest: list[str] = field(default_factory=list)

    @property
    def late(self) -> list[tuple[float, str]]:
        return [each for each in [*self.rows, *self.screens] if each[0] > IN_TIME]

    @property
    def is_good(self) -> bool:
        return self.verdict.is_good and not self.unrest and not self.late


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


def run(campus: Campus, room: Classroom, screens: list[CountingDashboard], *, kills: int, seed: int) -> Report:
    chance, report = random.Random(seed), Report()
    kinds = list(KINDS)
    plan = [*kinds, *chance.choices(kinds, list(KINDS.values()), k=max(0, kills - len(kinds)))][:kills]
    chance.shuffle(plan)
    for number, kind in enumerate(plan):
        time.sleep(chance.random() * 3)
        begun = time.monotonic()
        what = campus.kill(kind, chance)
        report.kills[kind] += 1
        time.sleep(chance.random() * AWAY)
        campus.bring_back()
        back = time.monotonic()
        report.whole.append((back - begun, what))
        report.rows.append((_until_rows(campus, room, begun=back), what))
        report.screens.append((_until_right(campus, screens, begun=back), what))
        sys.stderr.write(
            f"{number + 1:4} {what:<18} all back {report.whole[-1][0]:5.1f} s; rows {report.rows[-1][0]:5.1f} s, "
            f"screens {report.screens[-1][0]:5.1f} s after that; {len(room.accepted)} accepted\n"
        )
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


def _until_rows(campus: Campus, room: Classroom, *, begun: float) -> float:
    """Seconds until an event that is accepted from now on is a row, and everything accepted before as well."""
    accepted = set(room.accepted)
    wait_until(lambda: len(room.accepted) > len(accepted) + 10, seconds=BACK, what="ten events more", pause=0.1)
    wanted = list(room.accepted)[-1]
    while True:
        with campus.database() as link:
            found = {name for (name,) in link.execute(EVERY_ID).fetchall()}
        if wanted in found and accepted <= found:
            return time.monotonic() - begun
        if time.monotonic() - begun > BACK:
            raise AssertionError(f"{len(accepted - found)} accepted events are no rows after {BACK:g} s")
        time.sleep(0.2)


def _until_right(campus: Campus, screens: list[CountingDashboard], *, begun: float) -> float:
    """Seconds until each dashboard shows at least what the database has now: more follows while it looks."""
    true = campus.counts()
    with suppress(AssertionError):
        wait_until(lambda: all(each.has(true) for each in screens), seconds=60, pause=0.1)
    return time.monotonic() - begun


def table(report: Report, room: Classroom, *, seed: int, seconds: float) -> str:
    def longest(found: list[tuple[float, str]]) -> str:
        seconds, what = max(found, default=(0.0, "none"))
        middle = sorted(each for each, _ in found)[len(found) // 2] if found else 0.0
        return f"{middle:.1f} s; {seconds:.1f} s, {what}"

    rows = [
        ("seed", seed),
        ("kills", f"{sum(report.kills.values())} in {seconds:.0f} s"),
        *((f"  {kind}", number) for kind, number in sorted(report.kills.items())),
        ("events sent", len(room.sent)),
        *((f"  posts answered {answer}", number) for answer, number in sorted(room.answers.items())),
        ("accepted (202)", len(room.accepted)),
        ("given up by their sender", len(room.given_up)),
        ("rows", report.verdict.rows),
        ("twice", report.verdict.duplicates),
        ("lost", len(report.verdict.lost)),
        ("kill to all servers back", longest(report.whole)),
        ("then to rows", longest(report.rows)),
        ("and to screens", longest(report.screens)),
        (f"over {IN_TIME:g} s", "; ".join(f"{each:.1f} s {what}" for each, what in report.late) or "none"),
        ("otherwise wrong", "; ".join([*report.verdict.wrong, *report.unrest]) or "nothing"),
    ]
    return "\n".join(f"{name:<28} {value}" for name, value in rows)


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
        room = Classroom(
            url=campus.intakes.url, seed=given.seed, students=given.students, rate=given.rate, timeout=600.0
        )
        with ExitStack() as stack:
            screens = [stack.enter_context(CountingDashboard(campus.pages.url)) for _ in range(DASHBOARDS)]
            stack.enter_context(room)
            wait_until(lambda: len(room.accepted) > 100, seconds=60, what="a hundred events")
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
