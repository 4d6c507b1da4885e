"""The streams: the lease, the wake, and what is left when a reader dies. Real Valkey."""

import asyncio
import threading
import time

import pytest

from events.queue import appending, stream
from events.queue.appending import OutgoingEntry
from events.queue.stream import Lease


async def _append(*entries: OutgoingEntry) -> dict[int, appending.Backlog]:
    redis = stream.connect_async()
    try:
        return await appending.append(redis, entries)
    finally:
        await redis.aclose()


def append(packed: bytes = b"[]", *, shard: int = 0, priority: stream.Priority = "high") -> appending.Backlog:
    return asyncio.run(_append(OutgoingEntry(shard, priority, packed)))[shard]


@pytest.fixture
def connection(redis):
    made = stream.connect()
    yield made
    made.close()


def read_all(lease: Lease) -> list[bytes]:
    found = []
    while entries := lease.read(count=10):
        found += [entry.packed for entry in entries]
        lease.acknowledge(entries)
    return found


def test_first_append_needs_a_drain_and_the_next_does_not(connection):
    assert append().needs_drain
    assert not append().needs_drain


def test_no_drain_is_needed_while_one_runs(connection):
    lease = Lease(connection, 0)
    assert lease.take()
    assert not append().needs_drain


def test_taking_the_lease_clears_the_wake(connection):
    append()
    lease = Lease(connection, 0)
    lease.take()
    lease.release()
    assert append().needs_drain


def test_only_one_holds_the_lease(connection):
    first, second = Lease(connection, 0), Lease(connection, 0)
    assert first.take()
    assert not second.take()
    assert first.renew()
    assert not second.renew()
    second.release()
    assert first.renew(), "somebody else's release frees nothing"
    assert Lease(connection, 1).take()


def test_lease_is_not_given_back_while_something_waits(connection):
    lease = Lease(connection, 0)
    lease.take()
    append(b"late")
    assert not lease.finish()
    assert read_all(lease) == [b"late"]
    assert lease.finish()
    assert append().needs_drain


def test_high_comes_before_medium_and_low(connection):
    for priority in ("low", "medium", "high"):
        append(priority.encode(), priority=priority)
    lease = Lease(connection, 0)
    lease.take()
    assert read_all(lease) == [b"high", b"medium", b"low"]


def test_what_a_dead_reader_left_comes_first(connection):
    append(b"1")
    append(b"2")
    dead = Lease(connection, 0)
    dead.take()
    assert len(dead.read(count=10)) == 2
    dead.release()
    append(b"3")
    lease = Lease(connection, 0)
    assert lease.take()
    assert read_all(lease) == [b"1", b"2", b"3"]


def test_reading_over_again_after_a_failure(connection):
    append(b"1")
    lease = Lease(connection, 0)
    lease.take()
    assert len(lease.read(count=10)) == 1
    lease.reset_position()
    assert read_all(lease) == [b"1"]


def test_backlog_counts_entries_and_bytes_until_they_are_acknowledged(connection):
    assert append(b"12345").bytes == 5
    backlog = append(b"678", priority="low")
    assert (backlog.entries, backlog.bytes) == (2, 8)
    lease = Lease(connection, 0)
    lease.take()
    entries = lease.read(count=10)
    for _ in range(2):  # acknowledging again subtracts nothing
        lease.acknowledge(entries)
    backlog = append(b"9")
    assert (backlog.entries, backlog.bytes) == (1, 1)


def test_stranded_shards_are_found_once(connection):
    append()
    append(shard=5)
    for shard in (0, 5):
        connection.delete(f"events:{{{shard}}}:wake")  # the queued jobs were lost
    assert stream.stranded_shards(connection) == [0, 5]
    assert stream.stranded_shards(connection) == []


def test_shard_with_a_running_drain_is_not_stranded(connection):
    append()
    Lease(connection, 0).take()
    assert stream.stranded_shards(connection) == []


