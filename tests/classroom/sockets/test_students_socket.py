"""W2, row by row of docs/contract/websocket.md, while nobody has to log in; else: `test_socket_permissions.py`."""

import asyncio

import pytest

from lms.models import Student
from realtime import broadcast, groups, messages, presence
from tests.classroom.sockets.test_dashboard_socket import publish, row
from tests.realtime.conftest import connected, instructor, refusal, send_frame

pytestmark = pytest.mark.django_db(transaction=True)

HANAKO = "/api/v1/v1/websocket/ws/hanako@example.com"
OTHER = "/api/v1/v1/websocket/ws/taro@example.com"
GRADED = {
    "assignment_id": 1,
    "submission_id": 2,
    "student_id": 3,
    "title": "Lesson 1",
    "grade": 90.0,
    "feedback": "Good",
    "status": "graded",
}


def graded():
    return messages.AssignmentGraded("notifications:3", messages.AssignmentGradedData(**GRADED))


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("path", ["/api/v1/v1/websocket/ws", "/api/v1/websocket/ws", "/api/v1/v1/ws", "/api/v1/ws"])
async def test_w2_path(redis, path, slash):
    async with connected(f"{path}/hanako@example.com{slash}") as hanako:
        assert hanako.first["type"] == "connection_established"
        assert (hanako.first["client_id"], hanako.first["client_type"]) == ("hanako@example.com", "student")


async def test_w2_ping(redis):
    async with connected(HANAKO) as hanako:
        assert (await hanako.ask(type="ping"))["type"] == "pong"


async def test_w2_client_id_too_long_is_refused(redis):
    assert await refusal("/api/v1/ws/" + "x" * 400) is not None


@pytest.mark.parametrize("channel", ["client", "progress", "notifications"])
async def test_w2_hears_its_channels_in_both_forms_once(redis, channel):
    student = await Student.objects.acreate(email="Hanako@example.com")
    by_number = f"/api/v1/ws/{student.pk}"
    async with connected(HANAKO) as hanako, connected(by_number) as same, connected(OTHER) as taro:
        for form in groups.forms_of_student(student.pk, "hanako@EXAMPLE.com"):
            await send_frame(f"{channel}.{form}", messages.DismissHelp("hanako@example.com"))
            assert (await hanako.hear())["type"] == "dismiss_help"
            assert (await same.hear())["type"] == "dismiss_help"
        both = groups.student_groups(channel, student_id=student.pk, email=student.email)
        frame = messages.DismissHelp("hanako@example.com")
        await asyncio.to_thread(broadcast.publish, {}, [(group, frame) for group in both], outside=[])
        assert (await hanako.hear())["type"] == "dismiss_help"
        assert await hanako.hears_nothing()
        assert await taro.hears_nothing()


async def test_w2_client_id_nobody_knows_joins_all_the_same(redis):
    async with connected(HANAKO) as hanako:
        student = await Student.objects.acreate(email="hanako@example.com")
        both = groups.student_groups("notifications", student_id=student.pk, email=student.email)
        frame = messages.DismissHelp(student.email)
        await asyncio.to_thread(broadcast.publish, {}, [(group, frame) for group in both], outside=[])
        assert (await hanako.hear())["type"] == "dismiss_help"


async def test_w2_same_client_id_again_closes_the_old_with_1000(redis):
    async with connected(HANAKO) as old, connected(OTHER) as taro:
        async with connected(HANAKO) as new:
            assert await old.close_code() == 1000
            assert (await new.ask(type="ping"))["type"] == "pong"
        assert (await taro.ask(type="ping"))["type"] == "pong"


async def test_w2_join_room(redis):
    async with connected(HANAKO) as hanako, connected(OTHER + "?room=a") as taro:
        await taro.say(type="progress_update", data={"n": 1})
        assert (await taro.hear())["type"] == "progress_broadcast"
        assert await hanako.ask(type="join_room", room="a") == {"type": "room_joined", "room": "a"}
        await taro.say(type="progress_update", data={"n": 2})
        heard = await hanako.hear()
        assert (heard["from_client"], heard["data"]) == ("taro@example.com", {"n": 2})
        assert (await hanako.ask(type="join_room"))["room"] == "default"
        await taro.get("progress_broadcast")
        await taro.say(type="progress_update", data={"n": 3})
        await taro.hear()
        assert await hanako.hears_nothing()


