"""The machine of Valkey or PostgreSQL vanishes: nothing is closed, nothing is refused, and no kernel acknowledges.

Who waits for it must give up by a clock: its own, or that of the kernel (keepalive). All of them wait at once here,
because it takes a quarter of a minute.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing

import pytest
from channels_redis.pubsub import RedisPubSubChannelLayer
from django.conf import settings
from django.core.cache.backends.redis import RedisCache
from django.db.utils import ConnectionHandler
from django_rq.connection_utils import get_redis_connection

from config.settings.database import settings_of
from core.redis import CONNECT_TIMEOUT, async_client, blocking_client, channel_options, rq_options
from core.redis_address import GONE_SECONDS, parse
from tests.faults.tcp_proxy import TcpProxy

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="packets are thrown away by a filter of Linux")
LONG = 60  # seconds for which somebody would wait
OF_RQ = 75  # seconds that rq gives a connection on which a worker waits so long
POSTGRES = 15.0  # seconds, `tcp_user_timeout` (config/settings/database.py)
BUSY = 5.0  # seconds more on a busy machine
Waits = Callable[[str, threading.Event], None]


def worker(url: str, is_ready: threading.Event) -> None:
    """Wait for a job, as rq does it."""
    link = get_redis_connection(rq_options(parse(url)))
    link.connection_pool.connection_kwargs["socket_timeout"] = OF_RQ
    link.ping()
    is_ready.set()
    link.blpop(["rq:queue:vanished"], LONG)


def drain(url: str, is_ready: threading.Event) -> None:
    link = blocking_client(timeout=4, connect_timeout=3, health_check_interval=30, url=url)
    link.ping()
    is_ready.set()
    time.sleep(0.5)
    link.xlen("events:vanished")


def cache(url: str, is_ready: threading.Event) -> None:
    made = RedisCache(url, {"OPTIONS": settings.CACHES["default"]["OPTIONS"]})
    made.get("vanished")
    is_ready.set()
    time.sleep(0.5)
    made.get("vanished")


def subscriber(url: str, is_ready: threading.Event) -> None:
    """Listen as the subscriber to notices of others does, without a ping of its own."""

    async def listen() -> None:
        async with async_client(timeout=LONG, url=url) as link, link.pubsub() as channel:
            await channel.subscribe("vanished")
            is_ready.set()
            while True:
                if await channel.get_message(timeout=LONG) is None:
                    await channel.ping()

    asyncio.run(listen())


def statement(url: str, is_ready: threading.Event) -> None:
    """Wait for the result of a statement that is under way."""
    with closing(ConnectionHandler({"default": settings_of(url, pool=0)})["default"]) as link:
        cursor = link.cursor()
        cursor.execute("SELECT 1")
        is_ready.set()
        cursor.execute("SELECT pg_sleep(%s)", [LONG])


def later_statement(url: str, is_ready: threading.Event) -> None:
    """Send a statement when it has vanished already."""
    with closing(ConnectionHandler({"default": settings_of(url, pool=0)})["default"]) as link:
        cursor = link.cursor()
        cursor.execute("SELECT 1")
        is_ready.set()
        time.sleep(0.5)
        cursor.execute("SELECT 1")


# Seconds after which each gives up.
OF_VALKEY: dict[Waits, float] = {
    worker: GONE_SECONDS,
    subscriber: GONE_SECONDS + 2 * CONNECT_TIMEOUT,
    drain: 7.0,
    cache: 7.0,
}
OF_POSTGRES: dict[Waits, float] = {statement: POSTGRES, later_statement: POSTGRES}
EVERYBODY = {**OF_VALKEY, **OF_POSTGRES}


def test_who_waits_gives_up(postgres_server, redis_server, django_db_blocker):
    valkey = TcpProxy(behind=redis_server.valkey.port)
    postgres = TcpProxy(behind=postgres_server.socket_dir / ".s.PGSQL.5432")
    redis_url = f"redis://:{redis_server.valkey.password}@127.0.0.1:{valkey.port}/0"
    database_url = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres"
    ends: dict[str, tuple[float, Exception | None]] = {}  # by name: when, and with what
    begun = []

    def run(waits: Waits, is_ready: threading.Event) -> None:
        error = None
        try:
            with django_db_blocker.unblock():
                waits(redis_url if waits in OF_VALKEY else database_url, is_ready)
        except Exception as problem:
            error = problem
        ends[waits.__name__] = (time.monotonic(), error)
        is_ready.set()

    for proxy in (valkey, postgres):
        proxy.open()
    try:
        for waits in EVERYBODY:
            is_ready = threading.Event()
            begun.append((threading.Thread(target=run, args=[waits, is_ready], daemon=True), is_ready))
            begun[-1][0].start()
        assert all(is_ready.wait(30) for _, is_ready in begun)
        assert not ends, ends
        vanished = time.monotonic()
        for proxy in (valkey, postgres):
            proxy.vanish()
        for thread, _ in begun:
            thread.join(max(0.0, vanished + max(EVERYBODY.values()) + BUSY - time.monotonic()))
        found = {name: (f"{end - vanished:.1f} s", repr(error)) for name, (end, error) in ends.items()}
        print(found)  # noqa: T201
        for waits, limit in EVERYBODY.items():
            end, error = ends.get(waits.__name__, (float("inf"), None))
            assert error is not None, f"{waits.__name__} waits still; {found}"
            assert end - vanished < limit + BUSY, found
    finally:
        for proxy in (valkey, postgres):
            proxy.close()


def test_a_dashboard_that_hears_nothing_hears_again(redis_server):
    """The machine is replaced at once: nobody knows the subscription, and nobody says so."""
    valkey = TcpProxy(behind=redis_server.valkey.port)

    async def hear_again() -> float:
        url = f"redis://:{redis_server.valkey.password}@127.0.0.1"
        there = RedisPubSubChannelLayer(hosts=[channel_options(parse(f"{url}:{valkey.port}/0"))])
        here = RedisPubSubChannelLayer(hosts=[channel_options(parse(f"{url}:{redis_server.valkey.port}/0"))])
        channel = await there.new_channel()
        await there.group_add("lesson", channel)

        async def hear(*, within: float) -> None:
            hearing, until = asyncio.create_task(there.receive(channel)), time.monotonic() + within
            while not hearing.done() and time.monotonic() < until:
                await here.group_send("lesson", {"type": "row"})
                await asyncio.wait([hearing], timeout=0.25)
            assert hearing.done(), "it hears nothing"

        await hear(within=10)
        await asyncio.to_thread(valkey.vanish)
        await asyncio.to_thread(valkey.come_back)
        begun = time.monotonic()
        while there.channels[channel].qsize():  # of before
            await there.receive(channel)
        await hear(within=GONE_SECONDS + 2 * BUSY)
        for layer in (here, there):
            await layer.flush()
        return time.monotonic() - begun

    valkey.open()
    try:
        seconds = asyncio.run(hear_again())
    finally:
        valkey.close()
    print(f"hears again after {seconds:.1f} s")  # noqa: T201
    assert seconds > 2, "it was told, so this is no test"
