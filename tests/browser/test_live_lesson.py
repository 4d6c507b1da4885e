"""A real browser on the real system: log in, an event is posted, the student's card changes without a reload."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import log_in_live, make_account, post


@pytest.fixture(scope="module")
def teacher(live_system) -> str:
    make_account(live_system, "teacher@example.com")
    return "teacher@example.com"


@pytest.fixture
def live_page(live_system, teacher, page: Page) -> Page:
    log_in_live(page, f"{live_system.url}/everybody/", email=teacher)
    return page


def card(page: Page, name: str):
    return page.locator("#cards .card", has_text=name)


def test_card_of_a_newcomer_appears_and_follows_what_they_do(live_system, live_page):
    live_page.evaluate("window.loadedOnce = true")
    post(live_system)
    hanako = card(live_page, "山田 花子")
    expect(hanako).to_have_attribute("data-status", "active")
    expect(hanako.locator('[data-field="runs"]')).to_have_text("1")
    for _ in range(3):
        post(live_system, hasError=True, errorMessage="NameError: name 'x' is not defined")
    expect(hanako).to_have_attribute("data-status", "significant_error")
    expect(hanako.locator('[data-field="errors"]')).to_have_text("3")
    post(live_system, "help")
    expect(hanako).to_have_attribute("data-status", "help")
    expect(live_page.locator("[data-help-for]")).to_contain_text("山田 花子")
    post(live_system, "help_stop")
    expect(hanako).to_have_attribute("data-status", "significant_error")
    post(live_system)
    expect(hanako).to_have_attribute("data-status", "active")
    expect(hanako.locator('[data-field="runs"]')).to_have_text("5")
    assert live_page.evaluate("window.loadedOnce"), "the page was never loaded again"


def test_page_says_when_the_line_is_cut_and_catches_up_by_itself(live_system, live_page):
    post(live_system, emailAddress="taro@example.com", userName="佐藤 太郎")
    taro = card(live_page, "佐藤 太郎")
    expect(taro.locator('[data-field="runs"]')).to_have_text("1")
    live_system.web.kill()
    expect(live_page.locator("#freshness")).to_have_attribute("data-state", "reconnecting")
    live_system.web.start()
    live_system.wait_until_answers()
    post(live_system, emailAddress="taro@example.com", userName="佐藤 太郎")
    expect(taro.locator('[data-field="runs"]')).to_have_text("2", timeout=20_000)
    expect(live_page.locator("#freshness")).to_have_attribute("data-state", "live")


def test_student_page_shows_what_ran(live_system, live_page):
    post(
        live_system,
        emailAddress="jiro@example.com",
        userName="鈴木 次郎",
        code="1 / 0",
        hasError=True,
        errorMessage="\x1b[31mZeroDivisionError\x1b[39m: division by zero",
    )
    card(live_page, "鈴木 次郎").get_by_role("link").click()
    live_page.get_by_role("link", name="Open the whole page").click()
    expect(live_page.get_by_role("heading", level=1)).to_contain_text("鈴木 次郎")
    expect(live_page.get_by_text("1 / 0")).to_be_visible()
    expect(live_page.get_by_text("ZeroDivisionError: division by zero").first).to_be_visible()
    expect(live_page.get_by_text("[31m")).to_have_count(0)


def test_student_text_is_never_markup(live_system, live_page):
    hostile = "<img src=x onerror=\"document.title='owned'\">"
    post(
        live_system,
        emailAddress="eve@example.com",
        userName=hostile,
        teamName=hostile,
        notebookPath=hostile,
        code=hostile,
        result=hostile,
        hasError=True,
        errorMessage=hostile,
    )
    eve = live_page.locator('#cards .card[data-email="eve@example.com"]')
    expect(eve.locator('[data-field="name"]')).to_have_text(hostile)
    post(live_system, "help", emailAddress="eve@example.com", userName=hostile)
    expect(eve).to_have_attribute("data-status", "help")
    eve.get_by_role("link").click()
    expect(live_page.locator("#drawer .run").first).to_contain_text(hostile)
    live_page.get_by_role("link", name="Open the whole page").click()
    expect(live_page.get_by_role("heading", level=1)).to_contain_text("<img")
    assert live_page.locator("img[src=x]").count() == 0
    assert live_page.title() != "owned"
