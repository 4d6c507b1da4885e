"""W6: a student's device hears what is the student's own, and after a gap what it missed."""

import asyncio
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from channels.db import database_sync_to_async

from classroom.questions.models import StuckQuestion
from classroom.questions.services import answer
from classroom.sockets import background_tasks
from classroom.sockets.consumers import devices
from lms import student_tokens
from lms.credential_holders import holder_of_token
from lms.models import AssignmentSubmission, Class, StudentToken
from lms.notices import announce_assignment, announce_grade
from realtime import broadcast, groups
from tests.classroom.sockets.devices import PATH, Lesson, device, http, poll
from tests.lms.tokens.conftest import device_of
from tests.realtime.conftest import connected, help_resolved, refusal, send_frame, system_message

from .test_notices_to_students import assignment_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("authentication")]


async def state_of(peer) -> tuple:
    told = (await peer.get("help_status"))["data"]
    return told["state"], told["place"], told["of"], told["by_name"]


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


async def test_one_student_has_so_many_and_the_newest_stay(redis, monkeypatch):
    monkeypatch.setattr(devices, "MAX_SOCKETS", 3)
    lesson = await Lesson.begin()
    async with AsyncExitStack() as stack:
        classmate = await stack.enter_async_context(device(lesson.jiro_token))
        peers = [await stack.enter_async_context(device(lesson.hanako_token)) for _ in range(5)]
        assert [await peer.close_code() for peer in peers[:2]] == [1000, 1000]
        for peer in (*peers[2:], classmate):
            await peer.say(type="ping")
            await peer.get("pong")


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


async def test_a_device_hears_the_question_and_that_it_is_answered(redis):
    lesson = await Lesson.begin()
    async with device(lesson.hanako_token) as peer, device(lesson.jiro_token) as classmate:
        await peer.get("help_status")
        await classmate.get("help_status")
        row = await StuckQuestion.objects.acreate(
            student=lesson.hanako, class_ref=lesson.class_ref, asked_at=datetime.now(UTC), probability=0.5
        )
        await asyncio.to_thread(broadcast.wake_inboxes, [lesson.hanako.pk])
        assert (await peer.get("stuck_question"))["data"]["id"] == row.pk
        holder = await database_sync_to_async(holder_of_token)(lesson.hanako_token)
        await database_sync_to_async(answer)(row.pk, holder, answer="fine", now=datetime.now(UTC))
        assert (await peer.get("stuck_question"))["data"]["id"] is None
        assert await classmate.hears_nothing()
