"""Markdown of teachers as HTML: what it can say, and what never comes through."""

from html.parser import HTMLParser

import pytest

from classroom.base.markdown import MAX_LENGTH, TAGS, markdown
from tests.browser.payloads import PAYLOADS


def tags_of(html):
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: found.append((tag, dict(attributes)))
    parser.feed(html)
    return found


def test_what_a_description_says():
    html = markdown("# Task\nfirst\nsecond\n\n- **one**\n- `two`\n\n[docs](https://docs.python.org/)")
    assert "<h3>Task</h3>" in html
    assert "first<br>" in html
    assert "<li><strong>one</strong></li>" in html
    assert "<code>two</code>" in html
    assert '<a href="https://docs.python.org/" rel="noopener noreferrer nofollow">docs</a>' in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://evil.example/x.png)",
        '<img src=x onerror="alert(1)">',
        "[x](data:text/html,<script>alert(1)</script>)",
        "<a href='x' onclick='y'>z</a>",
        *PAYLOADS,
    ],
)
def test_nothing_active_comes_through(text):
    for tag, attributes in tags_of(markdown(text)):
        assert tag in TAGS
        assert attributes.keys() <= {"href", "rel", "start"}
        assert attributes.get("href", "https:").startswith(("https:", "http:", "#"))


def test_no_text_and_too_much_text():
    assert markdown(None) == ""
    assert markdown("**x** " * MAX_LENGTH).startswith("<p>**x**")
