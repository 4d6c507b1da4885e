"""A teacher's day with a stopwatch: what each task costs in seconds, presses and fields.

    python manage.py up                                   # of a new DATA_DIR; it prints the link of the first account
    python -m tests.browser.teachers_day LINK [--width 390]

It makes the first account and a class of 40, plays their lesson over the API, and does in a headless Chromium what a
teacher does; the results are in docs/teachers-day.md. A press is a click, a tap or a key; a field is one that is typed
into, chosen or ticked. It writes to the copy that it is given: let that be a new one.

Two sums of seconds: of the product, from the first press to the result on the page; and of somebody practised, which
adds what the Keystroke-Level Model (Card, Moran and Newell 1980) gives hand and head for the same presses and fields.
"""

import argparse
import json
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Locator, Page, expect, sync_playwright

from tests.browser.conftest import FLAGS, executable

EMAIL, PASSWORD = "teacher@school.example", "correct horse 9"
FAMILY = ["佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村"]
GIVEN = ["花", "太郎", "美咲", "健", "陽菜"]
SIZE = 40
# Seconds of the Keystroke-Level Model: think (M), move the pointer (P), press and release the button (BB), one key (K).
THINK, POINT, CLICK, KEY = 1.35, 1.1, 0.2, 0.2
PASTED = 40  # characters from which a text is pasted, not typed
NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {},
    "cells": [
        {"cell_type": "markdown", "id": "t", "metadata": {}, "source": "# 第1回 ループ"},
        {
            "cell_type": "code",
            "id": "c1",
            "metadata": {},
            "source": "total = 0",
            "execution_count": None,
            "outputs": [],
        },
    ],
}


@dataclass
class Task:
    name: str
    seconds: float = 0.0
    presses: int = 0
    fields: int = 0
    person: float = 0.0  # seconds of hand and head

    def press(self) -> None:
        self.presses += 1
        self.person += THINK + POINT + CLICK

    def key(self) -> None:
        self.presses += 1
        self.person += THINK + KEY

    def field(self, text: str = "") -> None:
        self.fields += 1
        self.person += THINK + POINT + CLICK + KEY * (2 if len(text) > PASTED else len(text))


class Day:
    """A browser whose presses and fields are counted for the task of the moment."""

    def __init__(self, page: Page, url: str) -> None:
        self.page, self.url = page, url
        self.tasks: list[Task] = []

    @contextmanager
    def task(self, name: str) -> Iterator[None]:
        self.tasks.append(Task(name))
        begun = time.monotonic()
        yield
        self.tasks[-1].seconds = time.monotonic() - begun

    def press(self, what: str | Locator, role: str = "button") -> None:
        """Click a button or link of this name, or this element."""
        found = self.page.get_by_role(role, name=what, exact=True).first if isinstance(what, str) else what  # type: ignore[arg-type]
        found.click()
        self.tasks[-1].press()

    def link(self, name: str) -> None:
        self.press(name, "link")

    def key(self, name: str) -> None:
        self.page.keyboard.press(name)
        self.tasks[-1].key()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_label(label, exact=True).first.fill(text)
        self.tasks[-1].field(text)

    def sees(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text, timeout=15_000)


def students() -> list[tuple[str, str, str]]:
    """Return address, name and student number; two have one name, and one is there twice."""
    made = [(f"s26{n:02}@school.example", f"{FAMILY[n % 8]} {GIVEN[n // 8]}", f"26{n:02}") for n in range(SIZE)]
    made[1] = (made[1][0], made[0][1], made[1][2])
    return made


def class_list() -> str:
    rows = [f"{number},{name},{email}" for email, name, number in students()]
    return "\n".join(["学籍番号,氏名,メールアドレス", *rows])


def event(kind: str, number: int, **fields: Any) -> dict[str, Any]:
    email, name, _ = students()[number]
    return {
        "eventId": str(uuid.uuid4()), "eventType": kind, "eventTime": datetime.now(UTC).isoformat(),
        "emailAddress": email, "userName": name, "sessionId": f"session-{number}", "notebookPath": "lesson/loops.ipynb",
        **fields,
    }  # fmt: skip


def run(number: int, cell: int, *, fails: bool = False) -> dict[str, Any]:
    error = {"hasError": True, "errorMessage": "NameError: name 'price' is not defined", "result": ""}
    return event(
        "cell_executed", number, cellId=f"c{cell}", cellIndex=cell, cellType="code", code=f"print(price * {number})",
        executionCount=cell, executionDurationMs=20, **(error if fails else {"hasError": False, "result": "ok"}),
    )  # fmt: skip


def post(day: Day, key: str, *events: dict[str, Any]) -> None:
    answer = httpx.post(f"{day.url}/api/v1/events?key={key}", json=list(events), timeout=30)
    answer.raise_for_status()


