"""Whoever is taken out of a class hears no more of its students, on any socket that was open before: groups are joined
once, when it opens."""

import pytest

from classroom.sockets import background_tasks
from lms.models import Class, ClassStaff
from realtime.connections import AUTHENTICATION_FAILED, connections
from tests.classroom.sockets.school import W2, W5
from tests.realtime.conftest import connected, refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis", "a_server")]

BY_TOKEN = "?token={token}"
OPEN = {
    "all students": "/ws" + BY_TOKEN,
    "one class": "/ws" + BY_TOKEN + "&class={python}",
    "an instructor's program": "/instructor/ws" + BY_TOKEN,
    "a student": W2.format("{hanako}") + BY_TOKEN,
    "a student's progress": W5.format("{hanako}") + BY_TOKEN,
    "everybody's progress": "/api/v1/progress/ws/instructor" + BY_TOKEN,
}


def path_of(template: str, school, account) -> str:
    return template.format(token=account.token, python=school.python.pk, hanako=school.hanako.pk)


async def sato_leaves(school) -> None:
    await Class.objects.filter(pk=school.python.pk).aupdate(instructor=school.admin.pk)
    await background_tasks.close_invalid()


@pytest.mark.parametrize("template", OPEN.values(), ids=OPEN)
async def test_an_open_socket_of_a_class_that_is_lost_is_closed(school, template):
    path = path_of(template, school, school.sato)
    async with connected(path) as peer:
        await background_tasks.close_invalid()
        assert (await peer.ask(type="ping"))["type"] == "pong"
        await sato_leaves(school)
        assert await peer.close_code() == AUTHENTICATION_FAILED


async def test_an_assistant_who_is_taken_out(school):
    role = await ClassStaff.objects.acreate(class_ref=school.python, instructor_id=school.suzuki.pk, role="assistant")
    async with connected(path_of(OPEN["one class"], school, school.suzuki)) as peer:
        await role.adelete()
        await background_tasks.close_invalid()
        assert await peer.close_code() == AUTHENTICATION_FAILED
    assert await refusal(path_of(OPEN["one class"], school, school.suzuki)) == AUTHENTICATION_FAILED


async def test_a_class_that_came_later_counts_once_it_is_followed(school):
    """The account was in no class of the student when its socket opened."""
    async with connected(f"/ws?token={school.suzuki.token}&class={school.rust.pk}") as peer:
        role = await ClassStaff.objects.acreate(
            class_ref=school.python, instructor_id=school.suzuki.pk, role="assistant"
        )
        assert (await peer.ask(type="subscribe", channel=f"progress:{school.hanako.pk}"))["type"] == "subscribed"
        await role.adelete()
        await background_tasks.close_invalid()
        assert await peer.close_code() == AUTHENTICATION_FAILED


async def test_others_stay(school):
    """A page of another class of the same account, colleagues, and admins."""
    await ClassStaff.objects.acreate(class_ref=school.rust, instructor_id=school.sato.pk, role="instructor")
    of_rust = f"/ws?token={school.sato.token}&class={school.rust.pk}"
    async with (
        connected(of_rust) as sato,
        connected(path_of(OPEN["all students"], school, school.suzuki)) as suzuki,
        connected(path_of(OPEN["all students"], school, school.admin)) as admin,
    ):
        await sato_leaves(school)
        assert not any(socket.ending for socket in connections.all)
        for peer in (sato, suzuki, admin):
            assert (await peer.ask(type="ping"))["type"] == "pong"
