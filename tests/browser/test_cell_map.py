"""The cell map in a real browser on the real system: the keyboard's way through it, live changes, a hint."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import log_in_live, make_account, post

NAMES = {"aoi": "青井 葵", "ren": "<b>蓮</b>", "zen": "Zen"}


def run(system, student: str, cell: int, error: str = "") -> None:
    post(
        system, emailAddress=f"{student}@example.com", userName=NAMES[student], sessionId=student, teamName=None,
        notebookPath="lesson/演習07.ipynb", cellId=f"cell-{cell}", cellIndex=cell, code="prices[4]",
        hasError=bool(error), result=error or "1", errorMessage=error or None,
    )  # fmt: skip


@pytest.fixture
def map_page(live_system, page: Page) -> Page:
    make_account(live_system, "map@example.com")
    for student in NAMES:
        for cell in range(3):
            run(live_system, student, cell)
    log_in_live(page, f"{live_system.url}/everybody/cells/?sort=name", email="map@example.com")
    expect(page.locator("#map-table tbody td.s1")).to_have_count(9)
    return page


def test_keyboard_live_changes_and_a_hint(live_system, map_page):
    page = map_page
    page.evaluate("window.loadedOnce = true")
    focused = "document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"

    # One tab stop in the whole table; the arrows, Home and End walk through it.
    assert page.locator("#map-table [tabindex='0']").count() == 1
    page.locator(".map-sorts a").last.focus()
    page.keyboard.press("Tab")
    walk = []
    for key in ("", "ArrowRight", "ArrowDown", "End", "Home", "ArrowRight", "PageDown", "Control+Home", "ArrowRight"):
        if key:
            page.keyboard.press(key)
        walk.append(page.evaluate(focused))
    assert walk[:4] == ["<b>蓮</b> · cell 1 · ok", "<b>蓮</b> · cell 2 · ok", "Zen · cell 2 · ok", "Zen · cell 3 · ok"]
    assert walk[4:7] == ["Zen", "Zen · cell 1 · ok", "青井 葵 · cell 1 · ok"]
    assert walk[8].startswith("cell 1 · 3 of 3 ok, 0 failing")
    assert page.locator("#map-table [tabindex='0']").count() == 1

    # A failure changes its cell, its column's figures and the shared errors; nothing is loaded again, focus stays.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    aoi = page.locator("#map-table tbody tr", has_text="青井 葵").locator("td")
    for student in ("aoi", "ren"):
        run(live_system, student, 1, f"IndexError: list index {len(student)} out of range")
    expect(aoi.nth(1)).to_have_class("s2")
    expect(aoi.nth(1)).to_have_text("△")
    expect(page.locator(".map-shares [data-failing]").nth(1)).to_have_text("2")
    title = page.locator(".cluster-title")
    expect(title).to_have_text("2 students: IndexError in cell 2")
    assert page.evaluate(focused) == "<b>蓮</b> · cell 1 · ok"
    run(live_system, "aoi", 1, "IndexError: list index 4 out of range")
    run(live_system, "aoi", 1, "IndexError: list index 4 out of range")
    expect(aoi.nth(1)).to_have_class("s3")
    aoi.nth(1).hover()
    expect(page.locator("#map-detail")).to_contain_text("4 runs · 3 errors · 3 errors in a row")
    expect(page.locator("#map-detail")).to_contain_text("IndexError")
    run(live_system, "zen", 3)  # a cell that the map has not seen: the server paints it again
    expect(page.locator("#map-table thead [data-cell]")).to_have_count(4)
    assert page.evaluate(focused) == "<b>蓮</b> · cell 1 · ok"

    # A hint leaves without the page; who fixes it is counted; whoever has, leaves the cluster.
    page.locator(".cluster-hint summary").click()
    page.get_by_label("What should help them?").fill("数え始めは 0 です")
    page.keyboard.press("Enter")
    sent = page.locator(".hint-sent")
    expect(sent).to_contain_text("0 of 2 have fixed it since")
    expect(page.locator(".cluster-hint summary")).to_be_focused()
    expect(page.locator("[data-problem]")).to_be_empty()
    run(live_system, "zen", 1, "IndexError: list index 4 out of range")
    expect(title).to_have_text("3 students: IndexError in cell 2")
    run(live_system, "aoi", 1)
    expect(sent).to_contain_text("1 of 2 have fixed it since")
    expect(aoi.nth(1)).to_have_class("s1")
    assert page.evaluate("window.loadedOnce"), "the page was never loaded again"

    # A click opens the student at the cell.
    aoi.nth(1).click()
    expect(page).to_have_url(re.compile(r"#student-\d+\?cell=\d+$"))
    expect(page.locator("dialog[open]")).to_contain_text("青井 葵")
