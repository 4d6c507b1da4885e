"""W6: a student's device hears what is the student's own, and after a gap what it missed."""

import asyncio
import uuid
from datetime import UTC, datetime

import pytest
from channels.db import database_sync_to_async
from channels.testing import ApplicationCommunicator
from httpx import ASGITransport, AsyncClient

from classroom.attention.services import perform
from classroom.base.classrooms import classroom_of_class
from classroom.sockets import background_tasks
from config.asgi import application
from events.changes import HelpTransition
from events.models import HelpRequest
from events.processing import notifications
from lms import student_tokens
from lms.models import AssignmentSubmission, Class, ProgressNotification, Student, StudentToken
from lms.notices import announce_assignment, announce_grade
from realtime import broadcast, groups
from realtime.watchers import watchers
from tests.lms.tokens.conftest import device_of
from tests.realtime.conftest import connected, help_resolved, instructor, refusal, send_frame, system_message

from .test_notices_to_students import assignment_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("authentication")]

PATH, INBOX = "/api/v1/ws/me", "/api/v1/me/inbox"


class Lesson:
    """A class with two students, who have a device each, and its teacher."""

    @classmethod
    async def begin(cls) -> "Lesson":
        self = cls()
        self.teacher = await instructor(name="Ms Ito")
        self.work = await assignment_of("PY")
        self.class_id = self.work.class_ref_id
        await Class.objects.filter(pk=self.class_id).aupdate(instructor=self.teacher)
        self.class_ref = await Class.objects.aget(pk=self.class_id)
        self.row, self.hanako_token = await self.device("hanako@example.com")
        _, self.jiro_token = await self.device("jiro@example.com")
        self.hanako = await Student.objects.aget(email="hanako@example.com")
        self.jiro = await Student.objects.aget(email="jiro@example.com")
        return self

    async def device(self, email: str) -> tuple[StudentToken, str]:
        """A confirmed one, however many there are."""
        row, token = await database_sync_to_async(device_of)(self.class_ref, email)
        await StudentToken.objects.filter(pk=row.pk).aupdate(confirmed_at=datetime.now(UTC))
        return row, token

    async def hint(self, student: Student, text: str) -> ProgressNotification:
        row = await ProgressNotification.objects.acreate(
            notification_id=uuid.uuid4(), recipient_id=student.email_key, title=text, message="m",
            class_id=self.class_id,
        )  # fmt: skip
        await asyncio.to_thread(broadcast.wake_inboxes, [student.pk])
        return row

    @database_sync_to_async
    def asks(self, student: Student) -> None:
        now = datetime.now(UTC)
        HelpRequest.objects.create(
            student=student, class_id=self.class_id, asked_at=now, last_asked_at=now, last_heard_at=now
        )
        notifications.announce_transitions([HelpTransition(student.pk, self.class_id, True, now)])

    @database_sync_to_async
    def act(self, student: Student, what: str) -> None:
        room = classroom_of_class(user=self.teacher, class_id=self.class_id)
        perform(room, student, what, by=self.teacher, request=None, student_name="x", now=datetime.now(UTC))


def device(token: str, since: str = ""):
    return connected(f"{PATH}?since={since}", authorization=f"Student {token}")


async def state_of(peer) -> tuple:
    told = (await peer.get("help_status"))["data"]
    return told["state"], told["place"], told["of"], told["by_name"]


def http() -> AsyncClient:
    return AsyncClient(transport=ASGITransport(application), base_url="http://testserver", timeout=30)


