"""New assignments reach the students of their class, and hints name their cell: websocket.md sections 1 and 4.4."""

import hashlib

import pytest
from channels.db import database_sync_to_async

from lms.models import Class, ClassAssignment, ClassKey, Notebook, ProgressNotification
from lms.notices import announce_assignment
from tests.classroom.sockets.test_hints_to_students import a_lesson, send
from tests.realtime.conftest import connected, instructor

pytestmark = pytest.mark.django_db(transaction=True)

W2 = "/api/v1/ws/hanako@example.com"


@database_sync_to_async
def assignment_of(code: str) -> ClassAssignment:
    """An assignment in a class of its own, whose key is its code."""
    made = Class.objects.create(class_code=code, name=code)
    ClassKey.objects.create(class_ref=made, key_hash=hashlib.sha256(code.encode()).hexdigest())
    notebook, _ = Notebook.objects.get_or_create(path="loops.ipynb", defaults={"name": "loops.ipynb"})
    return ClassAssignment.objects.create(class_ref=made, notebook=notebook, title="Loops")


async def test_new_assignment_is_told_to_who_shows_a_key_of_its_class(redis, settings):
    settings.API_REQUIRE_AUTH = True
    python, _rust = await assignment_of("PY"), await assignment_of("RS")
    async with (
        connected(f"{W2}?key=PY") as student,
        connected(f"{W2}?key=RS") as of_another_class,
        connected(W2) as stranger,
    ):
        await database_sync_to_async(announce_assignment)(python)
        told = await student.get("assignment_created")
        assert told["data"] == {
            "assignment_id": python.pk,
            "class_id": python.class_ref_id,
            "title": "Loops",
            "due_date": None,
        }
        assert await student.hears_nothing()
        assert await of_another_class.hears_nothing(0.05)
        assert await stranger.hears_nothing(0.05)


async def test_without_logins_everybody_hears_it_once(redis, settings):
    settings.API_REQUIRE_AUTH = False
    python = await assignment_of("PY")
    async with connected(W2) as student:
        await database_sync_to_async(announce_assignment)(python)
        await student.get("assignment_created")
        assert await student.hears_nothing()


async def test_hint_names_its_cell(redis, settings):
    settings.API_REQUIRE_AUTH = False
    teacher = await instructor()
    room = await a_lesson(teacher)
    async with connected("/api/v1/ws/aoi@example.com") as aoi:
        await send(teacher, room, "Look at the names of the columns.")
        heard = (await aoi.get("notification"))["data"]
        assert (heard["notebook_path"], heard["cell_id"]) == ("lesson.ipynb", "cell-0")
    kept = await ProgressNotification.objects.aget(recipient_id="aoi@example.com")
    assert (kept.notebook_path, kept.cell_id) == ("lesson.ipynb", "cell-0")
