"""A newcomer's first minutes: a class, its students from a list with mistakes, a key, the first event, "connected"."""

import json

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import log_in, make_account
from tests.events.conftest import event


@pytest.fixture(scope="module")
def strict_system(start_live_system):
    """Events need a class's key."""
    system = start_live_system(EVENTS_REQUIRE_KEY="1")
    make_account(system, "new@example.com", name="新任 先生")
    yield system
    system.stop()


@pytest.fixture
def newcomer(strict_system, page: Page) -> Page:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=strict_system.url)
    log_in(page, f"{strict_system.url}/", email="new@example.com")
    return page


def send_event(settings: str) -> int:
    """What a JupyterLab with these settings posts."""
    record = event("notebook_opened", emailAddress="aoi@example.com", userName="山田 葵", sessionId="s1", teamName=None)
    return httpx.post(json.loads(settings)["serverUrl"], json=[record]).status_code


def create_class(page: Page, name: str) -> None:
    page.get_by_role("link", name="New class").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create class").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_a_newcomer_sets_up_a_class(strict_system, newcomer):
    page = newcomer
    create_class(page, "Python 入門")

    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Students").click()
    page.get_by_role("link", name="Import a list").click()
    page.get_by_label("The list").fill("メール,氏名\naoi@example.com,山田 葵\nren@@example.com,Ren")
    page.get_by_role("button", name="Check the list").click()
    expect(page.get_by_role("alert")).to_contain_text("Line 3: “ren@@example.com” is not an e-mail address.")
    text = page.get_by_label("The list")
    text.fill(text.input_value().replace("@@", "@"))
    page.get_by_role("button", name="Check again").click()
    page.get_by_role("button", name="Import the list (2)").click()
    expect(page.locator(".messages")).to_contain_text("Added: 2.")
    expect(page.locator(".row")).to_have_count(2)

    page.get_by_role("link", name="JupyterLab connection").click()
    expect(page.locator("#connection")).to_contain_text("Not connected")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("button", name="Copy the settings").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    settings = page.evaluate("navigator.clipboard.readText()")
    expect(page.locator("#connection")).to_contain_text("Waiting for the first event")
    assert send_event(settings) == 202
    expect(page.locator("#connection")).to_contain_text("Connected", timeout=30_000)
    expect(page.locator("#announcements")).to_contain_text("Connected")

    page.get_by_role("link", name="Live", exact=True).click()
    expect(page.locator('.card[data-email="aoi@example.com"]')).to_contain_text("山田 葵")
    assert send_event(settings.replace("?key=", "?key=x")) == 401


def test_without_a_clipboard_the_settings_are_selected(strict_system, newcomer):
    page = newcomer
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    create_class(page, "No clipboard")
    page.get_by_role("link", name="JupyterLab connection").first.click()
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("button", name="Copy the settings").click()
    expect(page.get_by_role("button", name="Selected")).to_be_visible()
    assert json.loads(page.evaluate("getSelection().toString()"))["serverUrl"].startswith(strict_system.url)
