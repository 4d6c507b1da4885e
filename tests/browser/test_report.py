"""The report of a lesson in a browser: it fits every width, its people open beside it, and it prints on two sheets."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visits import log_in

FILL = """
from datetime import timedelta
from django.utils import timezone
from events.models import CellExecution
from instructors.models import Instructor
from lms.models import *
teacher = Instructor.objects.create_user("teacher@example.com", "correct horse 9", name="Teacher")
made = Class.objects.create(class_code="PY", name="Python", instructor=teacher)
book = Notebook.objects.create(path="course/week-one-with-a-long-name.ipynb", name="week-one-with-a-long-name.ipynb")
cells = [Cell.objects.create(notebook=book, cell_id=f"c{n}", position=n) for n in range(24)]
start = timezone.now() - timedelta(hours=3)
for s in range(40):
    student = Student.objects.create(email=f"s{s}@example.com", name=f"Student {s}")
    StudentClass.objects.create(student=student, class_ref=made, joined_at=start - timedelta(days=1))
    places = {"student": student, "notebook": book, "session": Session.objects.create(student=student)}
    CellExecution.objects.bulk_create(
        CellExecution(cell=cell, executed_at=start + timedelta(minutes=3 * n + t / 2, seconds=s), **places,
                      status="error" if t < (n + s) % 6 else "success", error_message="KeyError: 'Price'")
        for n, cell in enumerate(cells) for t in range((n + s) % 6 + 1) if s % 10
    )
print(made.pk)
"""


@pytest.fixture(scope="module")
def address(live_system) -> str:
    return f"{live_system.url}/classes/{live_system.manage('shell', '-v', '0', '-c', FILL).split()[-1]}/report/"


@pytest.fixture
def report(address, page: Page) -> Page:
    log_in(page, address, email="teacher@example.com")
    expect(page.get_by_role("heading", name="Hardest cells")).to_be_visible()
    page.wait_for_load_state()  # until its scripts listen
    return page


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_it_fits(report, width):
    report.set_viewport_size({"width": width, "height": 800})
    assert report.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_lesson_of_forty_prints_on_two_sheets(report):
    pages = re.findall(rb"/Type\s*/Page[^s]", report.pdf(prefer_css_page_size=True))
    assert len(pages) <= 2


def test_people_open_beside_it(report):
    report.locator(".report-names a").get_by_text("Student 10", exact=True).click()
    expect(report.locator("dialog[open]")).to_contain_text("Student 10")
