"""The room with its seats: who sits there and how they do, who has no seat, and which room is shown."""

import re
from datetime import UTC, datetime

import pytest

from events.models import HelpRequest
from lms import rooms, seating
from lms.models import Student, StudentClass
from lms.seat_grid import Grid

NOW = datetime(2026, 4, 10, 9, tzinfo=UTC)
HOSTILE = "<img src=x onerror=alert(1)> \" ' & $&"


@pytest.fixture
def hall(python_class):
    return rooms.make_room(python_class.pk, name="Hall", seats=Grid(rows=1, columns=2).seats(), now=NOW)


def seats_of(page: str) -> dict[str, str]:
    """The accessible names by label."""
    found = re.findall(r'data-label="([^"]*)".*?aria-label="([^"]*)"', page, re.S)
    return {label: said.split(": ", 1)[1] for label, said in found}


def test_a_seat_shows_its_student_and_their_status(page, lab, aoi, ren, sit, flag):
    flag(ren, 4)
    sit(lab, A1=aoi, B2=ren)
    shown = page()
    free = dict.fromkeys(("A2", "A3", "B1", "B3"), "free")
    assert seats_of(shown) == {**free, "A1": "Aoi, Asking for help", "B2": "Ren, Repeated errors"}
    assert 'href="#status-help"' in shown
    assert f'data-sitter="{aoi.pk}"' in shown
    assert f'href="/classes/{lab.class_ref_id}/students/{aoi.pk}/" data-drawer' in shown
    assert "2 of 6 seats taken" in shown


def test_who_has_no_seat_stands_beside_it(page, lab, aoi, ren, enrol, sit):
    enrol("mio@example.com", name="Mio")
    sit(lab, A1=ren)
    shown = page()
    beside = shown[shown.index('id="unseated"') :]
    assert re.findall(r'data-name="(\w+)" data-status="(\w+)"', beside) == [("Aoi", "help"), ("Mio", "idle")]


def test_who_is_on_the_way_is_said(page, lab, aoi, hanako, sit):
    sit(lab, A1=aoi)
    now = datetime.now(UTC)
    HelpRequest.objects.create(
        student=aoi, asked_at=now, last_asked_at=now, last_heard_at=now, claimed_by=hanako, claimed_at=now
    )
    assert seats_of(page())["A1"] == "Aoi, Asking for help · Hanako is on the way"


def test_the_choice_is_remembered(page, lab, hall, aoi, sit):
    sit(lab, A1=aoi)
    assert "6 seats taken" in page()  # the first room
    assert "2 seats taken" in page(f"?room={hall.pk}")
    assert "2 seats taken" in page()
    both = page("?room=all")
    assert "6 seats taken" in both
    assert "2 seats taken" in both
    assert 'id="team-list"' in page("?room=teams")
    assert 'id="team-list"' in page()
    assert 'id="team-list"' in page("?room=999999")  # no such room: the one that was chosen


def test_a_script_changes_no_choice(page, lab, hall):
    page(f"?room={hall.pk}")
    fragment = page(f"?room={lab.pk}", headers={"x-requested-with": "fragment"})
    assert "<html" not in fragment
    assert "6 seats taken" in fragment
    assert "2 seats taken" in page()


def test_without_rooms_the_teams_are_shown(page, python_class, aoi):
    shown = page()
    assert 'id="team-list"' in shown
    assert "give the class a room with seats" in shown


def test_an_assistant_sees_and_moves_nobody(signed_in, assistant, lab, aoi, sit):
    sit(lab, A1=aoi)
    shown = signed_in(assistant).get(f"/classes/{lab.class_ref_id}/room/").content.decode()
    assert seats_of(shown)["A1"] == "Aoi, Asking for help"
    assert "data-movable" not in shown
    assert "room/rooms/" not in shown


def test_a_projector_shows_no_name(signed_in, hanako, lab, aoi, ren, sit):
    sit(lab, A1=aoi)
    client = signed_in(hanako)
    client.post("/display/", {"mode": "projector"})
    shown = client.get(f"/classes/{lab.class_ref_id}/room/").content.decode()
    assert f"Student {aoi.pk}" in shown
    assert not re.search("Aoi|Ren|aoi@|ren@", shown)
    for rest in ("people/", "people/list/"):
        shown = client.get(f"/classes/{lab.class_ref_id}/room/rooms/{lab.pk}/{rest}").content.decode()
        assert "hidden in projector mode" in shown
        assert not re.search("Aoi|Ren|aoi@|ren@", shown)


def test_names_are_text_never_markup(page, lab, enrol, sit):
    sit(lab, A1=enrol("x@example.com", name=HOSTILE))
    for rest in ("", f"rooms/{lab.pk}/people/", f"rooms/{lab.pk}/"):
        assert "<img src=x" not in page(rest)


def test_percents_are_numbers_in_every_language(page, lab):
    shown = page(headers={"accept-language": "ja"})
    assert 'x="16.67%" y="25.0%"' in shown


def test_two_hundred_cost_no_more_queries(page, lab, hall, enrol, django_assert_num_queries, python_class):
    """Session, account, class, rooms; rooms, seats, picture; and the students, their cells, claims and people."""
    people = [Student(email=f"s{number}@example.com", name=f"S{number}") for number in range(200)]
    for student in Student.objects.bulk_create(people):
        StudentClass.objects.create(student=student, class_ref=python_class)
    rooms.lay_out(lab, Grid(rows=10, columns=20).seats())
    seating.fill(lab, [student.pk for student in people], keep=True, now=NOW)
    page("?room=all")
    with django_assert_num_queries(11):
        shown = page()
    assert shown.count("data-sitter") == 200
