"""JSON for people to read: indented, but not so that a small value becomes a large file."""

import json

from core.json_values import MAX_INDENTED, indented


def nested(value, levels):
    for _ in range(levels):
        value = [value]
    return value


def test_notebooks_are_indented_as_jupyter_writes_them():
    plot = nested(1.5, MAX_INDENTED - 7)
    content = {"cells": [{"outputs": [{"data": {"application/vnd.plotly.v1+json": {"data": plot}}}]}], "é": None}
    assert indented(content) == json.dumps(content, ensure_ascii=False, indent=1)


def test_many_numbers_in_many_lists_are_not_written_behind_blanks_each():
    value = nested([0] * 10_000, 99)
    assert len(indented(value)) < 50_000  # with indentation a million
    assert json.loads(indented(value)) == value
