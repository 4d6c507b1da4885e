"""What a socket says to whom while people have to log in: docs/contract/websocket.md section 1, docs/security.md.

A number, an address or a class key is no credential of a person. Two classes: Sato's Python with Hanako and Aoi,
Suzuki's Rust with Ken; Mei is in both.
"""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.conf import settings

from classroom.sockets import background_tasks
from lms.models import Class, ClassKey, Student, StudentClass
from realtime import broadcast, groups
from realtime.connections import AUTHENTICATION_FAILED
from tests.classroom.sockets.school import W2, W5, called, happens, heard, ids, kinds
from tests.realtime.conftest import connected, refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis", "a_server")]


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
