"""The drawer on the live page: opened from the grid, live, walked by keys, closed with the focus back; a note."""

import re
from collections import Counter

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_live_lesson import teacher  # noqa: F401 - a fixture
from tests.browser.visits import log_in_live, post

NAMES = {"aoi@example.com": "Aoi", "ren@example.com": "Ren"}


@pytest.fixture(scope="module")
def posted() -> Counter[str]:
    """How many runs each student has been said to have, by name."""
    return Counter()


@pytest.fixture
def live_page(live_system, teacher, posted, page: Page) -> Page:  # noqa: F811
    for number, (email, name) in enumerate(NAMES.items()):
        post(live_system, emailAddress=email, userName=name, sessionId=email, code=f"first = {number}")
        posted[name] += 1
    log_in_live(page, f"{live_system.url}/everybody/", email=teacher)
    expect(page.locator("#cards .card")).to_have_count(2)
    for name, runs in posted.items():
        expect(figure(page, name)).to_have_text(str(runs))
    return page


def figure(page: Page, name: str):
    return page.locator("#cards .card", has_text=name).locator('[data-field="runs"]')


def link(page: Page, name: str):
    return page.locator("#cards a[data-drawer]", has_text=name)


def test_a_student_is_looked_at_beside_the_list(live_system, posted, live_page):
    page, drawer = live_page, live_page.locator("#drawer")
    title = drawer.locator("[data-drawer-title]")
    link(page, "Aoi").focus()
    page.keyboard.press("Enter")
    expect(drawer.get_by_text("first = 0")).to_be_visible()
    expect(title).to_be_focused()
    expect(page).to_have_url(re.compile("#student-"))

    # Live: a run of theirs comes on top, and the figure follows.
    post(live_system, emailAddress="aoi@example.com", userName="Aoi", sessionId="aoi@example.com", code="second = 2")
    posted["Aoi"] += 1
    expect(drawer.locator(".run").first).to_contain_text("second = 2")
    expect(drawer.locator(".run")).to_have_count(2)
    expect(drawer.locator(".run").first.locator("[data-tries]")).to_have_text("2 tries")

    # What changed, inside the drawer; the page itself stays where it is.
    drawer.locator(".run a").first.click()
    expect(drawer.locator("ins")).to_have_text("+ second = 2")
    expect(page).to_have_url(re.compile(r"/everybody/#student-\d+\?cell=\d+$"))

    # A note.
    drawer.get_by_role("link", name="Notes").click()
    drawer.get_by_label("New note").fill("Draft <b>")
    page.keyboard.press("Escape")  # leaves the text, keeps the drawer
    expect(title).to_be_focused()
    page.keyboard.press("j")
    expect(title).to_have_text("Ren")
    expect(drawer.get_by_text("first = 1")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text("Aoi")
    drawer.get_by_role("link", name="Notes").click()
    expect(drawer.get_by_label("New note")).to_have_value("Draft <b>")
    drawer.get_by_role("button", name="Save note").click()
    expect(drawer.locator(".note-body")).to_have_text("Draft <b>")
    expect(drawer.locator(".note")).to_be_focused()

    # A reload keeps it, Esc closes it, and the focus is back on the link.
    page.reload()
    expect(drawer.locator(".note-body")).to_have_text("Draft <b>")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(link(page, "Aoi")).to_be_focused()
    expect(page).to_have_url(re.compile("^[^#]*$"))


def test_back_closes_it_and_a_modified_click_leads_to_the_page(live_page):
    page, drawer = live_page, live_page.locator("#drawer")
    link(page, "Ren").click()
    expect(drawer.locator(".run")).not_to_have_count(0)
    page.go_back()
    expect(drawer).to_be_hidden()
    with page.context.expect_page() as opened:
        link(page, "Ren").click(modifiers=["Control"])
    expect(opened.value.get_by_role("heading", level=1)).to_have_text("Ren")
    expect(drawer).to_be_hidden()


def test_new_runs_do_not_move_what_is_being_read(live_system, posted, live_page):
    page, drawer = live_page, live_page.locator("#drawer")
    ren = {"emailAddress": "ren@example.com", "userName": "Ren", "sessionId": "ren@example.com"}
    for number in range(12):
        post(live_system, **ren, cellId=f"c{number}", code=f"x = {number}")
    posted["Ren"] += 14  # and two below
    expect(figure(page, "Ren")).to_have_text(str(posted["Ren"] - 2))
    link(page, "Ren").click()
    expect(drawer.get_by_text("x = 0")).to_be_attached()
    read = drawer.get_by_text("x = 0")
    read.scroll_into_view_if_needed()
    place = read.bounding_box()["y"]
    for number in range(2):
        post(live_system, **ren, cellId=f"new{number}", code=f"new = {number}")
    button = drawer.get_by_role("button", name="2 new runs")
    expect(button).to_be_visible()
    assert abs(read.bounding_box()["y"] - place) < 2
    button.click()
    expect(drawer.locator(".run").first).to_contain_text("new = 1")
    expect(button).to_be_hidden()


def test_on_a_narrow_screen_it_covers_the_page(live_page):
    page, drawer = live_page, live_page.locator("#drawer")
    page.set_viewport_size({"width": 390, "height": 800})
    link(page, "Aoi").click()
    expect(drawer.locator(".run").first).to_be_visible()
    assert drawer.evaluate("drawer => drawer.matches(':modal') && drawer.offsetWidth === innerWidth")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    drawer.get_by_role("button", name="Close").click()
    expect(link(page, "Aoi")).to_be_focused()


def test_a_session_that_ended_is_said(live_page):
    page, drawer = live_page, live_page.locator("#drawer")
    page.context.clear_cookies()
    link(page, "Aoi").click()
    expect(drawer.get_by_text("Signed out.")).to_be_visible()
