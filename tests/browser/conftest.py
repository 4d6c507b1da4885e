"""Debian's Chromium, driven by Playwright. A page that logs an error or throws fails its test."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

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


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    made = context.new_page()
    thrown: list[str] = []
    made.on("pageerror", lambda error: thrown.append(f"{error}\n{error.stack}"))
    yield made
    context.close()
    assert not thrown
