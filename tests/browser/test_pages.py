"""The pages in a real browser: landmarks, keyboard, narrow screens, strict content policy; no sockets here."""

import os

import pytest

from instructors.models import Instructor
from lms.models import Class, Student, StudentClass


@pytest.fixture(autouse=True, scope="module")
def _orm_beside_the_driver():
    """The browser's driver keeps an event loop in this thread; Django would refuse the ORM beside it."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(browser, live_server, client):
    hanako = Instructor.objects.create_user("hanako@example.com", "correct horse", name="Hanako")
    python_class = Class.objects.create(class_code="PY", name="Python 入門", instructor=hanako)
    for name in ("Aoi", "Ren"):
        student = Student.objects.create(email=f"{name}@example.com", name=name)
        StudentClass.objects.create(class_ref=python_class, student=student)
    client.force_login(hanako)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 800})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text) if "Content Security" in said.text else None)
    page.class_address = f"/classes/{python_class.pk}/"
    page.student_address = f"{page.class_address}students/{student.pk}/"
    yield page
    context.close()


@pytest.mark.parametrize("which", ["/", "class", "student"])
def test_every_page_is_built_for_everybody(page, which):
    page.goto({"class": page.class_address, "student": page.student_address}.get(which, which))
    assert page.locator("main").count() == page.locator("h1").count() == 1
    assert page.get_attribute("html", "lang") == "en"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.hash") == "#main"
    small = """[...document.querySelectorAll('main a, button, select, input:not([type=hidden])')]
        .filter(e => e.offsetParent && e.getBoundingClientRect().height < 24).map(e => e.outerHTML)"""
    assert page.evaluate(small) == []
    assert page.complaints == []


def test_the_filter_is_kept_in_the_address_and_survives_a_reload(page):
    page.goto(page.class_address)
    page.fill("[name=q]", "ren")
    assert page.locator(".card:visible").count() == 1
    assert page.url.endswith("?q=ren")
    page.reload()
    assert page.locator(".card:visible").count() == 1


def test_a_chosen_theme_is_remembered(page):
    page.goto("/")
    button = page.locator("[data-theme-switch]")
    button.click()
    button.click()
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
    assert button.inner_text() == "Theme: dark"
