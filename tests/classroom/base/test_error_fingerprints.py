"""Which errors are taken for the same mistake: a table of what Python, IPython and students' libraries really say."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classroom.base.error_fingerprints import MAX_LINE_LENGTH, MAX_PATTERN_LENGTH, fingerprint

RECORDED = Path(__file__).parents[2] / "payloads" / "recorded_extension_requests.jsonl"

IPYTHON = """\x1b[31m---------------------------------------------------------------------------\x1b[39m
\x1b[31mKeyError\x1b[39m                                  Traceback (most recent call last)
\x1b[36mFile \x1b[39m\x1b[32m/usr/lib/python3/pandas/core/indexes/base.py:3805\x1b[39m, in \x1b[36mIndex.get_loc\x1b[39m
\x1b[32m   3804\x1b[39m \x1b[38;5;28;01mtry\x1b[39;00m:
\x1b[32m-> 3805\x1b[39m     \x1b[38;5;28;01mreturn\x1b[39;00m \x1b[38;5;28mself\x1b[39m._engine.get_loc(key)

\x1b[31mKeyError\x1b[39m: 'inner'

The above exception was the direct cause of the following exception:

\x1b[31mKeyError\x1b[39m                                  Traceback (most recent call last)
\x1b[36mCell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[7]\x1b[39m\x1b[32m, line 2\x1b[39m
\x1b[32m----> 2\x1b[39m df[\x1b[33m"\x1b[39m\x1b[33mprise\x1b[39m\x1b[33m"\x1b[39m]

\x1b[31mKeyError\x1b[39m: 'prise'"""

IPYTHON_SYNTAX = """\x1b[36m  Cell\x1b[39m\x1b[36m \x1b[39m\x1b[32mIn[3]\x1b[39m\x1b[32m, line 1\x1b[39m
\x1b[31m    \x1b[39m\x1b[31mfor price in prices\x1b[39m
                       ^
\x1b[31mSyntaxError\x1b[39m\x1b[31m:\x1b[39m expected ':'
"""

PYTHON = """Traceback (most recent call last):
  File "/home/aoi/lesson/work.py", line 12, in <module>
    print(undefined_nam)
          ^^^^^^^^^^^^^
NameError: name 'undefined_nam' is not defined. Did you mean: 'undefined_name'?
"""

PYDANTIC = """Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
pydantic_core._pydantic_core.ValidationError: 2 validation errors for Order
price
  Field required [type=missing, input_value={}, input_type=dict]
"""


@pytest.mark.parametrize(
    ("text", "name", "pattern"),
    [
        ("NameError: name 'prcies' is not defined", "NameError", "name … is not defined"),
        ("KeyError: '価格'", "KeyError", "…"),
        ("KeyError: 5", "KeyError", "#"),
        ("\x1b[31mKeyError\x1b[39m: 'Price'", "KeyError", "…"),
        ("ZeroDivisionError: division by zero", "ZeroDivisionError", "division by zero"),
        ("SyntaxError: expected ':' (859882524.py, line 1)", "SyntaxError", "expected …"),
        ("SyntaxError: invalid syntax (<ipython-input-3-0a1bc2>, line 7)", "SyntaxError", "invalid syntax"),
        (
            "SyntaxError: unterminated string literal (detected at line 1) (1.py, line 1)",
            "SyntaxError",
            "unterminated string literal",
        ),
        (
            "IndentationError: expected an indented block after 'for' statement on line 1 (77.py, line 2)",
            "IndentationError",
            "expected an indented block after … statement on line #",
        ),
        (
            "TypeError: can't multiply sequence by non-int of type 'float'",
            "TypeError",
            "can't multiply sequence by non-int of type …",
        ),
        (
            "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
            "TypeError",
            "unsupported operand type(s) for +: … and …",
        ),
        ("ValueError: 列'価格'がありません", "ValueError", "列…がありません"),
        ("ValueError: 「価格」は3より大きく", "ValueError", "…は#より大きく"),
        (
            "ValueError: shapes (3,4) and (5,) not aligned: 4 (dim 1) != 5 (dim 0)",
            "ValueError",
            "shapes (#) and (#) not aligned: # (dim #) != # (dim #)",
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'data/sales.csv'",
            "FileNotFoundError",
            "[Errno #] No such file or directory: …",
        ),
        (r"OSError: cannot read C:\Users\Aoi\売上.csv now", "OSError", "cannot read … now"),
        ("OSError: cannot read /home/ren/week 1", "OSError", "cannot read … #"),
        ("HTTPError: 404 for https://example.com/a?b=1", "HTTPError", "# for …"),
        ("TypeError: <__main__.Shop object at 0x7f3a5c> is not iterable", "TypeError",
         "<__main__.Shop object at #> is not iterable"),
        ("RuntimeError: job 3f2c9e01-77aa-4b0c-9a3e-0123456789ab ended", "RuntimeError", "job # ended"),
        ("AttributeError: x1 has no y2 in float64", "AttributeError", "x1 has no y2 in float64"),
        ("json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)", "JSONDecodeError",
         "Expecting value: line # column # (char #)"),
        ("KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("KeyboardInterrupt: ", "KeyboardInterrupt", ""),
        ("TooExpensive: more than 1,200.50 yen", "TooExpensive", "more than # yen"),
        ("ValueError: 日本語\n二行目 \x1b[31mred\x1b[0m nul:\x00 end", "ValueError", "日本語"),
        ("AssertionError:\nfirst line", "AssertionError", "first line"),
        ("計算に失敗しました: 12 行目", "", "計算に失敗しました: # 行目"),
        ("", "", ""),
        (None, "", ""),
        ("\x1b[31m\x1b[0m \0\r\n", "", ""),
        (IPYTHON, "KeyError", "…"),
        (IPYTHON_SYNTAX, "SyntaxError", "expected …"),
        (PYTHON, "NameError", "name … is not defined"),
        (PYDANTIC, "ValidationError", "# validation errors for Order"),
    ],
)  # fmt: skip
def test_what_is_left_of_an_error(text, name, pattern):
    found = fingerprint(text)
    assert (found.name, found.pattern) == (name, pattern)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("NameError: name 'prcies' is not defined", PYTHON),
        ("KeyError: 'Price'", IPYTHON),
        ("SyntaxError: expected ':' (859882524.py, line 1)", IPYTHON_SYNTAX),
        ("ValueError: x = 3", "ValueError: x = -4.5e10"),
        ("ValueError: \x1b[1mx\x1b[0m", "ValueError: x\r\n"),
    ],
)
def test_the_same_mistake(one, other):
    assert fingerprint(one).digest == fingerprint(other).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KeyError: 'a'", "NameError: name 'a' is not defined"),
        ("TypeError: 'int' object is not callable", "TypeError: 'int' object is not subscriptable"),
        ("KeyError: 'a'", ""),
        ("ValueError: 日本語", "ValueError: 英語"),
    ],
)
def test_another_mistake(one, other):
    assert fingerprint(one).digest != fingerprint(other).digest


@pytest.mark.parametrize(
    ("code", "name", "pattern"),
    [
        ("def f(n):\n    return f(n - 1)\nf(1)", "RecursionError", "maximum recursion depth exceeded"),
        ("try:\n    {}['a']\nexcept KeyError:\n    [][7]", "IndexError", "list index out of range"),
        ("prnt(1)", "NameError", "name … is not defined"),
        ("int('1,200')", "ValueError", "invalid literal for int() with base #: …"),
        ("raise ValueError", "ValueError", ""),
        # The end of a traceback decides, so a message that looks like an error of its own is taken for one.
        ("raise ValueError('one\\nTypeError: two')", "TypeError", "two"),
        ("if True\n    pass", "SyntaxError", "expected …"),
    ],
)
def test_tracebacks_of_this_python(code, name, pattern):
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).stderr
    found = fingerprint(said)
    assert (found.name, found.pattern) == (name, pattern), said


def test_what_the_extension_really_sent():
    bodies = [json.loads(line).get("body") for line in RECORDED.read_text().splitlines()]
    messages = {
        message for body in bodies if body for message in re.findall(r'"errorMessage":("(?:[^"\\]|\\.)*")', body)
    }
    found = {(print_.name, print_.pattern) for print_ in (fingerprint(json.loads(text)) for text in messages)}
    assert found == {
        ("ValueError", "日本語"),
        ("ZeroDivisionError", "division by zero"),
        ("SyntaxError", "expected …"),
        ("NameError", "name … is not defined"),
    }


@given(st.text(max_size=400) | st.from_regex(r"[A-Z][a-z]+Error: [ -~]{0,200}"))
def test_any_text_has_a_fingerprint(text):
    found = fingerprint(text)
    assert len(found.pattern) <= MAX_PATTERN_LENGTH
    assert len(found.line) <= MAX_LINE_LENGTH
    assert "\n" not in found.line
    assert "\x1b" not in found.line + found.pattern
    assert len(found.digest) == 16


PIECES = ["'", "\n", " \n", "a/", "1,", "\x1b[", "(", "a.", "#,", "0", "a-", "x: ", "「", "-" * 30 + "\n"]


@pytest.mark.parametrize("piece", PIECES)
def test_a_hostile_text_costs_no_more_than_another(piece):
    started = time.process_time()
    fingerprint("ValueError: " + piece * 100_000)
    fingerprint(piece * 100_000)
    assert time.process_time() - started < 5, "a pattern backtracks"
