"""Terminal output as HTML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.base.ansi import code_to_html, plain, to_html


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
        ("\r 50%\r100%\n", "100%\n"),
        ("\x1b[38;2;255;0;0mred\x1b[0m", '<span class="ansi-1">red</span>'),
        ("\x1b]8;;https://example.com\x1b\\<b>\x1b]8;;\x1b\\", "&lt;b&gt;"),
        ("\x1b[999999999;;31mx", '<span class="ansi-1">x</span>'),
    ],
)
def test_it_says(text, html):
    assert to_html(text) == html


@given(st.text(alphabet="\x1b[]0123456789;m<>&\"'\0ab\x07\n"))
def test_no_text_makes_other_markup_than_our_spans(text):
    rest = re.sub(r'<span class="ansi-(?:\d+|bold)(?: ansi-bold)?">|</span>', "", to_html(text))
    assert not re.search(r"[<>\"'\x1b\0]", rest)


def test_one_line_of_a_list_is_what_a_terminal_shows():
    assert plain("\x1b[31m 50%\r100%\x1b[0m <b>") == "100% <b>"


@pytest.mark.parametrize(
    ("code", "html"),
    [
        (None, ""),
        ("a = 1\rb = 2\r\nc", "a = 1\nb = 2\nc"),
        ("\tx = '\x1b[31m<'\b", "\tx = &#x27;&lt;&#x27;"),
        ("a\0", "a\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_in_code_nothing_is_overwritten(code, html):
    assert code_to_html(code) == html
