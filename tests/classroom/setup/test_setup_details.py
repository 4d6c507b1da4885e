"""A new class without the admin site, and changing what it is called."""

import re
from datetime import UTC, datetime

import pytest

from instructors.models import AuditLog, Instructor
from lms.models import Class, ClassStaff

NEW = {"name": "Python 入門", "class_code": "2026-A", "description": "", "start_date": "", "end_date": ""}


def actions() -> list[str]:
    return list(AuditLog.objects.order_by("pk").values_list("action", flat=True))


@pytest.fixture
def setup(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/"


def test_whoever_makes_a_class_teaches_it(signed_in, hanako):
    client = signed_in(hanako)
    assert "/classes/new/" in client.get("/").content.decode()
    answer = client.post("/classes/new/", {**NEW, "start_date": "2026-04-01", "end_date": "2026-07-31"})
    made = Class.objects.get(class_code="2026-A")
    assert answer.headers["Location"] == f"/classes/{made.pk}/setup/"
    assert (made.instructor, made.description, made.is_active) == (hanako, None, True)
    assert made.start_date == datetime(2026, 3, 31, 15, tzinfo=UTC)  # midnight in Tokyo
    assert made.end_date == datetime(2026, 7, 31, 14, 59, 59, tzinfo=UTC)
    assert actions() == ["class_create"]
    assert client.get(answer.headers["Location"]).status_code == 200


def test_a_free_code_is_suggested(signed_in, hanako):
    page = signed_in(hanako).get("/classes/new/").content.decode()
    assert re.search(r'name="class_code" value="\d{4}-[A-Z2-9]{4}"', page)


def test_a_taken_code_is_said_another_offered_and_nothing_is_lost(signed_in, hanako, python_class):
    Class.objects.create(class_code="PY-2", name="More")
    page = signed_in(hanako).post("/classes/new/", {**NEW, "class_code": "PY", "name": "Mine & yours"})
    assert "Another class has this code. “PY-3” is free." in page.content.decode()
    assert "Mine &amp; yours" in page.content.decode()
    assert Class.objects.count() == 2
    assert actions() == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "  "}, "This field is required"),
        ({"name": "x" * 256}, "at most 255"),
        ({"class_code": "x" * 101}, "at most 100"),
        ({"name": "a\0b"}, "Null characters"),
        ({"start_date": "2026-05-02", "end_date": "2026-05-01"}, "The last day is before the first."),
        ({"start_date": "tomorrow"}, "Enter a valid date"),
    ],
)
def test_what_cannot_be_is_refused_with_words(signed_in, hanako, fields, words):
    page = signed_in(hanako).post("/classes/new/", {**NEW, **fields})
    assert words in page.content.decode()
    assert not Class.objects.exists()


@pytest.mark.parametrize(
    ("day", "question"),
    [
        ("0001-01-01", "Is 1 the right year? Did you mean 2001?"),
        ("0026-04-01", "Is 26 the right year? Did you mean 2026?"),
        ("9999-12-31", "Is 9999 the right year? It must be between 1970 and 2200."),
    ],
)
@pytest.mark.parametrize("field", ["start_date", "end_date"])
def test_a_year_that_nobody_can_mean_is_asked_about(signed_in, hanako, field, day, question):
    page = signed_in(hanako).post("/classes/new/", {**NEW, field: day}).content.decode()
    assert question in page
    assert f'value="{day}"' in page
    assert not Class.objects.exists()


def test_an_account_made_to_assist_makes_no_class(signed_in, db):
    helper = Instructor.objects.create_user("h@example.com", "correct horse", role="assistant")
    client = signed_in(helper)
    assert "/classes/new/" not in client.get("/").content.decode()
    assert client.get("/classes/new/").status_code == 403
    assert client.post("/classes/new/", NEW).status_code == 403


def test_only_what_differs_is_written_and_told(signed_in, hanako, python_class, setup):
    moment = datetime(2026, 4, 1, 1, 30, tzinfo=UTC)
    Class.objects.update(start_date=moment)
    sent = {**NEW, "name": "Python II", "class_code": "PY", "start_date": "2026-04-01"}
    assert signed_in(hanako).post(setup, sent).status_code == 302
    python_class.refresh_from_db()
    assert (python_class.name, python_class.start_date) == ("Python II", moment)
    assert AuditLog.objects.get().details == {"fields": ["name"]}
    signed_in(hanako).post(setup, sent)
    assert AuditLog.objects.count() == 1


def test_a_code_that_is_taken_leaves_the_class_as_it_was(signed_in, hanako, python_class, setup):
    Class.objects.create(class_code="RS", name="Rust")
    page = signed_in(hanako).post(setup, {**NEW, "class_code": "RS"}).content.decode()
    assert "“RS-2” is free" in page
    python_class.refresh_from_db()
    assert python_class.class_code == "PY"


def test_a_class_ends_and_goes_on(signed_in, hanako, python_class, setup):
    client = signed_in(hanako)
    client.post(f"{setup}active/", {"active": "0"})
    python_class.refresh_from_db()
    assert not python_class.is_active
    assert "Take the class up again" in client.get(setup).content.decode()
    client.post(f"{setup}active/", {"active": "1"})
    python_class.refresh_from_db()
    assert python_class.is_active
    assert actions() == ["class_update", "class_update"]


PAGES = ["", "connection/", "connection/state/", "students/", "students/import/", "students/list.csv", "people/"]
POSTS = ["active/", "connection/keys/", "students/import/", "people/invite/", "people/hand-over/"]


@pytest.mark.parametrize(("method", "path"), [*(("get", path) for path in PAGES), *(("post", path) for path in POSTS)])
def test_assistants_set_nothing_up_and_strangers_see_nothing(signed_in, taro, python_class, setup, method, path):
    client = signed_in(taro)
    assert getattr(client, method)(setup + path).status_code == 404
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    assert getattr(client, method)(setup + path).status_code == 403
    assert "setup/" not in client.get(f"/classes/{python_class.pk}/").content.decode()
    ClassStaff.objects.update(role="instructor")
    assert getattr(client, method)(setup + path).status_code in (200, 302)


@pytest.mark.parametrize("path", POSTS[:2])
def test_changes_need_a_post_and_its_token(hanako, signed_in, setup, path):
    client = signed_in(hanako)
    assert client.get(setup + path).status_code == 405
    client.handler.enforce_csrf_checks = True
    assert client.post(setup + path).status_code == 403


def test_the_pages_need_a_login(client, setup):
    assert client.get(setup).headers["Location"].startswith("/login/?next=/classes/")


def test_how_readily_the_attention_list_lists_is_a_choice_of_the_class(signed_in, hanako, python_class):
    path, values = f"/classes/{python_class.pk}/setup/", {**NEW, "class_code": "PY"}
    signed_in(hanako).post(path, {**values, "attention_list": "quieter"})
    python_class.refresh_from_db()
    assert python_class.attention_list == "quieter"
    assert b'<option value="quieter" selected>' in signed_in(hanako).get(path).content
    signed_in(hanako).post(path, values)
    signed_in(hanako).post(path, {**values, "attention_list": "shouting"})
    python_class.refresh_from_db()
    assert python_class.attention_list == "quieter", "left out, or unknown: as it was"
