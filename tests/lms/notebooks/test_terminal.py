"""What a terminal would show in the end."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lms.notebooks.terminal import pieces_of, plain, settled
from lms.notebooks.terminal_styles import PLAIN, Style

TQDM = "".join(f"\r{n:3d}%|{'#' * (n // 10):10}| {n}/100" for n in range(0, 101, 5)) + "\n"
NESTED = (
    "\router:   0%\n\rinner:  50%\x1b[A\n\rinner: 100%\x1b[A\router:  50%\n\rinner:  50%\x1b[A\n\rinner: 100%\x1b[A"
    "\router: 100%\n\n"
)
RICH = "\x1b[?25l" + "".join(f"\r\x1b[2K\x1b[1A\x1b[2Ka {n}%\nb {n}%" for n in range(0, 101, 10)) + "\n\x1b[?25h"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, ""),
        ("", ""),
        ("a\tb\nc", "a\tb\nc"),
        ("a\r\nb\r\r\nc", "a\nb\nc"),
        ("old\rnew", "new"),
        ("longer\rab", "abnger"),
        ("longer\r\x1b[Kab", "ab"),
        ("a\r", "a"),
        ("\ra", "a"),
        (TQDM, "100%|##########| 100/100\n"),
        (NESTED, "outer: 100%\ninner: 100%\n"),
        ("first\n" + RICH, "a 100%\nb 100%\n"),
        ("1/10 [>...]" + "\b" * 11 + "10/10 [====]\n", "10/10 [====]\n"),
        ("abc\b\b", "abc"),
        ("\b\b\bx", "x"),
        ("10%\n\x1b[1A\x1b[2K100%\n", "100%\n"),
        ("a\nb\nc\x1b[2Ax", "a" + "x" + "\nb\nc"),
        ("a\n\x1b[99Ab", "b\n"),
        ("ab\x1b[1Dx", "ax"),
        ("a\x1b[3Cb", "a   b"),
        ("abc\x1b[2Gx", "axc"),
        ("abc\x1b[1K", ""),
        ("abcdef\x1b[3G\x1b[2P", "abef"),
        ("abcdef\x1b[3G\x1b[2X", "ab  ef"),
        ("a\nb\nc\x1b[2A\x1b[J", "a"),
        ("gone\n\x1b[H\x1b[2Jleft", "left"),
        ("gone\n\x1bcleft", "left"),
        ("a\x1b7bc\x1b8x", "axc"),
        ("a\x1b[sbc\x1b[ux", "axc"),
        ("\x1b]8;id=1;https://example.com\x1b\\link\x1b]8;;\x1b\\ end", "link end"),
        ("\x1b]8;;https://example.com\x07link\x1b]8;;\x07", "link"),
        ("\x9d8;;https://example.com\x9clink\x9d8;;\x9c", "link"),
        ("\x1b]0;title\x07x\x1bP+q\x1b\\y", "xy"),
        ("\x1b]never ends\nnext line", "\nnext line"),
        ("\x1b[?2004h\x1b[>4;2m\x1b[1 qx\x1b(B\x1b=", "x"),
        ("a\x1b", "a"),
        ("a\x1b[", "a"),
        ("bell\x07", "bell"),
        ("a\tb\rX", "X       b"),
        ("\x1b[31m" + TQDM + "\x1b[0m", "100%|##########| 100/100\n"),
        ("\rdone       \r", "done"),
        ("あいう\rab", "abいう"),
        ("あいう\ra", "a いう"),
        ("か\u3099き\rab", "abき"),
        ("진행 50%\r진행 100%", "진행 100%"),
        ("NUL\0", "NUL\N{REPLACEMENT CHARACTER}"),
        ("a\x0bb\x0cc", "a\nb\nc"),
    ],
)
def test_in_the_end_it_says(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(
    ("codes", "style"),
    [
        ("31", Style(1)),
        ("1;92", Style(10, True)),
        ("38;2;255;0;0", Style(1)),
        ("38:2::255:0:0", Style(1)),
        ("38:2:0:0:255", Style(4)),
        ("38;2;0;160;0", Style(2)),
        ("38;2;255;165;0", Style(3)),
        ("38;5;9", Style(9)),
        ("38;5;196", Style(1)),
        ("38:5:21", Style(4)),
        ("38;5;244", PLAIN),
        ("38;2;40;40;40", PLAIN),
        ("38;2;1;2;31;1", Style(None, True)),
        ("48;2;255;0;0", PLAIN),
        ("48;5;31", PLAIN),
        ("58;5;1", PLAIN),
        ("58;2;1;1;31", PLAIN),
        ("4:3", PLAIN),
        ("31;0", PLAIN),
        ("1;22", PLAIN),
        ("31;39", PLAIN),
        (";31", Style(1)),
        ("38", PLAIN),
        ("38;5", PLAIN),
        ("38;2;1", PLAIN),
        ("99999999999;31", Style(1)),
    ],
)
def test_colours_have_one_of_sixteen_names(codes, style):
    assert pieces_of(f"\x1b[{codes}mx") == [(style, "x")]
    assert pieces_of(f"\r\x1b[{codes}mx") == [(style, "x")]


def test_what_is_overwritten_takes_its_colour_along():
    assert pieces_of("\x1b[31mabc\x1b[0m\rx") == [(PLAIN, "x"), (Style(1), "bc")]


def test_settled_text_is_settled():
    text = "\x1b[31m" + TQDM + "\x1b[1;38;2;0;0;255mblue\x1b[0m plain"
    once = settled(text)
    assert once == "\x1b[31m100%|##########| 100/100\x1b[0m\n\x1b[1;34mblue\x1b[0m plain"
    assert settled(once) == once
    assert settled("\x1b[31mabcdef", maximum=3) == "\x1b[31mabc\x1b[0m\n…"
    assert settled("abc", maximum=3) == "abc"


@given(st.text(alphabet="ab \r\n\b\t\x1b[]AJKHm0123;あ\u0301\x9b\x07"))
def test_whatever_comes_it_is_plain_in_the_end(text):
    shown = plain(text)
    assert not set(shown) & {"\r", "\b", "\x1b", "\x9b", "\x07"}
    assert plain(shown) == shown
    assert plain(settled(text)) == shown


M = 400_000
HOSTILE = {
    "lines": "\r" + "\n" * M,
    "a bar": "\r 50%|#####     | 50/100" * (M // 24),
    "erased to the left": "x" * (M // 2) + "\x1b[1K" * (M // 8),
    "characters taken out": "x" * (M // 2) + "\r" + "\x1b[P" * (M // 6),
    "blanked": "x" * (M // 2) + "\x1b[G\x1b[99999999X" * (M // 28),
    "far to the right": "\x1b[9999CX\n" * (M // 9),
    "far down": "\x1b[9999Ha\x1b[2J" * (M // 12),
    "up and down": "\n" * (M // 2) + "\x1b[A\x1b[2K" * (M // 16),
    "erased above": "\n" * (M // 2) + "\x1b[1J" * (M // 8),
    "marks": "\ra" + "\u0301" * M,
    "tabs": "\r" + "\t" * M + "x",
    "endless title": "\x1b]" * (M // 2),
    "endless code": "\x1b[" + "1;" * (M // 2),
    "wide": "\r" + "あ" * M,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_written_to_take_long_takes_seconds_at_most_and_no_room(name):
    """Quadratic would be hours. A million characters of a progress bar take a tenth of a second."""
    started = time.process_time()
    assert len(plain(HOSTILE[name])) <= 5_000_000
    assert time.process_time() - started < 8
