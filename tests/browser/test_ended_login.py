"""A live page whose login has ended says so by itself; what it asks by itself keeps nobody logged in."""

import json

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages import log_in

LOGIN = {"email": "teacher@example.com", "password": "violet tram 40 bees"}
SEED = "from tests.browser.lesson import main; main('teacher@example.com')"
END = "from django.contrib.sessions.models import Session; Session.objects.all().delete()"
LIVE = '#freshness[data-state="live"]'


@pytest.fixture(scope="module")
def room(live_system) -> str:
    live_system.manage("create_instructor", "--email", LOGIN["email"], "--password-stdin", stdin=LOGIN["password"])
    made = json.loads(live_system.manage("shell", "--no-imports", "-v0", "-c", SEED))
    return f"{live_system.url}/classes/{made['class_id']}/"


def test_it_says_that_nobody_is_logged_in(page: Page, live_system, room):
    log_in(page, url=live_system.url, **LOGIN)
    page.goto(room)
    page.wait_for_selector(LIVE)
    live_system.manage("shell", "--no-imports", "-v0", "-c", END)
    expect(page.locator("#freshness [data-again]")).to_be_visible(timeout=20_000)
    expect(page.locator("#classroom[data-aged]")).to_have_count(1)


def test_only_what_follows_a_touch_is_of_a_person(page: Page, live_system, room):
    log_in(page, url=live_system.url, **LOGIN)
    asked: list[dict[str, str]] = []
    page.on("request", lambda request: asked.append(request.headers))
    with page.expect_response("**/attention/"):
        page.goto(room)
    page.wait_for_selector(LIVE)
    own = [headers for headers in asked if headers.get("x-requested-with") == "fragment"]
    assert own
    assert not any("x-activity" in headers for headers in own)
    asked.clear()
    page.locator("a[data-drawer]").first.click()
    page.wait_for_selector("#drawer [data-student-view]")
    assert any(headers.get("x-activity") == "person" for headers in asked)