async def test_w2_progress_update_without_data_is_an_error(redis):
    async with connected(HANAKO) as hanako:
        assert (await hanako.ask(type="progress_update"))["type"] == "error"
        assert (await hanako.ask(type="join_room", room=5))["type"] == "error"


async def test_w2_text_message(redis):
    async with connected(HANAKO + "?room=b") as hanako, connected(OTHER + "?room=b") as taro:
        await taro.say_text("hello {")
        heard = await hanako.hear()
        assert (heard["type"], heard["message"], heard["room"]) == ("text_message", "hello {", "b")
        assert heard["from_client"] == "taro@example.com"


@pytest.mark.parametrize("text", ["5", "[1]", '"text"', "null"])
async def test_w2_json_that_is_no_object_is_an_error(redis, text):
    async with connected(HANAKO) as hanako:
        await hanako.say_text(text)
        assert (await hanako.hear())["type"] == "error"
        assert (await hanako.ask(type="nonsense"))["message"] == "Unknown message type: nonsense"


@pytest.mark.parametrize("debug", [False, True])
async def test_w2_status_request(redis, settings, debug):
    settings.DEBUG = debug
    async with connected(HANAKO + "?room=c") as hanako, connected("/ws"):
        stats = (await hanako.ask(type="status_request"))["stats"]
        assert stats["total_connections"] == stats["active_connections"] == 2
        assert stats["connections_by_type"] == {"student": 1, "instructor": 0, "dashboard": 1, "admin": 0}
        assert stats["rooms"] == {"c": 1}
        assert stats["messages_sent"] >= 2
        assert ("connections_detail" in stats) is debug
        assert await asyncio.to_thread(presence.stats) == {**stats, "messages_sent": stats["messages_sent"] + 1}


async def test_w2_student_message_to_one_instructor_and_to_all(redis):
    one, two = await instructor(), await instructor("second@example.com")
    w3 = "/instructor/ws?token="
    async with connected(HANAKO) as hanako, connected(w3 + one.token) as first, connected(w3 + two.token) as second:
        await hanako.say(type="student_message", message="help", instructor_id=one.pk, student_id=7, timestamp="T")
        heard = await first.hear()
        assert heard["type"] == "student_message_received"
        assert (heard["student_id"], heard["message"], heard["timestamp"]) == (7, "help", "T")
        assert heard["data"]["student_id"] == 7
        assert heard["verified"] is heard["data"]["verified"] is False
        await hanako.say(type="student_message", message="anybody?")
        assert (await second.hear())["student_id"] == "hanako@example.com"
        assert (await first.hear())["message"] == "anybody?"
        assert await hanako.hears_nothing()


async def test_w2_broadcast_carries_rows_once_a_second_in_a_list(redis):
    async with connected(HANAKO) as hanako:
        await hanako.ask(type="subscribe", channel="broadcast")  # a member already: nothing comes twice
        for runs in range(1, 30):
            await publish(groups.ALL_STUDENTS, [row(1, runs=runs), row(2, runs=runs)])
            await asyncio.sleep(0.03)
        frames = [await hanako.hear()]
        while not any(r["cellExecutions"] == 29 for r in frames[-1]["data"]):
            frames.append(await hanako.hear())
        assert {frame["type"] for frame in frames} == {"progress_update"}
        assert [r["studentId"] for r in frames[-1]["data"]] == [1, 2]
        assert len(frames) <= 3
        assert await hanako.hears_nothing(timeout=1.2)


async def test_w2_system_message(redis):
    async with connected(HANAKO) as hanako, connected("/ws") as dashboard:
        await asyncio.to_thread(broadcast.system_message, "Maintenance at noon", level="warning")
        for peer in (hanako, dashboard):
            heard = await peer.hear()
            assert (heard["type"], heard["channel"]) == ("system_message", "broadcast")
            assert heard["data"] == {"message": "Maintenance at noon", "level": "warning"}
            assert await peer.hears_nothing()


async def test_w2_grade_and_feedback(redis):
    student = await Student.objects.acreate(email="hanako@example.com")
    async with connected(HANAKO) as hanako:
        await send_frame(f"notifications.{student.pk}", graded())
        assert (await hanako.hear())["data"]["grade"] == 90.0
