"""WCAG 2.2 A and AA on every page, in both themes and both languages, by axe; new pages go into pages.py.

Every page and every mode of it is looked at in `LANGUAGES_A_PAGE` of the languages, in turn; a page in both themes, a
mode of it in `THEMES_A_MODE` of them. `FAULTS=long` (`make faults`) looks at all in all languages and themes."""

import json

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.axe_rules import THEMES, problems
from tests.browser.pages import PLACES, Cast, Place, log_in
from tests.browser.visits import post
from tests.selection import some_of

LOGIN = {"email": "teacher@example.com", "password": "correct horse 9"}
SEED = "from tests.browser.lesson import main; main('teacher@example.com')"
# The administration is Django's own, and the API's page is Swagger UI as it is published: neither is ours to mend. The
# pages of errors are walked in test_pages.py, where DEBUG is off.

LANGUAGES = ("en", "ja")
LANGUAGES_A_PAGE = THEMES_A_MODE = 1
LOOKS = [(place, mode) for place in PLACES for mode in ("", *place.modes)]
# The language, the page, its mode, and the themes.
CASES = [
    (language, place, mode, some_of(THEMES, number // 2, share=THEMES_A_MODE) if mode else THEMES)
    for language in LANGUAGES
    for number, (place, mode) in enumerate(LOOKS)
    if language in some_of(LANGUAGES, number, share=LANGUAGES_A_PAGE)
]


def name_of(value: object) -> str:
    return "+".join(value) if isinstance(value, tuple | list) else getattr(value, "name", value or "plain")


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


def test_every_page_and_mode_is_looked_at_and_every_language_and_theme_met():
    assert {case[1:3] for case in CASES} == set(LOOKS)
    met = {(language, bool(mode), theme) for language, _, mode, themes in CASES for theme in themes}
    assert met >= {(language, True, theme) for language in LANGUAGES for theme in THEMES}
    assert met >= {(language, False, "light") for language in LANGUAGES}


@pytest.mark.parametrize(
    ("pages", "place", "mode", "themes"),
    CASES,
    indirect=["pages"],
    ids=name_of,
)
def test_no_rule_is_broken(live_system, pages, cast, place: Place, mode: str, themes):
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
        assert problems(page, themes=themes) == []
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
