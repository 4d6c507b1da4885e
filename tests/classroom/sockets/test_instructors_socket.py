"""W3, row by row of docs/contract/websocket.md."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async

from classroom.sockets import background_tasks
from instructors import tokens
from instructors.models import Instructor, InstructorStatusHistory
from lms.models import Class, Student
from realtime import broadcast, groups, messages
from realtime.connections import connections
from tests.classroom.sockets.test_dashboard_socket import publish, row
from tests.realtime.conftest import connected, help_resolved, instructor, refusal, send_frame

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = [
    "/instructor/ws",
    "/instructor/ws/",
    "/api/v1/instructor/ws",
    "/api/v1/instructor/ws/instructor/{pk}",
    "/api/v1/ws/instructor/{pk}",
    "/api/v1/ws/instructor/{pk}/",
]


def path(account, of: str = "/instructor/ws") -> str:
    return f"{of.format(pk=account.pk)}?token={account.token}"


def both_ways(frame: dict) -> dict:
    """The fields, which must stand flat and under `data`."""
    assert frame["data"].items() <= frame.items()
    return frame["data"]


@pytest.mark.parametrize("of", PATHS)
async def test_w3_path_and_first_frame(redis, of):
    teacher = await instructor()
    async with connected(path(teacher, of)) as w3:
        assert w3.first["type"] == "connection_success"
        assert both_ways(w3.first)["instructor_id"] == teacher.pk
        assert await w3.hears_nothing()
        assert (await w3.ask(type="ping"))["type"] == "pong"


async def test_w3_refused_before_accept(redis):
    teacher = await instructor()
    away = await instructor("away@example.com")
    await Instructor.objects.filter(pk=away.pk).aupdate(is_active=False)
    late = await database_sync_to_async(tokens.issue)(teacher, now=datetime.now(UTC) - timedelta(hours=2))
    for token in ("", "nonsense", late, away.token):
        assert await refusal(f"/instructor/ws?token={token}") == 4001, token
    assert await refusal("/instructor/ws") == 4001
    assert await refusal(f"/api/v1/ws/instructor/{teacher.pk + 1}?token={teacher.token}") == 4001
    await database_sync_to_async(lambda: tokens.BearerToken(teacher.token).revoke(teacher))()
    assert await refusal(path(teacher)) == 4001


async def test_w3_token_expires_during_the_connection(redis, settings):
    teacher = await instructor()
    moment = datetime.now(UTC) - timedelta(minutes=settings.ACCESS_TOKEN_EXPIRE_MINUTES) + timedelta(seconds=2)
    teacher.token = tokens.issue(teacher, now=moment)
    async with connected(path(teacher)) as w3:
        assert await w3.close_code() == 4001


@pytest.mark.parametrize("nested", [True, False])
async def test_w3_status_update(redis, nested):
    teacher, colleague = await instructor(), await instructor("second@example.com")
    async with connected(path(teacher)) as w3, connected(path(colleague)) as other:
        fields = {"status": "IN_SESSION"}
        await w3.say(type="status_update", **({"data": fields} if nested else fields))
        heard = {}
        for _ in range(3):
            frame = await w3.hear()
            heard[frame["type"]] = both_ways(frame)
        assert heard.keys() == {"status_updated", "status_update", "instructor_status_changed"}
        assert {fields["status"] for fields in heard.values()} == {"in_session"}
        assert {(await other.hear())["type"] for _ in range(2)} == {"status_update", "instructor_status_changed"}
        assert await other.hears_nothing()
    history = await InstructorStatusHistory.objects.aget(instructor_id=teacher.pk)
    assert history.status == "in_session"


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "TEACHING"},
        {},
        {"status": 5},
        {"status": "break", "session_id": 99},
        {"status": "break", "session_id": "x"},
    ],
)
async def test_w3_bad_status_is_an_error(redis, fields):
    teacher = await instructor()
    async with connected(path(teacher)) as w3:
        assert (await w3.ask(type="status_update", data=fields))["type"] == "error"
        assert (await w3.ask(type="ping"))["type"] == "pong"
    assert (await Instructor.objects.aget()).status == "offline"


@pytest.mark.parametrize("nested", [True, False])
async def test_w3_student_message(redis, nested):
    teacher = await instructor()
    async with connected(path(teacher)) as w3:
        fields = {"student_id": "nobody@x.jp", "message": "hi"}
        heard = both_ways(await w3.ask(type="student_message", **({"data": fields} if nested else fields)))
        assert (heard["student_id"], heard["message"]) == ("nobody@x.jp", "hi")
        assert heard["timestamp"]
        assert heard["received_at"]


@pytest.mark.parametrize("form", ["number", "digits", "email"])
async def test_w3_instructor_reply_reaches_the_student(redis, form):
    teacher = await instructor()
    student = await Student.objects.acreate(email="Hanako@example.com")
    called = {"number": student.pk, "digits": str(student.pk), "email": "hanako@example.com"}[form]
    async with connected(path(teacher)) as w3, connected("/api/v1/ws/hanako@example.com") as hanako:
        sent = await w3.ask(type="instructor_reply", student_id=called, message="Look at line 3", timestamp="T")
        assert (sent["type"], sent["student_id"], sent["timestamp"]) == ("reply_sent", called, "T")
        assert both_ways(sent)["message"] == "Look at line 3"
        heard = await hanako.hear()
        assert (heard["type"], heard["data"]["message"]) == ("instructor_message", "Look at line 3")
        assert (heard["data"]["instructor_id"], heard["data"]["instructor_name"]) == (teacher.pk, "teacher")
        assert await hanako.hears_nothing()


async def test_w3_instructor_to_instructor(redis):
    teacher, colleague = await instructor(), await instructor("second@example.com")
    async with connected(path(teacher)) as w3, connected(path(colleague)) as other:
        await w3.say(type="instructor_to_instructor", target_instructor_id=colleague.pk, message="Swap?")
        heard = both_ways(await other.hear())
        assert (heard["from_instructor_id"], heard["message"]) == (teacher.pk, "Swap?")
        assert await w3.hears_nothing()


@pytest.mark.parametrize(
    "text", ["{broken", "[1]", '{"type": "nonsense"}', '{"type": ["x"]}', '{"type": "instructor_reply"}']
)
async def test_w3_errors_keep_the_connection(redis, text):
    teacher = await instructor()
    async with connected(path(teacher)) as w3:
        await w3.say_text(text)
        assert (await w3.hear())["type"] == "error"
        assert (await w3.ask(type="nonsense"))["message"] == "Unknown message type: nonsense"


async def test_w3_hears_what_dashboards_hear_flat_too(redis):
    teacher = await instructor()
    async with connected(path(teacher)) as w3:
        await publish(groups.ALL_STUDENTS, [row(1, runs=4)], [help_resolved()])
        heard = await w3.hear()
        assert (heard["type"], heard["emailAddress"], heard["data"]["emailAddress"]) == (
            "help_resolved",
            "s1@x.jp",
            "s1@x.jp",
        )
        assert (await w3.hear())["data"][0]["cellExecutions"] == 4
        await asyncio.to_thread(broadcast.system_alert, "InfluxDB is away", alert_type="influxdb")
        assert both_ways(await w3.hear())["severity"] == "warning"


async def test_w3_authentication_hears_own_classes_only(redis, authentication):
    teacher = await instructor()
    own = await Class.objects.acreate(class_code="OWN", name="Own", instructor=teacher)
    async with connected(path(teacher)) as w3:
        await publish(groups.ALL_STUDENTS, [row(1)])
        await publish(groups.class_group(own.pk), [row(2)])
        assert [r["studentId"] for r in (await w3.hear())["data"]] == [2]
        assert await w3.hears_nothing()


async def test_w3_instructor_assigned_reaches_its_instructor(redis):
    teacher = await instructor()
    async with connected(path(teacher)) as w3:
        frame = messages.InstructorAssigned(teacher.pk, student_id=1, class_id=None, assigned_at=messages.timestamp())
        await send_frame(groups.instructor_group(teacher.pk), frame)
        assert both_ways(await w3.hear())["instructor_id"] == teacher.pk


async def test_w3_last_idle_socket_sets_offline(redis):
    teacher = await instructor()
    async with connected(path(teacher)) as first, connected(path(teacher)) as second:
        await first.say(type="status_update", status="available")
        await first.get("status_updated")
        (idle,) = sorted(connections.all, key=lambda socket: socket.connected_at)[:1]
        idle.heard_at -= 3600
        await background_tasks.end_idle(before=time.monotonic() - 1800)
        assert await first.close_code() == 1000
        assert (await Instructor.objects.aget()).status == "available"
        await background_tasks.end_idle(before=time.monotonic() + 1)
        assert await second.close_code() == 1000
    assert (await Instructor.objects.aget()).status == "offline"


async def test_w3_a_connection_that_breaks_leaves_the_status(redis):
    teacher = await instructor()
    async with connected(path(teacher)) as w3:
        await w3.say(type="status_update", status="available")
        await w3.hear()
    assert (await Instructor.objects.aget()).status == "available"
