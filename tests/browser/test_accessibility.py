"""WCAG 2.2 A and AA on every page, in both themes and both languages, by axe; new pages go into pages.py."""

import json

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe_rules import problems
from tests.browser.pages import PLACES, Cast, Place, log_in
from tests.browser.visits import post

LOGIN = {"email": "teacher@example.com", "password": "correct horse 9"}
SEED = "from tests.browser.lesson import main; main('teacher@example.com')"
# The administration is Django's own, and the API's page is Swagger UI as it is published: neither is ours to mend. The
# pages of errors are walked in test_pages.py, where DEBUG is off.

LANGUAGES = ("en", "ja")


@pytest.fixture(scope="module")
def cast(live_system) -> Cast:
    account = ["--email", LOGIN["email"], "--name", "田中 先生", "--role", "admin", "--password-stdin"]
    live_system.manage("create_instructor", *account, stdin=LOGIN["password"])
    said = live_system.manage("shell", "--no-imports", "--verbosity=0", "--command", SEED)
    return Cast(**json.loads(said.splitlines()[-1]))


@pytest.fixture(scope="module")
def cookies(browser: Browser, live_system, cast) -> list:
    """One login for all."""
    context = browser.new_context()
    log_in(context.new_page(), url=live_system.url, **LOGIN)
    kept = context.cookies()
    context.close()
    return kept


@pytest.fixture(scope="module", params=LANGUAGES)
def pages(request, browser: Browser, live_system, cookies):
    """Logged out and logged in, in this language. Each visits all its places: a new page would be a new process."""
    chosen = [{"name": f"language{live_system.suffix}", "value": request.param, "url": live_system.url}]
    made: dict[bool, Page] = {}
    for signed_in in (False, True):
        context = browser.new_context(color_scheme="light", viewport={"width": 1024, "height": 800})
        context.add_cookies(chosen + (cookies if signed_in else []))
        made[signed_in] = context.new_page()
    yield made
    for page in made.values():
        page.context.close()


@pytest.mark.parametrize(
    ("place", "mode"),
    [(place, mode) for place in PLACES for mode in ("", *place.modes)],
    ids=lambda value: getattr(value, "name", value or "plain"),
)
def test_no_rule_is_broken(live_system, pages, cast, place: Place, mode: str):
    page = pages[place.signed_in]
    page.emulate_media(color_scheme="light")
    page.context.add_cookies([{"name": f"display{live_system.suffix}", "value": mode, "url": live_system.url}])
    thrown: list[str] = []

    def note(error) -> None:
        thrown.append(f"{error}\n{error.stack}")

    page.on("pageerror", note)
    try:
        page.goto(f"{live_system.url}{place.address(cast)}")
        page.wait_for_selector(place.ready)
        assert problems(page) == []
        assert thrown == []
    finally:
        page.remove_listener("pageerror", note)


def test_the_menus_and_the_sheet_of_keys_break_no_rule(live_system, pages, cast):
    """Of somebody who asks now: who asked when the class was made is heard of no more after some minutes."""
    page = pages[True]
    page.emulate_media(color_scheme="light")
    page.context.clear_cookies(name=f"display{live_system.suffix}")
    post(live_system, "help", emailAddress="menu@example.com", userName="Menu", sessionId="m")
    page.goto(f"{live_system.url}/everybody/")
    page.locator("[data-alert-cases] [popovertarget]").first.click()
    assert problems(page) == []
    page.locator("[popovertarget=site-menu]").click()
    assert problems(page) == []
    page.locator("[data-key-sheet]").click()
    page.wait_for_selector("#key-sheet[open]")
    assert problems(page) == []
