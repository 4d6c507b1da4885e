"""Two browsers on the real system: what one instructor does about a student, the other sees without a reload."""

import json

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import log_in_live, make_account, post


@pytest.fixture(scope="module")
def instructors(live_system) -> list[str]:
    emails = ["tanaka@example.com", "suzuki@example.com"]
    for email in emails:
        make_account(live_system, email, name=email.partition("@")[0].title())
    return emails


def open_live(page: Page, system, email: str) -> Page:
    log_in_live(page, f"{system.url}/everybody/", email=email)
    return page


def test_two_instructors_share_the_lists(live_system, instructors, page: Page, browser: Browser):
    context = browser.new_context(locale="en-US")
    here = open_live(page, live_system, instructors[0])
    there = open_live(context.new_page(), live_system, instructors[1])
    there.evaluate("window.loadedOnce = true")
    expect(here.locator("[data-attention-none]")).to_be_visible()

    post(live_system, "help", emailAddress="mio@example.com", userName="高橋 美緒")
    for screen in (here, there):
        expect(screen.locator("[data-help-for]")).to_contain_text("高橋 美緒")
        expect(screen.locator("[data-alert-cases]")).to_contain_text("asked for help")
    expect(here.locator("#announcements")).to_contain_text("高橋 美緒 asks for help")

    # The other things to do are in a menu: it stays open while the lists are drawn again, Escape closes it.
    entry = here.locator("[data-alert-cases] > li").first
    more = entry.get_by_role("button", name="More")
    more.press("Enter")
    expect(entry.get_by_role("button", name="Not needed")).to_be_visible()
    here.evaluate("document.querySelector('[data-alert-cases]').dataset.isOld = true")
    post(live_system, "help", emailAddress="rin@example.com", userName="Rin", sessionId="r")
    expect(here.locator("[data-alert-cases] > li")).to_have_count(2)
    expect(here.locator("[data-alert-cases][data-is-old]")).to_have_count(0)
    expect(entry.get_by_role("button", name="Not needed")).to_be_visible()
    here.keyboard.press("Escape")
    expect(entry.get_by_role("button", name="Not needed")).to_be_hidden()
    expect(more).to_be_focused()
    post(live_system, "help_stop", emailAddress="rin@example.com", userName="Rin", sessionId="r")
    expect(here.locator("[data-alert-cases] > li")).to_have_count(1)

    # The other's card shows it by what the socket says, before the lists are there again.
    held = []
    there.route("**/attention/", lambda route: held.append(route))
    here.locator('[data-shortcut="claim"]').press("Enter")
    expect(there.locator('#cards [data-email="mio@example.com"] [data-claim]')).to_contain_text("Tanaka is on the way")
    there.unroute("**/attention/")
    for route in held:
        route.continue_()
    expect(there.locator("[data-on-the-way]")).to_contain_text("Tanaka is on the way")
    expect(there.locator("[data-help-for]")).to_contain_text("Tanaka is on the way")
    expect(here.locator("#attention-said")).to_contain_text("You are on the way to 高橋 美緒.")
    assert here.evaluate("document.activeElement !== document.body"), "the keyboard keeps its place"

    here.locator("[data-mine] [data-shortcut=resolve]").click()
    for screen in (here, there):
        expect(screen.locator("[data-help-none]")).to_be_visible()
        expect(screen.locator("[data-attention-none]")).to_be_visible()
    expect(there.locator('#cards [data-email="mio@example.com"]')).not_to_have_attribute("data-status", "help")
    assert there.evaluate("window.loadedOnce")
    context.close()


@pytest.mark.parametrize("frame", ["help_request", "progress_update"])
def test_help_of_a_student_whom_the_page_has_not_met(live_system, instructors, page: Page, frame: str):
    """The queue is asked for at once, not only when the cards are there or a quarter of a minute is over."""
    sockets = []

    def connect(socket):
        socket.connect_to_server()
        sockets.append(socket)

    page.route_web_socket("**/*", connect)
    with page.expect_response("**/attention/"):  # what it asks for when it has just opened
        here = open_live(page, live_system, instructors[0])
    data = {"studentId": 999, "emailAddress": "new@example.com", "status": "help", "timestamp": "2026-05-01T01:00:00Z"}
    with here.expect_request("**/attention/", timeout=12_000):
        sockets[-1].send(json.dumps({"type": frame, "data": data}))
