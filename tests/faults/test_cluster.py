"""The event streams are in a Valkey Cluster: three masters with a replica each, one of which is killed."""

import asyncio
import json
import time
from collections.abc import Iterator

import httpx
import psycopg
import pytest

from config.operator_errors import sentence_of
from core.redis import blocking_client
from events.intake.appender import Appender
from events.intake.request import RequestRefused
from events.queue import appending, maintenance, moved_streams, servers, stream
from events.queue.appending import Incomplete, OutgoingEntry
from events.queue.enqueue import event_of, outgoing_entries
from events.queue.stream import Lease
from operations.privacy import verification
from tests.events.conftest import event
from tests.faults.classroom import Classroom
from tests.faults.conftest import IS_LONG
from tests.faults.dashboard import Dashboard
from tests.faults.truth import judge, unrest
from tests.faults.valkeys import Cluster
from tests.servers import scratch_directory, wait_until

BACK = 15.0  # seconds from a new master to everything at work
KILLS = 12 if IS_LONG else 1
SHARDS = 6  # on all three masters (`test_a_post_over_several_shards`)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with scratch_directory() as directory:
        made = Cluster(directory=directory)
        try:
            made.start()
            yield made
        finally:
            made.stop()


@pytest.fixture
def streams(cluster, settings):
    """An empty Cluster, which the settings name."""
    settings.EVENTS_REDIS_URL, settings.EVENT_SHARDS, settings.EVENT_REPLICAS = cluster.url, SHARDS, 1
    wait_until(cluster.is_whole, what=f"a whole Cluster\n{cluster.tails()}", pause=0.1)
    for node in cluster.masters():
        node.ask("FLUSHALL")
    return stream.connect()


def entries(*shards: int) -> list[OutgoingEntry]:
    return [OutgoingEntry(shard, "high", b"[]", f"batch {shard}") for shard in shards]


def append(*made: OutgoingEntry) -> dict[int, appending.Backlog]:
    async def send() -> dict[int, appending.Backlog]:
        redis = stream.connect_async()
        try:
            return await appending.append(redis, made)
        finally:
            await redis.aclose()

    return asyncio.run(send())


def read_all(redis, shard: int) -> list[str]:
    lease = Lease(redis, shard)
    assert lease.take()
    found = lease.read(count=10)
    lease.acknowledge(found)
    assert lease.finish()
    return [entry.batch for entry in found]


def test_a_post_over_several_shards(cluster, streams):
    assert len({cluster.master_of(stream.stream_key(shard, "high")).port for shard in range(SHARDS)}) == 3
    found = append(*entries(*range(SHARDS)))
    assert {shard: (state.entries, state.needs_drain) for shard, state in found.items()} == dict.fromkeys(
        range(SHARDS), (1, True)
    )
    assert stream.shards(streams) == list(range(SHARDS))
    assert sum(one.entries for one in stream.waiting(streams)) == SHARDS
    assert stream.oldest_waiting(streams) is not None
    assert [read_all(streams, shard) for shard in range(SHARDS)] == [[f"batch {shard}"] for shard in range(SHARDS)]
    assert stream.oldest_waiting(streams) is None
    assert servers.refusals(streams) == []
    assert servers.fewest_replicas(servers.infos(streams, "replication")) == 1
    assert len(servers.infos(streams, "memory")) == 3


def test_a_drain_that_nobody_enqueued_is_found(streams):
    append(*entries(1, 4))
    assert stream.stranded_shards(streams) == [], "drains are to be enqueued by who appended"
    for shard in (1, 4):
        streams.delete(stream.shard_keys(shard, "wake")[0])
    assert stream.stranded_shards(streams) == [1, 4]
    assert stream.stranded_shards(streams) == []


def test_what_waits_in_the_former_redis_is_taken_over(cluster, streams, settings, redis):
    """With the order and the batches; and a backup has it before as after."""
    settings.EVENTS_REDIS_URL, settings.EVENT_REPLICAS = "", 0
    append(*entries(2, 3), OutgoingEntry(2, "high", b"[1]", "second"), OutgoingEntry(200, "low", b"[]", "of old"))
    settings.EVENTS_REDIS_URL = cluster.url
    assert len(list(maintenance.entries(streams))) == 4
    reader = Lease(redis, 3)
    assert reader.take(), "a worker with the setting of before still drains this shard"
    assert moved_streams.take_over(streams) == 2
    assert len(list(maintenance.entries(streams))) == 4
    reader.release()
    assert moved_streams.take_over(streams) == 1
    assert moved_streams.take_over(streams) == 0
    assert stream.stranded_shards(streams) == [2, 3, 200 % stream.MAX_SHARDS], (
        "their drains are enqueued by the workers"
    )
    assert read_all(streams, 2) == ["batch 2", "second"]
    assert read_all(streams, 3) == ["batch 3"]
    assert read_all(streams, 200 % stream.MAX_SHARDS) == ["of old"]
    assert not any(redis.xlen(stream.stream_key(shard, "high")) for shard in (2, 3))


