"""The network between the product and its stores is cut: nothing is closed, nothing answers, then it is back.

Unlike a killed process, a cut network ends no connection: who waits for an answer must give up by a clock of its own.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest

from core.redis import client_of
from tests.faults.classroom import Classroom
from tests.faults.dashboard import Dashboard
from tests.faults.tcp_proxy import TcpProxy
from tests.faults.truth import judge, unrest
from tests.live import LiveSystem
from tests.servers import wait_until

CUT = 6.0  # seconds, longer than any answer of Valkey is waited for
REFUSED = 7.5  # seconds within which a post is answered 503: six (docs/deploy.md), and some for a busy machine
BACK = 15.0  # seconds from a healed network to everything at work


@dataclass(kw_only=True)
class Divided:
    """A system with a proxy before each of its stores, and their own addresses."""

    system: LiveSystem
    valkey: TcpProxy
    postgres: TcpProxy
    database_url: str
    rooms: list[Classroom] = field(default_factory=list)

    @contextmanager
    def lesson(self) -> Iterator[tuple[Classroom, Dashboard]]:
        """A class at work, and a dashboard that has heard of it."""
        room = Classroom(url=self.system.url, seed=len(self.rooms) + 1, students=20, rate=60.0, timeout=CUT + BACK)
        self.rooms.append(room)
        try:
            with Dashboard(self.system.url) as dashboard, room:
                wait_until(lambda: len(room.accepted) > 30, seconds=30, what=f"thirty events {room.answers}")
                wait_until(lambda: dashboard.heard, seconds=30, what="a row at the dashboard")
                yield room, dashboard
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.system.logs()}") from None

    def back(self, room: Classroom, dashboard: Dashboard) -> None:
        """Everything is at work within `BACK` of now: posts, rows, sockets."""
        healed, accepted = time.monotonic(), len(room.accepted)
        rows = self.rows()

        def works() -> bool:
            return len(room.accepted) > accepted + 30 and self.rows() > rows + 30 and dashboard.heard > healed + 0.5

        wait_until(works, seconds=BACK, what=f"everything at work {room.answers}", pause=0.2)
        assert not dashboard.is_closed
        print(f"everything at work after {time.monotonic() - healed:.1f} s; {dict(room.answers)}")  # noqa: T201

    def page(self) -> int:
        return httpx.get(f"{self.system.url}/api/v1/classes", timeout=30).status_code

    def rows(self) -> int:
        with psycopg.connect(self.database_url) as link:
            return judge(link, []).rows

    def check(self) -> None:
        """Nothing is lost, doubled or wrong. Waits for the end of the backlog."""
        found: list[str] = []

        def rests() -> bool:
            with client_of(self.system.redis_url, socket_timeout=2) as link:
                found[:] = unrest(link, now=time.time())
            return not found

        try:
            wait_until(rests, seconds=60, what="rest", pause=0.2)
        except AssertionError as error:
            raise AssertionError(f"{error}: {found}") from None
        with psycopg.connect(self.database_url) as database:
            verdict = judge(database, self.rooms)
        assert verdict.is_good, verdict
        assert not any(room.given_up or room.refused for room in self.rooms)


@pytest.fixture(scope="module")
def divided(start_live_system) -> Iterator[Divided]:
    # The addresses of the stores are known only when they are there; so the proxies learn them from a first start.
    system = start_live_system(workers=0)
    socket = psycopg.conninfo.conninfo_to_dict(system.database_url)
    database_url, port = system.database_url, urlsplit(system.redis_url).port
    assert port
    valkey = TcpProxy(behind=port)
    postgres = TcpProxy(behind=Path(str(socket["host"])) / ".s.PGSQL.5432")
    valkey.open()
    postgres.open()
    for part in (system.web, system.cron):
        part.stop()
    system.environment |= {
        "DATABASE_URL": f"postgresql://postgres@127.0.0.1:{postgres.port}/{socket['dbname']}",
        "REDIS_URL": system.redis_url.replace(f":{port}", f":{valkey.port}"),
        "RATE_LIMITS": "0",
        "WORKERS": "2",
    }
    again = LiveSystem(directory=system.directory, environment=system.environment, redis=system.redis, port=system.port)
    again.start(workers=2)
    yield Divided(system=again, valkey=valkey, postgres=postgres, database_url=database_url)
    again.stop()
    valkey.close()
    postgres.close()


FORGET = pytest.mark.parametrize("forget", [False, True], ids=["goes on", "connections lost"])


@FORGET
def test_valkey_cannot_be_reached(divided, forget):
    with divided.lesson() as (room, dashboard):
        divided.valkey.cut()
        cut = time.monotonic()
        time.sleep(0.3)  # posts of the class wait already, so that this one waits behind them
        record = room.event("log_entry", student=room.students)  # the thread leaves this student alone
        room.sent[record["eventId"]] = record
        answer = httpx.post(f"{divided.system.url}/api/v1/events", json=[record], timeout=30)
        took = time.monotonic() - cut
        time.sleep(max(0.0, CUT - took))
        divided.valkey.heal(forget=forget)
        divided.back(room, dashboard)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2"), answer.text
    assert took < REFUSED
    assert set(room.answers) == {"202", "503"}, room.answers
    divided.check()


@FORGET
def test_postgresql_cannot_be_reached(divided, forget):
    with divided.lesson() as (room, dashboard):
        answered = len(room.accepted)
        divided.postgres.cut()
        time.sleep(CUT)
        assert len(room.accepted) > answered + 120, "posts wait for PostgreSQL"
        stored = divided.rows()
        divided.postgres.heal(forget=forget)
        divided.back(room, dashboard)
        assert divided.rows() > stored
        wait_until(lambda: divided.page() == 200, seconds=BACK, what="a page")
    assert set(room.answers) == {"202"}, room.answers
    divided.check()
