"""Making and changing rooms: what is stored, recorded and told, and what is refused."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from instructors.models import AuditLog
from lms import rooms
from lms.models import Class, Room, Seat
from tests.lms.notebooks.pictures import picture

FORMS = ("", "lay-out/", "seats/", "seats/add/", "picture/", "copy/", "delete/", "people/", "people/list/")


def labels(room: Room) -> list[str]:
    return sorted(room.seats.values_list("label", flat=True))


def actions() -> list[tuple[str, dict]]:
    return list(AuditLog.objects.order_by("pk").values_list("action", "details"))


def test_a_room_in_one_step(send, python_class, told):
    answer = send("", name="Room 2", rows="2", columns="4", aisles="２、 3")
    room = Room.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/classes/{python_class.pk}/room/rooms/{room.pk}/people/")
    assert labels(room) == ["A1", "A2", "A3", "A4", "B1", "B2", "B3", "B4"]
    assert actions() == [("room_create", {"room": room.pk, "seats": 8})]
    assert told == [
        (f"class.{python_class.pk}", {"class_id": python_class.pk, "room_id": room.pk}),
        ("help", [python_class.pk]),
    ]


def test_a_room_for_seats_one_by_one(send, python_class):
    answer = send("", name="Room 2", rows="", columns="", aisles="")
    room = Room.objects.get()
    assert answer["Location"] == f"/classes/{python_class.pk}/room/rooms/{room.pk}/"
    assert labels(room) == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "\u200b"}, "Write at least one visible character"),
        ({"name": "room 2"}, "The class already has a room with this name"),
        ({"rows": "2"}, "Fill in both, or neither"),
        ({"columns": "2"}, "Fill in both, or neither"),
        ({"rows": "0", "columns": "2"}, "greater than or equal to 1"),
        ({"rows": "30", "columns": "30"}, "at most 500 seats"),
        ({"rows": "2", "columns": "3", "aisles": "3"}, "An aisle is behind seat 1 to 2"),
        ({"rows": "2", "columns": "3", "aisles": "middle"}, "Type numbers with commas"),
    ],
)
def test_what_no_room_is_made_of(send, lab, fields, said):
    answer = send("", **{"name": "Hall", "rows": "", "columns": "", "aisles": "", **fields})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Room.objects.count() == 1


def test_rename(send, lab):
    send(f"{lab.pk}/", name="PC lab B")
    lab.refresh_from_db()
    assert (lab.name, lab.name_key) == ("PC lab B", "pc lab b")
    assert actions() == [("room_update", {"room": lab.pk, "fields": ["name"]})]
    rooms.make_room(lab.class_ref_id, name="Hall", now=lab.created_at)
    answer = send(f"{lab.pk}/", name="HALL")
    assert answer.status_code == 422
    assert "The class already has a room with this name" in answer.content.decode()
    assert '<h2 id="plan-heading">PC lab B</h2>' in answer.content.decode()


def test_who_would_lose_a_seat_is_said_before(send, lab, aoi, ren, sit, sitting):
    sit(lab, A1=aoi, B3=ren)
    answer = send(f"{lab.pk}/lay-out/", rows="1", columns="4", aisles="")
    assert answer.status_code == 422
    assert "1 student loses their seat." in answer.content.decode()
    assert 'name="confirmed" value="1"' in answer.content.decode()
    assert sitting(lab) == {"A1": "Aoi", "B3": "Ren"}
    send(f"{lab.pk}/lay-out/", rows="1", columns="4", aisles="", confirmed="1")
    assert (labels(lab), sitting(lab)) == (["A1", "A2", "A3", "A4"], {"A1": "Aoi"})
    send(f"{lab.pk}/lay-out/", rows="2", columns="2", aisles="")  # nobody loses anything
    assert (labels(lab), sitting(lab)) == (["A1", "A2", "B1", "B2"], {"A1": "Aoi"})
    assert send(f"{lab.pk}/lay-out/", rows="", columns="", aisles="").status_code == 422


def test_seats_change_in_one_form(send, lab, aoi, sit, sitting):
    sit(lab, A1=aoi)
    ids = dict(lab.seats.values_list("label", "pk"))
    form = {f"label-{pk}": label for label, pk in ids.items()}
    form |= {
        f"label-{ids['A1']}": "A2",
        f"label-{ids['A2']}": "A1",
        f"x-{ids['A3']}": "99,5",
        f"remove-{ids['B3']}": "on",
    }
    assert send(f"{lab.pk}/seats/", **form).status_code == 302
    assert labels(lab) == ["A1", "A2", "A3", "B1", "B2"]
    assert sitting(lab) == {"A2": "Aoi"}
    assert float(Seat.objects.get(pk=ids["A3"]).position_x) == 99.5
    assert actions() == [("room_update", {"room": lab.pk, "changed": 4})]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"label": ""}, "Type a label for the seat"),
        ({"label": "A2"}, "Two seats of a room cannot have the same label"),
        ({"label": "x" * 21}, "at most 20 characters"),
        ({"x": "101"}, "from 0 to 100"),
        ({"y": "left"}, "from 0 to 100"),
    ],
)
def test_a_seat_that_is_refused_is_kept_as_typed(send, lab, typed, said):
    seat = Seat.objects.get(room=lab, label="A1")
    before = list(Seat.objects.values())
    fields = {f"{name}-{seat.pk}": value for name, value in typed.items()}
    answer = send(f"{lab.pk}/seats/", **fields)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert all(f'name="{name}"' in answer.content.decode() for name in fields)
    assert list(Seat.objects.values()) == before
    quiet = send(f"{lab.pk}/seats/", quietly=True, **fields)
    assert quiet.status_code == 400
    assert said in quiet.json()["message"]


def test_one_more_seat(send, lab):
    send(f"{lab.pk}/seats/add/", label=" 窓  側 ", x="10", y="20.5")
    made = Seat.objects.get(label="窓 側")
    assert (float(made.position_x), float(made.position_y)) == (10, 20.5)
    send(f"{lab.pk}/seats/add/", label="Z1", x="", y="")
    assert Seat.objects.filter(label="Z1").exists()
    answer = send(f"{lab.pk}/seats/add/", label="z1", x="5", y="")
    assert answer.status_code == 422
    assert "from 0 to 100" in answer.content.decode()
    assert 'value="z1"' in answer.content.decode()
    assert "same label" in send(f"{lab.pk}/seats/add/", label="z1", x="", y="").content.decode()


def test_the_picture(send, page, lab):
    file = SimpleUploadedFile("room.png", picture())
    assert send(f"{lab.pk}/picture/", picture=file).status_code == 302
    address = rooms.picture_of(Room.objects.get()).image_url
    assert f'src="{address}"' in page(f"?room={lab.pk}")
    answer = send(f"{lab.pk}/picture/", picture=SimpleUploadedFile("room.png", b"no picture"))
    assert answer.status_code == 422
    assert "This picture cannot be read" in answer.content.decode()
    assert "Choose a picture first" in send(f"{lab.pk}/picture/").content.decode()
    send(f"{lab.pk}/picture/", act="remove")
    assert rooms.picture_of(Room.objects.get()) is None


def test_a_classs_picture_is_for_who_sees_the_class(send, lab, signed_in, hanako, taro, python_class):
    send(f"{lab.pk}/picture/", picture=SimpleUploadedFile("room.png", picture()))
    address = rooms.picture_of(Room.objects.get()).image_url
    assert signed_in(hanako).get(address).status_code == 200
    assert signed_in(taro).get(address).status_code == 404


def test_a_copy_into_another_class(send, lab, hanako, taro, aoi, sit):
    sit(lab, A1=aoi)
    other = Class.objects.create(class_code="PY-B", name="Python B", instructor=hanako)
    theirs = Class.objects.create(class_code="X", name="Theirs", instructor=taro)
    answer = send(f"{lab.pk}/copy/", to=other.pk, copy_name="Room 2")
    made = Room.objects.get(class_ref=other)
    assert answer["Location"] == f"/classes/{other.pk}/room/rooms/{made.pk}/"
    assert (labels(made), made.assignments.count()) == (labels(lab), 0)
    refused = send(f"{lab.pk}/copy/", to=theirs.pk, copy_name="Room 2")
    assert refused.status_code == 422
    assert "Choose a class that you teach" in refused.content.decode()
    assert "room with this name" in send(f"{lab.pk}/copy/", to=lab.class_ref_id, copy_name="room 2").content.decode()


def test_delete(send, page, lab, aoi, sit):
    sit(lab, A1=aoi)
    assert "Its 6 seats and its picture are deleted, and 1 students have no seat there any more" in page(
        f"rooms/{lab.pk}/"
    )
    send(f"{lab.pk}/delete/")
    assert not Room.objects.exists()
    assert actions() == [("room_delete", {"room": lab.pk, "name": "Room 2"})]


def test_refusals(signed_in, taro, hanako, assistant, lab, python_class):
    """An assistant sees the room and changes none; a room of another class is not there."""
    rust = Class.objects.create(class_code="RS", name="Rust", instructor=hanako)
    for form in FORMS:
        path = f"room/rooms/{lab.pk}/{form}"
        assert signed_in(assistant).post(f"/classes/{python_class.pk}/{path}").status_code == 403
        assert signed_in(hanako).post(f"/classes/{rust.pk}/{path}").status_code == 404
        assert signed_in(hanako).post(f"/classes/{python_class.pk}/room/rooms/999999/{form}").status_code == 404
    assert signed_in(assistant).get(f"/classes/{python_class.pk}/room/rooms/").status_code == 403
    assert Room.objects.get().seats.count() == 6
