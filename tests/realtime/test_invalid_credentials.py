"""A socket ends when what opened it opens nothing any more: a token by revocation, a login by its end, an account by
being switched off, all by another password."""

import time
from datetime import UTC, datetime

import pytest
from channels.db import database_sync_to_async
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.test import Client

from classroom.sockets import background_tasks
from instructors import tokens
from instructors.credentials import invalid_credentials
from instructors.models import Instructor
from instructors.sessions import SEEN, SessionStore
from realtime.connections import AUTHENTICATION_FAILED, connections
from tests.realtime.conftest import connected, instructor, refusal

pytestmark = pytest.mark.django_db(transaction=True)

W3 = "/instructor/ws?token={token}"
BY_TOKEN = [W3, "/ws?token={token}", "/api/v1/progress/ws/instructor?token={token}"]

COOKIE = django_settings.SESSION_COOKIE_NAME


@database_sync_to_async
def logged_in(account: Instructor) -> str:
    client = Client()
    client.force_login(account)
    return client.cookies[COOKIE].value


async def is_shut_out(peer) -> bool:
    """After the background task has checked."""
    await background_tasks.close_invalid()
    return await peer.close_code() == AUTHENTICATION_FAILED


async def stays(peer) -> bool:
    await background_tasks.close_invalid()
    try:
        await peer.close_code(timeout=0.5)
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize("path", BY_TOKEN)
async def test_a_revoked_token(redis, authentication, path):
    teacher = await instructor()
    other = await instructor("other@example.com")
    async with (
        connected(path.format(token=teacher.token)) as peer,
        connected(W3.format(token=other.token)) as neighbour,
    ):
        assert await stays(neighbour)
        assert (await peer.ask(type="ping"))["type"] == "pong"
        await database_sync_to_async(lambda: tokens.BearerToken(teacher.token).revoke(teacher))()
        assert await is_shut_out(peer)
        assert (await neighbour.ask(type="ping"))["type"] == "pong"


async def change_password(teacher) -> None:
    fresh = await Instructor.objects.aget(pk=teacher.pk)
    fresh.set_password("violet tram 40 bees")
    await fresh.asave()


async def switch_off(teacher) -> None:
    await Instructor.objects.filter(pk=teacher.pk).aupdate(is_active=False)


async def revive(teacher) -> None:
    for is_active in (False, True):
        await Instructor.objects.filter(pk=teacher.pk).aupdate(is_active=is_active)


@pytest.mark.parametrize("end", [change_password, switch_off, revive])
async def test_another_password_and_an_account_that_is_switched_off(redis, authentication, end):
    teacher = await instructor()
    key = await logged_in(teacher)
    async with (
        connected(W3.format(token=teacher.token)) as w3,
        connected("/ws", cookie=f"{COOKIE}={key}") as w1,
    ):
        await end(teacher)
        assert await is_shut_out(w3)
        assert await is_shut_out(w1)
        assert await refusal("/ws", cookie=f"{COOKIE}={key}") == AUTHENTICATION_FAILED
        assert await refusal(W3.format(token=teacher.token)) == AUTHENTICATION_FAILED


@pytest.mark.parametrize("roles", [("admin", "instructor"), ("instructor", "admin")])
async def test_who_is_made_an_admin_or_none_comes_in_anew(redis, authentication, roles):
    """What a connection hears was chosen when it came in."""
    account = await instructor(role=roles[0])
    key = await logged_in(account)
    async with connected(W3.format(token=account.token)) as w3, connected("/ws", cookie=f"{COOKIE}={key}") as w1:
        assert await stays(w3)
        await Instructor.objects.filter(pk=account.pk).aupdate(role=roles[1])
        assert await is_shut_out(w3)
        assert await is_shut_out(w1)
        assert await refusal(W3.format(token=account.token)) is None


async def test_the_token_that_changed_the_password_goes_on(redis, authentication):
    teacher = await instructor()
    async with connected(W3.format(token=teacher.token)) as w3:
        await change_password(teacher)
        fresh = await Instructor.objects.aget(pk=teacher.pk)
        await database_sync_to_async(lambda: tokens.BearerToken(teacher.token).keep_current(fresh))()
        assert await stays(w3)
        await change_password(fresh)
        assert await is_shut_out(w3)


@database_sync_to_async
def log_out(key: str) -> None:
    client = Client()
    client.cookies[COOKIE] = key
    assert client.post("/logout/").status_code == 302


@database_sync_to_async
def go_idle(key: str) -> None:
    session = SessionStore(key)
    session[SEEN] = int(time.time()) - 24 * 3600
    session.save()


@database_sync_to_async
def expire(key: str) -> None:
    Session.objects.filter(pk=key).delete()


@pytest.mark.parametrize("end", [log_out, go_idle, expire])
async def test_a_login_that_ended(redis, authentication, end):
    teacher = await instructor()
    key, other = await logged_in(teacher), await logged_in(teacher)
    async with (
        connected("/ws", cookie=f"{COOKIE}={key}") as w1,
        connected("/ws", cookie=f"{COOKIE}={other}") as second,
    ):
        assert await stays(w1)
        await end(key)
        assert await is_shut_out(w1)
        assert (await second.ask(type="ping"))["type"] == "pong"
        assert await refusal("/ws", cookie=f"{COOKIE}={key}") == AUTHENTICATION_FAILED


async def test_the_caretaker_looks_by_itself(redis, monkeypatch):
    monkeypatch.setattr(background_tasks, "CREDENTIAL_INTERVAL", 0.1)
    teacher = await instructor()
    async with connected(W3.format(token=teacher.token)) as w3:
        await database_sync_to_async(lambda: tokens.BearerToken(teacher.token).revoke(teacher))()
        assert await w3.close_code() == AUTHENTICATION_FAILED


async def test_three_queries_however_many_sit_here(redis, authentication, django_assert_max_num_queries):
    teachers = [await instructor(f"t{number}@example.com") for number in range(5)]
    keys = [await logged_in(teacher) for teacher in teachers]
    paths = [W3.format(token=teacher.token) for teacher in teachers]

    @database_sync_to_async
    def look(entries):
        with django_assert_max_num_queries(3):
            return invalid_credentials(entries, now=datetime.now(UTC))

    import contextlib

    async with contextlib.AsyncExitStack() as stack:
        for path in paths:
            await stack.enter_async_context(connected(path))
        for key in keys:
            await stack.enter_async_context(connected("/ws", cookie=f"{COOKIE}={key}"))
        entries = [socket.credential for socket in connections.all if socket.credential]
        assert len(entries) == 10
        assert await look(entries) == set()
