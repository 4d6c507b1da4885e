"""Random kills of Valkeys, sentinels, workers and the web under load, with EVENT_REPLICAS: what is lost?

Killed masters are back in the middle of failovers, too, where losses are possible (docs/deploy.md).

    python -m tests.faults.kill_valkeys --kills 50 --replicas 2

PostgreSQL stays up: `kills` and `test_failover` are about that. One server or sentinel is away at a time, because two
of three may lose what only they had.
"""

import argparse
import random
import shutil
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from core.redis import client_of
from tests.faults.classroom import Classroom
from tests.faults.product import Product
from tests.faults.truth import Verdict, judge, unrest
from tests.faults.valkeys import Node, Sentinels
from tests.servers import wait_until

KINDS = {"master": 40, "replica": 15, "sentinel": 15, "workers": 15, "web": 15}
AWAY = 6.0  # seconds that a server stays away at most


def run(*, kills: int, seed: int, replicas: int) -> tuple[Verdict, Counter[str], Classroom]:
    """Return the verdict, the kills by kind, and the class that worked meanwhile."""
    chance, done = random.Random(seed), Counter[str]()
    sentinels = Sentinels(directory=Path(tempfile.mkdtemp(prefix="sentinels-")).resolve())
    product = Product()
    try:
        sentinels.start()
        product.settings |= {"REDIS_URL": sentinels.url, "EVENT_REPLICAS": str(replicas), "EVENT_SHARDS": "4"}
        product.start()
        room = Classroom(url=product.url, seed=seed, students=20, rate=20.0, timeout=120.0)
        with room:
            wait_until(lambda: len(room.accepted) > 20, seconds=60, what="twenty events")
            for _ in range(kills):
                kind = chance.choices(list(KINDS), list(KINDS.values()))[0]
                _kill(product, sentinels, kind, chance)
                done[kind] += 1
                _recover(sentinels, room)
                time.sleep(chance.random() * 2)
        come_to_rest(sentinels)
        with product.database() as database:
            return judge(database, [room]), done, room
    finally:
        product.stop()
        sentinels.stop()
        shutil.rmtree(sentinels.directory, ignore_errors=True)


def _kill(product: Product, sentinels: Sentinels, kind: str, chance: random.Random) -> None:
    if kind in ("workers", "web"):
        for process in product.find(kind)[:1]:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        return
    master = sentinels.master()
    victims: dict[str, list[Node]] = {
        "master": [master],
        "replica": [node for node in sentinels.servers if node is not master],
        "sentinel": sentinels.sentinels,
    }
    victim = chance.choice(victims[kind])
    victim.kill()
    time.sleep(chance.random() * AWAY)
    victim.start()


def _recover(sentinels: Sentinels, room: Classroom) -> None:
    """Every server is there again, and events are taken: the next kill must not meet the only one that has them."""
    wait_until(lambda: sentinels.replicas() == 2, seconds=60, what=f"two replicas\n{sentinels.tails()}")
    accepted = len(room.accepted)
    wait_until(lambda: len(room.accepted) > accepted + 5, what="five events after a kill")


def come_to_rest(sentinels: Sentinels) -> None:
    found: list[str] = []

    def rests() -> bool:
        with client_of(sentinels.url, socket_timeout=2) as link:
            # The time series are not counted: what they have is not asked here.
            found[:] = [each for each in unrest(link, now=time.time()) if "points" not in each]
        return not found

    wait_until(rests, seconds=120, what=f"rest: {found}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--replicas", type=int, default=2, help="EVENT_REPLICAS, of two that there are")
    options = parser.parse_args()
    begun = time.monotonic()
    verdict, done, room = run(kills=options.kills, seed=options.seed, replicas=options.replicas)
    print(f"seed {options.seed}: {dict(done)} in {time.monotonic() - begun:.0f} s; {len(room.sent)} sent")  # noqa: T201
    print(f"{len(room.accepted)} accepted, {verdict.rows} rows, {len(verdict.lost)} lost, {verdict.duplicates} twice")  # noqa: T201
    print(f"answers {dict(room.answers)}; given up {len(room.given_up)}; wrong: {verdict.wrong}")  # noqa: T201
    raise SystemExit(0 if verdict.is_good else 1)


if __name__ == "__main__":
    main()
