"""Every page there is, by name: the accessibility suite and the screenshots walk this table.

A new page is one line. Where it needs more than a class and a student, add what it needs to `Cast`, and make it in
tests/browser/lesson.py.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page


@dataclass(frozen=True)
class Cast:
    """The ids that addresses are made of."""

    class_id: int
    student_id: int


@dataclass(frozen=True)
class Place:
    name: str
    address: Callable[[Cast], str]
    signed_in: bool = True
    modes: tuple[str, ...] = ()  # "projector", "walking": how else the page is looked at
    ready: str = "main"  # a selector that is there once the page has settled


LIVE = '#freshness[data-state="live"]'

PLACES = [
    Place("login", lambda cast: "/login/", signed_in=False),
    Place("only forms", lambda cast: "/display/"),
    Place("classes", lambda cast: "/"),
    Place("live", lambda cast: f"/classes/{cast.class_id}/", modes=("projector", "walking"), ready=LIVE),
    Place("everybody", lambda cast: "/everybody/", ready=LIVE),
    Place("report", lambda cast: f"/classes/{cast.class_id}/report/", modes=("projector",)),
    Place("student", lambda cast: f"/classes/{cast.class_id}/students/{cast.student_id}/", modes=("projector",)),
]


def log_in(page: Page, *, url: str, email: str, password: str) -> None:
    page.goto(f"{url}/login/")
    page.locator("[name=username]").fill(email)
    page.locator("[name=password]").fill(password)
    page.locator("main form button").click()
    page.wait_for_selector(".class-list")


def cast_of(page: Page, *, url: str) -> Cast:
    """The first class of this account and the first student in it, for a system that somebody else filled."""
    page.goto(f"{url}/")
    address = page.locator(".class-tile a[href^='/classes/']").first.get_attribute("href") or ""
    page.goto(f"{url}{address}")
    found = re.search(rf"{address}students/(\d+)/", page.content())
    return Cast(class_id=int(address.split("/")[2]), student_id=int(found[1]) if found else 0)
