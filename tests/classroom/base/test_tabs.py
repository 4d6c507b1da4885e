"""The tabs of a class: which one is marked as the page that is open."""

import re

import pytest


@pytest.mark.parametrize(
    ("page", "marked"),
    [
        ("", ("Live", "page")),
        ("cells/", ("Cells", "page")),
        ("assignments/", ("Assignments", "page")),
        ("assignments/new/", ("Assignments", "true")),
        ("setup/students/import/", ("Set-up", "true")),
    ],
)
def test_one_tab_is_marked(signed_in, hanako, python_class, page, marked):
    html = signed_in(hanako).get(f"/classes/{python_class.pk}/{page}").content.decode()
    nav = html[html.index('class="tabs"') :].partition("</nav>")[0]
    assert [(label, how) for how, label in re.findall(r'aria-current="(\w+)"[^>]*>([^<]+)<', nav)] == [marked]


def test_a_student_stands_under_no_tab(signed_in, hanako, python_class, ren):
    html = signed_in(hanako).get(f"/classes/{python_class.pk}/students/{ren.pk}/").content.decode()
    assert "aria-current" not in html[html.index('class="tabs"') :].partition("</nav>")[0]
