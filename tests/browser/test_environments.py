"""The page of environments in a browser: lines to copy with the key in them, and a report that arrives by itself."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import log_in_live


@pytest.fixture(scope="module")
def school(live_system) -> dict[str, str]:
    script = """
from instructors.models import Instructor
from lms.class_keys import create_key
from lms.models import Class
teacher = Instructor.objects.create_user("teacher@example.com", "correct horse 9", name="Teacher")
made = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
print(made.pk, create_key(made)[1])
"""
    class_id, key = live_system.manage("shell", "-v", "0", "-c", script).split()[-2:]
    return {"page": f"{live_system.url}/classes/{class_id}/environments/", "key": key}


@pytest.fixture
def environments(school, live_system, page: Page) -> Page:
    log_in_live(page, school["page"], email="teacher@example.com")
    return page


def test_the_key_goes_into_the_lines_and_a_report_arrives_by_itself(environments, school, live_system):
    environments.get_by_label("Class key").fill(school["key"])
    lines = environments.locator("[data-snippet]")
    expect(lines).to_contain_text(f"snapshot?key={school['key']}")
    environments.get_by_role("button", name="Copy the lines").click()
    expect(environments.locator("[data-copied]")).not_to_be_empty()
    for number, version in enumerate(("2.1", "2.1", "1.26")):
        body = {
            "student_email": f"s{number}@example.com",
            "environment": {"python_version": "3.11.9", "packages": {"numpy": version}},
        }
        address = f"{live_system.url}/api/v1/environment/snapshot?key={school['key']}"
        assert httpx.post(address, json=body).status_code == 201
    environments.evaluate("window.loadedOnce = true; document.dispatchEvent(new Event('visibilitychange'))")
    drift = environments.locator(".drift")
    expect(drift).to_contain_text("numpy", timeout=25_000)
    expect(drift.locator("a[data-drawer]")).to_have_text("s2")
    expect(lines).to_contain_text(school["key"])
    assert environments.evaluate("window.loadedOnce"), "the page was never loaded again"
    environments.set_viewport_size({"width": 390, "height": 800})
    assert environments.evaluate("document.documentElement.scrollWidth <= innerWidth")
