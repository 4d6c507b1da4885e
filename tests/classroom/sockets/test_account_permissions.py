"""What a socket says to those who log in with an account, and who may write to whom: docs/contract/websocket.md
section 1, docs/security.md. The classes are those of `school.py`.
"""

import json

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.test import Client

from classroom.sockets import background_tasks
from instructors.models import AuditLog, Instructor
from lms.models import ClassStaff
from realtime import groups
from realtime.connections import AUTHENTICATION_FAILED
from tests.classroom.sockets.school import W2, W5, called, happens, heard, ids, kinds
from tests.realtime.conftest import connected, instructor, send_frame, system_message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis", "a_server")]


# --- With an account --------------------------------------------------------------------------------------------------


@database_sync_to_async
def cookie_of(account: Instructor) -> str:
    client = Client()
    client.force_login(account)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


EVERYTHING = {"execution_update", "dismiss_help", "assignment_graded", "notification"}


@pytest.mark.parametrize("by", ["token", "cookie"])
async def test_an_account_hears_its_students_and_no_others(school, by):
    async def at(who, account):
        return (W2.format(who) + f"?token={account.token}", {}) if by == "token" else (
            W2.format(who), {"cookie": await cookie_of(account)}
        )  # fmt: skip

    path, headers = await at(school.hanako.pk, school.sato)
    foreign, others = await at(school.hanako.pk, school.suzuki)
    async with connected(path, **headers) as sato, connected(foreign, **others) as suzuki:
        await happens(school.hanako, school.python, school.sato)
        frames = await heard(sato)
        assert kinds(frames) == EVERYTHING
        assert "secret" not in json.dumps(frames)  # grade and feedback are read over HTTP
        assert await heard(suzuki, 0.05) == []
    assert await AuditLog.objects.filter(action="student_view", actor_id=school.sato.pk).acount() == 1
    assert not await AuditLog.objects.filter(action="student_view", actor_id=school.suzuki.pk).aexists()


async def test_of_a_student_of_two_classes_each_teacher_hears_what_came_through_theirs(school):
    paths = [W2.format(school.mei.pk) + f"?token={each.token}" for each in (school.sato, school.suzuki, school.admin)]
    async with connected(paths[0]) as sato, connected(paths[1]) as suzuki, connected(paths[2]) as admin:
        await happens(school.mei, school.python, school.sato)
        assert kinds(await heard(sato)) == EVERYTHING
        assert kinds(await heard(suzuki)) == set()
        assert kinds(await heard(admin)) == {*EVERYTHING, "execution_confirmed"}


@pytest.mark.parametrize("keys_needed", [True, False])
async def test_what_came_through_no_class_is_the_admins_where_keys_are_asked_for(school, settings, keys_needed):
    settings.EVENTS_REQUIRE_KEY = keys_needed
    paths = [W2.format(school.hanako.pk) + f"?token={each.token}" for each in (school.sato, school.admin)]
    async with connected(paths[0]) as sato, connected(paths[1]) as admin:
        await happens(school.hanako, None, school.sato)
        assert ("execution_update" in kinds(await heard(sato))) is not keys_needed
        assert "execution_update" in kinds(await heard(admin))


async def test_unsubscribing_leaves_every_class_s_part(school):
    async with connected(f"/ws?token={school.sato.token}") as peer:
        channel = f"progress:{school.hanako.pk}"
        assert (await peer.ask(type="subscribe", channel=channel))["type"] == "subscribed"
        [group] = groups.in_class("progress", [str(school.hanako.pk)], school.python.pk)
        await send_frame(group, system_message("1"))
        assert (await peer.hear())["data"]["message"] == "1"
        assert (await peer.ask(type="unsubscribe", channel=channel))["type"] == "unsubscribed"
        await send_frame(group, system_message("2"))
        assert await peer.hears_nothing()


@pytest.mark.parametrize("who", ["hanako", "ken"])
async def test_the_progress_socket_shows_an_account_its_students(school, who):
    student = getattr(school, who)
    async with connected(W5.format(student.pk) + f"?token={school.sato.token}") as peer:
        if who == "hanako":
            assert peer.first["data"]["user_name"] == "Hanako"
        else:
            assert peer.first["data"] == {"user_id": str(student.pk)}
        await happens(student, school.python if who == "hanako" else school.rust, school.sato)
        assert ("execution_update" in kinds(await heard(peer))) is (who == "hanako")


async def test_the_progress_sockets_count_the_work_of_the_teachers_own_classes(school):
    await happens(school.mei, school.python, school.sato)
    await happens(school.mei, school.rust, school.suzuki)
    async with connected(W5.format(school.mei.pk) + f"?token={school.sato.token}") as peer:
        summary = peer.first["data"]
        assert (summary["total_assignments"], summary["completed_assignments"]) == (1, 1)


