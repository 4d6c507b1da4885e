"""A student opens their own page from the address with a code, and no accessibility rule is broken on it."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe_rules import problems
from tests.browser.visits import post

SEED = """
from instructors.models import Instructor
from lms.class_keys import create_key
from lms.models import Class
teacher = Instructor.objects.create_user("own@example.com", "correct horse 9", name="Teacher")
print(create_key(Class.objects.create(class_code="OWN", name="Own", instructor=teacher))[1])
"""


@pytest.fixture(scope="module")
def key(live_system) -> str:
    return live_system.manage("shell", "-v", "0", "-c", SEED).split()[-1]


def test_from_the_code_to_the_copy(live_system, key, page: Page):
    post(live_system, key=key, emailAddress="own-student@example.com", userName="Owner", sessionId="o")
    api = f"{live_system.url}/api/v1/me"
    claimed = httpx.post(f"{api}/token", headers={"X-Class-Key": key}, json={"userId": "own-student@example.com"})
    headers = {"Authorization": f"Student {claimed.json()['token']}"}
    made = httpx.post(f"{api}/page", headers=headers).json()
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(made["url"])
    expect(page.get_by_label("Code")).to_have_value(made["code"])
    assert page.url.endswith("/me/"), "the code is out of the address"
    expect(page.get_by_role("button", name="Open")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("own-student@example.com")).to_be_visible()
    assert not any(made["code"] in address for address in requested)
    assert problems(page) == []
    page.set_viewport_size({"width": 390, "height": 844})
    assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").click()
    assert download.value.suggested_filename == "cell-monitor-my-data.zip"
    page.get_by_role("button", name="Ask for erasure").click()
    expect(page.get_by_role("button", name="Withdraw my request")).to_be_visible()
    assert problems(page) == []
    page.get_by_role("button", name="Close my page").click()
    expect(page.get_by_label("Code")).to_be_visible()