def test_a_person_is_erased(cluster, streams):
    """From the entries of others, from the file of each server, and a backup that is restored has them again."""
    events = [event_of(event(emailAddress=f"{name}@example.com"), received=0) for name in ("hanako", "taro", "jiro")]
    append(*outgoing_entries(events))
    rows = [(shard, entry.priority, entry.packed) for shard, entry in maintenance.entries(streams)]
    removed = maintenance.remove_person(lambda email: email.startswith("hanako"), cut=lambda text: text, timeout=5)
    assert removed == 1
    assert {found.email for found in maintenance.events(streams)} == {"taro@example.com", "jiro@example.com"}
    assert list(verification._redis_file()) == []
    for node in cluster.servers:
        assert all(b"hanako" not in file.read_bytes() for file in node.directory.glob("appendonlydir/*"))
    assert maintenance.restore_entries(streams, rows) == len(rows)
    assert sum(found.email == "hanako@example.com" for found in maintenance.events(streams)) == 1


def test_a_slot_that_moves_is_followed(cluster, streams):
    """At the first try, by who appends and by who reads."""
    key = stream.stream_key(0, "high")
    before = cluster.master_of(key)
    after = next(node for node in cluster.masters() if node is not before)

    async def send() -> None:
        redis = stream.connect_async()
        try:
            await appending.append(redis, entries(0))
            assert read_all(streams, 0) == ["batch 0"]
            move(cluster, key, after)
            await appending.append(redis, entries(0))
        finally:
            await redis.aclose()

    asyncio.run(send())
    try:
        assert read_all(streams, 0) == ["batch 0"]
        assert cluster.master_of(key) is after
    finally:
        move(cluster, key, before)


def move(cluster: Cluster, key: str, to) -> None:
    """Give an empty slot to another master."""
    slot, name = to.ask("CLUSTER", "KEYSLOT", key), to.ask("CLUSTER", "MYID")
    for node in cluster.masters():
        with node.client() as link:
            if keys := link.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
                link.delete(*keys)
    for node in (to, *(each for each in cluster.masters() if each is not to)):
        node.ask("CLUSTER", "SETSLOT", slot, "NODE", name)


def test_a_master_that_is_away(cluster, streams):
    """Its shards fail, and nobody else's: the sender of each post sees all or nothing. So it is with its successor,
    which alone has what it takes, until there is a replica again."""
    victim = cluster.master_of(stream.stream_key(0, "high"))
    lost = {shard for shard in range(SHARDS) if cluster.master_of(stream.stream_key(shard, "high")) is victim}
    kept = set(range(SHARDS)) - lost
    append(*entries(*range(SHARDS)))
    victim.kill()
    with pytest.raises(Incomplete) as raised:
        append(*entries(*range(SHARDS)))
    assert raised.value.failed == lost
    assert set(raised.value.backlogs) == kept
    assert all(state.entries == 2 for state in raised.value.backlogs.values())
    answered = asyncio.run(posts_of_two(min(kept), min(lost)))
    assert answered == ["taken", "503", "503"]
    cluster.wait_for_failover(victim, stream.stream_key(0, "high"))
    with pytest.raises(Incomplete, match=appending.TOO_FEW) as raised:
        append(*entries(*range(SHARDS)))
    assert raised.value.failed == lost
    victim.start()
    wait_until(cluster.is_whole, what=f"a whole Cluster\n{cluster.tails()}", pause=0.1)
    assert append(*entries(*lost)).keys() == lost
    assert all(read_all(streams, shard) for shard in range(SHARDS))


async def posts_of_two(kept: int, lost: int) -> list[str]:
    """Three posts that share an append: of a shard that is there, of one that is away, and of both."""
    appender = Appender()

    async def post(*shards: int) -> str:
        future = asyncio.get_running_loop().create_future()
        appender._waiting.append((entries(*shards), future))
        try:
            await future
        except Incomplete:
            return "503"
        return "taken"

    waiting = [asyncio.create_task(post(kept)), asyncio.create_task(post(lost)), asyncio.create_task(post(kept, lost))]
    await asyncio.sleep(0)
    await appender._flush()
    found = await asyncio.gather(*waiting)
    await appender.close()
    return found


