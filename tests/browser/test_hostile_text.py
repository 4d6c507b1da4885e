"""Texts of students that want to be more than text, on every page, over the live sockets, in the administration and in
files: nothing runs, nothing of them is an element, nothing is asked of another server."""

import csv
import io
import json
import time
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from lms.spreadsheets import FORMULA
from tests.browser.pages import PLACES, Cast, log_in
from tests.browser.payloads import MARK, PAYLOADS, flood, hostile

LOGIN = {"email": "teacher@example.com", "password": "violet tram 40 bees"}
SEED = "from tests.browser.payloads import main; main('teacher@example.com')"
KEY = """
from lms.class_keys import create_key
from lms.models import Class
print(create_key(Class.objects.get(class_code='PY-101'))[1])
"""
TABLES = """
from django.contrib import admin
admin.autodiscover()
for model in admin.site._registry:
    if not model._meta.managed:
        continue  # rq's pages: jobs, which carry no text of students
    row = model._default_manager.first()
    where = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    print(where)
    if row is not None:
        print(f"{where}{row.pk}/change/")
"""

# What none of our own pages has and each payload would bring.
FOREIGN = """() => {
  const found = [];
  if (window.pwned !== undefined || Object.prototype.pwned !== undefined) found.push(`window.pwned is ${window.pwned}`);
  const bad = `#pwned, pwned-a, pwned-b, math, mglyph, base, object, embed, iframe[srcdoc], meta[http-equiv],
    noscript + img, style, [onerror], [onload], [onclick], [onfocus], [style*="evil"], a[href^="javascript:" i],
    [formaction]:not([formaction^="/classes/"]), form[action*="evil"], link[href*="evil"], [src*="evil"], img[src="x"],
    script:not([src]):not([type="application/json"]):not([type="importmap"])`;
  for (const element of document.querySelectorAll(bad)) {
    if (element.matches("style") && element.closest("[data-ours]")) continue;
    found.push(element.outerHTML.slice(0, 200));
  }
  // 913 * 731: no id, code or time of day has so much in it by chance.
  if (document.title.includes("667403")) found.push("a template was calculated: " + document.title);
  return found;
}"""


