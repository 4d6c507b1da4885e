"""How much of a class is in sight on the live page, and what the drawer does about a student."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import PASSWORD, log_in_live, post, wait_until_live

SEED = """
import json
from django.utils import timezone
from instructors.models import Instructor
from lms.class_keys import create_key
from lms.models import Class, Room, Seat, SeatAssignment, Student, StudentActivity, StudentClass
teacher = Instructor.objects.create_user("layout@example.com", "{password}", name="Teacher")
made = []
for size in (40, 200):
    lesson = Class.objects.create(class_code=f"L{{size}}", name=f"Class of {{size}}", instructor=teacher)
    create_key(lesson)
    now = timezone.now()
    room = Room.objects.create(class_ref=lesson, name="PC 2")
    for number in range(size):
        state = dict(last_activity_at=now, last_run_at=now, execution_count=100 + number, error_count=12)
        name = f"高橋 美咲 {{number // 2 if number < 6 else number}}"  # some share a name
        student = Student.objects.create(email=f"l{{size}}-{{number}}@example.com", name=name, **state)
        there = StudentClass.objects.create(
            student=student, class_ref=lesson, name=name, student_number=f"2026A1{{number:03}}"
        )
        if number < 6:
            seat = Seat.objects.create(room=room, label=f"B{{number}}", position_x=10 + number, position_y=10)
            SeatAssignment.objects.create(room=room, seat=seat, enrolment=there)
        StudentActivity.objects.create(student=student, class_id=lesson.pk, **state)
    made.append(lesson.pk)
print(json.dumps(made))
"""
IN_SIGHT = """() => [...document.querySelectorAll("#cards > .card")].filter((card) => {
  const box = card.getBoundingClientRect();
  return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth;
}).length"""

# All at one moment: what is above them may still change.
TOPS = """() => [...document.querySelectorAll("#cards > .card")].map((card) => card.getBoundingClientRect().top)"""

# What moved without anybody's doing, and how much of the window it took (https://web.dev/articles/cls).
SHIFTS = """() => new Promise((done) => {
  const found = [];
  const note = (list) => {
    for (const { value, sources, hadRecentInput } of list.getEntries()) {
      if (!hadRecentInput) found.push({ value, moved: sources.map(({ node }) => node?.cloneNode().outerHTML) });
    }
  };
  new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(found))));
})"""


@pytest.fixture(scope="module")
def classes(live_system) -> dict[int, int]:
    said = live_system.manage("shell", "-v", "0", "-c", SEED.format(password=PASSWORD))
    return dict(zip((40, 200), json.loads(said.splitlines()[-1]), strict=True))


def open_class(page: Page, live_system, class_id: int, width: int, height: int) -> Page:
    page.set_viewport_size({"width": width, "height": height})
    log_in_live(page, f"{live_system.url}/classes/{class_id}/", email="layout@example.com")
    return page


@pytest.mark.parametrize(
    ("size", "width", "height", "least"),
    [(40, 1440, 900, 40), (40, 1024, 768, 16), (200, 1440, 900, 190)],
)
def test_so_many_cards_are_in_sight(live_system, classes, page: Page, size, width, height, least):
    open_class(page, live_system, classes[size], width, height)
    expect(page.locator("#cards .card")).to_have_count(size)
    assert page.evaluate(IN_SIGHT) >= least
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


def test_of_namesakes_number_and_seat_are_in_sight(live_system, classes, page: Page):
    open_class(page, live_system, classes[40], 1440, 900)
    card = page.locator("#cards .card", has_text="2026A1003")
    for shown in (card.locator(".apart"), card.locator(".seat-of")):
        expect(shown).to_be_visible()
        assert shown.evaluate("e => e.scrollWidth <= e.clientWidth || getComputedStyle(e).display === 'inline'")
    expect(card.locator(".seat-of")).to_have_text("Seat B3 · PC 2")
    expect(card.get_by_text("No team")).to_be_hidden()  # beside a seat it would only take the room
    box, seat = card.bounding_box(), card.locator(".seat-of").bounding_box()
    assert box
    assert seat
    assert seat["x"] + seat["width"] <= box["x"] + box["width"], "the seat is not cut off"


def test_a_phone_has_two_cards_beside_each_other_and_scrolls_one_way(live_system, classes, page: Page):
    open_class(page, live_system, classes[40], 390, 844)
    first, second = page.evaluate(TOPS)[:2]
    assert first == second
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")


@pytest.mark.parametrize(("size", "width", "height"), [(40, 390, 844), (40, 1440, 900), (200, 1440, 900)])
def test_nothing_moves_when_the_page_becomes_live(live_system, classes, page: Page, size, width, height):
    """Neither when the parts arrive that the script fetches nor when its buttons work. What is left is the word beside
    the dot: 0.001 on a phone."""
    open_class(page, live_system, classes[size], width, height)
    with page.expect_response("**/attention/"), page.expect_response("**/cards/"):
        page.reload()
    wait_until_live(page)
    expect(page.locator("#clusters [data-clusters-none]")).to_be_visible()
    shifts = page.evaluate(SHIFTS)
    assert sum(shift["value"] for shift in shifts) < 0.005, shifts


def test_the_filter_gives_those_who_are_left_their_room(live_system, classes, page: Page):
    open_class(page, live_system, classes[200], 1440, 900)
    expect(page.locator("#cards .card-figures").first).to_be_hidden()
    page.get_by_label("Search").fill("美咲 19")
    expect(page.locator("#cards .card-figures").first).to_be_hidden()  # the first is not among them
    expect(page.locator("#cards .card:not([hidden]) .card-figures").first).to_be_visible()


def test_i_am_going_and_helped_from_the_drawer(live_system, classes, page: Page):
    post(live_system, "help", emailAddress="drawer@example.com", userName="Drawn", sessionId="d")
    live_system.manage("create_instructor", "--email", "drawer-admin@example.com", "--name", "Admin", "--role", "admin",
                       "--password-stdin", stdin=PASSWORD)  # fmt: skip
    log_in_live(page, f"{live_system.url}/everybody/", email="drawer-admin@example.com")
    page.locator("#cards a[data-drawer]", has_text="Drawn").click()
    drawer = page.locator("#drawer")
    drawer.get_by_role("button", name="I'm going").click()
    expect(drawer.locator(".drawer-state")).to_contain_text("You are on the way to Drawn.")
    expect(drawer.get_by_role("button", name="I'm going")).to_have_count(0)
    expect(page.locator("[data-on-the-way]")).to_contain_text("Drawn")
    drawer.get_by_role("button", name="Helped").click()
    expect(drawer.locator(".drawer-state")).to_contain_text("Noted: Drawn was helped.")
    expect(drawer.locator("#student-acts")).to_have_count(0)
    assert page.evaluate("document.activeElement !== document.body"), "the keyboard keeps its place"
    expect(page.locator("[data-on-the-way]")).to_have_count(0)
