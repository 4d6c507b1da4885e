"""The room: teams with their worst state, who is on the way, and the map with its marks."""

import re

import pytest

from events.models import HelpRequest
from events.student_status import NO_TEAM
from instructors.models import AuditLog
from lms.models import ClassroomMap, ClassStaff, Student, StudentClass, Team, TeamPosition

HOSTILE = "<img src=x onerror=alert(1)> \" ' & $&"


@pytest.fixture(autouse=True)
def _files_of_this_test(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def room(signed_in, hanako, python_class):
    client = signed_in(hanako)

    def fetch(rest: str = "room/", **options) -> str:
        return client.get(f"/classes/{python_class.pk}/{rest}", **options).content.decode()

    return fetch


@pytest.fixture
def in_team(enrol):
    def add(team: str, name: str, **state) -> Student:
        found, _ = Team.objects.get_or_create(team_name=team)
        return enrol(f"{name}@example.com", name=name, team=found, **state)

    return add


@pytest.fixture
def plain_map(python_class) -> ClassroomMap:
    return ClassroomMap.objects.create(class_ref=python_class)


def teams_of(page: str) -> list[tuple[str, str]]:
    return re.findall(r'data-team="([^"]*)" data-worst="(\w+)"', page)


def marks_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'data-mark="([^"]*)" (data-worst=[^>]*)>', page))


def test_a_team_has_its_worst_state(room, in_team, aoi, flag):
    in_team("チーム10", "Mio")
    in_team("チーム2", "Sora")
    flag(in_team("チームB", "Ren"), 4)
    in_team("チームB", "Yui", last_run_failed=True)
    page = room()
    assert teams_of(page) == [
        (NO_TEAM, "help"), ("チームB", "significant_error"), ("チーム2", "idle"), ("チーム10", "idle"),
    ]  # fmt: skip
    assert '<span data-field="name">No team</span>' in page
    assert "Repeated errors <b>1</b>" in page
    assert 'data-drawer href="/classes/' in page


def test_who_is_on_the_way_is_said(room, aoi, hanako):
    now = aoi.help_requested_at
    asked = HelpRequest.objects.create(student=aoi, asked_at=now, last_asked_at=now, last_heard_at=now)
    assert "Hanako is on the way" not in room()
    HelpRequest.objects.filter(pk=asked.pk).update(claimed_by=hanako, claimed_at=now)
    assert "Hanako is on the way" in room()
    HelpRequest.objects.filter(pk=asked.pk).update(ended_at=now)
    assert "Hanako is on the way" not in room()


def test_marks_say_what_they_show(room, in_team, plain_map):
    in_team("チームA", "Mio", is_requesting_help=True)
    TeamPosition.objects.create(map=plain_map, team_name="チームA", position_x="12.5", position_y=0)
    page = room()
    assert 'x="12.5%" y="0%"' in marks_of(page)["チームA"]
    assert "data-unplaced" not in marks_of(page)["チームA"]
    assert 'aria-label="チームA: Asking for help 1"' in page
    assert 'href="#status-help"' in page


def test_percents_are_numbers_in_every_language(room, in_team, plain_map):
    in_team("A", "Mio")
    TeamPosition.objects.create(map=plain_map, team_name="A", position_x="12.5", position_y="3.25")
    assert 'x="12.5%" y="3.25%"' in room(headers={"accept-language": "ja"})


def test_a_team_that_is_not_on_the_map_waits_in_the_tray(room, in_team, plain_map):
    in_team("A", "Mio")
    page = room()
    assert "data-unplaced" in marks_of(page)["A"]
    assert 'data-tray="A"' in page


def test_a_team_may_have_a_place_before_anybody_is_there(room, plain_map):
    TeamPosition.objects.create(map=plain_map, team_name="later", position_x=1, position_y=1)
    page = room()
    assert teams_of(page) == [("later", "idle")]
    assert 'aria-label="later: Nobody here yet"' in page


def test_names_are_text_never_markup(room, in_team, plain_map):
    in_team(HOSTILE, HOSTILE[:20])
    page = room()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_a_projector_shows_no_name(signed_in, hanako, python_class, aoi):
    client = signed_in(hanako)
    client.post("/display/", {"mode": "projector"})
    page = client.get(f"/classes/{python_class.pk}/room/").content.decode()
    assert f"Student {aoi.pk}" in page
    assert "Aoi" not in page
    assert "aoi@" not in page


def test_forty_students_cost_no_more_queries(
    room, in_team, plain_map, django_assert_num_queries, hanako, signed_in, python_class
):
    for number in range(40):
        in_team(f"チーム{number // 2}", f"s{number}")
    TeamPosition.objects.create(map=plain_map, team_name="チーム1", position_x=1, position_y=1)
    with django_assert_num_queries(12):  # session, account, class, rooms, seats, and seven of the teams
        room()
    assert len(teams_of(room())) == 20


def test_the_fragment_is_the_same_markup(room, aoi, plain_map):
    changing = re.compile(r'<time.*?</time>|value="[^"]{64}"|data-now="[^"]*"', re.S)
    fragment = changing.sub("", room(headers={"x-requested-with": "fragment"})).strip()
    assert "<html" not in fragment
    assert fragment in changing.sub("", room())


def test_without_a_map_or_anybody(room):
    page = room()
    assert "There is no map yet. Upload a picture" in page
    assert "Nobody has been here yet" in page


def test_an_assistant_looks(signed_in, taro, python_class, plain_map, aoi):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    page = signed_in(taro).get(f"/classes/{python_class.pk}/room/").content.decode()
    assert "data-mark=" in page
    assert "data-movable" not in page
    assert "room/map/" not in page


@pytest.mark.parametrize("path", ["room/", "activity/"])
def test_another_instructors_class_does_not_exist(signed_in, taro, hanako, kaoru, client, python_class, path):
    assert signed_in(taro).get(f"/classes/{python_class.pk}/{path}").status_code == 404
    assert signed_in(hanako).get(f"/everybody/{path}").status_code == 404
    assert signed_in(kaoru).get(f"/everybody/{path}").status_code == 200
    assert client.get(f"/classes/{python_class.pk}/{path}").status_code == 302


def test_everybodys_room_has_the_map_of_no_class(signed_in, kaoru, plain_map, stranger):
    client = signed_in(kaoru)
    assert "data-mark" not in client.get("/everybody/room/").content.decode()
    client.post("/everybody/room/map/plain/")
    found = ClassroomMap.objects.get(class_ref=None)
    client.post("/everybody/room/map/arrange/", {"map": found.pk})
    assert TeamPosition.objects.get().team_name == NO_TEAM
    assert client.get("/api/v1/classroom/map", headers={}).status_code == 403
    assert AuditLog.objects.filter(action__startswith="map_").count() == 2
    assert StudentClass.objects.count() == 0
