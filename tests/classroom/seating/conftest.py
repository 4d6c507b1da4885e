"""A room of two rows of three seats in Hanako's class, and who sits there."""

from datetime import UTC, datetime

import msgspec
import pytest

from lms import rooms, seating
from lms.models import Room, Student
from lms.seat_grid import Grid

NOW = datetime(2026, 4, 10, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _files_of_this_test(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def lab(python_class) -> Room:
    return rooms.make_room(python_class.pk, name="Room 2", seats=Grid(rows=2, columns=3).seats(), now=NOW)


@pytest.fixture
def sit():
    def place(room: Room, **people: Student | None) -> None:
        ids = dict(room.seats.values_list("label", "pk"))
        seating.assign(room, {ids[label]: one and one.pk for label, one in people.items()}, now=NOW)

    return place


@pytest.fixture
def sitting():
    def found(room: Room) -> dict[str, str]:
        rows = room.assignments.values_list("seat__label", "enrolment__student__name").order_by("seat__label")
        return dict(rows)

    return found


@pytest.fixture
def told(monkeypatch) -> list[tuple[str, dict]]:
    """What open pages hear of rooms: group and data."""
    heard: list[tuple[str, dict]] = []

    def publish(rows, notices, outside):
        heard.extend((group, msgspec.to_builtins(frame.data)) for group, frame in notices)

    monkeypatch.setattr(rooms.broadcast, "publish", publish)
    monkeypatch.setattr(rooms.broadcast, "wake_inboxes", lambda students, help_in: heard.append(("help", help_in)))
    return heard


@pytest.fixture
def page(signed_in, hanako, python_class, told):
    """Fetch a page of the class below `room/`."""
    client = signed_in(hanako)

    def fetch(rest: str = "", **options) -> str:
        answer = client.get(f"/classes/{python_class.pk}/room/{rest}", **options)
        assert answer.status_code == 200
        return answer.content.decode()

    return fetch


@pytest.fixture
def send(signed_in, hanako, python_class, told):
    """Post a form of a room."""
    client = signed_in(hanako)

    def post(rest: str, *, quietly: bool = False, **fields):
        headers = {"x-requested-with": "fragment"} if quietly else {}
        return client.post(f"/classes/{python_class.pk}/room/rooms/{rest}", fields, headers=headers)

    return post
