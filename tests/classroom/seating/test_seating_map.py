"""The forms of the map: who may send them, what they change, what they refuse, and who is notified."""

import json
from datetime import UTC, datetime

import msgspec
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from instructors.models import AuditLog
from lms.models import ClassroomMap, ClassStaff, TeamPosition
from tests.lms.notebooks.pictures import picture

ACTIONS = ("upload", "plain", "delete", "place", "take-off", "arrange")


@pytest.fixture(autouse=True)
def _files_of_this_test(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def notified(monkeypatch):
    heard: list[tuple[str, dict]] = []
    monkeypatch.setattr(
        "realtime.broadcast.publish",
        lambda rows, notices, outside: heard.extend(
            (group, msgspec.to_builtins(frame.data)) for group, frame in notices
        ),
    )
    return heard


@pytest.fixture
def send(signed_in, hanako, python_class, notified):
    client = signed_in(hanako)

    def post(action: str, *, quietly: bool = False, **fields):
        headers = {"x-requested-with": "fragment"} if quietly else {}
        return client.post(f"/classes/{python_class.pk}/room/map/{action}/", fields, headers=headers)

    return post


@pytest.fixture
def plain_map(python_class) -> ClassroomMap:
    return ClassroomMap.objects.create(class_ref=python_class)


def places() -> dict[str, tuple[float, float]]:
    return {p.team_name: (float(p.position_x), float(p.position_y)) for p in TeamPosition.objects.all()}


def file(content: bytes, name: str = "room.png") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_upload(send, python_class, notified, signed_in, hanako):
    answer = send("upload", picture=file(picture()))
    assert (answer.status_code, answer["Location"]) == (302, f"/classes/{python_class.pk}/room/")
    made = ClassroomMap.objects.get()
    assert (made.class_ref, made.uploaded_by, made.is_active) == (python_class, "hanako@example.com", True)
    page = signed_in(hanako).get(f"/classes/{python_class.pk}/room/").content.decode()
    assert f'src="{made.image_url}"' in page
    assert AuditLog.objects.get(action="map_upload").details == {"class_id": python_class.pk}
    [(group, data)] = notified
    assert group == f"class.{python_class.pk}"
    assert data == {"class_id": python_class.pk, "map_id": made.pk, "team_positions": {}}


def test_a_new_picture_keeps_the_teams_and_the_old_one_goes(send, django_capture_on_commit_callbacks):
    send("upload", picture=file(picture()))
    old = ClassroomMap.objects.get()
    send("place", map=old.pk, team="チーム A", x="10", y="20")
    with django_capture_on_commit_callbacks(execute=True):
        send("upload", picture=file(picture(colour="blue")))
    made = ClassroomMap.objects.get()
    assert made.pk != old.pk
    assert places() == {"チーム A": (10, 20)}
    assert default_storage.listdir("maps")[1] == [made.image_filename]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Choose a picture first."),
        ({"picture": "text"}, "Choose a picture first."),
        ({"picture": file(b"no picture")}, "This picture cannot be read"),
        ({"picture": file(picture("GIF"), "room.gif")}, "This picture cannot be read"),
        ({"picture": file(b"x" * (10 * 1024**2 + 1))}, "too large"),
    ],
    ids=["nothing", "text", "unreadable", "type", "size"],
)
def test_an_upload_that_is_refused_says_what_to_do(send, fields, said):
    answer = send("upload", **fields)
    assert answer.status_code == 400
    assert said in answer.content.decode()
    assert not ClassroomMap.objects.exists()
    assert not AuditLog.objects.filter(action__startswith="map").exists()


def test_place_and_move_and_take_off(send, plain_map, python_class, notified):
    assert send("place", map=plain_map.pk, team=" A-1 / 後列", x="12.346", y="100").status_code == 302
    assert places() == {" A-1 / 後列": (12.35, 100)}
    assert TeamPosition.objects.get().updated_by == "hanako@example.com"
    assert send("place", quietly=True, map=plain_map.pk, team=" A-1 / 後列", x="1,5", y="0").json() == {}
    assert places() == {" A-1 / 後列": (1.5, 0)}
    send("place", map=plain_map.pk, team=" A-1 / 後列", x="３３，３３３\u200b", y="\ufeff7.5")
    assert places() == {" A-1 / 後列": (33.33, 7.5)}
    assert send("take-off", map=plain_map.pk, team=" A-1 / 後列").status_code == 302
    assert places() == {}
    about = {"class_id": python_class.pk, "map_id": plain_map.pk}
    assert [data for _, data in notified] == [
        {**about, "team_positions": {" A-1 / 後列": {"x": 12.346, "y": 100}}},
        {**about, "team_positions": {" A-1 / 後列": {"x": 1.5, "y": 0}}},
        {**about, "team_positions": {" A-1 / 後列": {"x": 33.333, "y": 7.5}}},
        {**about, "team_positions": {" A-1 / 後列": None}},
    ]
    assert AuditLog.objects.filter(action="map_positions").count() == 4


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("101", "5"),
        ("5", "-1"),
        ("left", "5"),
        ("nan", "5"),
        ("5", ""),
        ("", "5"),
        ("1_0", "5"),
        ("5²", "5"),
        ("5", "½"),
    ],
)
def test_a_place_that_is_refused_keeps_what_was_typed(send, plain_map, enrol, x, y):
    enrol("a@example.com")
    answer = send("place", map=plain_map.pk, team="未割り当て", x=x, y=y)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Type two numbers from 0 to 100" in page
    assert f'value="{x}"' in page
    assert f'value="{y}"' in page
    assert places() == {}
    quietly = send("place", quietly=True, map=plain_map.pk, team="未割り当て", x=x, y=y)
    assert quietly.status_code == 400
    assert "0 to 100" in json.loads(quietly.content)["message"]


