"""`python -m tests.lab.class_returns`: 200 students' computers return at once, each with 300 runs of an hour.

The extension's own queue, sender and connection run, 200 of them in this process, against the real product. Meanwhile
a student of the same class runs a cell each half second. Prints how long the product took for a batch, how long until
all is stored, and how late a live run was stored; fails if a run is missing or stored twice, or a batch was refused.
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from tests.faults.product import Product
from tests.lab.conftest import MAKE_CLASS
from tests.live import manage
from tests.servers import ROOT, wait_until

sys.path.insert(0, str(ROOT / "extension"))
from cell_monitor_lab import sender as sender_module
from cell_monitor_lab.clock import Clock
from cell_monitor_lab.outbox import Item, Outbox
from cell_monitor_lab.product import Answer
from cell_monitor_lab.product import Product as Link
from cell_monitor_lab.sender import Route, Sender

LIVE_EVERY = 0.5  # seconds
ROWS = "FROM cell_executions e JOIN students s ON s.id = e.student_id WHERE s.email"
OF_LIVE = f"SELECT 1 {ROWS} = 'live@example.com' OFFSET %s"
OF_OTHERS = f"SELECT count(*), count(DISTINCT execution_id) {ROWS} <> 'live@example.com'"


def run_of(email: str, number: int, moment: datetime) -> dict[str, Any]:
    """Return the event of a run as the extension makes it."""
    return {
        "eventId": str(uuid4()),
        "eventType": "cell_executed",
        "eventTime": moment.isoformat(timespec="milliseconds"),
        "userId": email,
        "userName": email.split("@")[0],
        "notebookPath": "lesson.ipynb",
        "cellId": f"c{number % 12}",
        "cellIndex": number % 12,
        "cellType": "code",
        "code": "total = sum(range(10_000))\nprint(total)",
        "executionCount": number + 1,
        "executionDurationMs": 12,
        "hasError": number % 5 == 0,
        "result": "49995000",
    }


class TimedLink(Link):
    """The extension's connection, which notes how long each batch took and what was answered."""

    seconds: list[float] = []
    statuses: Counter[int] = Counter()

    def request(self, *arguments: Any, **options: Any) -> Answer:
        begun = time.monotonic()
        answer = super().request(*arguments, **options)
        if arguments[0] == "POST":
            self.seconds.append(time.monotonic() - begun)
            self.statuses[answer.status] += 1
        return answer


def claim(url: str, key: str, email: str) -> str:
    """Return a token of the student's first device."""
    body = {"userId": email, "userName": email.split("@")[0], "device": "laptop", "client": "cell-monitor-lab/0.1.0"}
    answer = httpx.post(f"{url}/api/v1/me/token", json=body, headers={"X-Class-Key": key}, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["token"])


def spread(seconds: list[float]) -> str:
    p95 = sorted(seconds)[int(len(seconds) * 0.95)]
    return f"p50 {statistics.median(seconds) * 1000:.0f}, p95 {p95 * 1000:.0f}, at most {max(seconds) * 1000:.0f} ms"


def follow_live_runs(product: Product, token: str, stop: threading.Event) -> list[float]:
    """Post a run each LIVE_EVERY seconds and return how long each took until it was stored."""
    found = []
    with product.database() as database, httpx.Client(headers={"Authorization": f"Student {token}"}) as client:
        while not stop.is_set():
            begun, event = time.monotonic(), run_of("live@example.com", len(found), datetime.now(UTC))
            client.post(f"{product.url}/api/v1/events", json=[event], timeout=60).raise_for_status()
            wait_until(
                lambda: database.execute(OF_LIVE, [len(found)]).fetchone(),
                seconds=60,
                what="a live run",
            )
            found.append(time.monotonic() - begun)
            stop.wait(LIVE_EVERY)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.lab.class_returns", description=__doc__)
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--runs", type=int, default=300)
    given = parser.parse_args()
    product = Product(settings={"DEBUG": "1"})
    try:
        product.start()
        environment = {**product.environment(), **product.services()}
        printed = manage("shell", "--no-imports", "-v", "0", "-c", MAKE_CLASS, environment=environment)
        key = json.loads(printed.strip().splitlines()[-1])["key"]
        live_token = claim(product.url, key, "live@example.com")
        emails = [f"s{number:03d}@example.com" for number in range(given.students)]
        tokens = {email: claim(product.url, key, email) for email in emails}
        begin = datetime.now(UTC) - timedelta(hours=1)
        sender_module.Product = TimedLink  # type: ignore[misc]
        senders = []
        for email in emails:
            outbox = Outbox(":memory:")
            outbox.add([Item(run_of(email, n, begin + timedelta(seconds=12 * n)), "end") for n in range(given.runs)])
            route = Route(product.url, {"Authorization": f"Student {tokens[email]}"}, "product")
            senders.append((outbox, Sender(outbox, Clock(), lambda route=route: route)))  # type: ignore[misc]
        stop, live = threading.Event(), []
        follower = threading.Thread(target=lambda: live.extend(follow_live_runs(product, live_token, stop)))
        follower.start()
        time.sleep(5)
        begun = time.monotonic()
        for _, sender in senders:
            sender.start()
        wait_until(lambda: not any(outbox.waiting for outbox, _ in senders), seconds=300, what="all batches")
        accepted = time.monotonic() - begun
        number = given.students * given.runs
        with product.database() as database:

            def counts() -> tuple[int, int]:
                return database.execute(OF_OTHERS).fetchone()  # type: ignore[return-value]

            wait_until(lambda: counts()[0] >= number, seconds=300, what="all rows")
            stored, rows = time.monotonic() - begun, counts()
        stop.set()
        follower.join()
        for _, sender in senders:
            sender.stop(5)
        sys.stdout.write(
            f"{given.students} students, {given.runs} runs each\n"
            f"answers                 {dict(TimedLink.statuses)}\n"
            f"a batch took            {spread(TimedLink.seconds)}\n"
            f"all accepted, stored    {accepted:.1f} s, {stored:.1f} s\n"
            f"rows, different runs    {rows[0]}, {rows[1]} of {number}\n"
            f"live runs               {len(live)}, stored after {spread(live)}\n"
        )
        if rows != (number, number) or set(TimedLink.statuses) != {202}:
            raise SystemExit(1)
    finally:
        product.stop()


if __name__ == "__main__":
    main()
