"""The keyboard: what keys do, where they must not, and how a reader changes them."""

import pytest
from playwright.sync_api import Page, expect

from instructors.models import Instructor
from lms.models import Class, Student, StudentClass
from tests.browser.visits import let_in

# Two students, each with a button to claim; what the lists of the live page look like to the keyboard.
LIST = """() => {
  const item = (name, buttons) => `<li><a href="#${name}" data-drawer>${name}</a>${buttons}</li>`;
  const claim = (name) => item(name, `<button data-shortcut="claim">${name}</button>`);
  document.getElementById("cards").innerHTML = claim("Aoi") + claim("Ren") + item("Yui", "");
  for (const button of document.querySelectorAll("[data-shortcut=claim]")) {
    button.onclick = () => { window.claimed = button.textContent; };
  }
}"""


@pytest.fixture
def room(page: Page, live_server, client) -> Page:
    hanako = Instructor.objects.create_user("hanako@example.com", "correct horse", name="Hanako")
    lesson = Class.objects.create(class_code="PY", name="Python 入門", instructor=hanako)
    StudentClass.objects.create(class_ref=lesson, student=Student.objects.create(email="aoi@example.com", name="Aoi"))
    let_in(page.context, live_server, client, hanako)
    page.goto(f"{live_server.url}/classes/{lesson.pk}/")
    return page


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.textContent")


def claimed(page: Page) -> str | None:
    return page.evaluate("window.claimed ?? null")


def row(page: Page, action: str):
    return page.locator(f'#key-sheet [data-action="{action}"]')


def test_from_student_to_student_and_the_one_in_focus_is_meant(room):
    room.evaluate(LIST)
    room.keyboard.press("c")
    assert claimed(room) == "Aoi"
    room.keyboard.press("j")
    assert focused(room) == "Aoi"
    room.keyboard.press("j")
    room.keyboard.press("c")
    assert (focused(room), claimed(room)) == ("Ren", "Ren")
    room.keyboard.press("j")
    room.keyboard.press("j")
    assert focused(room) == "Yui"
    room.keyboard.press("c")
    assert claimed(room) == "Ren", "nobody else is claimed for a student who has no such button"
    expect(room.locator("#key-hint")).to_contain_text("Nothing here")
    room.keyboard.press("k")
    assert focused(room) == "Ren"


def test_two_keys_in_a_row_go_to_a_page_and_one_key_opens_the_search(room):
    room.keyboard.press("/")
    assert room.evaluate("document.activeElement.name") == "q"
    room.keyboard.type("g h j ? c")
    assert room.input_value("[name=q]") == "g h j ? c", "where text is typed, keys are text"
    assert "/classes/" in room.url
    room.locator("h1").click()
    room.keyboard.press("g")
    expect(room.locator("#key-hint")).to_contain_text("g")
    room.keyboard.press("h")
    room.wait_for_selector(".class-list")


@pytest.mark.parametrize("event", ["isComposing: true", "ctrlKey: true", "metaKey: true", "altKey: true, code: 'KeyC'"])
def test_input_methods_and_modifiers_are_left_alone(room, event):
    room.evaluate(LIST)
    room.evaluate(f"document.body.dispatchEvent(new KeyboardEvent('keydown', {{ key: 'c', bubbles: true, {event} }}))")
    assert claimed(room) is None


def test_a_keyboard_of_another_alphabet_counts_by_place(room):
    room.evaluate(LIST)
    room.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'с', code: 'KeyC', bubbles: true }))"
    )
    assert claimed(room) == "Aoi"


def test_keys_are_changed_refused_and_set_back(room):
    room.evaluate(LIST)
    room.keyboard.press("?")
    expect(room.locator("#key-sheet")).to_be_visible()
    said = room.locator("#key-sheet [data-said]")
    row(room, "claim").get_by_role("button").click()
    room.keyboard.press("j")
    expect(said).to_contain_text("already in use for “Next student")
    row(room, "claim").get_by_role("button").click()
    room.keyboard.press("g")
    expect(said).to_contain_text("begins like the keys for")
    row(room, "claim").get_by_role("button").click()
    room.keyboard.press("Enter")
    expect(said).to_contain_text("needed to move around")
    row(room, "claim").get_by_role("button").click()
    room.keyboard.press("Escape")
    expect(said).to_contain_text("Nothing was changed")
    expect(room.locator("#key-sheet")).to_be_visible()
    row(room, "claim").get_by_role("button").click()
    room.keyboard.press("q")
    expect(row(room, "claim").locator("kbd")).to_have_text("q")
    room.reload()
    room.evaluate(LIST)
    room.keyboard.press("c")
    assert claimed(room) is None
    room.keyboard.press("q")
    assert claimed(room) == "Aoi"
    room.keyboard.press("?")
    room.get_by_role("button", name="All keys as at first").click()
    expect(row(room, "claim").locator("kbd")).to_have_text("c")


def test_keys_without_a_modifier_can_be_switched_off(room):
    room.evaluate(LIST)
    room.keyboard.press("?")
    row(room, "claim").get_by_role("button").click()
    room.keyboard.press("Alt+q")
    expect(row(room, "claim").locator("kbd")).to_have_text("Alt+q")
    room.get_by_label("Keys without Ctrl, Alt or ⌘ are on").uncheck()
    room.keyboard.press("Escape")
    room.keyboard.press("?")
    room.keyboard.press("j")
    expect(room.locator("#key-sheet")).to_be_hidden()
    assert focused(room) != "Aoi"
    room.keyboard.press("Alt+q")
    assert claimed(room) == "Aoi"
    room.locator("[popovertarget=site-menu]").click()
    room.get_by_role("button", name="Keyboard").click()
    expect(room.locator("#key-sheet")).to_be_visible()


def test_the_sheet_lists_what_this_page_offers_in_the_readers_language(room):
    room.keyboard.press("?")
    here = room.locator("#key-sheet [data-here] tr")
    names = here.evaluate_all("rows => rows.map((row) => row.dataset.action)")
    assert {"search", "projector", "theme", "keyboard", "home", "tab-live", "next-student"} <= set(names)
    assert "claim" not in names, "nobody asks"
    assert "save-next" not in names
