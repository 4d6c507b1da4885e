"""A submission in a real browser: nothing in a hostile notebook runs or loads, and what was typed is not lost."""

import base64
import re

import pytest
from playwright.sync_api import expect

from instructors.models import Instructor
from lms.models import (
    AssignmentSubmission,
    Class,
    ClassAssignment,
    Notebook,
    RubricItem,
    SavedComment,
    Student,
    StudentClass,
)
from tests.browser.visits import let_in
from tests.lms.notebooks.builders import ALERT, HOSTILE, code, markdown, notebook, shows

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30" {0}>'
    '<title>Bars</title><rect width="9" height="9"/>{1}</svg>'
)


@pytest.fixture
def page(browser, live_server, client):
    hanako = Instructor.objects.create_user("hanako@example.com", "correct horse", name="Hanako")
    python_class = Class.objects.create(class_code="PY", name="Python 入門", instructor=hanako)
    student = Student.objects.create(email="eve@example.com", name="Eve")
    StudentClass.objects.create(class_ref=python_class, student=student)
    notebook = Notebook.objects.create(path="loops.ipynb", name="loops.ipynb")
    loops = ClassAssignment.objects.create(class_ref=python_class, notebook=notebook, title="Loops", points=10)
    work = AssignmentSubmission.objects.create(assignment=loops, student=student, notebook_content=HOSTILE)
    context = browser.new_context(base_url=live_server.url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)  # the notebook is drawn by a process of its own
    let_in(context, live_server, client, hanako)
    page = context.new_page()
    page.address = f"/classes/{python_class.pk}/submissions/{work.pk}/"
    page.heard, page.asked, page.failed = [], [], []
    page.on("requestfailed", lambda request: page.failed.append(request))
    page.on("dialog", lambda dialog: (page.heard.append(dialog.message), dialog.accept()))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("console", lambda said: page.heard.append(said.text))
    context.on("request", lambda request: page.asked.append(request.url))
    yield page
    context.close()


def test_nothing_in_a_hostile_notebook_runs_or_loads(page, live_server):
    page.goto(page.address)
    frame = page.frame_locator("#notebook")
    expect(frame.get_by_text("left out here for safety").first).to_be_visible()
    assert page.evaluate("document.title").startswith("Eve")
    assert len(page.main_frame.child_frames) == 1
    expect(frame.locator("body")).to_have_css("padding", "16px")  # our stylesheet is there
    assert page.evaluate("document.getElementById('notebook').contentDocument") is None, "an origin of its own"
    page.wait_for_timeout(300)
    ours = re.compile(re.escape(live_server.url) + r"/(classes|static)/|data:image/(png|jpeg|gif|webp);")
    assert [url for url in page.asked if not ours.match(url)] == []
    assert page.heard == []


def test_even_markup_that_was_not_cleaned_can_do_nothing(page, monkeypatch):
    """The frame and its policy alone, were the cleaning to fail."""
    dirty = "".join("".join(cell["source"]) for cell in HOSTILE["cells"]) + "<p id=end>the end</p>"
    monkeypatch.setattr("classroom.notebooks.views.html_of", lambda *_, **__: dirty)
    page.goto(page.address)
    expect(page.get_by_role("heading", level=1)).to_have_text("Eve")
    while not page.failed:
        page.wait_for_event("requestfailed")
    page.wait_for_timeout(1000)
    refused = {request.url: request.failure for request in page.failed}
    assert refused, "it did try"
    assert set(refused.values()) == {"csp"}
    assert not any("owned" in text and "Blocked" not in text and "violates" not in text for text in page.heard)
    assert {url for url in page.asked if "evil.example" in url} <= set(refused)
    assert page.url.endswith(page.address)


def test_a_plot_and_a_formula_are_seen(page, live_server):
    content = notebook(
        markdown("Energy $E=mc^2$ for $5 or $10"), code("plot", shows(image_svg__xml=SVG.format("", "")))
    )
    AssignmentSubmission.objects.update(notebook_content=content)
    page.goto(page.address)
    frame = page.frame_locator("#notebook")
    picture, formula = frame.get_by_alt_text("Bars"), frame.locator("math")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 60)
    expect(picture).to_have_js_property("naturalHeight", 30)
    assert formula.evaluate("each => [each.namespaceURI, each.getAttribute('alttext')]") == [
        "http://www.w3.org/1998/Math/MathML",
        "E=mc^2",
    ]
    assert formula.bounding_box()["width"] > 20
    expect(frame.get_by_text("for $5 or $10")).to_be_visible()
    assert page.heard == []


