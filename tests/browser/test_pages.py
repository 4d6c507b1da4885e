"""The pages in a real browser: landmarks, keyboard, narrow screens, strict content policy; no sockets here."""

import re

import pytest
from django.conf import settings as django_settings
from playwright.sync_api import expect

from instructors.models import Instructor
from lms.models import Class, Student, StudentClass
from tests.browser.axe_rules import problems
from tests.browser.visits import let_in


@pytest.fixture
def page(browser, live_server, client):
    hanako = Instructor.objects.create_user("hanako@example.com", "correct horse", name="Hanako")
    python_class = Class.objects.create(class_code="PY", name="Python 入門", instructor=hanako)
    for name in ("Aoi", "Ren"):
        student = Student.objects.create(email=f"{name}@example.com", name=name)
        StudentClass.objects.create(class_ref=python_class, student=student)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 390, "height": 800})
    let_in(context, live_server, client, hanako)
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.on("console", lambda said: page.complaints.append(said.text) if "Content Security" in said.text else None)
    page.url_of_server = live_server.url
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
    expect(page.locator(".card:visible")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"\?q=ren$"))
    page.reload()
    expect(page.locator(".card:visible")).to_have_count(1)


def test_a_chosen_theme_is_remembered(page):
    page.goto("/")
    page.locator("[popovertarget]").click()
    button = page.locator("[data-theme-switch]")
    button.click()
    button.click()
    page.reload()
    page.locator("[popovertarget]").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(button).to_have_text("Theme: dark")


def test_the_menu_closes_when_it_is_left(page):
    page.goto("/")
    menu, button = page.locator("#site-menu"), page.locator("[popovertarget]")
    button.click()
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    expect(menu).to_be_visible()
    page.mouse.click(20, 780)
    expect(menu).to_be_hidden()


@pytest.mark.parametrize("address", ["/nowhere/", "/display/"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_the_pages_of_errors_break_no_rule_and_lead_on(page, address, signed_in):
    if not signed_in:
        page.context.clear_cookies()
    page.goto(address)
    assert page.locator(".problem a.button").inner_text() == ("To my classes" if signed_in else "Log in")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert problems(page) == []


def test_the_figures_of_my_classes_stay_true_and_say_so_when_they_do_not(page):
    page.clock.install()
    page.goto("/")
    figure = page.locator(".class-tile .figures dd").first
    expect(figure).to_have_text("2")
    Student.objects.last().enrolments.all().delete()
    page.evaluate("window.same = true")
    page.clock.run_for(11_000)
    expect(figure).to_have_text("1")
    assert page.evaluate("window.same"), "no reload"
    page.context.set_offline(True)
    page.clock.run_for(45_000)
    page.wait_for_selector("#classes-old:not([hidden])")
    expect(page.locator("#classes-old")).to_contain_text("old")
    page.context.set_offline(False)
    page.context.clear_cookies()
    page.clock.run_for(11_000)
    expect(page.locator("#classes-old")).to_contain_text("Signed out")


def test_old_data_turns_grey_and_keeps_its_age_in_sight(page):
    """No socket answers on this server: the page says so, and after a while what it shows is marked as past."""
    page.clock.install()
    page.goto(page.class_address)
    page.clock.run_for(5_000)
    page.wait_for_selector('#freshness[data-state="reconnecting"]')
    assert not page.locator("#classroom[data-aged]").count()
    page.clock.run_for(40_000)
    page.wait_for_selector("#classroom[data-aged]")
    expect(page.locator("#freshness")).to_contain_text("old")
    expect(page.locator("#announcements")).to_contain_text("connection is lost")
    assert "grayscale" in page.locator(".live").evaluate("element => getComputedStyle(element).filter")


def test_walking_mode_has_targets_for_a_thumb(page):
    page.context.add_cookies(
        [{"name": django_settings.DISPLAY_COOKIE_NAME, "value": "walking", "url": page.url_of_server}]
    )
    page.goto(page.class_address)
    small = """[...document.querySelectorAll('a, button, select, summary, input:not([type=hidden])')]
        .filter(e => e.checkVisibility() && !e.matches('.skip-link') && e.getBoundingClientRect().height < 44)
        .map(e => e.outerHTML)"""
    assert page.evaluate(small) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("section", ["", "cells/", "assignments/", "environments/", "setup/", "setup/students/"])
def test_on_a_narrow_screen_the_section_one_is_in_can_be_seen(page, section):
    page.goto(page.class_address + section)
    assert page.locator(".tabs [aria-current]").count() == 1
    for current in page.locator(".tabs [aria-current], .setup-nav [aria-current]").all():
        expect(current).to_be_in_viewport(ratio=0.99)
