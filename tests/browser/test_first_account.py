"""The first minute of a new copy, in a browser: no account, the link of the command, the list of classes."""

from playwright.sync_api import Page, expect

from tests.browser.axe_rules import problems


def test_a_newcomer_finds_the_way_from_the_login_page_to_their_classes(start_live_system, page: Page):
    system = start_live_system(workers=0, API_REQUIRE_AUTH="auto")
    page.goto(f"{system.url}/")
    expect(page.get_by_role("heading", name="There is no account yet")).to_be_visible()
    assert problems(page) == []
    page.goto(system.manage("first_account_link", "--url", system.url).splitlines()[-1])
    assert problems(page) == []
    page.get_by_label("E-mail").fill("mei@example.com")
    page.get_by_label("Your name").fill("Mei")
    page.get_by_label("Password", exact=True).fill("correct horse 9")
    page.get_by_label("Password, once more").fill("correct horse 8")
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_text("The two passwords differ.")).to_be_visible()
    assert problems(page) == []
    page.get_by_label("Password", exact=True).fill("correct horse 9")
    page.get_by_label("Password, once more").fill("correct horse 9")
    page.get_by_role("button", name="Make my account").click()
    expect(page.get_by_role("link", name="New class").first).to_be_visible()
    page.goto(f"{system.url}/first-account/guess/")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    assert problems(page) == []
    system.stop()