@pytest.mark.parametrize("team", ["", "  ", "x" * 256, "a\0b"])
def test_a_team_without_a_name(send, plain_map, team):
    answer = send("place", map=plain_map.pk, team=team)
    assert answer.status_code == 400
    assert "Type the name of a team." in answer.content.decode()


def test_a_map_takes_so_many_teams(send, plain_map):
    many = [TeamPosition(map=plain_map, team_name=f"t{number}", position_x=1, position_y=1) for number in range(500)]
    TeamPosition.objects.bulk_create(many)
    answer = send("place", map=plain_map.pk, team="one more")
    assert answer.status_code == 400
    assert "at most 500 teams" in answer.content.decode()
    assert send("place", map=plain_map.pk, team="t7", x="5", y="5").status_code == 302


def test_arrange_gives_every_waiting_team_a_place_of_its_own(send, plain_map, enrol):
    from lms.models import Team

    for number in range(20):
        team = Team.objects.create(team_name=f"t{number}")
        enrol(f"{number}@example.com", team=team)
    send("place", map=plain_map.pk, team="t0", x="50", y="50")
    send("arrange", map=plain_map.pk)
    found = places()
    assert len(found) == 20
    assert found["t0"] == (50, 50)
    assert len(set(found.values())) == 20


def test_plain_and_delete(send, notified):
    send("plain")
    found = ClassroomMap.objects.get()
    assert (found.image_url, found.uploaded_by) == ("", "hanako@example.com")
    assert send("delete", map=found.pk).status_code == 302
    assert not ClassroomMap.objects.exists()
    assert [row.action for row in AuditLog.objects.order_by("pk")] == ["map_create", "map_delete"]


@pytest.mark.parametrize("action", ["delete", "place", "take-off", "arrange"])
@pytest.mark.parametrize("which", ["", "999", "abc", None])
def test_a_form_about_a_map_that_hangs_there_no_more(send, plain_map, action, which):
    fields = {"team": "A"} if which is None else {"team": "A", "map": which}
    assert send(action, **fields).status_code == 404
    assert ClassroomMap.objects.exists()


@pytest.mark.parametrize("action", ACTIONS)
def test_only_who_may_teach(signed_in, taro, hanako, python_class, plain_map, client, action):
    address = f"/classes/{python_class.pk}/room/map/{action}/"
    fields = {"map": plain_map.pk, "team": "A"}
    assert signed_in(taro).post(address, fields).status_code == 404
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert signed_in(taro).post(address, fields).status_code == 404
    assert client.post(address, fields).status_code == 302
    assert signed_in(hanako).get(address).status_code == 405
    assert signed_in(hanako).post(f"/everybody/room/map/{action}/", fields).status_code == 404
    assert places() == {}
    assert ClassroomMap.objects.count() == 1


def test_a_form_without_its_token_is_refused(hanako, python_class, plain_map):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(hanako)
    assert client.post(f"/classes/{python_class.pk}/room/map/plain/").status_code == 403


def test_while_nobody_can_be_told_the_change_stands(send, plain_map, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError

    monkeypatch.setattr("realtime.broadcast.publish", fail)
    assert send("place", map=plain_map.pk, team="A", x="1", y="1").status_code == 302
    assert places() == {"A": (1, 1)}


def test_two_uploads_at_once_leave_one_map(python_class, hanako, send):
    """The constraint of the table stands behind the lock."""
    from lms.maps import replace_map

    now = datetime.now(UTC)
    for class_id in (python_class.pk, None):
        for _ in range(2):
            replace_map(class_id=class_id, picture=None, uploaded_by=None, now=now)
    assert ClassroomMap.objects.filter(is_active=True).count() == 2
