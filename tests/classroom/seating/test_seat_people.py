"""Who sits where, as an instructor types it: one field a seat, everybody at once, two who swap, one who is dragged."""

import re

import pytest

from instructors.models import AuditLog
from lms.models import StudentClass


@pytest.fixture
def ids(lab):
    return dict(lab.seats.values_list("label", "pk"))


@pytest.fixture
def type_in(send, lab, ids):
    """Send the form with these texts by label; `was` as the page had it."""

    def post(was=None, **typed: str):
        before = {label: one.pk for label, one in (was or {}).items()}
        fields = {f"seat-{ids[label]}": text for label, text in typed.items()}
        fields |= {f"was-{ids[label]}": before.get(label, "") for label in typed}
        return send(f"{lab.pk}/people/", act="assign", **fields)

    return post


def test_the_page_has_a_field_a_seat(page, lab, aoi, ren, sit):
    sit(lab, A2=ren)
    StudentClass.objects.filter(student=aoi).update(student_number="2601", reading="あおい")
    shown = page(f"rooms/{lab.pk}/people/")
    assert re.findall(r'<label for="field-\d+">(\w+)</label>', shown) == ["A1", "A2", "A3", "B1", "B2", "B3"]
    assert 'value="Ren"' in shown
    assert '<option value="Aoi" label="2601 · あおい · aoi@example.com">' in shown
    assert "Free seats: 5. Students without a seat here: 1." in shown


def test_typed_people_sit(type_in, lab, aoi, ren, enrol, sitting):
    mio = enrol("mio@example.com", name="Mio")
    StudentClass.objects.filter(student=mio).update(student_number="2603")
    answer = type_in(A1="aoi", A2="REN@example.com", B1="２６０３", B2="")
    assert answer.status_code == 302
    assert sitting(lab) == {"A1": "Aoi", "A2": "Ren", "B1": "Mio"}
    assert AuditLog.objects.get(action="seats_assign").details == {"room": lab.pk, "seats": 3}


def test_moving_and_freeing(type_in, lab, aoi, ren, sit, sitting):
    sit(lab, A1=aoi, A2=ren)
    type_in(was={"A1": aoi, "A2": ren}, A1="Aoi", A2="", A3="Aoi")
    assert sitting(lab) == {"A3": "Aoi"}


def test_what_another_instructor_did_meanwhile_stays(type_in, lab, aoi, ren, sit, sitting):
    """The page showed A1 as free; since then Aoi was placed there."""
    sit(lab, A1=aoi)
    type_in(A1="", A2="Ren")
    assert sitting(lab) == {"A1": "Aoi", "A2": "Ren"}


def test_namesakes_are_told_apart(page, type_in, lab, enrol, sitting):
    for number in (1, 2):
        student = enrol(f"hana{number}@example.com", name="佐藤 花")
        StudentClass.objects.filter(student=student).update(student_number=f"260{number}")
    assert '<option value="佐藤 花 (2602)"' in page(f"rooms/{lab.pk}/people/")
    answer = type_in(A1="佐藤花")
    assert answer.status_code == 422
    assert (
        "2 students are “佐藤花”: write the student number or address (2601, 2602) as well." in answer.content.decode()
    )
    assert sitting(lab) == {}
    type_in(A1="佐藤 花 (2602)", A2="2601")
    assert {row.seat.label: row.enrolment.student_number for row in lab.assignments.all()} == {
        "A1": "2602",
        "A2": "2601",
    }


def test_nothing_is_saved_with_a_problem_and_nothing_is_lost(type_in, lab, aoi, ren, sitting):
    answer = type_in(A1="Aoi", A2="Nobody", B1="aoi@example.com", B2="Ren")
    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Nobody in this class is called “Nobody”." in shown
    assert "They are also on seat A1." in shown
    assert all(f'value="{typed}"' in shown for typed in ("Aoi", "Nobody", "aoi@example.com", "Ren"))
    assert sitting(lab) == {}


def test_swap(send, lab, aoi, ren, sit, sitting):
    sit(lab, A1=aoi, B3=ren)
    send(f"{lab.pk}/people/", act="swap", first="a1", second="Ｂ３")
    assert sitting(lab) == {"A1": "Ren", "B3": "Aoi"}
    send(f"{lab.pk}/people/", act="swap", first="A1", second="A2")
    assert sitting(lab) == {"A2": "Ren", "B3": "Aoi"}
    answer = send(f"{lab.pk}/people/", act="swap", first="A2", second="Z9")
    assert answer.status_code == 422
    assert "There is no seat “Z9” in this room." in answer.content.decode()


def test_everybody(send, lab, enrol, sit, sitting):
    for name, reading, number in (("鈴木", "すずき", "3"), ("青木", "あおき", "2"), ("佐藤", "さとう", "1")):
        student = enrol(f"s{number}@example.com", name=name)
        row = StudentClass.objects.get(student=student)
        row.reading, row.student_number = reading, number
        row.save()
    send(f"{lab.pk}/people/", act="fill", order="reading")
    assert sitting(lab) == {"A1": "青木", "A2": "佐藤", "A3": "鈴木"}
    send(f"{lab.pk}/people/", act="fill", order="number")
    assert sitting(lab) == {"A1": "青木", "A2": "佐藤", "A3": "鈴木"}  # who sits stays
    send(f"{lab.pk}/people/", act="fill", order="number", anew="on")
    assert sitting(lab) == {"A1": "佐藤", "A2": "青木", "A3": "鈴木"}
    send(f"{lab.pk}/people/", act="fill", order="random", anew="on")
    assert sorted(sitting(lab).values()) == sorted(["佐藤", "青木", "鈴木"])
    send(f"{lab.pk}/people/", act="free")
    assert sitting(lab) == {}
    assert send(f"{lab.pk}/people/", act="fill", order="height").status_code == 400
    assert send(f"{lab.pk}/people/", act="dance").status_code == 400


def test_dragging(send, lab, ids, aoi, ren, stranger, sit, sitting):
    sit(lab, A1=aoi, A2=ren)
    place = f"{lab.pk}/people/"
    assert send(place, quietly=True, act="place", student=aoi.pk, seat=ids["A2"]).json() == {}
    assert sitting(lab) == {"A1": "Ren", "A2": "Aoi"}  # they swap
    send(place, quietly=True, act="place", student=ren.pk)
    assert sitting(lab) == {"A2": "Aoi"}
    send(place, quietly=True, act="place", student=ren.pk, seat=ids["A2"])  # from the list: Aoi has no seat then
    assert sitting(lab) == {"A2": "Ren"}
    for refused in (
        {"student": stranger.pk, "seat": ids["A1"]},
        {"student": aoi.pk, "seat": 999_999},
        {"seat": ids["A1"]},
    ):
        assert send(place, quietly=True, act="place", **refused).status_code == 404
    assert sitting(lab) == {"A2": "Ren"}


def test_it_costs_the_same_for_many(page, lab, enrol, django_assert_max_num_queries):
    for number in range(30):
        enrol(f"s{number}@example.com", name=f"S{number}")
    with django_assert_max_num_queries(8):
        page(f"rooms/{lab.pk}/people/")
