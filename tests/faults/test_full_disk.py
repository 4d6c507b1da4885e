"""The disk under everything is full: PostgreSQL, Redis and the append-only file are on a small one, which a ballast
fills in the middle of a lesson. Then the ballast goes, and nobody does anything else.

Only in `make faults`, and only where a disk can be mounted (root, Linux).
"""

import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.events.conftest import event
from tests.faults import kills
from tests.faults.classroom import Classroom
from tests.faults.conftest import IS_LONG
from tests.faults.product import Product
from tests.faults.truth import judge
from tests.servers import wait_until

SIZE = "400m"
SECONDS = 20.0

pytestmark = pytest.mark.skipif(not IS_LONG, reason="takes a minute: make faults")


@pytest.fixture
def disk() -> Iterator[Path]:
    place = Path(tempfile.mkdtemp(prefix="full-")).resolve()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=755", "tmpfs", str(place)], check=False,
                          capture_output=True, text=True)  # fmt: skip
    if done.returncode:
        place.rmdir()
        pytest.skip(f"no disk can be mounted: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


@pytest.fixture
def product(disk: Path) -> Iterator[Product]:
    made = Product(data_dir=disk)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def fill(disk: Path) -> None:
    """To the last byte, and again what is freed meanwhile."""
    with (disk / "ballast").open("ab") as ballast, suppress(OSError):
        while True:
            ballast.write(b"\0" * 65536)
            ballast.flush()


def test_a_full_disk_refuses_and_recovers_by_itself(product: Product, disk: Path) -> None:
    answers: Counter[int] = Counter()
    with Classroom(url=product.url, seed=1, rate=150, timeout=300) as room:
        wait_until(lambda: len(room.accepted) > 200, seconds=60, what="two hundred events")
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            fill(disk)
            for path in ("/", "/api/v1/classes", "/api/v1/health"):
                answer = httpx.get(f"{product.url}{path}", timeout=30, follow_redirects=True)
                answers[answer.status_code] += 1
                kind = "application/json" if path.startswith("/api") else "text/html"
                assert answer.headers["content-type"].startswith(kind)
            refused = httpx.post(f"{product.url}/api/v1/events", json=[event(emailAddress="alien@x.jp")], timeout=30)
            assert refused.status_code == 503
            assert refused.json()["detail"].endswith("; try again")
        (disk / "ballast").unlink()
        there = len(room.accepted)
        wait_until(lambda: len(room.accepted) > there + 200, seconds=120, what=f"two hundred events\n{product.tail()}")
    assert not kills.come_to_rest(product)
    with product.database() as database:
        verdict = judge(database, [room], product.victoria)
    assert verdict.is_good, verdict.wrong
    assert set(answers) <= {200, 302, 503}
    assert set(room.answers) <= {"202", "503", "no answer", "timeout"}, product.log.read_text()[:60_000]
    print(f"\n{dict(answers)}, posts {dict(room.answers)}, rows {verdict.rows}")  # noqa: T201
