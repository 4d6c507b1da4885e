"""A lesson, as it is taught: 40 simulated students, two instructors in two browsers, one of them in Japanese."""

import json
import time
from contextlib import contextmanager

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect
from websockets.sync.client import connect

from operations.local import programs
from tests.browser.schoolwork import notebook_of
from tests.browser.test_seating import drag, mark, place_of
from tests.browser.visits import PASSWORD, make_account, post, wait_until_live
from tests.servers import PATIENCE, Running

SET_UP = """
from instructors.models import Instructor
from lms.models import Class, ClassAssignment, ClassKey, ClassStaff, Notebook
hanako, kaoru = Instructor.objects.order_by("pk")
lesson = Class.objects.create(class_code="PY", name="Python 入門", instructor=hanako)
ClassStaff.objects.create(class_ref=lesson, instructor=kaoru)
ClassKey.objects.create(class_ref=lesson, key_hash=ClassKey.hash("lesson-key"), hint="lesson")
notebook = Notebook.objects.create(path="loops.ipynb", name="loops.ipynb")
work = ClassAssignment.objects.create(class_ref=lesson, notebook=notebook, title="Loops", points=10)
print(lesson.pk, work.pk)
"""
STUCK = ["mio@example.com", "sho@example.com", "rin@example.com"]


@pytest.fixture(scope="module")
def lesson(live_system):
    """The class and its assignment by number, with 40 students at work in it."""
    for name in ("Hanako", "Kaoru"):
        make_account(live_system, f"{name.lower()}@example.com", name=name)
    said = live_system.manage("shell", "--no-imports", "--verbosity=0", "--command", SET_UP)
    class_id, work = map(int, said.split()[-2:])
    options = ["--students=40", "--rate=0.2", "--minutes=0", "--seed=7", "--no-jitter", "--key=lesson-key"]
    program = programs.command("manage", "simulate_class", f"--url={live_system.url}", *options)
    program.environment.update(live_system.environment)
    class_at_work = Running(program=program, log=live_system.directory / "simulate_class.log")
    class_at_work.start()
    yield class_id, work
    class_at_work.stop()


def sit_down(page: Page, system, name: str, path: str) -> Page:
    page.goto(f"{system.url}{path}")
    page.locator("[name=username]").fill(f"{name.lower()}@example.com")
    page.locator("[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    wait_until_live(page)
    return page


@contextmanager
def jupyterlab(system, email: str):
    """A student's socket, on which the server can reach them."""
    with connect(f"{system.url.replace('http', 'ws')}/api/v1/ws/{email}?key=lesson-key", proxy=None) as socket:
        assert json.loads(socket.recv(timeout=60))["type"] == "connection_established"
        yield socket


def heard(socket, kind: str, *, seconds: float = PATIENCE) -> dict:
    until = time.monotonic() + seconds
    while True:
        frame = json.loads(socket.recv(timeout=max(until - time.monotonic(), 0.01)))
        if frame["type"] == kind:
            return frame


def nothing(socket, kind: str) -> bool:
    try:
        heard(socket, kind, seconds=1)
    except TimeoutError:
        return True
    return False


def hand_in(system, assignment: int, email: str) -> None:
    key = {"key": "lesson-key"}
    with httpx.Client(base_url=f"{system.url}/api/v1", timeout=30) as api:
        who = api.get("/me", params={**key, "email": email}).json()
        work = {
            "assignment_id": assignment,
            "student_id": who["student_id"],
            "notebook_content": notebook_of("print(1)"),
        }
        answer = api.post("/submissions", params=key, json=work)
    assert answer.status_code == 201, answer.text


@pytest.fixture
def screens(live_system, lesson, page: Page, browser: Browser):
    """Hanako's in English, Kaoru's in Japanese, on the live page."""
    class_id, _ = lesson
    context = browser.new_context(locale="ja-JP", viewport={"width": 1024, "height": 768})
    context.set_default_timeout(30_000)
    address = f"/classes/{class_id}/"
    yield (
        sit_down(page, live_system, "Hanako", address),
        sit_down(context.new_page(), live_system, "Kaoru", address),
    )
    context.close()


def test_a_lesson(live_system, lesson, screens):
    class_id, work = lesson
    hanako, kaoru = screens
    for screen in screens:
        screen.evaluate("window.loadedOnce = true")
        expect(screen.locator("#cards .card")).to_have_count(40, timeout=30_000)
    expect(kaoru.get_by_role("heading", name="いま対応が必要な受講者")).to_be_visible()

    # Somebody asks; Hanako goes, and Kaoru sees it.
    post_as = {"system": live_system, "key": "lesson-key"}
    post(kind="help", emailAddress="yui@example.com", userName="中村 結衣", **post_as)
    entry = hanako.locator("[data-help-for]", has_text="中村 結衣")
    expect(entry).to_be_visible()
    expect(kaoru.locator("[data-help-for]", has_text="中村 結衣")).to_be_visible()
    began = time.monotonic()
    entry.locator("[data-action=claim]").click()
    expect(kaoru.locator('#cards [data-email="yui@example.com"] [data-claim]')).to_contain_text("Hanako")
    print(f"claim seen by the other after {time.monotonic() - began:.2f} s")  # noqa: T201
    expect(kaoru.locator("[data-help-for]", has_text="中村 結衣")).to_contain_text("Hanako")

    # Three fail alike; a hint reaches exactly those.
    with jupyterlab(live_system, STUCK[0]) as stuck, jupyterlab(live_system, "yui@example.com") as other:
        for email in STUCK:
            for _ in range(2):
                error = {"hasError": True, "errorMessage": "KeyError: 'prcie'", "cellId": "c7", "cellIndex": 6}
                post(emailAddress=email, userName=email.partition("@")[0], code="row['prcie']", **error, **post_as)
        cluster = hanako.locator("[data-cluster]", has_text="KeyError")
        expect(cluster).to_contain_text("3 students")
        cluster.locator(".cluster-hint summary").click()
        cluster.locator("input[name=text]").fill("Read the header of the file once more.")
        cluster.get_by_role("button", name="Send", exact=True).click()
        assert heard(stuck, "notification")["data"]["message"] == "Read the header of the file once more."
        assert nothing(other, "notification")
    assert all(screen.evaluate("window.loadedOnce") for screen in screens), "no page was loaded again"

    # The map: what one drags, the other sees, and it is still there afterwards.
    for screen in screens:
        screen.goto(f"{live_system.url}/classes/{class_id}/room/")
        expect(screen.locator("#freshness")).to_have_attribute("data-state", "live")
    hanako.get_by_role("button", name="Use a plain floor").click()
    expect(hanako.locator("#marks")).to_be_visible()
    team = hanako.locator("[data-tray]").first.get_attribute("data-tray") or ""
    expect(kaoru.locator(f'[data-tray="{team}"]')).to_be_visible()
    drag(hanako, hanako.locator(f'[data-tray="{team}"] > span'), 40, 60)
    expect(mark(kaoru, team)).to_be_visible()
    kaoru.reload()
    assert place_of(kaoru, team) == pytest.approx((40, 60), abs=2)

    # Work is handed in with the class's key, graded on the page, and the student hears of it.
    hand_in(live_system, work, "yui@example.com")
    with jupyterlab(live_system, "yui@example.com") as student:
        hanako.goto(f"{live_system.url}/classes/{class_id}/assignments/{work}/next/")
        hanako.locator("[name=grade]").fill("9.5")
        hanako.locator("[name=feedback]").fill("Well done.")
        hanako.locator("[data-shortcut=save-next]").click()
        graded = heard(student, "assignment_graded")["data"]
    assert graded["assignment_id"] == work
