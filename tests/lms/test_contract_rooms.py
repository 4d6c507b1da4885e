"""docs/contract/http.md section 17b: rooms, seats and who sits there."""

import pytest

from instructors.models import AuditLog
from lms import rooms, seating
from lms.models import ClassStaff, Room, Student

pytestmark = pytest.mark.usefixtures("redis")


@pytest.fixture
def made(api, cast):
    answer = api("POST", f"/classes/{cast.python.pk}/rooms", {"name": "Room 2", "rows": 1, "columns": 3, "aisles": [2]})
    assert answer.status_code == 201
    return answer.json()


@pytest.fixture
def path(made):
    return f"/rooms/{made['id']}"


def seats(answer) -> dict[str, int | None]:
    assert answer.status_code == 200, answer.content
    return {seat["label"]: seat["student_id"] for seat in answer.json()["seats"]}


def test_make_read_and_list(api, cast, made, path):
    assert {**made, "id": 0, "created_at": "", "seats": []} == {
        "id": 0, "class_id": cast.python.pk, "name": "Room 2", "picture_url": None, "seats": [], "created_at": "",
    }  # fmt: skip
    first = made["seats"][0]
    assert {**first, "id": 0} == {"id": 0, "label": "A1", "x": 13.89, "y": 50, "student_id": None}
    assert api("GET", path).json() == made
    assert api("GET", f"/classes/{cast.python.pk}/rooms").json() == [made]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "x" * 101},
        {"name": "Hall", "rows": 2},
        {"name": "Hall", "columns": 2},
        {"name": "Hall", "rows": 0, "columns": 2},
        {"name": "Hall", "rows": 40, "columns": 40},
        {"name": "Hall", "rows": 2, "columns": 2, "aisles": [2]},
    ],
)
def test_no_room_of_these(api, cast, body):
    assert api("POST", f"/classes/{cast.python.pk}/rooms", body).status_code == 422
    assert not Room.objects.exists()


def test_names(api, cast, made, path):
    assert api("POST", f"/classes/{cast.python.pk}/rooms", {"name": "ROOM 2"}).status_code == 400
    api("POST", f"/classes/{cast.python.pk}/rooms", {"name": "Hall"})
    assert api("PUT", path, {"name": "hall"}).status_code == 400
    assert api("PUT", path, {"name": "Lab"}).json()["name"] == "Lab"


def test_people_sit_move_and_leave(api, cast, made, path):
    first, second, _ = (seat["id"] for seat in made["seats"])
    hanako = cast.hanako.pk
    assert seats(api("PUT", f"{path}/people", {"people": [{"seat_id": first, "student_id": hanako}]}))["A1"] == hanako
    moved = seats(api("PUT", f"{path}/people", {"people": [{"seat_id": second, "student_id": hanako}]}))
    assert moved == {"A1": None, "A2": hanako, "A3": None}
    freed = seats(api("PUT", f"{path}/people", {"people": [{"seat_id": second, "student_id": None}]}))
    assert set(freed.values()) == {None}


def test_who_may_not_sit_there(api, cast, made, path):
    stranger = Student.objects.create(email="stranger@example.com")
    first, second, _ = (seat["id"] for seat in made["seats"])
    hanako = cast.hanako.pk
    refused = (
        [{"seat_id": first, "student_id": stranger.pk}],
        [{"seat_id": 999_999, "student_id": hanako}],
        [{"seat_id": first, "student_id": hanako}, {"seat_id": second, "student_id": hanako}],
        [{"seat_id": first, "student_id": hanako}, {"seat_id": first, "student_id": None}],
        [{"seat_id": first}],
        "everybody",
    )
    for people in refused:
        assert api("PUT", f"{path}/people", {"people": people}).status_code == 422, people
    assert rooms.seats_of(cast.python.pk) == {}


def test_another_layout_keeps_labels(api, cast, made, path):
    hanako = cast.hanako.pk
    api("PUT", f"{path}/people", {"people": [{"seat_id": made["seats"][1]["id"], "student_id": hanako}]})
    laid = api(
        "PUT", f"{path}/seats", {"seats": [{"label": "a2", "x": 1, "y": 2.5}, {"label": "窓", "x": 100, "y": 0}]}
    )
    assert seats(laid) == {"a2": hanako, "窓": None}
    twice = api("PUT", f"{path}/seats", {"seats": [{"label": "A1", "x": 1, "y": 1}, {"label": "ａ１", "x": 2, "y": 2}]})
    assert twice.status_code == 422
    for bad in ({"label": "A1", "x": 101, "y": 1}, {"label": " ", "x": 1, "y": 1}, {"label": "x" * 21, "x": 1, "y": 1}):
        assert api("PUT", f"{path}/seats", {"seats": [bad]}).status_code == 422
    assert seats(api("GET", path)) == {"a2": hanako, "窓": None}


def test_delete_and_the_audit_log(api, cast, made, path):
    assert api("DELETE", path).json() == made
    assert api("GET", path).status_code == 404
    entries = AuditLog.objects.order_by("pk").values_list("action", "target_type", "target_id")
    assert list(entries) == [
        ("room_create", "room", str(made["id"])), ("room_delete", "room", str(made["id"])),
    ]  # fmt: skip


def test_an_assistant_reads_alone(api, cast, made, path, settings):
    settings.API_REQUIRE_AUTH = True
    assert api("GET", f"/classes/{cast.rust.pk}/rooms", user=cast.sato).status_code == 404
    ClassStaff.objects.create(class_ref=cast.python, instructor=cast.suzuki, role="assistant")
    assert api("GET", path, user=cast.suzuki).status_code == 200
    for method, below, body in (
        ("PUT", "", {"name": "X"}), ("PUT", "/seats", {"seats": []}), ("PUT", "/people", {"people": []}),
        ("DELETE", "", None),
    ):  # fmt: skip
        assert api(method, f"{path}{below}", body, user=cast.suzuki).status_code == 403
    assert api("POST", f"/classes/{cast.python.pk}/rooms", {"name": "X"}, user=cast.suzuki).status_code == 403


def test_many_rooms_cost_the_same(api, cast, made, django_assert_max_num_queries):
    room = Room.objects.get()
    for number in range(8):
        copy = rooms.copy_room(room, to=cast.python, name=f"Copy {number}", by="x", now=room.created_at)
        seating.fill(copy, cast.python.students.values_list("pk", flat=True), keep=True, now=room.created_at)
    with django_assert_max_num_queries(7):
        assert len(api("GET", f"/classes/{cast.python.pk}/rooms").json()) == 9