def test_age_of_the_oldest_entry(connection):
    assert stream.oldest_waiting(connection) is None
    append(priority="low")
    time.sleep(0.05)
    append()
    age = time.time() * 1000 - stream.oldest_waiting(connection)
    assert 40 < age < 5000


def test_every_passing_key_expires(connection):
    append()
    lease = Lease(connection, 0)
    assert 0 < connection.ttl("events:{0}:wake") <= stream.WAKE_SECONDS
    lease.take()
    assert 0 < connection.pttl("events:{0}:lease") <= stream.LEASE_MS
    read_all(lease)
    assert lease.finish()
    lasting = {key.decode() for key in connection.keys("events:*") if connection.ttl(key) == -1}
    assert lasting == {"events:{0}:high", "events:{0}:bytes", "events:shards"}
    assert connection.xlen("events:{0}:high") == 0


def test_nothing_falls_between_an_append_and_the_end_of_a_drain(connection):
    """The wake race: appends and ends of drains as close together as they get. Whatever is appended is either read
    by the drain that was ending, or its append says that a worker must be woken."""
    appended, woken, read = 300, [], []
    lock = threading.Lock()

    def drain() -> None:
        own = stream.connect()
        lease = Lease(own, 0)
        if lease.take():
            while True:
                found = read_all(lease)
                with lock:
                    read.extend(found)
                if lease.finish():
                    break
        own.close()

    async def post() -> None:
        redis = stream.connect_async()
        for number in range(appended):
            await asyncio.sleep(number % 5 / 1000)
            backlog = await appending.append(redis, [OutgoingEntry(0, "high", str(number).encode())])
            if backlog[0].needs_drain:
                thread = threading.Thread(target=drain)
                thread.start()
                woken.append(thread)
        await redis.aclose()

    asyncio.run(post())
    for thread in woken:
        thread.join()
    assert len(woken) > 1
    assert sorted(int(item) for item in read) == list(range(appended))


def test_a_drain_that_yields_is_enqueued_once_for_what_waits(connection):
    lease = Lease(connection, 0)
    lease.take()
    assert not lease.hand_over(), "nothing waits"
    lease.take()
    append()
    assert lease.hand_over()
    assert not append().needs_drain, "somebody is on the way already"
    assert Lease(connection, 0).take()


def test_a_drain_without_the_lease_enqueues_nothing(connection):
    lost, holder = Lease(connection, 0), Lease(connection, 0)
    append()
    lost.take()
    lost.release()
    assert holder.take()
    assert not lost.hand_over()
    assert holder.renew()


def test_redis_that_has_forgotten_the_scripts_takes_them_again(redis, connection):
    append()
    lease = Lease(connection, 0)
    lease.take()
    redis.script_flush()
    assert append().entries == 2
    redis.script_flush()
    assert lease.renew()
    redis.script_flush()
    entries = lease.read(count=10)
    lease.acknowledge(entries)
    assert lease.finish()


def test_entries_of_several_shards_are_appended_together(connection):
    entries = [OutgoingEntry(shard, priority, b"[]") for shard in (1, 2) for priority in ("high", "low")]
    appended = asyncio.run(_append(*entries))
    assert {shard: state.entries for shard, state in appended.items()} == {1: 2, 2: 2}
    assert set(stream.shards(connection)) == {1, 2}


def test_entries_of_several_shards_are_appended_once_when_redis_has_forgotten_the_script(redis, connection):
    for expected in (1, 2):
        redis.script_flush()
        appended = asyncio.run(_append(OutgoingEntry(1, "high", b"[]"), OutgoingEntry(2, "high", b"[]")))
        assert {shard: state.entries for shard, state in appended.items()} == {1: expected, 2: expected}


def test_entries_of_all_priorities_are_acknowledged_in_one_step(connection):
    for priority in ("high", "medium", "low"):
        append(priority=priority)
    lease = Lease(connection, 0)
    lease.take()
    entries = lease.read(count=10)
    lease.acknowledge(entries)
    lease.acknowledge(entries)  # as after a lost answer
    assert lease.finish()
    assert append().bytes == len(b"[]")
