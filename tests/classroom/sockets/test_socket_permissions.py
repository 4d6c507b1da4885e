"""What a socket says to whom while people have to log in: docs/contract/websocket.md section 1, docs/security.md.

A number, an address or a class key is no credential of a person. Two classes: Sato's Python with Hanako and Aoi,
Suzuki's Rust with Ken; Mei is in both.
"""

import asyncio
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import transaction
from django.test import Client

from classroom.attention import help_services
from classroom.sockets import background_tasks
from events.intake import app as intake_app
from events.processing import notifications, pipeline, store
from instructors.models import AuditLog, Instructor
from lms import notices
from lms.access import Scope
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassAssignment,
    ClassKey,
    ClassStaff,
    Notebook,
    Student,
    StudentClass,
)
from realtime import broadcast, groups
from realtime.connections import AUTHENTICATION_FAILED
from tests.events.conftest import failing
from tests.realtime.conftest import connected, instructor, refusal, send_frame, system_message

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis", "a_server")]

W2 = "/api/v1/v1/websocket/ws/{}"
W5 = "/api/v1/v1/progress/ws/student/{}"


@dataclass(frozen=True)
class School:
    sato: Instructor
    suzuki: Instructor
    admin: Instructor
    python: Class
    rust: Class
    hanako: Student
    aoi: Student
    ken: Student
    mei: Student
    python_key: str = "python-key"
    rust_key: str = "rust-key"


@pytest.fixture
def a_server(settings):
    settings.API_REQUIRE_AUTH = settings.EVENTS_REQUIRE_KEY = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
async def school(a_server) -> School:
    sato, suzuki = await instructor("sato@school.example"), await instructor("suzuki@school.example")
    admin = await instructor("admin@school.example", role="admin")
    return await database_sync_to_async(_school)(sato, suzuki, admin)


def _school(sato, suzuki, admin) -> School:
    python = Class.objects.create(class_code="PY", name="Python", instructor=sato)
    rust = Class.objects.create(class_code="RS", name="Rust", instructor=suzuki)
    made = {}
    for name, classes in (("hanako", [python]), ("aoi", [python]), ("ken", [rust]), ("mei", [python, rust])):
        made[name] = Student.objects.create(email=f"{name}@example.com", name=name.title())
        StudentClass.objects.bulk_create(
            [StudentClass(student=made[name], class_ref=each, name=name.title()) for each in classes]
        )
    for class_ref, key in ((python, "python-key"), (rust, "rust-key")):
        ClassKey.objects.create(class_ref=class_ref, key_hash=hashlib.sha256(key.encode()).hexdigest())
    return School(sato=sato, suzuki=suzuki, admin=admin, python=python, rust=rust, **made)


@database_sync_to_async
def happens(student: Student, class_ref: Class | None, teacher: Instructor) -> None:
    """Everything that is told about a student: a run that fails, a dismissal, a grade, a hint, a letter."""
    record = failing(emailAddress=student.email, eventTime=datetime.now(UTC).isoformat())
    events = intake_app.admit_body(json.dumps([record]).encode(), class_id=class_ref.pk if class_ref else None).events
    with transaction.atomic():
        changes = store.save(events, rule=pipeline.current_rule(), now=datetime.now(UTC))
    notifications.announce([changes])
    scope = Scope((class_ref.pk,)) if class_ref else Scope(None)
    help_services.dismiss_help(student, scope=scope, by=teacher, request=None, now=datetime.now(UTC))
    if class_ref is not None:
        notebook, _ = Notebook.objects.get_or_create(path="a.ipynb", defaults={"name": "a.ipynb"})
        work = ClassAssignment.objects.create(class_ref=class_ref, notebook=notebook, title=f"Work of {class_ref.name}")
        graded = AssignmentSubmission.objects.create(
            assignment=work, student=student, status="graded", grade=7, feedback="secret"
        )
        notices.announce_grade(graded)


async def heard(peer, seconds: float = 0.4) -> list[dict]:
    """All that arrives."""
    frames = []
    while not await peer.hears_nothing(seconds):
        frames.append(await peer.hear())
    return frames


def kinds(frames: list[dict]) -> set[str]:
    return {frame["type"] for frame in frames}


ids = ["number", "e-mail", "E-MAIL"]


def called(student: Student, form: str) -> str:
    return {"number": str(student.pk), "e-mail": student.email, "E-MAIL": student.email.upper()}[form]


