"""`contract_rows.py` against the text of the contract and against the tests that there are: no row without a test."""

import ast
import re
from functools import cache

import pytest

from tests.contract_rows import ROWS, RULES
from tests.servers import ROOT

TEXT = (ROOT / "docs" / "contract" / "http.md").read_text()
# What the text says of the earlier server, and does not ask of this one: "E 500", "E failed with 500".
EARLIER = re.compile(r"\(D; E[^)]*\)|E \d{3}")


def section(number: int) -> str:
    found = re.search(rf"^## {number}\. .*?(?=^## )", TEXT, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


def rows(number: int) -> dict[str, set[int]]:
    """Endpoint → the statuses that its row names."""
    found = {}
    before = 3 if "| Method, path | Auth |" in section(number) else 2  # columns before success and errors
    for line in section(number).splitlines():
        row = re.match(r"\| (GET|POST|PUT|DELETE) `([^`]+)`", line)
        if row:
            said = EARLIER.sub("", line.split(" | ", before)[before])
            found[f"{row[1]} {row[2]}"] = {int(status) for status in re.findall(r"\b([2345]\d\d)\b", said)}
    return found


def paragraphs(number: int) -> list[str]:
    """What stands outside of the tables, a bullet or an unbroken line each."""
    lines = [line for line in section(number).splitlines()[1:] if line and not line.startswith("|")]
    found: list[str] = []
    for line in lines:
        if found and (line.startswith("  ") or line[0].islower()):
            found[-1] += " " + line.strip()
        else:
            found.append(line.removeprefix("- ").removeprefix("(D) "))
    return found


@cache
def functions() -> frozenset[str]:
    """The names of all tests."""
    found = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found.add(node.name)
    return frozenset(found)


@pytest.mark.parametrize("number", ROWS)
def test_every_row_and_every_status_of_it_has_a_test(number):
    known = {endpoint: set(by_status) for endpoint, by_status in ROWS[number].items()}
    told = rows(number)
    assert told.keys() == known.keys()
    for endpoint, statuses in told.items():
        assert statuses <= known[endpoint], endpoint
        assert known[endpoint] - statuses <= {200}, endpoint  # "same": the row above says which


@pytest.mark.parametrize("number", RULES)
def test_every_rule_below_a_table_has_a_test(number):
    words = list(RULES[number])
    text = paragraphs(number)
    for word in words:
        assert [part for part in text if word in part], word
    assert [part[:80] for part in text if not any(word in part for word in words)] == []


def test_every_test_that_is_named_is_there():
    named = {name for of in (ROWS, RULES) for by_row in of.values() for names in _flat(by_row) for name in names}
    assert named - functions() == set()


def _flat(by_row: dict) -> list[tuple[str, ...]]:
    return [tests for row in by_row.values() for tests in (row.values() if isinstance(row, dict) else [row])]
