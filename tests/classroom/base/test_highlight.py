"""Highlighted code: the same text, escaped, with constants for classes."""

import re
from html import unescape

from hypothesis import given
from hypothesis import strategies as st

from classroom.base.ansi import plain_code
from classroom.base.highlight import MAX_LENGTH, highlighted

TAG = re.compile(r'<span class="code-[a-z]+">|</span>')


def test_kinds_of_tokens():
    html = highlighted("def total(n):\n    return sum([1]) # é\n")
    assert '<span class="code-keyword">def</span> <span class="code-name">total</span>' in html
    assert '<span class="code-comment"># é</span>' in html


def test_code_that_is_none():
    assert highlighted(None) == ""


def test_very_long_code_stays_plain():
    assert "<span" not in highlighted("x = 1\n" * MAX_LENGTH)


@given(st.text(alphabet=st.sampled_from("ab1 \n\t'\"<>&#%!:=()\\\x1b[3m{}é日\r")))
def test_the_text_is_the_same_and_never_markup(text):
    html = TAG.sub("", highlighted(text))
    assert not re.search("[<>]", html)
    assert unescape(html) == plain_code(text)
