"""Who is connected, across processes, and that nothing of it stays in Redis for ever."""

import asyncio

import msgspec
import pytest

from lms.models import Student
from realtime import presence
from realtime.groups import email_form
from realtime.presence import Summary
from tests.realtime.conftest import connected, instructor

pytestmark = pytest.mark.django_db(transaction=True)


async def written(redis, total: int) -> dict:
    """This process's entry, once it says so."""
    async with asyncio.timeout(60):
        while True:
            for key in redis.keys("live:process:*"):
                entry = msgspec.json.decode(redis.get(key))
                if entry["total"] == total:
                    return entry
            await asyncio.sleep(0.05)


async def test_each_process_writes_down_its_own(redis, settings):
    teacher = await instructor()
    async with connected("/ws") as dashboard, connected("/api/v1/ws/a@x.jp?room=r"):
        async with connected(f"/instructor/ws?token={teacher.token}"):
            entry = await written(redis, 3)
            assert entry["by_type"] == {"dashboard": 1, "student": 1, "instructor": 1}
            assert entry["rooms"] == {"r": 1}
            assert entry["dashboards"] == [dashboard.first["client_id"]]
            assert entry["instructors"] == {str(teacher.pk): 1}
            assert entry["detail"] == []  # e-mails, and DEBUG is off
        assert (await written(redis, 2))["instructors"] == {}


async def test_processes_are_added_up_and_dead_ones_forgotten(redis):
    other = Summary(3, 2, {"student": 3}, {"default": 3}, 10, [], {7: 2})
    redis.set(presence.process_key("other"), msgspec.json.encode(other), ex=90)
    redis.zadd(presence.PROCESSES, {"other": 9e12, "dead": 5.0, "vanished": 9e12})
    async with connected("/api/v1/ws/a@x.jp"):
        for stats in (await presence.astats(), await asyncio.to_thread(presence.stats)):
            assert (stats["total_connections"], stats["active_connections"]) == (4, 3)
            assert stats["connections_by_type"]["student"] == 4
            assert stats["rooms"] == {"default": 4}
        whole = await asyncio.to_thread(presence.details)
        assert whole.instructors == {7: 2}


async def test_admins_are_counted_as_such(redis):
    admin = await instructor(role="admin")
    async with connected(f"/instructor/ws?token={admin.token}"):
        assert (await presence.astats())["connections_by_type"]["admin"] == 1


async def test_every_key_expires(redis):
    async with connected("/api/v1/ws/a@x.jp") as peer, connected("/ws"):
        await peer.ask(type="subscribe", channel="progress:b@x.jp")
        await written(redis, 2)
        keys = redis.keys("*")
        assert set(keys) >= {b"live:processes", b"live:progress"}
        assert all(0 < redis.ttl(key) <= presence.LIFETIME for key in keys if key.startswith(b"live:"))


async def test_leaving_in_order_forgets_the_process(redis):
    from classroom.sockets import background_tasks

    async with connected("/ws"):
        await written(redis, 1)
    await background_tasks.stop()
    assert redis.keys("live:process:*") == []
    assert redis.zcard("live:processes") == 0


async def test_joined_progress_channels(redis):
    student = await Student.objects.acreate(email="known@x.jp")
    ask = presence.joined_forms
    async with connected("/api/v1/ws/known@x.jp"), connected("/api/v1/ws/new@x.jp"):
        # Joined before accept: no need to wait. A known student is worth one message, not two.
        forms = [str(student.pk), email_form("known@x.jp"), email_form("new@x.jp"), email_form("nobody@x.jp"), "77"]
        assert await asyncio.to_thread(ask, forms) == {str(student.pk), email_form("new@x.jp")}
    assert ask([]) == set()