def begin(day: Day, link: str) -> None:
    page = day.page
    with day.task("First account"):
        page.goto(link)
        day.fill("Your name", "田中 先生")
        day.fill("E-mail", EMAIL)
        for label in ("Password", "Password, once more"):
            if page.get_by_label(label, exact=True).count():
                day.fill(label, PASSWORD)
        day.press(page.locator("main form button").last)
        day.sees("You have no class yet")
    with day.task("Make a class"):
        day.link("New class")
        day.fill("Name", "プログラミング入門")
        day.press("Create class")
        day.sees("At a glance")
    with day.task("40 students from a list (CSV with Japanese headers)"):
        day.link("Import a list")
        day.fill("The list", class_list())
        day.press("Check the list")
        day.sees("New in the class: 40.")
        day.press("Import the list (40)")
        day.sees("Added: 40.")
    with day.task("A class code on the screen"):
        day.link("JupyterLab connection")
        day.press("Make a class code")
        expect(page.get_by_role("button", name="End the code")).to_be_visible()
    with day.task("A room of 40 seats, everybody seated"):
        day.link("Room")
        day.link("Rooms and seats")
        day.fill("Name of the room", "PC 2")
        day.fill("Number of rows", "5")
        day.fill("Seats in a row", "8")
        day.press("Make the room")
        day.sees("Now say who sits where.")
        day.press("Seat everybody")
        day.sees("Students who got a seat: 40")


def class_key(day: Day) -> str:
    """Make a key, to play the students with; not part of the day."""
    day.tasks.append(Task("-"))
    day.link("Set-up")
    day.link("JupyterLab connection")
    day.press(day.page.locator("#key-heading").locator("xpath=..").get_by_role("button").first)
    words = day.page.locator("#settings-json").text_content() or ""
    day.tasks.pop()
    return str(json.loads(words)["serverUrl"].partition("key=")[2])


def teach(day: Day, key: str) -> None:
    page = day.page
    for cell in (1, 2):
        post(day, key, *(run(number, cell) for number in range(SIZE)))
    for _ in range(4):
        post(day, key, *(run(number, 3, fails=True) for number in (2, 3, 4)))
    with day.task("Start of the lesson: the live page"):
        page.goto(day.url)
        day.link("プログラミング入門")
        expect(page.locator('#freshness[data-state="live"]')).to_be_visible()
        expect(page.locator("#cards .card")).to_have_count(SIZE)
    with day.task("Somebody asks for help, and stands in the list"):
        post(day, key, event("help", 7))
        case = page.locator("[data-alert-cases] .alert-case", has_text=students()[7][1])
        expect(case).to_contain_text("asked for help", timeout=15_000)
    with day.task("I'm going"):
        day.press(case.get_by_role("button", name="I'm going"))
        expect(page.locator("[data-on-the-way]")).to_contain_text("You are on the way")
    with day.task("Helped"):
        day.press(page.locator("[data-on-the-way]").get_by_role("button", name="Helped", exact=True))
        expect(page.locator("[data-on-the-way]")).to_have_count(0)
    with day.task("A hint to the three with the same error"):
        cluster = page.locator(".cluster", has_text="NameError").first
        day.press(cluster.get_by_text("Send a hint"))
        cluster.get_by_role("textbox").fill("price には値段を入れます。")
        day.tasks[-1].field()
        day.press(cluster.get_by_role("button", name="Send", exact=True))
        day.sees("Hint sent")
    with day.task("Look at one student, and back"):
        day.press(page.locator("#cards a[data-drawer]", has_text=students()[2][1]).first)
        expect(page.locator("#drawer")).to_contain_text("NameError")
        day.key("Escape")
        expect(page.locator("#drawer")).to_be_hidden()
    with day.task("End of the lesson: the report"):
        day.link("Report")
        day.sees("Hardest cells")


def hand_in(day: Day, key: str, assignment: int, number: int) -> None:
    who = httpx.get(
        f"{day.url}/api/v1/me", params={"email": students()[number][0]}, headers={"X-Class-Key": key}, timeout=30
    )
    who.raise_for_status()
    answer = httpx.post(
        f"{day.url}/api/v1/submissions", headers={"X-Class-Key": key}, timeout=30,
        json={"assignment_id": assignment, "student_id": who.json()["student_id"], "notebook_content": NOTEBOOK},
    )  # fmt: skip
    answer.raise_for_status()


