"""What draws and compares notebooks, imported when a test first calls it: the libraries behind it take five seconds of
processor, and every worker imports every file of tests."""

from typing import Any


def draw(*arguments: Any, **options: Any) -> Any:
    from lms.notebooks.rendering import draw

    return draw(*arguments, **options)


def clean(*arguments: Any, **options: Any) -> Any:
    from lms.notebooks.sanitizing import clean

    return clean(*arguments, **options)


def left_out() -> str:
    from lms.notebooks.rendering import LEFT_OUT

    return LEFT_OUT


def diff_cells(*arguments: Any, **options: Any) -> Any:
    from lms.notebooks.diff import diff_cells

    return diff_cells(*arguments, **options)


def line_changes(*arguments: Any, **options: Any) -> Any:
    from lms.notebooks.diff import line_changes

    return line_changes(*arguments, **options)
