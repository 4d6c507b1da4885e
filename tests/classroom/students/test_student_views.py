"""Who looked at which student is told to the audit log: once for a page, however long it stays open."""

import re

import pytest

from instructors.models import AuditLog

FRAGMENT = {"X-Requested-With": "fragment"}
VIEW = re.compile(r'data-view="([^"]+)"')


@pytest.fixture
def open_page(signed_in, hanako, python_class, ren):
    client = signed_in(hanako)
    address = f"/classes/{python_class.pk}/students/{ren.pk}/"
    return lambda query="", **headers: client.get(address + query, headers=headers).content.decode()


def views() -> int:
    return AuditLog.objects.filter(action="student_view").count()


def test_a_page_is_one_view(open_page, hanako, ren, python_class):
    open_page()
    entry = AuditLog.objects.get(action="student_view")
    assert (entry.actor_email, entry.target_type, entry.target_id) == (hanako.email, "student", ren.email)
    assert entry.details == {"class": python_class.pk, "part": "runs"}


def test_the_drawer_is_a_view_too(open_page):
    open_page(**FRAGMENT)
    assert views() == 1


def test_what_an_open_page_fetches_again_is_the_same_view(open_page):
    view = VIEW.search(open_page()).group(1)
    open_page(f"?after=0&view={view}", **FRAGMENT)
    open_page(f"?after=0&view={view}", **FRAGMENT)
    assert views() == 1


@pytest.mark.parametrize("view", ["", "made up", "1/1/1:abc:def"])
def test_nobody_reads_unseen_by_saying_that_they_refresh(open_page, view):
    open_page(f"?after=0&view={view}", **FRAGMENT)
    assert views() == 1


def test_the_view_of_one_student_does_not_open_another(open_page, signed_in, hanako, python_class, aoi):
    view = VIEW.search(open_page()).group(1)
    signed_in(hanako).get(f"/classes/{python_class.pk}/students/{aoi.pk}/?view={view}", headers=FRAGMENT)
    assert views() == 2


def test_a_refused_page_is_no_view(signed_in, taro, python_class, ren):
    signed_in(taro).get(f"/classes/{python_class.pk}/students/{ren.pk}/")
    assert views() == 0


def test_a_page_that_outlives_its_view_gets_a_new_one(open_page):
    """Else each of its refreshes would be a view."""
    view = VIEW.search(open_page("?after=0&view=expired", **FRAGMENT)).group(1)
    open_page(f"?after=0&view={view}", **FRAGMENT)
    assert views() == 1
