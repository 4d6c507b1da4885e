"""Two versions of a notebook in a real browser: beside each other where there is room, else one under the other."""

import pytest
from playwright.sync_api import expect

from instructors.models import Instructor
from lms.api.notebook_content import receipt
from lms.models import AssignmentStarter, AssignmentSubmission, Class, ClassAssignment, Notebook, Student, StudentClass
from tests.browser.visits import let_in
from tests.lms.notebooks.builders import code, notebook

OLD, NEW = notebook(code("a = 1\nprint(a)", id="c")), notebook(code("a = 2\nprint(a)", id="c"), code("x = 3", id="n"))


@pytest.fixture
def page(browser, live_server, client):
    hanako = Instructor.objects.create_user("hanako@example.com", "correct horse", name="Hanako")
    python_class = Class.objects.create(class_code="PY", name="Python 入門", instructor=hanako)
    student = Student.objects.create(email="eve@example.com", name="Eve")
    StudentClass.objects.create(class_ref=python_class, student=student)
    book = Notebook.objects.create(path="loops.ipynb", name="loops.ipynb")
    loops = ClassAssignment.objects.create(class_ref=python_class, notebook=book, title="Loops")
    AssignmentStarter.objects.create(assignment=loops, content=OLD, content_sha256=receipt(OLD))
    AssignmentSubmission.objects.create(
        assignment=loops, student=student, notebook_content=NEW, content_sha256=receipt(NEW)
    )
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800}, locale="en-US")
    context.set_default_timeout(30_000)
    let_in(context, live_server, client, hanako)
    page = context.new_page()
    page.address = f"/classes/{python_class.pk}/notebooks/"
    yield page
    context.close()


def test_two_versions_side_by_side_and_unified(page):
    page.goto(page.address)
    page.get_by_role("link", name="loops.ipynb").click()
    expect(page.get_by_role("radio", name="Older: Starter of Loops")).to_be_checked()
    newer = page.get_by_role("radio", name="Newer: Loops · Eve")
    expect(newer).to_be_checked()
    page.set_viewport_size({"width": 390, "height": 800})
    assert newer.bounding_box()["width"] >= 24, "what is chosen is seen on a phone too"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="Compare").click()
    gone, come = page.get_by_text("a = 1"), page.get_by_text("a = 2")
    expect(gone).to_be_visible()
    assert abs(gone.bounding_box()["y"] - come.bounding_box()["y"]) < 2
    assert come.bounding_box()["x"] > gone.bounding_box()["x"] + 300
    page.set_viewport_size({"width": 390, "height": 800})
    assert come.bounding_box()["y"] > gone.bounding_box()["y"] + 5
    assert page.get_by_text("print(a)").locator("visible=true").count() == 1, "what stayed is shown once"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