# --- Without credentials ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ids)
async def test_a_name_alone_hears_of_nobody(school, form):
    async with connected(W2.format(called(school.hanako, form))) as stranger:
        assert stranger.first["type"] == "connection_established"
        await happens(school.hanako, school.python, school.sato)
        await asyncio.to_thread(broadcast.system_message, "Maintenance at noon")
        assert kinds(await heard(stranger)) == {"system_message"}
        assert (await stranger.ask(type="ping"))["type"] == "pong"


@pytest.mark.parametrize("channel", ["progress", "notifications"])
async def test_a_name_alone_follows_nobody_not_even_itself(school, channel):
    async with connected(W2.format(school.hanako.email)) as stranger:
        for who in (school.hanako.pk, school.hanako.email, 999_999, "nobody@example.com"):
            answer = await stranger.ask(type="subscribe", channel=f"{channel}:{who}")
            assert answer == {"type": "error", "message": f"Not your channel: {channel}:{who}"}
        assert (await stranger.ask(type="subscribe", channel="broadcast"))["type"] == "subscribed"


async def test_the_progress_socket_lets_in_nobody_who_shows_nothing(school):
    for who in (school.hanako.pk, school.hanako.email, 999_999):
        assert await refusal(W5.format(who)) == AUTHENTICATION_FAILED


@pytest.mark.parametrize("path", [W2, W5])
@pytest.mark.parametrize("shown", ["?token=nonsense", "?key=nonsense", "?token=", "header"])
async def test_what_opens_nothing_is_refused(school, path, shown):
    address = path.format(school.hanako.email)
    if shown == "header":
        assert await refusal(address, x_class_key="nonsense") == AUTHENTICATION_FAILED
    elif shown == "?token=" and path == W2:
        assert await refusal(address + shown) is None  # nothing is shown
    else:
        assert await refusal(address + shown) == AUTHENTICATION_FAILED


async def test_a_second_connection_under_a_name_disturbs_nobody(school):
    at = W2.format(school.hanako.email)
    shows = ("", "?key=python-key", "?key=rust-key", f"?token={school.suzuki.token}", f"?token={school.admin.token}")
    async with (
        connected(at) as bare,
        connected(f"{at}?key=python-key") as keyed,
        connected(f"{at}?token={school.sato.token}") as proven,
    ):
        for shown in shows:
            async with connected(at + shown):
                for peer in (bare, keyed, proven):
                    assert (await peer.ask(type="ping"))["type"] == "pong", shown
        async with connected(f"{at}?token={school.sato.token}") as again:
            assert await proven.close_code() == 1000
            assert (await again.ask(type="ping"))["type"] == "pong"


ROOMS = ["default", "progress:hanako@example.com", "class.1", "broadcast"]


@pytest.mark.parametrize("room", ROOMS)
async def test_a_room_holds_those_who_showed_the_same(school, room):
    at = W2.format("x") + f"?room={room}"
    async with (
        connected(at) as one,
        connected(at) as other,
        connected(f"{at}&key=python-key") as hanako,
        connected(f"{at}&key=python-key") as aoi,
        connected(f"{at}&key=rust-key") as ken,
        connected(f"{at}&token={school.sato.token}") as sato,
    ):
        everybody = (one, other, hanako, aoi, ken, sato)
        for speaker, hearers in ((one, [one]), (hanako, [hanako, aoi]), (ken, [ken]), (sato, [sato])):
            await speaker.say(type="progress_update", data={"code": "secret"})
            await speaker.say_text("not json")
            for peer in hearers:
                assert [(await peer.hear())["type"] for _ in range(2)] == ["progress_broadcast", "text_message"]
            for peer in set(everybody) - set(hearers):
                assert await peer.hears_nothing(0.05)


async def test_joining_a_room_by_name_reaches_no_other_group(school):
    """Names of groups are made of digests: nothing that a client can spell is one."""
    names = [
        f"progress:{school.hanako.pk}", f"progress.{school.hanako.pk}", groups.class_group(school.python.pk),
        groups.room_group("default", of=f"class {school.python.pk}"), f"class {school.python.pk}", "dashboard",
        groups.DASHBOARDS, groups.INSTRUCTORS, groups.ALL_STUDENTS,
    ]  # fmt: skip
    at = W2.format("x")
    async with (
        connected(at) as stranger,
        connected(f"{at}?key=rust-key") as ken,
        connected(f"{at}?key=python-key") as py,
    ):
        for name in names:
            for peer in (stranger, ken):
                assert (await peer.ask(type="join_room", room=name))["type"] == "room_joined"
            await py.say(type="progress_update", data={"code": "secret"})
            await py.get("progress_broadcast")
            await happens(school.hanako, school.python, school.sato)
            assert await heard(stranger, 0.1) == []
            assert await heard(ken, 0.1) == []