def test_no_node_answers(settings):
    settings.EVENTS_REDIS_URL = "redis+cluster://:secret@127.0.0.1:1,127.0.0.1:2"
    assert not stream.is_reachable()
    with pytest.raises(appending.RedisError) as raised:
        stream.connect()
    sentence = sentence_of(raised.value)
    assert "127.0.0.1:1, 127.0.0.1:2" in sentence
    assert "EVENTS_REDIS_URL" in sentence
    assert "secret" not in sentence


async def test_the_intake_answers_503_while_no_node_answers(settings):
    settings.EVENTS_REDIS_URL = "redis+cluster://127.0.0.1:1"
    appender = Appender()
    with pytest.raises(RequestRefused) as raised:
        await appender.append([event_of(event(), received=0)])
    assert raised.value.status == 503


def test_a_killed_master_loses_nothing_and_needs_no_hand(cluster, start_live_system):
    settings = {"EVENTS_REDIS_URL": cluster.url, "EVENT_REPLICAS": "1", "EVENT_SHARDS": str(SHARDS), "RATE_LIMITS": "0"}
    system = start_live_system(workers=2, **settings)
    room = Classroom(url=system.url, seed=1, students=20, rate=30.0, timeout=60.0)
    try:
        with Dashboard(system.url) as dashboard, room:
            wait_until(lambda: len(room.accepted) > 60, seconds=60, what=f"sixty events {room.answers}")
            for number in range(KILLS):
                kill_a_master(cluster, system, room, dashboard, shard=number % SHARDS)
            health = httpx.get(f"{system.url}/api/v1/health").json()["services"]["redis"]
            assert (health["status"], health["role"], health["replicas"], health["masters"]) == (
                "healthy", "master", 1, 3,
            ), health  # fmt: skip
            numbers = httpx.get(f"{system.url}/metrics").text
            assert "cellmonitor_redis_replicas 1.0" in numbers
            assert 'cellmonitor_backlog_entries{priority="high",shard="5"}' in numbers
        assert set(room.answers) <= {"202", "503", "timeout"}, room.answers
        assert room.answers["503"], f"nobody noticed: {room.answers}"
        check(system, cluster, room)
        print(json.dumps(room.answers))  # noqa: T201
    except AssertionError as error:
        raise AssertionError(f"{error}\n{system.logs()}\n{cluster.tails()}") from None
    finally:
        system.stop()


def kill_a_master(cluster, system, room, dashboard, *, shard: int) -> None:
    key = stream.stream_key(shard, "high")
    victim = cluster.master_of(key)
    victim.kill()
    took = cluster.wait_for_failover(victim, key)
    victim.start()  # as a service manager does; until then its successor has no replica, and its shards take nothing
    failed_over, accepted = time.monotonic(), len(room.accepted)
    wait_until(lambda: len(room.accepted) > accepted + 30, seconds=BACK, what="thirty events more", pause=0.1)
    wait_until(lambda: rows(system) > accepted, seconds=BACK, what="rows of events after the failover", pause=0.2)
    wait_until(lambda: dashboard.heard > failed_over, seconds=BACK, what="a row after the failover", pause=0.1)
    print(f"another master after {took:.1f} s, all at work {time.monotonic() - failed_over:.1f} s later")  # noqa: T201
    assert not dashboard.is_closed
    wait_until(cluster.is_whole, what=f"a whole Cluster\n{cluster.tails()}", pause=0.1)


def rows(system) -> int:
    with psycopg.connect(system.database_url) as link:
        return judge(link, []).rows


def check(system, cluster, room) -> None:
    """Nothing is lost, doubled or wrong. Waits for the end of the backlog."""
    found: list[str] = []

    def rests() -> bool:
        with blocking_client(timeout=2, url=system.redis_url) as redis:
            found[:] = unrest(redis, now=time.time(), streams=cluster.client())
        return not found

    try:
        wait_until(rests, seconds=60, what="rest", pause=0.2)
    except AssertionError as error:
        raise AssertionError(f"{error}: {found}") from None
    with psycopg.connect(system.database_url) as database:
        verdict = judge(database, [room])
    assert verdict.is_good, verdict
