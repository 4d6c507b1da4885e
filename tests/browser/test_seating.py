"""The room in two real browsers: a picture is uploaded, teams are moved by pointer and by keyboard, and stay there."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import log_in_live, make_account, post
from tests.lms.notebooks.pictures import picture

EMAIL = "admin@example.com"


@pytest.fixture(scope="module")
def teacher(live_system) -> None:
    make_account(live_system, EMAIL, name="Kaoru", role="admin")
    post(live_system, teamName="チームA")
    post(live_system, teamName="チームB", emailAddress="taro@example.com", userName="佐藤 太郎")


def open_room(page: Page, system, path: str = "room/") -> Page:
    log_in_live(page, f"{system.url}/everybody/{path}", email=EMAIL)
    return page


@pytest.fixture
def room(live_system, teacher, page) -> Page:
    return open_room(page, live_system)


def mark(page: Page, team: str):
    return page.locator(f'[data-mark="{team}"]')


def place_of(page: Page, team: str) -> tuple[float, float]:
    return tuple(float(mark(page, team).get_attribute(name).rstrip("%")) for name in ("x", "y"))


def drag(page: Page, source, x: float, y: float) -> None:
    """To percent of the map."""
    source.hover(force=True)
    page.mouse.down()
    area = page.locator("#marks").bounding_box()
    page.mouse.move(area["x"] + 30, area["y"] + 30, steps=3)
    page.mouse.move(area["x"] + area["width"] * x / 100, area["y"] + area["height"] * y / 100, steps=3)
    with page.expect_response(lambda answer: "/room/map/place/" in answer.url) as saved:
        page.mouse.up()
    assert saved.value.ok


def test_a_map_is_set_up_and_another_browser_follows(live_system, room, browser):
    expect(room.locator(".team")).to_have_count(2)
    room.set_input_files(
        "#picture", {"name": "教室.png", "mimeType": "image/png", "buffer": picture("PNG", (800, 400))}
    )
    room.get_by_role("button", name="Upload").click()
    expect(room.locator(".stage-picture")).to_be_visible()
    expect(room.locator(".stage-picture")).to_have_js_property("naturalWidth", 800)
    expect(mark(room, "チームA")).to_be_hidden()
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
    other = open_room(context.new_page(), live_system)
    expect(other.locator(".tray-team")).to_have_count(2)

    room.evaluate("window.loadedOnce = true")
    drag(room, room.locator('[data-tray="チームA"] > span'), 40, 60)  # out of the tray
    expect(mark(other, "チームA")).to_be_visible()
    assert place_of(other, "チームA") == pytest.approx((40, 60), abs=1)
    expect(other.locator(".tray-team")).to_have_count(1)
    drag(room, mark(room, "チームA").locator(".mark-disc"), 70, 20)  # by its middle, and again
    expect(mark(other, "チームA")).to_have_attribute("x", mark(room, "チームA").get_attribute("x"))
    assert place_of(other, "チームA") == pytest.approx((70, 20), abs=1)

    mark(room, "チームA").locator("a").focus()
    x, y = place_of(room, "チームA")
    with room.expect_response(lambda answer: "/room/map/place/" in answer.url):
        for key in ("ArrowRight", "Shift+ArrowDown", "ArrowLeft", "ArrowLeft"):
            room.keyboard.press(key)
    moved = (pytest.approx(x - 1, abs=0.02), pytest.approx(y + 5, abs=0.02))
    assert place_of(room, "チームA") == moved
    expect(mark(other, "チームA")).to_have_attribute("x", mark(room, "チームA").get_attribute("x"))
    expect(room.locator("#announcements")).to_contain_text("チームA")

    post(live_system, "help", teamName="チームA")
    for page in (room, other):
        expect(mark(page, "チームA")).to_have_attribute("data-worst", "help")
        expect(mark(page, "チームA").locator("a")).to_have_attribute("aria-label", "チームA: Asking for help 1")
    assert room.evaluate("window.loadedOnce"), "the page was never loaded again"
    room.reload()
    assert place_of(room, "チームA") == moved
    context.close()


def test_a_move_that_cannot_be_saved_goes_back_and_says_so(room):
    expect(mark(room, "チームA")).to_be_visible()
    before = place_of(room, "チームA")
    held = []
    room.route("**/room/map/place/", lambda route: held.append(route))
    mark(room, "チームA").locator("a").focus()
    with room.expect_request("**/room/map/place/"):
        room.keyboard.press("ArrowRight")
    assert place_of(room, "チームA") != before
    [route] = held
    route.abort()
    expect(room.locator("#map-problem")).to_contain_text("チームA could not be moved")
    assert place_of(room, "チームA") == before
    room.unroute("**/room/map/place/")
    with room.expect_response(lambda answer: "/room/map/take-off/" in answer.url):
        room.keyboard.press("Delete")
    expect(mark(room, "チームA")).to_be_hidden()
    expect(room.locator("#map-problem")).to_be_hidden()
    room.get_by_role("button", name="Place チームA").click()
    expect(mark(room, "チームA").locator("a")).to_be_focused()


def test_the_chart_is_read_with_the_keyboard(live_system, teacher, page):
    chart = open_room(page, live_system, "activity/")
    last = chart.locator(".column").last
    last.focus()
    assert "Runs 2" in last.get_attribute("aria-label") or "Runs 0" in last.get_attribute("aria-label")
    expect(chart.locator("#readout")).to_have_text(last.get_attribute("aria-label"))
    chart.keyboard.press("Home")
    expect(chart.locator("#readout")).to_have_text(chart.locator(".column").first.get_attribute("aria-label"))
    chart.keyboard.press("ArrowRight")
    expect(chart.locator(".column").nth(1)).to_be_focused()
    assert chart.evaluate("document.documentElement.scrollWidth <= innerWidth")