def grade(day: Day, key: str) -> None:
    page = day.page
    due = (datetime.now() + timedelta(days=7)).strftime("%Y-%m-%dT23:59")
    with day.task("An assignment from a notebook"), tempfile.TemporaryDirectory() as folder:
        starter = Path(folder) / "loops.ipynb"
        starter.write_text(json.dumps(NOTEBOOK))
        day.link("Assignments")
        day.link("New assignment")
        day.fill("Due", due)
        day.fill("Points", "10")
        page.get_by_label("Starter notebook").set_input_files(starter)
        day.tasks[-1].field()
        day.press("Save")
        day.sees("with a starter notebook")
    assignment = page.url
    for number in range(5):
        hand_in(day, key, int(assignment.rstrip("/").rpartition("/")[2]), number)
    with day.task("Grade five with Save and next"):
        day.link("Assignments")
        day.press(page.locator(".assignment-tile a", has_text="Next to grade"))
        for number in range(5):
            page.locator("#id_grade, [name=grade]").first.fill("8")
            day.tasks[-1].field()
            before = page.url
            day.press("Save and next")
            page.wait_for_url(lambda address, before=before: address != before)
            assert (page.url == assignment) == (number == 4)
    with day.task("The gradebook as CSV"):
        day.link("Assignments")
        day.link("Gradebook")
        with page.expect_download() as got:
            day.link("Gradebook as CSV")
        assert "第1回" in Path(got.value.path()).read_text("utf-8-sig")
    with day.task("An extension for one student"):
        day.link("Assignments")
        day.link("第1回 ループ")
        day.press(page.locator("tr", has_text=students()[9][1]).get_by_role("link", name="Extend").first)
        day.fill("Extended to", (datetime.now() + timedelta(days=14)).strftime("%Y-%m-%dT23:59"))
        day.press("Save")
        day.sees("may hand in later")


def administer(day: Day, key: str) -> None:
    page = day.page
    post(day, key, {**run(6, 1), "emailAddress": "jiro.private@example.com", "userName": students()[6][1]})
    with day.task("Two rows that are one person, merged"):
        day.link("Set-up")
        day.link("Students")
        day.fill("Search by name, reading, number, e-mail or team", students()[6][1])
        day.press("Search")
        rows = page.locator("main [type=checkbox][name=student]")
        expect(rows).to_have_count(2)
        for number in range(2):
            rows.nth(number).check()
            day.tasks[-1].field()
        day.press(page.get_by_text("With the selected students"))
        day.press("Merge two into one…")
        day.sees("What will happen")
        day.press("Merge")
        day.sees("is one person now")
    with day.task("The class for next year"):
        day.link("Details")
        day.link("Copy this class")
        day.press("Copy this class")
        day.sees("At a glance")
    with day.task("A colleague is invited"):
        day.link("Instructors")
        day.fill("E-mail", "suzuki@school.example")
        day.press("Invite")
        day.sees("/invitations/")
    invitation = page.locator("pre, code, .copyable").filter(has_text="/invitations/")
    address = (invitation.first.text_content() or "").strip()
    with day.task("The colleague's account"):
        page.goto(f"{day.url}/account/")
        page.context.clear_cookies()
        page.goto(address)
        for label, text in (("Your name", "鈴木 先生"), ("Password", PASSWORD), ("Password, once more", PASSWORD)):
            if page.get_by_label(label, exact=True).count():
                day.fill(label, text)
        day.press(page.locator("main form button").last)
        page.wait_for_load_state()
    page.context.clear_cookies()
    day.tasks.append(Task("-"))
    log_in(day, EMAIL, PASSWORD)
    day.tasks.pop()
    with day.task("A forgotten password: the administrator's link, and the new password"):
        day.press("Menu")
        day.link("Accounts")
        day.press(page.locator("li.row", has_text="suzuki@").get_by_role("button", name="Link for a new password"))
        link = (page.locator("#password-link").text_content() or "").strip()
        page.context.clear_cookies()
        page.goto(link)
        for label in ("New password", "New password, once more"):
            day.fill(label, "another horse 10")
        day.press(page.locator("main form button").last)
        page.wait_for_load_state()


def log_in(day: Day, email: str, password: str) -> None:
    day.page.goto(f"{day.url}/login/")
    day.fill("E-mail", email)
    day.fill("Password", password)
    day.press("Log in")
    day.page.wait_for_selector(".class-list")


def report(day: Day) -> None:
    sys.stdout.write("| task | product s | practised s | presses | fields |\n|---|---:|---:|---:|---:|\n")
    for t in day.tasks:
        sys.stdout.write(f"| {t.name} | {t.seconds:.1f} | {t.seconds + t.person:.0f} | {t.presses} | {t.fields} |\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("link", help="of the first account, as `up` prints it")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--pictures", type=Path, help="a folder for a picture after each task")
    chosen = parser.parse_args()
    parts = urlsplit(chosen.link)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=FLAGS)
        context = browser.new_context(
            locale="en-US", timezone_id="Asia/Tokyo", viewport={"width": chosen.width, "height": 900}
        )
        context.set_default_timeout(15_000)
        day = Day(context.new_page(), f"{parts.scheme}://{parts.netloc}")
        try:
            begin(day, chosen.link)
            key = class_key(day)
            teach(day, key)
            grade(day, key)
            administer(day, key)
        finally:
            if chosen.pictures:
                day.page.screenshot(path=chosen.pictures / "end.png", full_page=True)
            report(day)
        browser.close()


if __name__ == "__main__":
    main()