@pytest.mark.parametrize("debug", [True, False])
async def test_numbers_of_connections_name_nobody(school, settings, debug):
    settings.DEBUG = debug
    async with connected(W2.format(school.hanako.email) + f"?room={school.hanako.email}"):
        for shown in ("", "?key=rust-key", f"?token={school.sato.token}"):
            async with connected(W2.format("x") + shown) as peer:
                stats = (await peer.ask(type="status_request"))["stats"]
                assert (stats["total_connections"], stats["rooms"]) == (2, {})
                assert "example.com" not in json.dumps(stats)


async def test_programs_outside_tell_rows_and_students_to_those_who_may_know(school):
    async with (
        connected(W2.format(school.hanako.email)) as stranger,
        connected(f"/ws?token={school.admin.token}") as all_,
    ):
        row = {"emailAddress": school.hanako.email, "userName": "Hanako"}
        for frame in (
            {"type": "progress_update", "data": [row]},
            {"type": "progress_update", "data": {"userId": school.hanako.email}},
            {"type": "note", "data": {}, "user_id": school.hanako.email},
            {"type": "note", "data": {}, "channel": f"progress:{school.hanako.pk}"},
        ):
            await asyncio.to_thread(SimpleNamespace(run=_publish).run, frame)
        assert await heard(stranger) == []
        told = []
        while not await all_.hears_nothing(0.2):
            told.append(await all_.communicator.receive_json_from())
        assert len(told) == 3


def _publish(frame: dict) -> None:
    from redis import Redis

    with Redis.from_url(settings.REDIS_URL) as client:
        client.publish(broadcast.OUTSIDE_CHANNEL, json.dumps(frame))


# --- With a class key -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ids)
@pytest.mark.parametrize("place", ["address", "header"])
async def test_a_key_hears_that_help_was_dismissed_and_nothing_else(school, form, place):
    at = W2.format(called(school.hanako, form))
    shown = {"x_class_key": "python-key"} if place == "header" else {}
    async with connected(at if shown else f"{at}?key=python-key", **shown) as peer:
        await happens(school.hanako, school.python, school.sato)
        [frame] = await heard(peer)
        assert (frame["type"], frame["emailAddress"]) == ("dismiss_help", school.hanako.email)
        for channel in ("progress", "notifications"):
            answer = await peer.ask(type="subscribe", channel=f"{channel}:{school.hanako.pk}")
            assert answer["type"] == "error"


async def test_a_key_hears_nothing_of_another_class_s_student(school):
    async with connected(W2.format(school.ken.pk) + "?key=python-key") as peer:
        await happens(school.ken, school.rust, school.suzuki)
        assert await heard(peer) == []


async def test_a_client_whom_an_event_makes_known_hears_from_then_on(school):
    at = W2.format("new@example.com")
    async with connected(f"{at}?key=python-key") as own, connected(f"{at}?key=rust-key") as other:
        new = await Student.objects.acreate(email="new@example.com")
        await StudentClass.objects.acreate(student=new, class_ref=school.python)
        await happens(new, school.python, school.sato)
        assert kinds(await heard(own)) == {"dismiss_help"}
        assert await heard(other, 0.05) == []


@pytest.mark.parametrize("who", ["hanako", "ken", "nobody@example.com"])
async def test_the_progress_socket_says_nothing_to_a_key(school, who):
    name = called(getattr(school, who), "number") if hasattr(school, who) else who
    async with connected(W5.format(name) + "?key=python-key") as peer:
        assert (peer.first["type"], peer.first["data"]) == ("initial_progress", {"user_id": name})
        await happens(school.hanako, school.python, school.sato)
        assert await heard(peer) == []
        await peer.say(type="get_progress")
        assert (await peer.communicator.receive_json_from())["data"] == {"user_id": name}


@pytest.mark.parametrize("end", ["revoked", "inactive"])
async def test_a_key_that_ends_takes_its_connections_along(school, end):
    async with (
        connected(W2.format("x") + "?key=python-key") as peer,
        connected(W2.format("x") + "?key=rust-key") as other,
    ):
        if end == "revoked":
            await ClassKey.objects.filter(class_ref=school.python).aupdate(revoked_at=datetime.now(UTC))
        else:
            await Class.objects.filter(pk=school.python.pk).aupdate(is_active=False)
        await background_tasks.close_invalid()
        assert await peer.close_code() == AUTHENTICATION_FAILED
        assert (await other.ask(type="ping"))["type"] == "pong"
        assert await refusal(W2.format("x") + "?key=python-key") == AUTHENTICATION_FAILED


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
