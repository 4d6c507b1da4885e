"""A class at once, some in real browsers, while the product is killed twice and the network cut once.

A short lesson of two, and one in a browser; LAB_CLASS=long is thirty and three for ten minutes, and -n 0 shows its
table.
"""

import os

from tests.lab.class_of_thirty import hold_lesson

SHORT = {"servers": 2, "browsers": 1, "seconds": 12, "pace": 0.5, "outage": 2}
LONG = {"servers": 30, "browsers": 3, "seconds": 600, "pace": 6, "outage": 30}


def test_every_run_of_a_class_is_stored_once_and_in_order(capsys):
    verdict = hold_lesson(**(LONG if os.environ.get("LAB_CLASS") == "long" else SHORT))
    with capsys.disabled():
        print("", *verdict.lines, sep="\n")  # noqa: T201
    assert verdict.is_right, "\n".join(verdict.lines)
