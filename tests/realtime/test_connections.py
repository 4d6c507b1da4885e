"""Sections 2 and 3 of docs/contract/websocket.md: what ends a connection, what does not, and with which code."""

import asyncio
import time

import pytest

from classroom.sockets import background_tasks
from classroom.sockets.consumers.dashboards import DashboardSocket
from lms.models import Student
from realtime import groups, send_queue
from realtime.send_queue import SendQueue
from tests.realtime.conftest import connected, instructor, refusal, send_frame, system_message

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = {
    "w1": "/ws",
    "w2": "/api/v1/ws/hanako@example.com",
    "w3": "/instructor/ws",
    "w4": "/api/v1/dashboard/ws/dashboard",
    "w5 student": "/api/v1/v1/progress/ws/student/hanako@example.com",
    "w5 instructor": "/api/v1/progress/ws/instructor",
}


@pytest.fixture(params=PATHS)
async def path(request, redis):
    if request.param == "w3":
        return f"{PATHS['w3']}?token={(await instructor()).token}"
    return PATHS[request.param]


async def test_ping(path):
    async with connected(path) as peer:
        assert (await peer.ask(type="ping"))["type"] == "pong"


async def test_more_than_30_frames_a_second_is_an_error(path):
    async with connected(path) as peer:
        for _ in range(40):
            await peer.say(type="ping")
        answers = [await peer.hear() for _ in range(31)]
        assert [answer["type"] for answer in answers].count("error") == 1
        assert await peer.hears_nothing(timeout=1.1)
        assert (await peer.ask(type="ping"))["type"] == "pong"


async def test_frame_over_64_kib_closes_with_1009(path):
    async with connected(path) as peer:
        await peer.say_text('"' + "x" * 65 * 1024 + '"')
        assert await peer.close_code() == 1009


async def test_idle_closes_with_1000_and_any_frame_refreshes(path):
    async with connected(path) as peer:
        await asyncio.sleep(0.1)
        before = time.monotonic()
        await peer.ask(type="ping")
        await background_tasks.end_idle(before=before)
        assert (await peer.ask(type="ping"))["type"] == "pong"
        await background_tasks.end_idle(before=time.monotonic())
        assert await peer.close_code() == 1000


async def test_a_frame_from_us_refreshes_too(redis):
    async with connected("/ws") as peer:
        await asyncio.sleep(0.05)
        before = time.monotonic()
        await send_frame(groups.DASHBOARDS, system_message("Hello"))
        await peer.hear()
        await background_tasks.end_idle(before=before)
        assert (await peer.ask(type="ping"))["type"] == "pong"


async def test_the_windows_are_those_of_the_contract():
    assert (background_tasks.IDLE, background_tasks.IDLE_INTERVAL) == (1800, 300)


async def test_internal_failure_closes_with_4000(redis, monkeypatch):
    async with connected("/ws") as peer:
        monkeypatch.setattr("classroom.sockets.replies.Pong", lambda: 1 / 0)
        await peer.say(type="ping")
        assert await peer.close_code() == 4000


async def test_internal_failure_before_accept_is_a_refusal_with_4000(redis, monkeypatch):
    async def fail(self):
        raise ValueError

    monkeypatch.setattr(DashboardSocket, "groups_to_join", fail)
    assert await refusal("/ws") == 4000


async def test_redis_away_is_a_refusal(redis, monkeypatch):
    async def fail():
        raise ConnectionError

    monkeypatch.setattr(background_tasks, "start", fail)
    assert await refusal("/ws") == 4000


@pytest.mark.parametrize("unknown", ["/ws/nothing", "/", "/api/v1/ws", "/api/v1/v1/progress/ws", "/x" * 500])
async def test_unknown_path_is_refused(redis, unknown):
    assert await refusal(unknown) is not None


