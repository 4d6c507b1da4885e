"""A room with seats in two real browsers: who sits there changes without a reload, and help says the seat."""

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import log_in_live, make_account, post, wait_until_live

EMAIL = "seats@example.com"
SEED = """
import json
from datetime import UTC, datetime
from instructors.models import Instructor
from lms import rooms
from lms.class_keys import create_key
from lms.models import Class
from lms.seat_grid import Grid
teacher = Instructor.objects.get(email="seats@example.com")
lesson = Class.objects.create(class_code="SEATS", name="Seats", instructor=teacher)
_, key = create_key(lesson)
room = rooms.make_room(lesson.pk, name="Room 2", seats=Grid(rows=2, columns=3).seats(), now=datetime.now(UTC))
print(json.dumps({"class": lesson.pk, "room": room.pk, "key": key}))
"""


@pytest.fixture(scope="module")
def school(live_system) -> dict:
    make_account(live_system, EMAIL)
    return json.loads(live_system.manage("shell", "--no-imports", "-v0", "-c", SEED).splitlines()[-1])


def seat(page: Page, label: str):
    return page.locator(f'.seat[data-label="{label}"]')


def unseated(page: Page, name: str):
    return page.locator("#unseated-list .member", has_text=name)


def drag(page: Page, source, target, *, saved: str) -> None:
    source.hover(force=True)
    page.mouse.down()
    end = target.bounding_box()
    page.mouse.move(end["x"] + 5, end["y"] + 5, steps=3)
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + end["height"] / 2, steps=3)
    with page.expect_response(lambda answer: saved in answer.url and answer.request.method == "POST") as answered:
        page.mouse.up()
    assert answered.value.ok


def test_people_on_seats(live_system, school, page: Page, browser: Browser):
    for number, name in ((1, "Mio"), (2, "Ren")):
        who = {"emailAddress": f"{name.lower()}@example.com", "userName": name, "sessionId": f"s{number}"}
        post(live_system, key=school["key"], **who)
    room = f"{live_system.url}/classes/{school['class']}/room/"
    log_in_live(page, room, email=EMAIL)
    expect(unseated(page, "Mio")).to_have_count(1)
    context = browser.new_context(locale="en-US")
    other = context.new_page()
    log_in_live(other, room, email=EMAIL)
    for screen in (page, other):
        screen.evaluate("window.loadedOnce = true")

    place = f"/room/rooms/{school['room']}/people/"
    drag(page, unseated(page, "Mio"), seat(page, "A2").locator(".seat-box"), saved=place)
    for screen in (page, other):
        expect(seat(screen, "A2")).to_have_attribute("data-name", "Mio")
        expect(unseated(screen, "Mio")).to_have_count(0)
    drag(page, unseated(page, "Ren"), seat(page, "B3").locator(".seat-box"), saved=place)
    expect(seat(page, "B3")).to_have_attribute("data-name", "Ren")
    drag(page, seat(page, "B3").locator(".seat-box"), seat(page, "A2").locator(".seat-box"), saved=place)  # they swap
    for screen in (page, other):
        expect(seat(screen, "A2")).to_have_attribute("data-name", "Ren")
        expect(seat(screen, "B3")).to_have_attribute("data-name", "Mio")

    post(live_system, "help", key=school["key"], emailAddress="mio@example.com", userName="Mio", sessionId="s1")
    for screen in (page, other):
        expect(seat(screen, "B3")).to_have_attribute("data-status", "help")
        expect(seat(screen, "B3").locator("a")).to_have_attribute("aria-label", "Seat B3: Mio, Asking for help")
        assert screen.evaluate("window.loadedOnce")
    seat(page, "B3").locator("a").press("Enter")  # opens the drawer
    expect(page.locator("#drawer, dialog[open]").first).to_contain_text("Seat B3 · Room 2")

    other.goto(f"{live_system.url}/classes/{school['class']}/")
    wait_until_live(other)
    for place_of_help in ("[data-alert-cases]", "#cards [data-status='help']"):
        expect(other.locator(place_of_help).first).to_contain_text("Seat B3 · Room 2")
    page.keyboard.press("Escape")
    drag(page, seat(page, "B3").locator(".seat-box"), seat(page, "A1").locator(".seat-box"), saved=place)
    expect(other.locator("[data-alert-cases]").first).to_contain_text("Seat A1 · Room 2")
    expect(seat(page, "A1")).to_have_attribute("data-name", "Mio")
    drag(page, seat(page, "A1").locator(".seat-box"), page.locator("#unseated-heading"), saved=place)
    expect(unseated(page, "Mio")).to_have_attribute("data-status", "help")
    context.close()


def test_a_seat_moves_on_the_plan(live_system, school, page: Page):
    address = f"{live_system.url}/classes/{school['class']}/room/rooms/{school['room']}/"
    page.goto(address)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("correct horse 9")
    page.keyboard.press("Enter")
    expect(page.locator("#layout[data-draggable]")).to_have_count(1)  # the script is there
    moved = seat(page, "A1")
    expect(moved).to_have_attribute("x", "16.67%")
    with page.expect_response(lambda answer: answer.url.endswith("/seats/")) as saved:
        moved.locator("g").press("Shift+ArrowRight")
    assert saved.value.ok
    expect(page.locator("#announcements")).to_contain_text("Seat A1: 21 percent from the left, 25 percent from the top")
    page.reload()
    expect(seat(page, "A1")).to_have_attribute("x", "20.67%")