async def test_a_token_that_ends_takes_w2_and_w5_along(school):
    shown = f"?token={school.sato.token}"
    async with connected(W2.format("x") + shown) as w2, connected(W5.format(school.hanako.pk) + shown) as w5:
        await Instructor.objects.filter(pk=school.sato.pk).aupdate(is_active=False)
        await background_tasks.close_invalid()
        assert await w2.close_code() == await w5.close_code() == AUTHENTICATION_FAILED


# --- Messages ---------------------------------------------------------------------------------------------------------

W3 = "/instructor/ws?token={}"


async def test_a_stranger_writes_to_no_instructor(school):
    shows = ("", "?key=rust-key", f"?token={school.suzuki.token}")
    async with connected(W3.format(school.sato.token)) as sato, connected(W3.format(school.suzuki.token)) as suzuki:
        for shown in shows:
            async with connected(W2.format(school.hanako.email) + shown) as stranger:
                for more in ({}, {"instructor_id": school.sato.pk}, {"student_id": school.ken.pk}):
                    answer = await stranger.ask(type="student_message", message="I am Hanako", **more)
                    assert answer["type"] == "error", (shown, more)
        assert await heard(sato, 0.1) == []
        assert await heard(suzuki, 0.05) == []


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("form", ids)
async def test_a_student_writes_to_those_who_teach_the_class(school, named, form):
    assistant = await instructor("mai@school.example")
    await ClassStaff.objects.acreate(class_ref=school.python, instructor=assistant, role="assistant")
    more = {"instructor_id": school.sato.pk} if named else {}
    async with (
        connected(W3.format(school.sato.token)) as sato,
        connected(W3.format(assistant.token)) as mai,
        connected(W3.format(school.suzuki.token)) as suzuki,
        connected(W2.format(called(school.hanako, form)) + "?key=python-key") as hanako,
    ):
        await hanako.say(type="student_message", message="Help", student_id=school.hanako.pk, **more)
        frame = await sato.hear()
        assert (frame["student_id"], frame["message"], frame["verified"]) == (school.hanako.pk, "Help", False)
        assert kinds(await heard(mai, 0.1)) == (set() if named else {"student_message_received"})
        assert await heard(suzuki, 0.05) == []
        for body in ({"student_id": school.aoi.pk}, {"instructor_id": school.suzuki.pk}, {"instructor_id": 999_999}):
            assert (await hanako.ask(type="student_message", message="m", **body))["type"] == "error", body
        assert await heard(sato, 0.1) == []


async def test_an_instructor_replies_to_their_own_students_and_it_is_recorded(school):
    own = W2.format(school.hanako.pk) + f"?token={school.admin.token}"
    foreign = W2.format(school.ken.pk) + f"?token={school.admin.token}"
    async with connected(W3.format(school.sato.token)) as sato, connected(own) as hanako, connected(foreign) as ken:
        for who in (school.ken.pk, str(school.ken.pk), school.ken.email, "KEN@EXAMPLE.COM", 999_999, "nobody"):
            answer = await sato.ask(type="instructor_reply", student_id=who, message="psst")
            assert answer == {"type": "error", "message": "Student not found"}
        assert not await AuditLog.objects.filter(action="student_reply").aexists()
        sent = await sato.ask(type="instructor_reply", student_id=school.hanako.email, message="Look at line 3")
        assert sent["type"] == "reply_sent"
        assert (await hanako.hear())["data"]["message"] == "Look at line 3"
        assert await heard(ken, 0.1) == []
    entry = await AuditLog.objects.aget(action="student_reply")
    assert (entry.actor_id, entry.target_type, entry.target_id) == (school.sato.pk, "student", str(school.hanako.pk))
    assert entry.details == {"characters": len("Look at line 3")}


async def test_instructors_write_to_each_other_and_it_is_recorded(school):
    gone = await instructor("gone@school.example")
    await Instructor.objects.filter(pk=gone.pk).aupdate(is_active=False)
    async with connected(W3.format(school.sato.token)) as sato, connected(W3.format(school.suzuki.token)) as suzuki:
        for target in (gone.pk, 999_999, 10**17):
            answer = await sato.ask(type="instructor_to_instructor", target_instructor_id=target, message="m")
            assert answer == {"type": "error", "message": "Instructor not found"}
        await sato.say(type="instructor_to_instructor", target_instructor_id=school.suzuki.pk, message="Swap?")
        assert (await suzuki.hear())["message"] == "Swap?"
    entry = await AuditLog.objects.aget(action="colleague_message")
    assert (entry.actor_id, entry.target_id) == (school.sato.pk, str(school.suzuki.pk))
    assert "Swap" not in json.dumps(entry.details)