async def poll(client: AsyncClient, token: str, since: str = "", wait: int = 25) -> dict:
    headers = {"Authorization": f"Student {token}"}
    answer = await client.get(INBOX, params={"since": since, "wait": wait}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- Who gets in ----------------------------------------------------------------------------------------------------


async def test_only_a_confirmed_token_opens_it(redis):
    lesson = await Lesson.begin()
    _, waiting = await database_sync_to_async(device_of)(lesson.class_ref, "hanako@example.com")
    assert await refusal(PATH) == 4001
    for shown in ("Student guessed", f"Student {waiting}", f"Bearer {lesson.teacher.token}", "Student "):
        assert await refusal(PATH, authorization=shown) == 4001
    assert await refusal(f"{PATH}?token={lesson.hanako_token}") == 4001  # addresses end up in logs
    assert await refusal(PATH, x_class_key="PY") == 4001
    assert await refusal("/api/v1/v1/ws/me", authorization=f"Student {lesson.hanako_token}") is None
    await Class.objects.filter(pk=lesson.class_id).aupdate(is_active=False)
    assert await refusal(PATH, authorization=f"Student {lesson.hanako_token}") == 4001


async def test_a_revoked_token_closes_its_sockets_alone(redis):
    lesson = await Lesson.begin()
    _, other = await lesson.device("hanako@example.com")
    async with device(lesson.hanako_token) as lost, device(other) as kept:
        await database_sync_to_async(student_tokens.revoke)(
            StudentToken.objects.filter(pk=lesson.row.pk), now=datetime.now(UTC)
        )
        await background_tasks.close_invalid()
        assert await lost.close_code() == 4001
        await kept.say(type="ping")
        await kept.get("pong")


async def test_the_first_account_closes_no_device(redis, settings):
    """Sockets that nobody logged in on are closed then, but a token is a login."""
    lesson = await Lesson.begin()
    settings.API_REQUIRE_AUTH = False
    async with device(lesson.hanako_token) as peer:
        settings.API_REQUIRE_AUTH = True
        await asyncio.sleep(1.5)
        await peer.say(type="ping")
        await peer.get("pong")


# --- What it hears ----------------------------------------------------------------------------------------------------


async def test_several_connections_of_one_student_hear_the_same(redis):
    lesson = await Lesson.begin()
    async with device(lesson.hanako_token) as one, device(lesson.hanako_token) as two:
        hint = await lesson.hint(lesson.hanako, "Look again")
        for peer in (one, two):
            told = await peer.get("notification")
            assert told["data"]["notification_id"] == str(hint.notification_id)
            assert told["channel"] == f"notifications:{lesson.hanako.pk}"


async def test_after_a_gap_what_was_missed_comes_once(redis):
    lesson = await Lesson.begin()
    await lesson.hint(lesson.hanako, "one")
    async with device(lesson.hanako_token) as peer:
        heard = await peer.get("notification")
        assert heard["data"]["title"] == "one"
    await lesson.hint(lesson.hanako, "two")
    await lesson.hint(lesson.hanako, "three")
    async with device(lesson.hanako_token, since=heard["next"]) as peer:
        two, three = await peer.get("notification"), await peer.get("notification")
        assert (two["data"]["title"], three["data"]["title"]) == ("two", "three")
        await peer.get("help_status")
        assert await peer.hears_nothing()
    async with device(lesson.hanako_token, since=two["next"]) as peer:
        assert (await peer.get("notification"))["data"]["title"] == "three"
    async with http() as client:
        told = await poll(client, lesson.hanako_token, since=three["next"])
        assert told["notifications"] == []


async def test_a_student_hears_nothing_of_another(redis):
    lesson = await Lesson.begin()
    graded = await AssignmentSubmission.objects.acreate(
        assignment=lesson.work, student=lesson.hanako, grade=3, feedback="Hanako's alone", status="graded"
    )
    async with device(lesson.hanako_token) as hanako, device(lesson.jiro_token) as jiro:
        assert await state_of(jiro) == ("off", None, None, None)
        await lesson.hint(lesson.hanako, "for Hanako")
        await lesson.asks(lesson.hanako)
        await lesson.act(lesson.hanako, "claim")
        await database_sync_to_async(announce_grade)(graded)
        await send_frame(groups.BROADCAST, help_resolved("hanako@example.com"))
        await send_frame(groups.ALL_STUDENTS, help_resolved("hanako@example.com"))
        await hanako.get("assignment_graded")
        assert await jiro.hears_nothing(1)


async def test_grade_and_feedback_come_with_the_notice(redis):
    lesson = await Lesson.begin()
    graded = await AssignmentSubmission.objects.acreate(
        assignment=lesson.work, student=lesson.hanako, grade=8.5, feedback="Well done", status="graded"
    )
    async with device(lesson.hanako_token) as peer, device(lesson.jiro_token):
        told = {}
        await database_sync_to_async(announce_grade)(graded)
        while not {"assignment_graded", "notification"} <= told.keys():
            frame = await peer.hear()
            assert frame["type"] not in told
            told[frame["type"]] = frame
        assert (told["assignment_graded"]["data"]["grade"], told["assignment_graded"]["data"]["feedback"]) == (
            8.5,
            "Well done",
        )
        assert told["notification"]["data"]["message"] == "Graded: 8.5 Well done"
        assert await peer.hears_nothing()


@pytest.mark.parametrize("logins", [True, False])
async def test_what_is_for_all_and_for_the_class(redis, settings, logins):
    lesson = await Lesson.begin()
    settings.API_REQUIRE_AUTH = logins
    other = await assignment_of("RS")
    async with device(lesson.hanako_token) as peer:
        await peer.get("help_status")
        await database_sync_to_async(announce_assignment)(other)
        await database_sync_to_async(announce_assignment)(lesson.work)
        assert (await peer.hear())["data"]["assignment_id"] == lesson.work.pk
        await asyncio.to_thread(broadcast.system_message, "Lunch")
        assert (await peer.hear())["data"]["message"] == "Lunch"
        await send_frame(groups.DEVICES, system_message("once"))
        assert (await peer.hear())["data"]["message"] == "once"
        assert await peer.hears_nothing()


async def test_a_reply_is_heard_and_kept(redis):
    lesson = await Lesson.begin()
    async with connected(f"/instructor/ws?token={lesson.teacher.token}") as teacher:
        async with device(lesson.hanako_token) as peer, device(lesson.jiro_token) as jiro:
            await jiro.get("help_status")
            await teacher.say(type="instructor_reply", student_id=lesson.hanako.pk, message="Come to the front")
            told = await peer.get("instructor_message")
            assert told["data"]["instructor_name"] == "Ms Ito"
            assert await jiro.hears_nothing()
        await teacher.say(type="instructor_reply", student_id=lesson.hanako.pk, message="Are you there?")
        assert [(await teacher.get("reply_sent"))["message"] for _ in range(2)][1] == "Are you there?"
    async with http() as client:
        missed = await poll(client, lesson.hanako_token, since=told["next"])
        assert [each["message"] for each in missed["messages"]] == ["Are you there?"]
        assert missed["notifications"] == []


# --- Help ------------------------------------------------------------------------------------------------------------


async def test_help_from_the_first_place_to_the_answer(redis):
    lesson = await Lesson.begin()
    async with device(lesson.hanako_token) as hanako, device(lesson.jiro_token) as jiro:
        for peer in (hanako, jiro):
            assert await state_of(peer) == ("off", None, None, None)
        await lesson.asks(lesson.jiro)
        assert await state_of(jiro) == ("asked", 1, 1, None)
        await lesson.asks(lesson.hanako)
        assert await state_of(hanako) == ("asked", 2, 2, None)
        assert await state_of(jiro) == ("asked", 1, 2, None)
        await lesson.act(lesson.jiro, "claim")
        assert await state_of(jiro) == ("coming", None, None, "Ms Ito")
        assert await state_of(hanako) == ("asked", 1, 1, None)  # another ahead of one leaves
        await lesson.act(lesson.jiro, "release")
        assert await state_of(jiro) == ("asked", 1, 2, None)
        assert await state_of(hanako) == ("asked", 2, 2, None)
        await lesson.act(lesson.jiro, "not_found")
        assert await state_of(jiro) == ("not_found", 2, 2, None)
        assert await state_of(hanako) == ("asked", 1, 2, None)
        await lesson.act(lesson.hanako, "resolve")
        assert await state_of(hanako) == ("answered", None, None, "Ms Ito")
        assert await state_of(jiro) == ("not_found", 1, 1, None)
        await lesson.act(lesson.jiro, "dismiss")
        assert await state_of(jiro) == ("off", None, None, None)
        assert await hanako.hears_nothing()


@pytest.mark.parametrize("logins", [True, False])
async def test_older_clients_hear_it_where_they_hear_their_own(redis, settings, logins):
    """W2 under the address of the student: while logins are required, an address alone proves nothing."""
    lesson = await Lesson.begin()
    settings.API_REQUIRE_AUTH = logins
    async with connected("/api/v1/ws/hanako@example.com") as peer, connected("/api/v1/ws/jiro@example.com") as other:
        await lesson.asks(lesson.hanako)
        if logins:
            assert await peer.hears_nothing()
        else:
            assert await state_of(peer) == ("asked", 1, 1, None)
            await lesson.act(lesson.hanako, "claim")
            assert await state_of(peer) == ("coming", None, None, "Ms Ito")
            while not await other.hears_nothing():
                assert (await other.hear())["type"] != "help_status"


# --- The long poll ----------------------------------------------------------------------------------------------------


async def waiting(number: int = 1) -> None:
    async with asyncio.timeout(10):
        while len(watchers.all) < number:
            await asyncio.sleep(0.02)


async def test_a_poll_ends_with_the_notice(redis):
    lesson = await Lesson.begin()
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
        asked = asyncio.create_task(poll(client, lesson.hanako_token, known))
        await waiting()
        await lesson.hint(lesson.jiro, "for Jiro")
        await asyncio.sleep(0.3)
        assert not asked.done()
        await lesson.hint(lesson.hanako, "Look again")
        async with asyncio.timeout(5):
            told = await asked
        assert [each["title"] for each in told["notifications"]] == ["Look again"]
        assert not watchers.all


async def test_a_poll_ends_with_a_change_of_help(redis):
    lesson = await Lesson.begin()
    await lesson.asks(lesson.jiro)
    await lesson.asks(lesson.hanako)
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
        asked = asyncio.create_task(poll(client, lesson.hanako_token, known))
        await waiting()
        await lesson.act(lesson.jiro, "claim")
        async with asyncio.timeout(5):
            assert (await asked)["help"]["place"] == 1


async def test_a_poll_without_news_ends_after_its_time(redis):
    lesson = await Lesson.begin()
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
        told = await poll(client, lesson.hanako_token, known, wait=1)
        assert (told["notifications"], told["messages"], told["help"]["state"]) == ([], [], "off")


async def test_fifty_polls_leave_other_addresses_free(redis):
    lesson = await Lesson.begin()
    tokens = [(await lesson.device(f"s{number}@example.com"))[1] for number in range(50)]
    async with http() as client:
        known = await asyncio.gather(*(poll(client, token) for token in tokens))
        asked = [
            asyncio.create_task(poll(client, token, told["next"])) for token, told in zip(tokens, known, strict=True)
        ]
        await waiting(50)
        headers = {"Authorization": f"Student {lesson.jiro_token}"}
        for _ in range(5):
            assert (await client.get("/api/v1/me", headers=headers)).status_code == 200
            assert (await client.get("/api/v1/health/live")).status_code == 200
        assert not any(task.done() for task in asked)
        ids = [pk async for pk in Student.objects.filter(email__startswith="s").values_list("pk", flat=True)]
        await ProgressNotification.objects.abulk_create(
            ProgressNotification(
                notification_id=uuid.uuid4(), recipient_id=f"s{number}@example.com", title=f"to s{number}", message="m",
                class_id=lesson.class_id,
            )
            for number in range(50)
        )  # fmt: skip
        await asyncio.to_thread(broadcast.wake_inboxes, ids)
        async with asyncio.timeout(20):
            told = await asyncio.gather(*asked)
        assert [[each["title"] for each in one["notifications"]] for one in told] == [[f"to s{n}"] for n in range(50)]


async def test_who_hangs_up_waits_no_longer(redis):
    lesson = await Lesson.begin()
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
    scope = {
        "type": "http", "method": "GET", "path": INBOX, "query_string": f"since={known}&wait=25".encode(),
        "headers": [(b"host", b"testserver"), (b"authorization", f"Student {lesson.hanako_token}".encode())],
    }  # fmt: skip
    peer = ApplicationCommunicator(application, scope)
    await peer.send_input({"type": "http.request", "body": b"", "more_body": False})
    await waiting()
    await peer.send_input({"type": "http.disconnect"})
    await peer.wait(5)
    assert not watchers.all


async def test_a_stopping_server_answers_those_who_wait(redis):
    lesson = await Lesson.begin()
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
        asked = asyncio.create_task(poll(client, lesson.hanako_token, known))
        await waiting()
        watchers.end()
        async with asyncio.timeout(5):
            assert (await asked)["notifications"] == []


async def test_a_poll_with_a_token_that_is_none_is_refused_at_once(redis):
    await Lesson.begin()
    async with http() as client:
        for headers, status in (({"Authorization": "Student guessed"}, 401), ({}, 401)):
            async with asyncio.timeout(5):
                answer = await client.get(f"{INBOX}?wait=25", headers=headers)
            assert answer.status_code == status
        assert (await client.get(f"{INBOX}?wait=26", headers={"Authorization": "Student x"})).status_code == 401


async def test_polls_beyond_a_number_are_answered_at_once(redis):
    lesson = await Lesson.begin()
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
        asked = [asyncio.create_task(poll(client, lesson.hanako_token, known)) for _ in range(10)]
        await waiting(10)
        async with asyncio.timeout(5):
            await poll(client, lesson.hanako_token, known)
        assert not any(task.done() for task in asked)
        await lesson.hint(lesson.hanako, "x")
        async with asyncio.timeout(10):
            await asyncio.gather(*asked)
