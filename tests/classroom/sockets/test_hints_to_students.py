"""A hint reaches the sockets of exactly those who have the error, at once and once."""

import re
import uuid

import pytest
from channels.db import database_sync_to_async
from django.test import Client

from lms.models import Class, Notebook, ProgressNotification, Student, StudentClass
from tests.classroom.cells.cells import cells_of, ran
from tests.realtime.conftest import connected, instructor

pytestmark = pytest.mark.django_db(transaction=True)


@database_sync_to_async
def a_lesson(teacher) -> str:
    """Aoi and Ren fail alike, Mio fails otherwise, Kei of another class fails as Aoi does. Returns the class's room."""
    notebook = Notebook.objects.create(path="lesson.ipynb", name="lesson.ipynb")
    cell = cells_of(notebook, 1)[0]
    python = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
    other = Class.objects.create(class_code="X", name="X")
    for name, said, class_ref in (
        ("aoi", "KeyError: 'a'", python), ("ren", "KeyError: 'b'", python), ("mio", "NameError: name 'x'", python),
        ("kei", "KeyError: 'a'", other),
    ):  # fmt: skip
        student = Student.objects.create(email=f"{name}@example.com", name=name)
        StudentClass.objects.create(student=student, class_ref=class_ref)
        ran(student, cell, said)
    return f"/classes/{python.pk}/cells/errors/"


@database_sync_to_async
def send(teacher, room: str, text: str) -> int:
    client = Client()
    client.force_login(teacher)
    address = re.search(r'action="([^"]+/hint/)"', client.get(room).content.decode())[1]
    nonce = str(uuid.uuid4())
    answers = [client.post(address, {"text": text, "nonce": nonce}).status_code for _ in range(2)]
    assert answers == [302, 302]
    return len(answers)


@pytest.mark.parametrize("logins", [True, False])
async def test_hint(redis, settings, logins):
    """With logins required, it is heard by who teaches these students; a name alone hears nothing."""
    settings.API_REQUIRE_AUTH = logins
    teacher = await instructor()
    room = await a_lesson(teacher)
    ren_id = (await Student.objects.aget(email="ren@example.com")).pk
    shown = f"?token={teacher.token}" if logins else ""
    async with (
        connected(f"/api/v1/ws/aoi@example.com{shown}") as aoi,
        connected(f"/api/v1/ws/{ren_id}{shown}") as ren,
        connected(f"/api/v1/ws/mio@example.com{shown}") as mio,
        connected(f"/api/v1/ws/kei@example.com{shown}") as kei,
        connected(f"/api/v1/ws/{'x' if not logins else 'aoi@example.com'}") as stranger,
    ):
        await send(teacher, room, "列の名前を見てください")
        for peer, email in ((aoi, "aoi@example.com"), (ren, "ren@example.com")):
            heard = await peer.get("notification")
            kept = await ProgressNotification.objects.aget(recipient_id=email)
            assert heard["data"]["notification_id"] == str(kept.notification_id)
            assert (heard["data"]["message"], heard["data"]["level"]) == ("列の名前を見てください", "info")
            assert heard["channel"].startswith("notifications:")
            assert await peer.hears_nothing()
        assert await mio.hears_nothing(0.05)
        assert await kei.hears_nothing(0.05)
        assert await stranger.hears_nothing(0.05)
