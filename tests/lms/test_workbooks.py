"""The first sheet of an Excel workbook as text; damaged and hostile files are refused."""

import zipfile
from io import BytesIO

import pytest

from lms import workbooks
from lms.workbooks import BadWorkbook, is_workbook, text_of_workbook

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
LINKS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
PARTS = {
    "xl/workbook.xml": f'<workbook {MAIN} {LINKS}><sheets><sheet name="S" r:id="rId7"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId7" Target="worksheets/sheet1.xml"/></Relationships>',
    "xl/sharedStrings.xml": f"<sst {MAIN}><si><t>座席</t></si><si><r><t>佐藤</t></r><r><t> 花</t></r>"
    "<rPh><t>サトウ</t></rPh></si></sst>",
    "xl/worksheets/sheet1.xml": f"""<worksheet {MAIN}><sheetData>
        <row r="1"><c r="A1" t="s"><v>0</v></c><c r="C1" t="inlineStr"><is><t>Name</t></is></c></row>
        <row r="3"><c r="A3" t="str"><f>"A"&amp;1</f><v>A1</v></c><c r="B3"><v>2.0260001E7</v></c>
            <c r="C3" t="s"><v>1</v></c><c r="D3" t="e"><v>#N/A</v></c></row>
        <row><c><v>12.50</v></c><c><v>101.0</v></c><c t="b"><v>1</v></c></row>
    </sheetData></worksheet>""",
}


def workbook(method: int = zipfile.ZIP_DEFLATED, **changed: str) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", method) as written:
        for name, content in {**PARTS, **changed}.items():
            written.writestr(name, content)
    return file.getvalue()


def test_texts_numbers_and_gaps():
    content = workbook()
    assert is_workbook(content)
    assert text_of_workbook(content).split("\n") == [
        "座席\t\tName",
        "",
        "A1\t20260001\t佐藤 花",
        "12.50\t101\t1",
    ]


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>' + PARTS["xl/worksheets/sheet1.xml"]


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04 not a zip",
        workbook()[:300],
        workbook(**{"xl/workbook.xml": "<workbook/>"}),
        workbook(**{"xl/workbook.xml": "<workbook"}),
        workbook(**{"xl/worksheets/sheet1.xml": BOMB}),
        workbook(
            **{"xl/worksheets/sheet1.xml": f'<worksheet {MAIN}><sheetData><row r="9999999"/></sheetData></worksheet>'}
        ),
        workbook(**{"xl/sharedStrings.xml": f"<sst {MAIN}/>"}),
    ],
)
def test_no_workbook(content):
    with pytest.raises(BadWorkbook):
        text_of_workbook(content)


def test_a_part_that_is_too_large_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(workbooks, "MAX_UNPACKED", 100)
    with pytest.raises(BadWorkbook, match="too large"):
        text_of_workbook(workbook())


def sheet(rows: str) -> dict[str, str]:
    return {"xl/worksheets/sheet1.xml": f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"}


def test_one_long_text_in_every_cell_is_not_written_out():
    shared = f"<sst {MAIN}><si><t>{'a' * 1_000_000}</t></si></sst>"
    content = workbook(**{"xl/sharedStrings.xml": shared}, **sheet('<row><c t="s"><v>0</v></c></row>' * 1000))
    assert len(content) < 10_000  # and would be a gigabyte
    with pytest.raises(BadWorkbook, match="too much text"):
        text_of_workbook(content)


@pytest.mark.parametrize("content", ["<c/>" * 600_000, "<c>" * 600_000], ids=["beside each other", "in each other"])
def test_millions_of_elements_in_a_small_file(content):
    with pytest.raises(BadWorkbook, match="too large"):
        text_of_workbook(workbook(**sheet(f"<row>{content}")))


def test_a_column_of_a_thousand_letters_is_left_out():
    """Its number would have as many digits."""
    assert text_of_workbook(workbook(**sheet(f'<row><c r="{"A" * 1000}1"><v>1</v></c></row>'))) == ""
    assert workbooks._column("A" * 1000 + "1") < 26**3 + 26**2 + 26


def test_another_packing_is_refused():
    """A damaged one raises an error of its own library."""
    content = workbook(zipfile.ZIP_LZMA)
    with pytest.raises(BadWorkbook, match="packed"):
        text_of_workbook(content)
    start = content.index(b"xl/workbook.xml") + len("xl/workbook.xml")
    with pytest.raises(BadWorkbook):
        text_of_workbook(content[: start + 4] + b"\xff" * 30 + content[start + 34 :])
