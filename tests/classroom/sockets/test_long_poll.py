"""The long poll of a student's inbox: it waits for what is new, and ends in time."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from channels.db import database_sync_to_async
from channels.testing import ApplicationCommunicator

from classroom.questions.models import StuckQuestion
from classroom.sockets import question_rounds
from config.asgi import application
from lms.models import Class, ProgressNotification, Student
from realtime import broadcast
from realtime.watchers import watchers
from tests.classroom.sockets.devices import INBOX, Lesson, http, poll

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("authentication")]


def fails(run, student: Student) -> None:
    """The same wrong code ten times, a minute between: probably stuck, but not surely."""
    now = datetime.now(UTC)
    Student.objects.filter(pk=student.pk).update(last_run_at=now, last_activity_at=now, last_run_failed=True)
    for number in range(10):
        at = now - timedelta(minutes=number)
        run(student, status="error", error_message="NameError: x", code_content="x", executed_at=at)


async def waiting(number: int = 1) -> None:
    async with asyncio.timeout(60):
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
        async with asyncio.timeout(60):
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
        async with asyncio.timeout(60):
            assert (await asked)["help"]["place"] == 1


async def test_who_listens_is_asked_whether_they_are_stuck(redis, run):
    lesson = await Lesson.begin()
    await Class.objects.filter(pk=lesson.class_id).aupdate(asks_if_stuck=True)
    await database_sync_to_async(fails)(run, lesson.hanako)
    await database_sync_to_async(fails)(run, lesson.jiro)
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
        asked = asyncio.create_task(poll(client, lesson.hanako_token, known))
        await waiting()
        await question_rounds.ask_once()
        async with asyncio.timeout(60):
            told = await asked
        row = await StuckQuestion.objects.aget()  # Jiro's JupyterLab does not listen
        assert (row.student_id, told["question"]["id"]) == (lesson.hanako.pk, row.pk)


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
        async with asyncio.timeout(60):
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
    await peer.wait(60)
    assert not watchers.all


async def test_a_stopping_server_answers_those_who_wait(redis):
    lesson = await Lesson.begin()
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
        asked = asyncio.create_task(poll(client, lesson.hanako_token, known))
        await waiting()
        watchers.end()
        async with asyncio.timeout(60):
            assert (await asked)["notifications"] == []


async def test_a_poll_with_a_token_that_is_none_is_refused_at_once(redis):
    await Lesson.begin()
    async with http() as client:
        for headers, status in (({"Authorization": "Student guessed"}, 401), ({}, 401)):
            async with asyncio.timeout(60):
                answer = await client.get(f"{INBOX}?wait=25", headers=headers)
            assert answer.status_code == status
        assert (await client.get(f"{INBOX}?wait=26", headers={"Authorization": "Student x"})).status_code == 401


async def test_polls_beyond_a_number_are_answered_at_once(redis):
    lesson = await Lesson.begin()
    async with http() as client:
        known = (await poll(client, lesson.hanako_token))["next"]
        asked = [asyncio.create_task(poll(client, lesson.hanako_token, known)) for _ in range(10)]
        await waiting(10)
        async with asyncio.timeout(60):
            await poll(client, lesson.hanako_token, known)
        assert not any(task.done() for task in asked)
        await lesson.hint(lesson.hanako, "x")
        async with asyncio.timeout(60):
            await asyncio.gather(*asked)
