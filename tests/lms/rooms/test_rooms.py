"""Rooms and their seats: made in one step, changed, copied, deleted."""

from datetime import UTC, datetime

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from lms import maps, rooms
from lms.deletion import delete_row
from lms.models import ClassroomMap, Room, Seat, SeatAssignment
from lms.seat_grid import MAX_SEATS, Grid, PlacedSeat, free_place, label_order, letters
from tests.lms.notebooks.pictures import picture

NOW = datetime(2026, 4, 10, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _files_of_this_test(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def labels(room: Room) -> list[str]:
    return [seat.label for seat in rooms.seats_in(room)]


def pictures() -> list[str]:
    try:
        return default_storage.listdir(maps.DIRECTORY)[1]
    except FileNotFoundError:
        return []


def test_rows_and_columns_with_an_aisle():
    seats = Grid(rows=2, columns=4, aisles=[2]).seats()
    assert [seat.label for seat in seats] == ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"]
    front = [seat.x for seat in seats[:4]]
    assert front[1] - front[0] == pytest.approx(front[3] - front[2], abs=0.02)
    assert front[2] - front[1] == pytest.approx(1.6 * (front[1] - front[0]), abs=0.05)
    assert all(0 < seat.x < 100 and 0 < seat.y < 100 for seat in seats)
    assert {seat.y for seat in seats} == {25, 75}


@pytest.mark.parametrize(
    ("rows", "columns", "aisles"),
    [(0, 3, []), (3, 0, []), (41, 1, []), (1, 41, []), (30, 30, []), (2, 3, [3]), (2, 3, [0])],
)
def test_no_grid_of_these(rows, columns, aisles):
    assert not Grid(rows=rows, columns=columns, aisles=aisles).is_possible


def test_labels():
    assert [letters(number) for number in (0, 25, 26, 27, 52)] == ["A", "Z", "AA", "AB", "BA"]
    typed = ["B1", "A10", "AA1", "A2", "a1", "12", "3"]
    assert sorted(typed, key=label_order) == ["3", "12", "a1", "A2", "A10", "B1", "AA1"]


def test_one_more_seat_is_away_from_the_others():
    taken: list[tuple[float, float]] = []
    for _ in range(40):
        point = free_place(taken)
        assert all(abs(point[0] - x) > 5 or abs(point[1] - y) > 7 for x, y in taken)
        taken.append(point)


def test_a_name_is_given_once_a_class(school):
    with pytest.raises(rooms.RoomNameTaken):
        rooms.make_room(school.python.pk, name=" ＬＡＢ ", now=NOW)
    rooms.make_room(school.rust.pk, name="Lab", now=NOW)
    other = rooms.make_room(school.python.pk, name="Hall", now=NOW)
    with pytest.raises(rooms.RoomNameTaken):
        rooms.rename_room(other, name="lab")
    rooms.rename_room(other, name="Aula")
    assert list(Room.objects.filter(class_ref=school.python).values_list("name", flat=True)) == ["Lab", "Aula"]


def test_there_is_an_end_of_rooms_and_seats(school, monkeypatch):
    with pytest.raises(rooms.TooManySeats):
        rooms.lay_out(school.lab, [PlacedSeat(f"s{number}", 1, 1) for number in range(MAX_SEATS + 1)])
    assert school.lab.seats.count() == 6
    monkeypatch.setattr(rooms, "MAX_ROOMS", 1)
    with pytest.raises(rooms.TooManyRooms):
        rooms.make_room(school.python.pk, name="Hall", now=NOW)


def test_another_layout_keeps_who_sits_on_seats_that_stay(school, sit, sitting):
    aoi, ren, *_ = school.people
    sit(A1=aoi, B3=ren)
    rooms.lay_out(school.lab, Grid(rows=1, columns=5).seats())
    assert labels(school.lab) == ["A1", "A2", "A3", "A4", "A5"]
    assert sitting() == {"A1": "Aoi"}
    with pytest.raises(rooms.SeatLabelTaken):
        rooms.lay_out(school.lab, [PlacedSeat("A1", 1, 1), PlacedSeat("ａ1", 2, 2)])


def test_seats_by_hand(school):
    made = rooms.add_seat(school.lab, PlacedSeat("窓", 12.346, 99.9))
    made.refresh_from_db()
    assert (str(made.position_x), str(made.position_y)) == ("12.35", "99.90")
    with pytest.raises(rooms.SeatLabelTaken):
        rooms.add_seat(school.lab, PlacedSeat("a2", 1, 1))
    assert rooms.remove_seats(school.lab, [made.pk]) == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        rooms.add_seat(school.lab, PlacedSeat("out", 101, 1))


def test_two_labels_change_hands(school, sit, sitting):
    aoi, ren, *_ = school.people
    sit(A1=aoi, A2=ren)
    first, second = (Seat.objects.get(room=school.lab, label=label) for label in ("A1", "A2"))
    swapped = {first.pk: PlacedSeat("A2", 10, 10), second.pk: PlacedSeat("A1", 20, 20)}
    assert rooms.change_seats(school.lab, swapped) == 2
    assert sitting() == {"A2": "Aoi", "A1": "Ren"}
    assert set(Seat.objects.filter(pk__in=swapped).values_list("label_key", flat=True)) == {"a1", "a2"}
    with pytest.raises(rooms.SeatLabelTaken):
        rooms.change_seats(school.lab, {first.pk: PlacedSeat("B1", 1, 1)})
    assert rooms.change_seats(school.lab, {first.pk: PlacedSeat("A2", 10, 10)}) == 0


def test_a_copy_of_a_room_whose_picture_is_lost_has_none(school):
    rooms.set_picture(school.lab, picture(), name="lab.png", by="taro@example.com", now=NOW)
    default_storage.delete(f"{maps.DIRECTORY}/{pictures()[0]}")
    made = rooms.copy_room(school.lab, to=school.rust, name="Lab", by="taro@example.com", now=NOW)
    assert labels(made) == labels(school.lab)
    assert rooms.picture_of(made) is None


def test_a_room_that_was_deleted_meanwhile_is_not_made_again_by_its_new_name(school):
    seen = Room.objects.get(pk=school.lab.pk)
    rooms.remove_room(school.lab)
    with pytest.raises(Room.DoesNotExist):
        rooms.rename_room(seen, name="Lab B")
    assert not Room.objects.filter(pk=seen.pk).exists()


def test_a_copy_has_seats_and_a_picture_and_nobody(school, sit, django_capture_on_commit_callbacks):
    sit(A1=school.people[0])
    rooms.set_picture(school.lab, picture(), name="lab.png", by="taro@example.com", now=NOW)
    made = rooms.copy_room(school.lab, to=school.rust, name="Lab", by="taro@example.com", now=NOW)
    assert labels(made) == labels(school.lab)
    assert not SeatAssignment.objects.filter(room=made).exists()
    copy, original = rooms.picture_of(made), rooms.picture_of(Room.objects.get(pk=school.lab.pk))
    assert copy.image_filename != original.image_filename
    assert (copy.class_ref_id, copy.is_active) == (school.rust.pk, False)
    assert len(pictures()) == 2
    with django_capture_on_commit_callbacks(execute=True):
        rooms.remove_room(school.lab)
    assert pictures() == [copy.image_filename]


@pytest.mark.parametrize("what", ["room", "class"])
def test_the_picture_goes_with_its_room(school, what, django_capture_on_commit_callbacks):
    rooms.set_picture(school.lab, picture(), by="taro@example.com", now=NOW)
    with django_capture_on_commit_callbacks(execute=True):
        rooms.set_picture(school.lab, picture(), by="taro@example.com", now=NOW)
    assert len(pictures()) == 1
    with django_capture_on_commit_callbacks(execute=True):
        delete_row(school.lab if what == "room" else school.python)
    assert pictures() == []
    assert not ClassroomMap.objects.exists()
    assert not Seat.objects.exists()


def test_the_picture_of_a_room_is_not_the_map_of_the_teams(school):
    floor = maps.replace_map(class_id=school.python.pk, picture=None, uploaded_by=None, now=NOW)
    rooms.set_picture(school.lab, picture(), by="taro@example.com", now=NOW)
    assert maps.active_map(school.python.pk) == floor
    maps.replace_map(class_id=school.python.pk, picture=None, uploaded_by=None, now=NOW)
    assert rooms.picture_of(Room.objects.get(pk=school.lab.pk)) is not None


def test_three_queries_for_all_rooms(school, sit):
    sit(A1=school.people[0])
    rooms.copy_room(school.lab, to=school.python, name="Hall", by="taro@example.com", now=NOW)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        found = [rooms.seats_in(room) for room in rooms.with_seats(rooms.rooms_of(school.python.pk))]
    assert [len(seats) for seats in found] == [6, 6]
    assert len(seen) == 2
