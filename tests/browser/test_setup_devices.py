"""A teacher makes a class code; devices appear on the page as they join, and the keyboard confirms and revokes them."""

import httpx
from playwright.sync_api import Page, expect

from tests.browser.visits import log_in, make_account


def join(url: str, code: str, device: str) -> dict:
    body = {"class_code": code, "userId": "aoi@example.com", "userName": "山田 葵", "device": device}
    answer = httpx.post(f"{url}/api/v1/me/token", json=body)
    assert answer.status_code == 201
    return answer.json()


def test_devices_join_and_are_confirmed(live_system, page: Page):
    make_account(live_system, "joining@example.com", name="Joining")
    log_in(page, f"{live_system.url}/", email="joining@example.com")
    page.get_by_role("link", name="New class").click()
    page.get_by_label("Name").fill("Joining")
    page.get_by_role("button", name="Create class").click()
    page.get_by_role("link", name="JupyterLab connection").first.click()
    expect(page.get_by_text("No device has joined yet.")).to_be_visible()
    page.get_by_role("button", name="Make a class code").click()
    code = page.locator("#class-code").inner_text()

    assert join(live_system.url, code, "laptop")["status"] == "active"
    expect(page.locator("#devices")).to_contain_text("山田 葵", timeout=30_000)
    second = join(live_system.url, code.lower().replace("-", " "), "tablet")
    assert second["status"] == "waiting"
    confirm = page.get_by_role("button", name=f"Confirm 山田 葵 {second['check_number']}")
    expect(confirm).to_be_visible(timeout=30_000)
    expect(page.locator("#devices .row").first).to_contain_text(f"its number is {second['check_number']}")
    confirm.focus()
    page.wait_for_event("response", lambda response: "connection/state" in response.url, timeout=30_000)
    expect(confirm).to_be_focused()  # what is asked for again leaves the focus where it is
    page.keyboard.press("Enter")
    expect(page.locator(".messages")).to_contain_text("The device is confirmed.")
    headers = {"Authorization": f"Student {second['token']}"}
    assert httpx.get(f"{live_system.url}/api/v1/me/token", headers=headers).json()["status"] == "active"

    row = page.locator("#devices .row", has_text="tablet")
    row.locator("summary").focus()
    page.keyboard.press("Enter")
    row.get_by_role("button", name="Revoke this device").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#devices .row")).to_have_count(1)
    assert httpx.get(f"{live_system.url}/api/v1/me/token", headers=headers).status_code == 401
