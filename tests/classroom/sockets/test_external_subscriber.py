"""Section 6 of docs/contract/websocket.md: the Redis channel that other programs publish on and listen to."""

import asyncio
import json

import pytest
from redis import Redis

from classroom.sockets import external_subscriber
from lms.models import Class, Student, StudentClass
from realtime import broadcast, groups
from tests.classroom.sockets.test_dashboard_socket import publish, row
from tests.realtime.conftest import connected, help_resolved, instructor, wire

pytestmark = pytest.mark.django_db(transaction=True)

CHANNEL = "student_progress_notifications"
HANAKO = "/api/v1/ws/hanako@example.com"
TARO = "/api/v1/ws/taro@example.com"


@pytest.fixture
async def outside(redis: Redis):
    """Publishes as another program does, once somebody listens."""

    async def say(payload) -> None:
        async with asyncio.timeout(60):
            while not redis.pubsub_numsub(CHANNEL)[0][1]:
                await asyncio.sleep(0.02)
        assert redis.publish(CHANNEL, payload if isinstance(payload, bytes) else json.dumps(payload)) == 1

    return say


def note(**fields):
    return {"type": "system_message", "data": {"message": "hi", "level": "info"}, "channel": "broadcast", **fields}


@pytest.mark.parametrize("form", ["number", "email"])
@pytest.mark.parametrize("kind", ["notifications", "progress"])
async def test_notice_with_a_channel_reaches_its_clients_once(outside, form, kind):
    student = await Student.objects.acreate(email="Hanako@example.com")
    channel = f"{kind}:{student.pk if form == 'number' else 'hanako@example.com'}"
    async with connected(HANAKO) as hanako, connected(TARO) as taro, connected("/ws") as dashboard:
        await outside(note(channel=channel))
        heard = await hanako.hear()
        assert (heard["type"], heard["event"], heard["channel"]) == ("system_message", "system_message", channel)
        assert await hanako.hears_nothing()
        assert await taro.hears_nothing(0.05)
        assert await dashboard.hears_nothing(0.05)


async def test_notice_without_a_channel_reaches_dashboards_and_broadcast_once(outside):
    teacher = await instructor()
    async with (
        connected(HANAKO) as hanako,
        connected("/ws") as dashboard,
        connected(f"/instructor/ws?token={teacher.token}") as w3,
    ):
        await dashboard.ask(type="subscribe", channel="broadcast")
        frame = {"type": "help_resolved", "data": wire(help_resolved())["data"]}
        await outside(frame)
        for peer in (hanako, dashboard, w3):
            assert (await peer.communicator.receive_json_from())["data"] == frame["data"]
            assert await peer.hears_nothing(0.2)


async def test_our_own_frames_are_not_heard_a_second_time(outside):
    async with connected("/ws") as dashboard:
        notice = help_resolved()
        await asyncio.to_thread(broadcast.publish, {}, [(groups.ALL_STUDENTS, notice)], outside=[notice])
        assert (await dashboard.hear())["type"] == "help_resolved"
        assert await dashboard.hears_nothing(0.5)


async def test_we_publish_for_other_programs(redis):
    ear = redis.pubsub()
    ear.subscribe(CHANNEL)
    assert ear.get_message(timeout=30)["type"] == "subscribe"
    notice = help_resolved()
    await asyncio.to_thread(broadcast.publish, {}, [], outside=[notice])
    heard = json.loads(ear.get_message(timeout=30)["data"])
    assert heard == {**wire(notice), "origin": "cell-monitor"}
    ear.close()


@pytest.mark.parametrize(
    "payload",
    [b"\xff", b"{", b"[1]", b'{"data": 1}', b'{"type": 5}', b"[" * 5000, b'{"type": "x", "channel": "nowhere"}'],
)
async def test_nonsense_is_passed_over(outside, payload):
    async with connected("/ws") as dashboard:
        await outside(payload)
        assert await dashboard.hears_nothing(0.1)
        await outside({**note(), "channel": "dashboard"})
        assert (await dashboard.hear())["type"] == "system_message"


async def test_authentication_notice_about_a_student_reaches_their_classes_only(outside, authentication):
    teacher, other, admin = (
        await instructor(),
        await instructor("other@example.com"),
        await instructor("a@x.jp", role="admin"),
    )
    student = await Student.objects.acreate(email="hanako@example.com")
    python = await Class.objects.acreate(class_code="PY", name="Python", instructor=teacher)
    await StudentClass.objects.acreate(student=student, class_ref=python)
    frame = {"type": "help_resolved", "data": wire(help_resolved(student.email))["data"]}
    async with (
        connected(f"/ws?token={teacher.token}") as theirs,
        connected(f"/ws?token={other.token}") as others,
        connected(f"/ws?token={admin.token}") as all_,
        connected(TARO) as taro,
    ):
        await outside(frame)
        assert (await theirs.hear())["type"] == (await all_.hear())["type"] == "help_resolved"
        assert await others.hears_nothing()
        assert await taro.hears_nothing(0.05)


async def test_listens_again_after_redis_was_away(redis, outside):
    async with connected("/ws") as dashboard:
        await outside({**note(), "channel": "dashboard"})
        await dashboard.hear()
        before = external_subscriber.subscriptions
        for client in redis.client_list(_type="pubsub"):
            redis.client_kill(client["addr"])
        async with asyncio.timeout(60):
            while external_subscriber.subscriptions == before:
                await asyncio.sleep(0.02)
        await outside({**note(), "channel": "dashboard"})
        assert (await dashboard.get("system_message"))["data"]["message"] == "hi"
        # The channel layer has come back too.
        async with asyncio.timeout(60):
            while not redis.pubsub_numsub("asgi__group__dashboard")[0][1]:
                await asyncio.sleep(0.05)
        await publish(groups.ALL_STUDENTS, [row(1)])
        assert (await dashboard.get("progress_update"))["data"][0]["studentId"] == 1


def test_largest_notice():
    assert external_subscriber._frame(b'{"type": "' + b"x" * external_subscriber.MAX_BYTES + b'"}') is None
