"""What many browser tests begin with: an account, a login, an event of a student's."""

from typing import Any

import httpx
from django.conf import settings as django_settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from instructors.models import Instructor
from tests.events.conftest import event
from tests.live import LiveSystem

PASSWORD = "correct horse 9"


def make_account(system: LiveSystem, email: str, *, name: str = "田中 先生", role: str = "instructor") -> None:
    account = ("--email", email, "--name", name, "--role", role, "--password-stdin", "--skip-checks")
    system.manage("create_instructor", *account, stdin=PASSWORD)


LOGINS: dict[tuple[str, str], list[Any]] = {}


def log_in(page: Page, address: str, *, email: str) -> None:
    """On the way to a page that wants a login. Where this account has logged in before, its session comes along: a
    login hashes a password, for a quarter of a second of processor."""
    server = "/".join(address.split("/")[:3])
    kept = LOGINS.get((server, email), [])
    page.context.add_cookies(kept)
    page.goto(address)
    if kept and "/login/" not in page.url:
        return
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login/" not in url)
    LOGINS[server, email] = [each for each in page.context.cookies(server) if "session" in each["name"]]


def log_in_live(page: Page, address: str, *, email: str) -> None:
    """And until the page hears what happens."""
    log_in(page, address, email=email)
    wait_until_live(page)


def wait_until_live(page: Page) -> None:
    """Right after a login, which hashes a password, on a machine on which a class may be at work."""
    expect(page.locator("#freshness")).to_have_attribute("data-state", "live")


def let_in(context: BrowserContext, live_server, client: Client, account: Instructor) -> None:
    """Without the form, where Django's own server runs in this process."""
    client.force_login(account)
    name = django_settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])


def post(system: LiveSystem, kind: str = "cell_executed", *, key: str = "", **fields: object) -> None:
    """As JupyterLab does; Hanako's where nobody is named."""
    address = f"{system.url}/api/v1/events"
    answer = httpx.post(address, params={"key": key} if key else {}, json=[event(kind, **fields)])
    assert answer.status_code == 202, answer.text
