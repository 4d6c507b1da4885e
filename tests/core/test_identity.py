"""When two texts mean the same person, team, notebook or password: the forms, and every door of students."""

import unicodedata

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from core.identity import (
    EMAIL_LENGTH,
    MAX_NORMALISED,
    display_name,
    email_key,
    is_identity,
    label_key,
    notebook_path,
    number_form,
    password_form,
    password_spellings,
    visible,
)
from core.key_fields import UNREACHABLE
from lms import maps
from lms.access import with_email
from lms.models import Class, ClassroomMap, EnvironmentSnapshot, Notebook, Student, StudentClass, Team
from tests.lms.conftest import key_of
from tests.spellings import ADDRESS, APART, NFC, NFD, SAME

same = pytest.mark.parametrize("spelling", SAME.values(), ids=SAME)
apart = pytest.mark.parametrize("other", APART.values(), ids=APART)
BLANKS = ["", " ", "\u3000", "\u200b\u2060", "\u3164", "\u115f", "\uffa0", "\u2800", "\x00\x07", "\U000e0041"]


# --- The forms ------------------------------------------------------------------------------------------------------


@same
def test_spellings_of_one_address_have_one_key(spelling):
    assert email_key(spelling) == ADDRESS


def test_look_alikes_have_keys_of_their_own():
    assert len({email_key(each) for each in (ADDRESS, *APART.values())}) == 3


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("  山田@例え.JP ", "山田@例え.jp"),
        ("a  b@x", "a b@x"),
        ("ΟΔΥΣΣΕΥΣ@x", "οδυσσευσ@x"),
        ("οδυσσευς@x", "οδυσσευσ@x"),
        ("\u0130@x", "i\u0307@x"),  # neither i nor ı
        ("x\ud800@y", "x@y"),
        ("a。b", "a。b"),  # no domain, so a sentence
    ],
)
def test_key_of_an_address(text, key):
    assert email_key(text) == key


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_forms_do_not_change_what_they_made(text):
    for form in (email_key, label_key, notebook_path, password_form):
        assert form(form(text)) == form(text)


@given(st.text(alphabet=st.characters(max_codepoint=0x7F)))
def test_ascii_goes_the_short_way_to_the_same_key(text):
    assert email_key(text) == email_key(f"{text}\u200b")


def test_nothing_typed_can_reach_a_row_that_waits_for_an_operator():
    assert email_key(f"{UNREACHABLE}5") != f"{UNREACHABLE}5"


@pytest.mark.parametrize("text", BLANKS, ids=ascii)
def test_what_shows_nothing_is_nothing(text):
    assert visible(text) is None
    assert email_key(text) == label_key(text) == ""
    assert not is_identity(text)
    assert display_name(text, "hana@example.com") == "hana"


def test_a_name_is_shown_as_typed():
    assert visible(" \u200bＨａｎａ ") == "\u200bＨａｎａ"
    assert visible(None) is None
    assert display_name(None, "hana＠example.com") == "hana"
    assert display_name(None, "\u200b@example.com") == "\u200b@example.com"


@pytest.mark.parametrize("control", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ids=ascii)
def test_a_shown_name_does_not_turn_what_follows_around(control):
    assert display_name(f"Hana{control} 山田", "hana@example.com") == "Hana 山田"
    assert display_name(None, f"ha{control}na@example.com") == "hana"
    assert display_name("עדי", "adi@example.com") == "עדי"


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("a" * EMAIL_LENGTH, True),
        ("a" * (EMAIL_LENGTH + 1), False),
        ("\u3231" * 106, True),  # ㈱ is three characters in its form
        ("\u3231" * 107, False),
    ],
)
def test_an_address_is_as_long_as_its_key(address, is_one):
    assert is_identity(address) is is_one


def test_what_nobody_types_is_not_normalised():
    """With marks enough, normalising takes the square of the length: a megabyte of them would take days."""
    marks = "a" + "\u0301" * 500_000 + "\u0316" * 500_000
    assert email_key(marks) == ""
    assert notebook_path(marks) == password_form(marks) == marks
    assert len(label_key(marks)) < MAX_NORMALISED


def test_teams_of_three_keyboards_are_one():
    assert {label_key(name) for name in ("チームA", "チーム\uff21", "\uff81\uff70\uff91A", " チームa")} == {"チームa"}
    assert label_key("チームB") != label_key("チームA")


def test_password_is_one_whatever_keyboard():
    assert password_form(NFD) == password_form(NFC) == NFC
    assert password_form("１２３") == "123"
    assert password_spellings("plain") == ["plain"]
    assert password_spellings(NFC) == [NFC, NFD]


# --- The doors of students ------------------------------------------------------------------------------------------


@pytest.fixture
def kissa(cast) -> Student:
    student = Student.objects.create(email=ADDRESS, name="Kissa")
    StudentClass.objects.create(student=student, class_ref=cast.python)
    return student


@same
def test_lookups_find_the_student(cast, api, kissa, spelling):
    assert with_email(Student.objects.all(), spelling).get() == kissa
    key = key_of(cast.python, "python-key")
    assert [row["id"] for row in api("GET", f"/students?email={spelling}", user=cast.sato).json()] == [kissa.pk]
    assert api("GET", f"/me?email={spelling}", key=key).json()["student_id"] == kissa.pk
    reported = {"environment": {"python_version": "3.11"}, "student_email": spelling}
    assert api("POST", "/environment/snapshot", reported, key=key).status_code == 201
    assert EnvironmentSnapshot.objects.get().student == kissa


