"""A part that the server renders again leaves focus, selection, typed text, what is open and scroll positions alone."""

import pytest
from playwright.sync_api import Page, expect

from instructors.models import Instructor
from tests.browser.visits import let_in

# A list as the server renders it; `names` are its items.
RENDERED = """(names) => `<section id="part">
  <p id="news">${names.length} in the list</p>
  <ol id="list" data-steady>${names.map((name) => `<li id="item-${name}">
    <a href="#${name}">${name}</a> <span>${name} said so</span>
    <details><summary>More of ${name}</summary><input name="text" value=""><p>Inside</p></details>
    <button type="button" popovertarget="menu-${name}">Menu of ${name}</button>
    <div id="menu-${name}" popover>Menu</div>
  </li>`).join("")}</ol>
  <div id="box">${"<p>line</p>".repeat(60)}</div>
  <p id="mine" data-client>server</p>
</section>`"""
BEGIN = f"""async (names) => {{
  const rendered = {RENDERED};
  document.getElementById("main").innerHTML = rendered(names);
  const {{ parse, put }} = await import("/static/js/base/fragments.js");
  window.refresh = (next) => put(parse(rendered(next)), "part");
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("#box {{ height: 100px; overflow: auto; }}");
  document.adoptedStyleSheets = [sheet];
  document.getElementById("mine").textContent = "client";
}}"""


@pytest.fixture
def part(page: Page, live_server, client) -> Page:
    hanako = Instructor.objects.create_user("hanako@example.com", "correct horse", name="Hanako")
    let_in(page.context, live_server, client, hanako)
    page.goto(live_server.url)
    page.evaluate(BEGIN, ["aoi", "ren", "yui"])
    return page


def refresh(page: Page, *names: str) -> None:
    page.evaluate("names => window.refresh(names)", list(names))
    expect(page.locator("#news")).to_have_text(f"{len(names)} in the list")


def order(page: Page) -> list[str]:
    return page.locator("#list > li").evaluate_all("items => items.map((item) => item.id)")


def test_focus_selection_typed_text_what_is_open_and_scrolling_survive(part):
    item = part.locator("#item-ren")
    item.locator("summary").click()
    field = item.locator("input")
    field.fill("half a sentence")
    field.evaluate("field => field.setSelectionRange(2, 5)")
    part.locator("#box").evaluate("box => { box.scrollTop = 70; }")
    part.mouse.move(1000, 700)
    refresh(part, "mio", "yui", "ren")
    expect(field).to_be_focused()
    expect(field).to_have_value("half a sentence")
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [2, 5]
    expect(item.get_by_text("Inside")).to_be_visible()
    assert part.locator("#box").evaluate("box => box.scrollTop") == 70
    expect(part.locator("#mine")).to_have_text("client")
    assert order(part) == ["item-ren", "item-yui", "item-mio"], "nothing moves while somebody works in the list"
    field.blur()
    refresh(part, "mio", "yui", "ren")
    assert order(part) == ["item-mio", "item-yui", "item-ren"]


def test_a_selection_of_text_and_an_open_menu_survive_a_move(part):
    part.get_by_role("button", name="Menu of yui").click()
    part.locator("#item-yui span").evaluate("text => getSelection().selectAllChildren(text)")
    part.evaluate("document.activeElement.blur()")
    part.mouse.move(1000, 700)
    refresh(part, "yui", "aoi", "ren")
    assert order(part) == ["item-yui", "item-aoi", "item-ren"]
    expect(part.locator("#menu-yui")).to_be_visible()
    assert part.evaluate("getSelection().toString()") == "yui said so"


def test_the_focus_of_what_is_gone_stays_near_and_never_on_something_else(part):
    part.locator("#item-ren a").focus()
    refresh(part, "aoi", "yui")
    assert part.evaluate("document.activeElement.hash") == "#aoi"
    part.locator("#item-yui a").focus()
    refresh(part, "yui", "mio")
    assert part.evaluate("document.activeElement.hash") == "#yui"