# --- Subscriptions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("endpoint", ["w1", "w2", "w4"])
@pytest.mark.parametrize("kind", ["progress", "notifications"])
@pytest.mark.parametrize("form", ["number", "email"])
async def test_subscribe_and_unsubscribe(redis, endpoint, kind, form):
    student = await Student.objects.acreate(email="taro@example.com")
    channel = f"{kind}:{student.pk if form == 'number' else 'Taro@example.com'}"
    async with connected(PATHS[endpoint]) as peer:
        assert await peer.ask(type="subscribe", channel=channel) == {"type": "subscribed", "channel": channel}
        await send_frame(f"{kind}.{student.pk}", system_message("1"))
        assert (await peer.hear())["data"]["message"] == "1"
        assert await peer.ask(type="unsubscribe", channel=channel) == {"type": "unsubscribed", "channel": channel}
        await send_frame(f"{kind}.{student.pk}", system_message("2"))
        assert await peer.hears_nothing()


@pytest.mark.parametrize("endpoint", ["w1", "w2", "w4"])
async def test_subscribe_to_broadcast(redis, endpoint):
    async with connected(PATHS[endpoint]) as peer:
        assert (await peer.ask(type="subscribe", channel="broadcast"))["type"] == "subscribed"
        await send_frame(groups.BROADCAST, system_message("1"))
        assert (await peer.hear())["type"] == "system_message"
        assert (await peer.ask(type="unsubscribe", channel="broadcast"))["type"] == "unsubscribed"
        await send_frame(groups.BROADCAST, system_message("2"))
        assert await peer.hears_nothing()


@pytest.mark.parametrize(
    "channel", ["", "progress:", "client:1", "room:a", "class.1", "progress", "broadcast ", 5, None]
)
async def test_bad_channel_is_an_error(redis, channel):
    async with connected("/ws") as peer:
        assert (await peer.ask(type="subscribe", channel=channel))["type"] == "error"


async def test_dashboard_may_follow_the_students_it_may_see(redis, authentication):
    teacher = await instructor()
    own = await Student.objects.acreate(email="own@example.com")
    other = await Student.objects.acreate(email="other@example.com")
    python = await teacher.classes.acreate(class_code="PY", name="Python")
    await python.students.aadd(own)
    async with connected(f"/ws?token={teacher.token}") as peer:
        assert (await peer.ask(type="subscribe", channel=f"progress:{own.pk}"))["type"] == "subscribed"
        assert (await peer.ask(type="subscribe", channel=f"progress:{other.pk}"))["type"] == "error"
        assert (await peer.ask(type="subscribe", channel="progress:nobody@example.com"))["type"] == "error"


async def test_token_opens_a_dashboard(redis, authentication):
    teacher = await instructor()
    assert await refusal("/ws") is not None
    assert await refusal("/ws?token=nonsense") is not None
    assert await refusal("/api/v1/progress/ws/instructor") is not None
    async with connected(f"/api/v1/dashboard/ws/dashboard?token={teacher.token}") as peer:
        assert peer.first["type"] == "connection_established"


# --- A slow peer ----------------------------------------------------------------------------------------------------


async def test_a_peer_that_takes_nothing_is_given_up_and_nobody_waits(monkeypatch):
    monkeypatch.setattr(send_queue, "MAX_FRAMES", 10)
    sent, closed, ready = [], [], asyncio.Event()

    async def send(text):
        await ready.wait()
        sent.append(text)

    async def close(code):
        closed.append(code)

    box = SendQueue(send=send, close=close)
    box.start()
    for number in range(50):
        box.put(str(number))
        await asyncio.sleep(0)
    ready.set()
    await asyncio.sleep(0.01)
    assert closed == [4000]
    assert sent == ["0"]
    await box.stop()


async def test_frames_before_a_close_are_written_first():
    done = []

    async def send(text):
        done.append(text)

    async def close(code):
        done.append(code)

    box = SendQueue(send=send, close=close)
    box.start()
    box.put("a")
    box.end(1001)
    box.end(4001)
    box.put("b")
    await asyncio.sleep(0.01)
    assert done == ["a", 1001]
    await box.stop()