class Watched:
    """A page, and whatever it did that text does not."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.trouble = page, list[str]()
        host = urlsplit(url).netloc
        page.on("dialog", lambda dialog: (self.trouble.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: self.trouble.append(f"thrown: {error}"))
        page.on("console", self._hear)
        page.on("request", lambda request: self._ask(request.url, host))
        page.on("popup", lambda popup: self.trouble.append(f"popup: {popup.url}"))

    def _hear(self, message) -> None:
        words = ("Content Security Policy", "Refused to", "Blocked script", "sandboxed", "violates")
        if any(word.lower() in message.text.lower() for word in words):
            self.trouble.append(f"console: {message.text[:300]}")

    def _ask(self, url: str, host: str) -> None:
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).netloc != host:
            self.trouble.append(f"request: {url}")

    def problems(self) -> list[str]:
        """Also in the frames of the page."""
        found = [problem for frame in self.page.frames for problem in frame.evaluate(FOREIGN)]
        return self.trouble + found


@pytest.fixture(scope="module")
def key(live_system) -> str:
    live_system.manage(
        "create_instructor", "--email", LOGIN["email"], "--role", "admin", "--password-stdin", stdin=LOGIN["password"]
    )
    return ""


@pytest.fixture(scope="module")
def cast(live_system, key) -> Cast:
    made = Cast(**json.loads(live_system.manage("shell", "--no-imports", "-v0", "-c", SEED)))
    post(live_system, made, flood())
    return made


def post(live_system, cast: Cast, events: list[dict]) -> None:
    key = live_system.manage("shell", "--no-imports", "-v0", "-c", KEY).strip()
    for first in range(0, len(events), 50):
        batch = events[first : first + 50]
        answer = httpx.post(f"{live_system.url}/api/v1/events", params={"key": key}, json=batch, timeout=30)
        assert answer.status_code == 202, answer.text
        assert answer.json()["batch_stats"]["failed_events"] == []


@pytest.fixture(scope="module")
def context(browser: Browser, live_system, cast) -> BrowserContext:
    made = browser.new_context(viewport={"width": 1280, "height": 900})
    made.set_default_timeout(20_000)
    log_in(made.new_page(), url=live_system.url, **LOGIN)
    yield made
    made.close()


@pytest.fixture(scope="module")
def window(context, live_system) -> Watched:
    """One for all places: a new page is a new process."""
    return Watched(context.new_page(), live_system.url)


@pytest.fixture
def watched(window) -> Watched:
    window.page.goto("about:blank")
    window.trouble.clear()
    return window


SHOWN = {
    "live",
    "student",
    "cells",
    "assignment",
    "submission",
    "changes",
    "room",
    "report",
    "environments",
    "students",
}


@pytest.mark.parametrize(
    ("place", "mode"),
    [(place, mode) for place in PLACES if place.signed_in for mode in ("", *place.modes)],
    ids=lambda value: getattr(value, "name", value or "plain"),
)
def test_on_every_page_it_is_text(watched, live_system, cast, place, mode):
    page = watched.page
    page.context.add_cookies(
        [{"name": f"display{live_system.suffix}", "value": mode or "none", "url": live_system.url}]
    )
    page.goto(f"{live_system.url}{place.address(cast)}")
    page.wait_for_selector(place.ready)
    page.wait_for_load_state("networkidle") if "live" not in place.ready else page.wait_for_timeout(400)
    assert watched.problems() == []
    if place.name in SHOWN and not mode:
        assert MARK in page.content(), "nothing hostile is shown here: the test tests nothing"


def test_live_over_the_socket_and_in_the_drawer(watched, live_system, cast):
    page = watched.page
    page.context.add_cookies([{"name": f"display{live_system.suffix}", "value": "none", "url": live_system.url}])
    for path in ("", "cells/", "room/", "attention/", "activity/"):
        page.goto(f"{live_system.url}/classes/{cast.class_id}/{path}")
        if path != "attention/":
            page.wait_for_selector('#freshness[data-state="live"]')
        again = [
            {**event, "eventId": f"{path}{event['eventId']}", "userName": hostile(PAYLOADS[7])}
            for event in flood()[-10:]
        ]
        post(live_system, cast, again)
        page.wait_for_timeout(2500)
        assert watched.problems() == [], path
    page.goto(f"{live_system.url}/classes/{cast.class_id}/")
    page.wait_for_selector('#freshness[data-state="live"]')
    for number in range(0, 12, 3):
        page.locator("a[data-drawer]").nth(number).click()
        page.wait_for_selector("#drawer [data-student-view]")
        page.wait_for_timeout(200)
        assert watched.problems() == []
        page.keyboard.press("Escape")


def test_in_the_administration(watched, live_system, cast):
    addresses = live_system.manage("shell", "--no-imports", "-v0", "-c", TABLES).split()
    shown = 0
    for address in addresses:
        watched.page.goto(f"{live_system.url}{address}")
        found = [problem for problem in watched.problems() if "<style" not in problem]
        assert found == [], address
        shown += MARK in watched.page.content()
    assert shown > 15, addresses


def test_a_notebook_alone_and_the_page_of_the_api(watched, live_system, cast):
    room = f"/classes/{cast.class_id}"
    frame = f"{room}/submissions/{cast.submission_id}/notebook/"
    for path in (frame, f"{frame}?plain", f"{room}/notebooks/{cast.notebook_id}/t{cast.assignment_id}/notebook/"):
        watched.page.goto(f"{live_system.url}{path}")
        assert watched.problems() == [], path
        assert MARK in watched.page.content()


def test_in_files_no_cell_is_a_formula(context, live_system, cast):
    for path in ("setup/students/list.csv", f"assignments/{cast.assignment_id}/grades.csv", "report/struggling.csv"):
        answer = context.request.get(f"{live_system.url}/classes/{cast.class_id}/{path}")
        assert answer.status == 200, path
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["content-disposition"].startswith("attachment")
        cells = [cell for row in csv.reader(io.StringIO(answer.body().decode("utf-8-sig"), newline="")) for cell in row]
        assert not [cell for cell in cells if cell.startswith(FORMULA)]
    notebook = context.request.get(
        f"{live_system.url}/classes/{cast.class_id}/submissions/{cast.submission_id}/notebook.ipynb"
    )
    assert notebook.headers["content-disposition"].startswith("attachment")
    assert notebook.headers["x-content-type-options"] == "nosniff"


def test_the_api_answers_data_that_no_browser_takes_for_a_page(context, live_system, cast):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        answer = context.request.get(f"{live_system.url}/api/v1/dashboard/overview", headers={"Accept": "*/*"})
        if MARK in answer.text():
            break
    assert MARK in answer.text()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