@apart
def test_a_look_alike_is_somebody_else(cast, api, kissa, other):
    assert not with_email(Student.objects.all(), other).exists()
    assert api("GET", f"/students?email={other}", user=cast.sato).json() == []
    assert api("GET", f"/me?email={other}", key=key_of(cast.python, "python-key")).status_code == 404


def test_an_address_that_shows_nothing_is_none(cast, api):
    key = key_of(cast.python, "python-key")
    reported = {"environment": {"python_version": "3.11"}, "student_email": "\u200b"}
    assert api("POST", "/environment/snapshot", reported, key=key).status_code == 201
    assert EnvironmentSnapshot.objects.get().student is None
    reported["student_email"] = "\u3231" * 200
    refused = api("POST", "/environment/snapshot", reported, key=key)
    assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "student_email"])


def test_rows_have_their_key_whatever_writes_them(db):
    Student.objects.bulk_create([Student(email="Ａ@x"), Student(email="B@x")])
    one = Student.objects.get(email_key="a@x")
    one.email = "C@x"
    one.save(update_fields=["email"])
    assert Student.objects.get(email_key="c@x") == one
    Student.objects.filter(pk=one.pk).update(email="Ｄ@x")
    assert Student.objects.get(email_key="d@x") == one
    one.email = "E@x"
    Student.objects.bulk_update([one], ["email"])
    assert Student.objects.get(email_key="e@x") == one
    assert Team.objects.get_or_create(team_name="チーム\uff21")[0].team_key == "チームa"


def test_a_typed_address_that_is_taken_or_none_is_refused_in_words(db):
    Student.objects.create(email=ADDRESS)
    for typed, words in (
        ("ＫISSA@example.com", "There is already a student"),
        ("\u200b", "visible"),
        ("\u3231" * 200, "long"),
    ):
        with pytest.raises(ValidationError, match=words) as refused:
            Student(email=typed).full_clean()
        assert list(refused.value.message_dict) == ["email"]
    Team.objects.create(team_name="チームA")
    with pytest.raises(ValidationError, match="There is already a team"):
        Team(team_name="\uff81\uff70\uff91A").full_clean()


def test_notebooks_of_two_systems_are_one(cast, api):
    paths = ("w1/\u304c.ipynb", "w1/\u304b\u3099.ipynb")
    made = api("POST", "/notebooks", {"path": paths[1]}, user=cast.sato)
    assert made.json()["path"] == paths[0]
    assert made.json()["name"] == paths[0][3:]
    for path in paths:
        assert [row["id"] for row in api("GET", f"/notebooks?path={path}", user=cast.sato).json()] == [
            made.json()["id"]
        ]
        assert api("POST", "/notebooks", {"path": path}, user=cast.sato).status_code == 400
        assert Notebook.objects.get_or_create(path=path)[0].pk == made.json()["id"]
    body = {
        "notebook_path": paths[1],
        "notebook_content": {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5},
    }
    kept = api("POST", "/notebook-version/snapshot", body, user=cast.sato)
    assert kept.status_code == 201, kept.content
    assert [each.path for each in Notebook.objects.exclude(pk=cast.notebook.pk)] == [paths[0]]
    place = {"environment": {"python_version": "3.11"}, "notebook_path": paths[1]}
    api("POST", "/environment/snapshot", place, user=cast.sato)
    assert EnvironmentSnapshot.objects.get().notebook_path == paths[0]


def test_a_title_that_shows_nothing_is_refused(cast, api):
    refused = api("PUT", f"/assignments/{cast.loops.pk}", {"title": "\u3164"}, user=cast.sato)
    assert refused.status_code == 422
    with pytest.raises(ValidationError):
        Class(name="\u3164", class_code="X").clean()


def test_a_team_has_one_place_on_a_map(db):
    hung, now = ClassroomMap.objects.create(), "2026-05-01T12:00Z"
    first = maps.place_teams(hung, {"\uff81\uff70\uff91A": maps.Point(1, 1)}, by=None, now=now)
    assert list(first) == ["\uff81\uff70\uff91A"]
    Team.objects.create(team_name="チームA")  # by now somebody of it was seen
    assert list(maps.place_teams(hung, {"チーム\uff21": maps.Point(2, 2)}, by=None, now=now)) == ["チームA"]
    assert maps.points_on(hung) == {"チームA": maps.Point(2, 2)}
    assert maps.unplace_teams(hung, ["チームａ"]) == 1


def test_students_are_listed_by_their_team_however_it_is_spelt(cast, api):
    Student.objects.filter(pk=cast.hanako.pk).update(team=Team.objects.create(team_name="チームA"))
    found = api("GET", "/students?team=\uff81\uff70\uff91\uff21", user=cast.sato).json()
    assert [(row["id"], row["team"]) for row in found] == [(cast.hanako.pk, "チームA")]


@pytest.mark.parametrize(
    ("typed", "form"),
    [
        ("１２．５", "12.5"),
        ("－８，５", "-8,5"),
        ("٨٫٥", "8٫5"),
        ("\ufeff8.5\u200b", "8.5"),
        ("\u00a08\u3000", "8"),
        ("8\u28005\t", "8 5"),
        ("２０２６／６／１　９：００", "2026/6/1 9:00"),
        ("\u200b", ""),
        *((text, text) for text in ("8²", "½", "⑧", "Ⅷ", "八", "1⁄2", "…")),
    ],
    ids=ascii,
)
def test_the_form_of_a_number_says_what_was_typed(typed, form):
    assert number_form(typed) == form


def test_nfc_of_a_path_is_what_other_systems_write():
    assert notebook_path("w1/\u304b\u3099.ipynb") == unicodedata.normalize("NFC", "w1/\u304b\u3099.ipynb")
