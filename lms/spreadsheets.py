"""Texts of students in the cells of a spreadsheet: what is never a formula, and what Excel reads in any language.

A spreadsheet runs what begins with one of FORMULA, and `=HYPERLINK(…)` in a student's name would send the table to
whoever wrote it. An apostrophe before it makes it a text; it is taken off again where our own files come back.
"""

from typing import TypeVar

# The last four are what a Japanese keyboard types; a Japanese Excel reads them as the first four.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
ENCODING = "utf-8-sig"  # with its mark, without which Excel reads Japanese as noise
MARK = "'"

Value = TypeVar("Value")


def harmless(value: Value) -> Value | str:
    """A cell's value; numbers stay numbers."""
    return MARK + value if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value


def original(text: str) -> str:
    """The text that `harmless` was given."""
    bare = text.removeprefix(MARK)
    return bare if bare.lstrip(" ").startswith(FORMULA) else text
