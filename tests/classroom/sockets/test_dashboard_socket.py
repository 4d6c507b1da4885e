"""W1 and W4, through the whole ASGI application with a real channel layer: docs/contract/websocket.md."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from channels.db import database_sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth import get_user_model
from django.test import Client

from config.asgi import application
from lms.models import Class
from realtime import broadcast, groups, messages, row_feeds
from realtime.rows import StudentRow
from tests.realtime.communicators import PatientCommunicator
from tests.realtime.conftest import help_resolved

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def socket(path="/ws", **headers):
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    communicator = PatientCommunicator(application, path, headers=[(b"host", b"server"), *sent])
    connected, _ = await communicator.connect()
    assert connected, "refused"
    first = await communicator.receive_json_from()
    assert first["type"] == "connection_established"
    try:
        yield communicator
    finally:
        await communicator.disconnect()


async def is_refused(path="/ws", **headers) -> bool:
    sent = [(name.encode(), value.encode()) for name, value in headers.items()]
    communicator = PatientCommunicator(application, path, headers=[(b"host", b"server"), *sent])
    connected, _ = await communicator.connect()
    await communicator.disconnect()
    return not connected


def row(student: int, runs: int = 1, **fields) -> StudentRow:
    return {
        "studentId": student,
        "emailAddress": f"s{student}@x.jp",
        "userName": "花子",
        "teamName": "チームA",
        "currentNotebook": "a.ipynb",
        "lastActivity": "今",
        "lastActivityAt": messages.timestamp(),
        "status": "active",
        "isRequestingHelp": False,
        "helpRequestedAt": None,
        "cellExecutions": runs,
        "errorCount": 0,
        "consecutiveErrorCount": 0,
        "hasSignificantError": False,
        "significantErrorCells": [],
        **fields,
    }


async def publish(group, rows, notices=()):
    await asyncio.to_thread(broadcast.publish, {group: rows}, [(group, frame) for frame in notices], outside=[])


@pytest.mark.parametrize(
    "path",
    [
        "/ws",
        "/ws/",
        "/ws/dashboard",
        "/api/v1/dashboard/ws/dashboard",
        "/api/v1/dashboard/ws/dashboard/",
        "/api/v1/v1/dashboard/ws/dashboard",
    ],
)
async def test_paths(redis, path):
    async with socket(path) as dashboard:
        await dashboard.send_json_to({"type": "ping"})
        pong = await dashboard.receive_json_from()
        assert pong["type"] == "pong"
        assert pong["timestamp"].endswith("Z")


async def test_unknown_path_is_refused(redis):
    assert await is_refused("/ws/nothing/here")


async def test_changed_rows_arrive_as_absolute_state(redis):
    async with socket() as dashboard:
        await publish(groups.ALL_STUDENTS, [row(1, runs=7), row(2)])
        frame = await dashboard.receive_json_from()
        assert (frame["type"], frame["event"]) == ("progress_update", "progress_update")
        assert [(r["studentId"], r["cellExecutions"]) for r in frame["data"]] == [(1, 7), (2, 1)]
        assert frame["data"][0]["type"] == "student_progress_update"


async def test_many_changes_of_one_student_share_frames_and_the_newest_wins(redis):
    async with socket() as dashboard:
        for runs in range(1, 60):
            await publish(groups.ALL_STUDENTS, [row(1, runs=runs)])
        seen = []
        while not seen or seen[-1] != 59:
            frame = await dashboard.receive_json_from()
            seen += [r["cellExecutions"] for r in frame["data"]]
        assert seen == sorted(seen)
        assert len(seen) < 59 / 2


async def test_notices_are_not_held_back(redis, monkeypatch):
    monkeypatch.setattr(row_feeds, "MIN_PAUSE", 60)
    monkeypatch.setattr(row_feeds, "MAX_PAUSE", 60)
    notice = help_resolved()
    async with socket() as dashboard:
        await publish(groups.ALL_STUDENTS, [row(1)])
        assert (await dashboard.receive_json_from())["type"] == "progress_update"
        await publish(groups.ALL_STUDENTS, [row(1)], [notice])
        frame = await dashboard.receive_json_from()
        assert frame["type"] == "help_resolved"
        assert frame["data"]["emailAddress"] == "s1@x.jp"


async def test_our_own_pages_go_without_what_the_rows_say_already(redis):
    run = {"cellId": "c1", "executionTime": 0.1, "success": True, "timestamp": messages.timestamp()}
    last = {groups.ALL_STUDENTS: [(1, run)]}
    async with socket() as program, socket("/ws?runs=0") as page:
        await asyncio.to_thread(broadcast.publish_runs, [], last)
        await publish(groups.ALL_STUDENTS, [row(1)])
        frames = [(await program.receive_json_from())["type"] for _ in range(2)]
        assert frames == ["progress_update", "cell_execution"]
        assert (await page.receive_json_from())["type"] == "progress_update"
        assert await page.receive_nothing(timeout=0.6)


async def test_class_hears_its_own_students_only(redis):
    python = await Class.objects.acreate(class_code="PY", name="Python")
    async with socket(f"/ws?class={python.pk}") as dashboard:
        await publish(groups.ALL_STUDENTS, [row(1)])
        await publish(groups.class_group(python.pk), [row(2)])
        frame = await dashboard.receive_json_from()
        assert [r["studentId"] for r in frame["data"]] == [2]
        assert await dashboard.receive_nothing(timeout=0.6)


@pytest.mark.parametrize("frame", ["not json", "[1]", '"text"', "5", "{" * 5000])
async def test_nonsense_gets_an_error_and_the_connection_stays(redis, frame):
    async with socket() as dashboard:
        await dashboard.send_to(text_data=frame)
        assert (await dashboard.receive_json_from())["type"] == "error"
        await dashboard.send_json_to({"type": "nonsense"})
        assert (await dashboard.receive_json_from())["message"] == "Unknown message type: nonsense"
        await dashboard.send_json_to({"type": "refresh_request"})
        assert (await dashboard.receive_json_from())["type"] == "refresh_required"


async def test_frame_over_64_kib_closes_with_1009(redis):
    async with socket() as dashboard:
        await dashboard.send_to(text_data='"' + "x" * 65 * 1024 + '"')
        assert await dashboard.receive_output() == {"type": "websocket.close", "code": 1009}


@pytest.mark.parametrize(
    ("origin", "listed", "refused"),
    [
        (None, [], False),
        ("http://server", [], False),
        ("http://elsewhere", [], True),
        ("http://elsewhere", ["http://elsewhere"], False),
        ("http://elsewhere", ["*"], False),
        ("null", [], True),
    ],
)
async def test_origin(redis, settings, origin, listed, refused):
    settings.BACKEND_CORS_ORIGINS = listed
    headers = {"origin": origin} if origin else {}
    assert await is_refused(**headers) is refused


# --- With API_REQUIRE_AUTH ------------------------------------------------------------------------------------------


@pytest.fixture
def authentication(settings):
    settings.API_REQUIRE_AUTH = True


@database_sync_to_async
def login(email: str, **fields) -> str:
    """The cookie of a logged-in instructor."""
    user = get_user_model().objects.create_user(email, "password123", **fields)
    client = Client()
    client.force_login(user)
    name = django_settings.SESSION_COOKIE_NAME
    return f"{name}={client.cookies[name].value}"


async def test_nobody_is_refused(redis, authentication):
    assert await is_refused()
    assert await is_refused("/ws?class=1")
    assert await is_refused(cookie=f"{django_settings.SESSION_COOKIE_NAME}=made-up")


async def test_instructor_hears_their_classes_and_no_others(redis, authentication):
    cookie = await login("teacher@example.com")
    teacher = await get_user_model().objects.aget()
    own = await Class.objects.acreate(class_code="OWN", name="Own", instructor=teacher)
    other = await Class.objects.acreate(class_code="OTHER", name="Other")
    assert await is_refused(f"/ws?class={other.pk}", cookie=cookie)
    assert await is_refused("/ws?class=everything", cookie=cookie)
    async with socket(cookie=cookie) as dashboard:
        await publish(groups.ALL_STUDENTS, [row(1)])
        await publish(groups.class_group(other.pk), [row(2)])
        await publish(groups.class_group(own.pk), [row(3)])
        frame = await dashboard.receive_json_from()
        assert [r["studentId"] for r in frame["data"]] == [3]


async def test_admin_hears_everybody(redis, authentication):
    cookie = await login("admin@example.com", role="admin")
    async with socket(cookie=cookie) as dashboard:
        await publish(groups.ALL_STUDENTS, [row(1)])
        assert (await dashboard.receive_json_from())["data"][0]["studentId"] == 1


async def test_notice_through_two_classes_arrives_once(redis, authentication):
    cookie = await login("teacher@example.com")
    teacher = await get_user_model().objects.aget()
    both = [await Class.objects.acreate(class_code=code, name=code, instructor=teacher) for code in "AB"]
    notice = help_resolved()
    async with socket(cookie=cookie) as dashboard:
        notices = [(groups.class_group(found.pk), notice) for found in both]
        await asyncio.to_thread(broadcast.publish, {}, notices, outside=[])
        assert (await dashboard.receive_json_from())["type"] == "help_resolved"
        assert await dashboard.receive_nothing(timeout=0.3)
