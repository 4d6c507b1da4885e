"""Kills any process of the running product at any moment, under load, and then counts: `make faults`.

    python -m tests.faults.kills --kills 100 --seed 1

Every kill is SIGKILL. Nobody helps: `manage.py up` brings its parts and servers back; only where `up` itself was
killed is it started again, which is what a service manager does. At the end every event that was answered 202 must be
exactly one row, whatever is computed from rows must be the truth, and nothing may be left lying about.
"""

import argparse
import random
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import httpx
import psutil
import psycopg
from redis.exceptions import RedisError

from tests.faults.classroom import Classroom
from tests.faults.product import Product
from tests.faults.truth import Verdict, judge, unrest
from tests.servers import wait_until

VICTIMS = {"web": 4, "worker": 5, "cron": 1, "redis": 3, "postgres": 2, "backend": 2, "points": 1, "up": 1}
QUICK = {"web": 1, "worker": 1, "redis": 1, "postgres": 1}
RECOVERY = 120.0  # seconds within which a new event must be a row again
TOGETHER = 0.3  # of the kills follow another before the product has recovered from that


@dataclass(kw_only=True)
class Report:
    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    recoveries: list[tuple[float, str]] = field(default_factory=list)  # seconds, after which kills
    verdict: Verdict = field(default_factory=Verdict)
    unrest: list[str] = field(default_factory=list)

    def table(self, room: Classroom) -> str:
        longest, after = max(self.recoveries, default=(0.0, "none"))
        rows = [
            ("seed", self.seed),
            ("kills", sum(self.kills.values())),
            *((f"  {kind}", number) for kind, number in sorted(self.kills.items())),
            ("events sent", len(room.sent)),
            ("posts, tries included", sum(room.answers.values())),
            *((f"  answered {answer}", number) for answer, number in sorted(room.answers.items())),
            ("accepted (202)", len(room.accepted)),
            ("given up by their sender", len(room.given_up)),
            ("rows", self.verdict.rows),
            ("duplicates", self.verdict.duplicates),
            ("lost", len(self.verdict.lost)),
            ("longest recovery", f"{longest:.1f} s, after {after}"),
            ("otherwise wrong", "; ".join([*self.verdict.wrong, *self.unrest]) or "nothing"),
        ]
        return "\n".join(f"{name:<26} {value}" for name, value in rows)


def run(*, product: Product, room: Classroom, kills: int, seed: int, kinds: dict[str, int] = VICTIMS) -> Report:
    """The product runs, and so does the class; afterwards neither does anything any more."""
    chance, report = random.Random(seed), Report(seed=seed)
    plan = planned(chance, kills, kinds)
    begun, together = 0.0, []
    for number, kind in enumerate(plan):
        _wait(product, chance.uniform(0.0, 2.0))
        _kill(product, kind, chance)
        report.kills[kind] += 1
        begun, together = begun or time.monotonic(), [*together, kind]
        if chance.random() >= TOGETHER or number == len(plan) - 1:
            _recover(product)
            report.recoveries.append((time.monotonic() - begun, "+".join(together)))
            sys.stderr.write(f"{number + 1:4} kills; {report.recoveries[-1][0]:5.1f} s after {'+'.join(together)}\n")
            begun, together = 0.0, []
    room.end()
    report.unrest = come_to_rest(product)
    with product.database() as database:
        report.verdict = judge(database, [room, *_probes(product)], product.victoria)
    return report


def planned(chance: random.Random, kills: int, kinds: dict[str, int]) -> list[str]:
    """Every kind once, if there are that many kills; the rest as their weights say."""
    names = list(kinds)
    plan = [*names, *chance.choices(names, list(kinds.values()), k=max(0, kills - len(names)))][:kills]
    chance.shuffle(plan)
    return plan


def _kill(product: Product, kind: str, chance: random.Random) -> None:
    if kind == "points":
        product.kill_victoria()
        return
    deadline = time.monotonic() + RECOVERY
    while not (found := product.find(kind)):  # it is being brought back
        assert time.monotonic() < deadline, f"{kind} did not come back\n{product.tail()}"
        _wait(product, 0.05)
    with suppress(psutil.NoSuchProcess):
        chance.choice(found).kill()
    if kind == "up":
        assert product.process is not None
        product.process.wait(10)
        product.start_up()


def _wait(product: Product, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        product.turn()
        time.sleep(0.02)


def _probes(product: Product) -> list[Classroom]:
    found = product.__dict__.setdefault("probes", [])
    assert isinstance(found, list)
    return found


def _recover(product: Product) -> None:
    """Until an event that is posted now is a row, and points are on their way again."""
    number = len(_probes(product))
    probe = Classroom(url=product.url, seed=1_000_000 + number, students=1, timeout=RECOVERY)
    _probes(product).append(probe)
    event = probe.event("log_entry")
    name = event["eventId"]
    probe.sent[name] = event
    deadline = time.monotonic() + RECOVERY
    while name not in probe.accepted or not _is_row(product, name):
        assert time.monotonic() < deadline, f"no recovery within {RECOVERY:g} s\n{product.tail()}"
        _wait(product, 0.05)
        if name not in probe.accepted:
            with suppress(httpx.HTTPError):
                status = httpx.post(f"{product.url}/api/v1/events", json=[event], timeout=8).status_code
                assert status == 202 or status >= 500, f"a probe was answered {status}"
                if status == 202:
                    probe.accepted[name] = 0.0
    while product.is_victoria_away:
        _wait(product, 0.1)


def _is_row(product: Product, name: str) -> bool:
    try:
        with product.database() as database:
            return bool(database.execute("SELECT 1 FROM student_events WHERE event_id = %s", [name]).fetchone())
    except (psycopg.Error, OSError, ValueError):
        return False


def come_to_rest(product: Product, *, seconds: float = 120.0) -> list[str]:
    """Waits until nothing is under way. Returns what still is when the time is over."""
    found = ["Redis did not answer"]

    def rests() -> bool:
        nonlocal found
        product.turn()
        with suppress(RedisError, OSError, ValueError), product.redis() as link:
            found = unrest(link, now=time.time())
        return not found

    with suppress(AssertionError):
        wait_until(rests, seconds=seconds)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.kills", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--rate", type=float, default=100.0, help="events a second")
    given = parser.parse_args()
    product = Product()
    try:
        product.start()
        with Classroom(url=product.url, seed=given.seed, rate=given.rate) as room:
            report = run(product=product, room=room, kills=given.kills, seed=given.seed)
        sys.stdout.write(f"{report.table(room)}\n")
        if not report.verdict.is_good or report.unrest:
            sys.stderr.write(product.tail())
            raise SystemExit(1)
    finally:
        product.stop()


if __name__ == "__main__":
    main()
