"""Terminal output as HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from instructors.ansi import to_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (None, ""),
        ("plain <b> & 'x'", "plain &lt;b&gt; &amp; &#x27;x&#x27;"),
        ("\x1b[31mred\x1b[0m", '<span class="ansi-1">red</span>'),
        ("\x1b[0;31mred\x1b[39m not", '<span class="ansi-1">red</span> not'),
        (
            "\x1b[1;92mbold\x1b[22m thin",
            '<span class="ansi-10 ansi-bold">bold</span><span class="ansi-10"> thin</span>',
        ),
        ("\x1b[38;5;1mred\x1b[m", '<span class="ansi-1">red</span>'),
        ("\x1b[38;5;241mgrey\x1b[38;2;1;2;31mrgb", "greyrgb"),
        ("\x1b[48;5;31mground", "ground"),
        ("\x1b[2K\x1b]0;title\x07bar\x1b", "bar"),
        ("NUL\0", "NUL\N{REPLACEMENT CHARACTER}"),
        ("a\r\nb\x08", "a\nb"),
        ("\x1b[999999999;;31mx", '<span class="ansi-1">x</span>'),
    ],
)
def test_it_says(text, html):
    assert to_html(text) == html


@given(st.text(alphabet="\x1b[]0123456789;m<>&\"'\0ab\x07\n"))
def test_no_text_makes_other_markup_than_our_spans(text):
    rest = re.sub(r'<span class="ansi-(?:\d+|bold)(?: ansi-bold)?">|</span>', "", to_html(text))
    assert not re.search(r"[<>\"'\x1b\0]", rest)
