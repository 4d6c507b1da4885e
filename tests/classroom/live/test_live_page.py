"""The live page of a class, and the fragments it fetches again."""

import re
from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings

from events.models import HelpRequest
from lms.class_codes import make_code
from lms.models import ClassKey, ClassStaff, Student, StudentClass

CARD = re.compile(r'data-student="(\d+)"')


@pytest.fixture
def page(signed_in, hanako, python_class):
    client = signed_in(hanako)

    def fetch(rest: str = "") -> str:
        return client.get(f"/classes/{python_class.pk}/{rest}").content.decode()

    return fetch


def test_who_asks_for_help_comes_first(page, ren, aoi):
    now = datetime.now(UTC)
    HelpRequest.objects.create(student=aoi, asked_at=now, last_asked_at=now, last_heard_at=now)
    html = page()
    assert CARD.findall(html) == [str(aoi.pk), str(ren.pk)]
    assert f'data-help-for="{aoi.pk}"' in html
    assert f'data-help-for="{ren.pk}"' not in html


def test_a_card_says_its_status_in_words_and_shape(page, ren, flag):
    flag(ren, 4)
    html = page()
    assert 'data-status="significant_error"' in html
    assert 'href="#status-significant_error"' in html
    assert '<span data-field="status">Repeated errors</span>' in html
    assert '<b data-field="consecutive">4</b>' in html


def test_on_a_projector_students_stand_in_the_order_of_their_numbers(signed_in, hanako, python_class, enrol):
    made = [enrol(f"s{number}@example.com", pk=number).pk for number in (9_998, 9_999, 10_000, 10_001)]
    client = signed_in(hanako)
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    html = client.get(f"/classes/{python_class.pk}/").content.decode()
    assert CARD.findall(html) == [str(pk) for pk in made]
    assert f'data-reading="{made[0]:010}"' in html, "and the script sorts them so"


def test_names_are_text_never_markup(page, enrol):
    enrol("x@example.com", name="<script>alert(1)</script>")
    assert "<script>alert" not in page()


def test_the_fragment_is_the_same_markup(page, ren, aoi):
    cards = re.compile(r"<ul class=\"cards\".*?</ul>", re.S)
    times = re.compile(r"<time.*?</time>", re.S)
    first, again = (times.sub("", cards.search(page(path)).group()) for path in ("", "cards/"))
    assert first == again


def test_one_card_can_be_asked_for(page, ren, aoi):
    assert CARD.findall(page(f"cards/?student={ren.pk}")) == [str(ren.pk)]


@pytest.mark.parametrize("asked", ["", "abc", "-1", "9" * 30])
def test_a_card_that_is_nobodys_is_empty(page, ren, asked):
    assert CARD.findall(page(f"cards/?student={asked}")) == []


def test_a_student_of_no_class_is_not_shown(page, stranger):
    assert CARD.findall(page(f"cards/?student={stranger.pk}")) == []


def test_the_filter_in_the_address_hides_the_others(page, ren, aoi):
    html = page("?q=REN&status=active")
    hidden = re.search(rf'id="student-{aoi.pk}".*?>', html, re.S).group()
    kept = re.search(rf'id="student-{ren.pk}".*?>', html, re.S).group()
    assert "hidden" in hidden
    assert "hidden" not in kept
    assert 'value="REN"' in html


def test_another_instructors_class_does_not_exist(signed_in, taro, python_class):
    assert signed_in(taro).get(f"/classes/{python_class.pk}/").status_code == 404
    assert signed_in(taro).get(f"/classes/{python_class.pk}/cards/").status_code == 404


def test_the_anonymous_are_sent_to_the_login(client, python_class):
    for path in ("", "cards/", "students/1/"):
        answer = client.get(f"/classes/{python_class.pk}/{path}")
        assert answer.headers["Location"].startswith("/login/")


def test_nothing_of_the_page_is_inline(page, ren):
    html = page()
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)
    assert all("src=" in tag or "application/json" in tag for tag in re.findall(r"<script[^>]*>", html))


@pytest.mark.parametrize("path", ["", "cards/"])
def test_two_hundred_students_cost_at_most_twelve_queries(
    signed_in, hanako, python_class, django_assert_max_num_queries, path
):
    now = datetime.now(UTC)
    students = Student.objects.bulk_create(
        [Student(email=f"s{number}@example.com", last_activity_at=now) for number in range(200)]
    )
    StudentClass.objects.bulk_create(
        [
            StudentClass(student=student, class_ref=python_class, name=student.name, team=student.team)
            for student in students
        ]
    )
    client = signed_in(hanako)
    with django_assert_max_num_queries(12):
        html = client.get(f"/classes/{python_class.pk}/{path}").content.decode()
    assert len(CARD.findall(html)) == 200


def test_a_class_that_nothing_can_post_to_says_so_and_leads_to_its_keys(signed_in, hanako, python_class):
    client, address = signed_in(hanako), f"/classes/{python_class.pk}/"
    page = client.get(address).content.decode()
    assert "Not connected yet" in page
    assert f'href="{address}setup/connection/"' in page
    ClassKey.objects.create(class_ref=python_class, key_hash=ClassKey.hash("key"), hint="key")
    assert "Not connected yet" not in client.get(address).content.decode()
    ClassKey.objects.update(revoked_at=datetime.now(UTC))
    assert "Not connected yet" in client.get(address).content.decode()
    make_code(python_class, by=hanako, now=datetime.now(UTC))
    assert "Not connected yet" not in client.get(address).content.decode()


def test_an_assistant_is_told_whom_to_ask(signed_in, taro, python_class):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    page = signed_in(taro).get(f"/classes/{python_class.pk}/").content.decode()
    assert "Whoever set it up has to make a key" in page
    assert "setup/connection/" not in page


def test_everybody_needs_no_key(signed_in, kaoru):
    assert "Not connected yet" not in signed_in(kaoru).get("/everybody/").content.decode()
