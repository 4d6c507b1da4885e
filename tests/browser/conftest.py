"""Debian's Chromium, driven by Playwright. A page that logs an error or throws fails its test."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

FLAGS = [
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# For as long a page may take on a busy machine. What is there at once costs none of it.
expect.set_options(timeout=30_000)


@pytest.fixture(autouse=True, scope="session")
def _orm_beside_the_driver() -> None:
    """The browser's driver keeps an event loop in this thread; Django would refuse the ORM beside it. Of the session,
    because the driver may start before the databases are made. Never set back: browser tests come last, and where they
    run alone the test database goes while the driver still runs."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


# The shell draws the same pages without the windows around them, for less than half of the processor.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def executable() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, "No Chromium: run `make test`, which installs it, or install the package chromium-headless-shell"
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        yield made
        made.close()


@pytest.fixture(scope="session")
def _window(browser: Browser) -> Iterator[BrowserContext]:
    """One for all who ask for `page`: what it keeps of scripts and style sheets, each would fetch and compile again,
    for a quarter of a second of processor."""
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    yield context
    context.close()


# All but the cache of what is fetched.
STORED = "cookies,local_storage,indexeddb,service_workers,cache_storage,file_systems"


@pytest.fixture
def page(_window: BrowserContext) -> Iterator[Page]:
    """Of somebody who has been nowhere: no cookie, nothing stored, nothing permitted."""
    made = _window.new_page()
    thrown: list[str] = []
    visited: set[str] = set()
    made.on("pageerror", lambda error: thrown.append(f"{error}\n{error.stack}"))
    made.on("framenavigated", lambda frame: visited.add(frame.url))
    yield made
    for opened in _window.pages:
        if opened is not made:
            opened.close()
    made.goto("about:blank")
    session = _window.new_cdp_session(made)
    for origin in {"/".join(url.split("/")[:3]) for url in visited if url.startswith("http")}:
        session.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": STORED})
    made.close()
    _window.clear_cookies()
    _window.clear_permissions()
    assert not thrown