def test_even_a_drawing_that_was_not_cleaned_only_draws(page, monkeypatch):
    """Inside `<img>` nothing runs or loads: what lms.notebooks.svg takes away is not what holds it off alone."""
    inside = (
        f"<script>{ALERT}</script><image href='https://evil.example/i.png' width='9' height='9'/>"
        "<style>@import 'https://evil.example/c.css'; rect { fill: url(https://evil.example/f) }</style>"
        "<foreignObject width='9' height='9'><img xmlns='http://www.w3.org/1999/xhtml'"
        f" src='https://evil.example/h.png' onerror='{ALERT.replace(chr(39), '&#34;')}'/></foreignObject>"
    )
    drawing = SVG.format(f"onload='{ALERT.replace(chr(39), '&#34;')}'", inside)
    address = "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()
    monkeypatch.setattr("classroom.notebooks.views.html_of", lambda *_, **__: f'<img src="{address}" alt="dirty">')
    page.goto(page.address)
    picture = page.frame_locator("#notebook").get_by_alt_text("dirty")
    expect(picture).to_be_visible()
    expect(picture).to_have_js_property("naturalWidth", 60)  # it is drawn
    page.wait_for_timeout(500)
    assert not [url for url in page.asked if "evil.example" in url]
    assert page.heard == []


def test_what_was_typed_survives_a_reload_and_goes_when_saved(page):
    page.goto(f"{page.address}")
    page.get_by_label("Grade of 10").fill("7.5")
    page.get_by_label("Feedback").fill("よく考えました")
    page.reload()
    assert len(page.heard) == 1, "it asks before it leaves"
    expect(page.get_by_label("Feedback")).to_have_value("よく考えました")
    expect(page.get_by_text("What you had typed before is back")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("The grade is saved.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("What you had typed before is back")).to_be_hidden()
    expect(page.get_by_label("Grade of 10")).to_have_value("7.5")
    assert len(page.heard) == 1


@pytest.fixture
def rubric(page):
    assignment = ClassAssignment.objects.get()
    lines = (("It runs", 6), ("It is explained", 2.5), ("Copied", -3))
    for position, (text, points) in enumerate(lines):
        RubricItem.objects.create(assignment=assignment, position=position, text=text, points=points)
    SavedComment.objects.create(assignment=assignment, text="Name your variables.")
    page.goto(page.address)
    return page


def test_ticks_fill_in_the_grade_but_not_over_one_that_was_typed(rubric):
    grade, proposed = rubric.get_by_label("Grade of 10"), rubric.locator("[data-proposed]")
    rubric.get_by_label("It runs").check()
    expect(grade).to_have_value("6")
    rubric.get_by_label("It is explained").check()
    expect(grade).to_have_value("8.5")
    grade.fill("7")
    rubric.get_by_label("Copied").check()
    expect(proposed).to_have_text("5.5")
    expect(grade).to_have_value("7")
    rubric.get_by_role("button", name="Use as the grade").click()
    expect(grade).to_have_value("5.5")
    expect(grade).to_be_focused()


def test_a_saved_comment_goes_behind_what_is_written(rubric):
    feedback = rubric.get_by_label("Feedback")
    feedback.fill("Good.")
    rubric.get_by_text("Comments to use again").click()
    rubric.get_by_role("button", name="Insert Name your variables.").click()
    expect(feedback).to_have_value("Good.\nName your variables.")


def test_ticks_survive_a_reload(rubric):
    rubric.get_by_label("It runs").check()
    rubric.reload()
    expect(rubric.get_by_label("It runs")).to_be_checked()
    expect(rubric.get_by_label("Grade of 10")).to_have_value("6")


def test_enter_saves_and_save_and_next_comes_to_the_grade(rubric):
    student = Student.objects.create(email="mallory@example.com")  # has left the class
    AssignmentSubmission.objects.create(assignment=ClassAssignment.objects.get(), student=student)
    rubric.get_by_label("It runs").check()
    rubric.get_by_label("Grade of 10").press("Enter")
    expect(rubric.get_by_text("The grade is saved.")).to_be_visible()
    rubric.get_by_role("button", name="Save and next").click()
    expect(rubric.get_by_role("heading", level=1)).to_have_text("mallory@example.com")
    expect(rubric.get_by_label("Grade of 10")).to_be_focused()
