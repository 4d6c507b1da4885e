"""The students' list of the set-up, with the keyboard's and the mouse's means alone: no script runs."""

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.visits import log_in, make_account

LIST = """学籍番号,氏名,フリガナ,メール
B-2,佐藤 花,サトウ ハナ,hana@example.com
B-2,佐藤 花,サトウ ハナ,hnaa@example.com
B-1,青木 蓮,アオキ レン,ren@example.com
"""


@pytest.fixture(scope="module")
def system(start_live_system):
    system = start_live_system()
    make_account(system, "new@example.com", name="新任 先生")
    yield system
    system.stop()


@pytest.fixture
def page(system, browser: Browser):
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900}, java_script_enabled=False)
    context.set_default_timeout(30_000)
    made = context.new_page()
    log_in(made, f"{system.url}/", email="new@example.com")
    yield made
    context.close()


def create_class(page: Page, name: str) -> None:
    page.get_by_role("link", name="New class").first.click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create class").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def test_a_list_is_imported_edited_merged_and_moved(system, page):
    create_class(page, "Python B")
    page.goto(f"{system.url}/")
    create_class(page, "Python A")
    students = page.get_by_role("navigation", name="Sections").get_by_role("link", name="Students")
    students.click()
    page.get_by_role("link", name="Import a list").click()
    page.get_by_label("The list").fill(LIST)
    page.get_by_role("button", name="Check the list").click()
    expect(page.locator(".table-box tbody")).to_contain_text("サトウ ハナ")
    page.get_by_role("button", name="Import the list (3)").click()
    expect(page.locator(".row a[data-drawer]").first).to_have_text("青木 蓮")  # by reading

    page.get_by_text("More", exact=True).click()
    page.get_by_role("link", name="Edit the list").click()
    row = page.get_by_role("row").filter(has_text="ren@example.com")
    row.get_by_label("Team").fill("チームA")
    row.get_by_label("Name").fill("青木 連")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".messages")).to_contain_text("Students changed: 1")

    for address in ("hana@example.com", "hnaa@example.com"):
        page.get_by_role("checkbox", name=address).check()
    page.get_by_text("With the selected students").click()
    page.get_by_role("button", name="Merge two into one…").click()
    page.get_by_role("radio", name="hana@example.com").check()
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("radio", name="hana@example.com")).to_be_checked()
    page.get_by_role("button", name="Merge", exact=True).click()
    expect(page.locator(".messages")).to_contain_text("佐藤 花 is one person now, with the address hana@example.com.")
    expect(page.locator(".row")).to_have_count(2)

    page.get_by_role("link", name="Address… 佐藤 花").click()
    expect(page.locator(".panel")).to_contain_text("Former addresses: hnaa@example.com")
    page.get_by_label("E-mail").fill("hanako@example.com")
    page.get_by_role("button", name="Show what would happen").click()
    page.get_by_role("button", name="Correct the address").click()
    expect(page.locator(".messages")).to_contain_text("The address is hanako@example.com now.")

    page.get_by_role("checkbox", name="ren@example.com").check()
    page.get_by_text("With the selected students").click()
    page.get_by_role("button", name="Move to another class…").click()
    expect(page.locator(".plain-list")).to_contain_text("What stays in Python A")
    page.get_by_role("button", name="Move 1 student").click()
    expect(page.locator(".messages")).to_contain_text("Moved to Python B: 1")
    expect(page.locator(".row")).to_have_count(1)
