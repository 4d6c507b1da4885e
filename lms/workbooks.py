"""Reads the first sheet of an Excel workbook (.xlsx) as text, one line a row and tabs between cells.

An .xlsx is a zip of XML files (ECMA-376, part 1, section 18). Only values are read: texts, numbers, and what formulas
last gave. Sizes are limited before anything is unpacked, and XML is parsed as it comes, without entities: 20 KB of a
hostile file may stand for millions of elements, or name one long text in every cell.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from xml.etree.ElementTree import Element, ParseError

from defusedxml.ElementTree import iterparse

MAX_UNPACKED = 20 * 1024 * 1024  # bytes of one part
MAX_ELEMENTS = 500_000  # of one part
MAX_ROWS, MAX_COLUMNS = 5000, 100
MAX_TEXT = 2 * 1024 * 1024  # characters of all cells together
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # of a workbook (ECMA-376, part 2)
START = b"PK\x03\x04"
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
LINKS = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
RELATIONSHIP = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
# What damaged and hostile files raise on the way; the last is raised for an encrypted one.
READ_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, ParseError, EOFError, OSError),
    *(KeyError, ValueError, IndexError, TypeError, RuntimeError),
)
WHOLE = re.compile(r"-?\d+\.0+")


class BadWorkbook(ValueError):
    """The file is no workbook that can be read."""


def is_workbook(content: bytes) -> bool:
    return content.startswith(START)


def text_of_workbook(content: bytes) -> str:
    """Return the cells of the first sheet. Raises BadWorkbook."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as file:
            texts = _shared_texts(file)
            rows = _rows(_elements(file, _first_sheet(file), f"{MAIN}row"), texts)
    except READ_ERRORS as problem:
        raise BadWorkbook(str(problem)) from None
    return "\n".join("\t".join(row).rstrip("\t") for row in rows)


def _elements(file: zipfile.ZipFile, name: str, tag: str) -> Iterator[Element]:
    """Yield the elements of this name in a part, each when it is complete, and empty it afterwards."""
    found = file.getinfo(name)
    if found.file_size > MAX_UNPACKED:  # no more is unpacked than this says
        raise BadWorkbook(f"{name} is too large")
    if found.compress_type not in METHODS:
        raise BadWorkbook(f"{name} is packed in a way that no workbook is")
    with file.open(name) as part:
        begun = 0
        for event, element in iterparse(part, ("start", "end")):
            begun += event == "start"
            if begun > MAX_ELEMENTS:
                raise BadWorkbook(f"{name} is too large")
            if event == "end" and element.tag == tag:
                yield element
                element.clear()


def _first_sheet(file: zipfile.ZipFile) -> str:
    for sheet in _elements(file, "xl/workbook.xml", f"{MAIN}sheet"):
        wanted = sheet.get(f"{LINKS}id")
        for link in _elements(file, "xl/_rels/workbook.xml.rels", RELATIONSHIP):
            if link.get("Id") == wanted:
                target = link.get("Target", "")
                return target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
        break
    raise BadWorkbook("no sheet")


def _shared_texts(file: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in file.namelist():
        return []
    return [_text(item) for item in _elements(file, "xl/sharedStrings.xml", f"{MAIN}si")]


def _text(item: Element) -> str:
    """Return the text of an item without its reading aids (`rPh`: furigana)."""
    runs = [item, *item.findall(f"{MAIN}r")]
    return "".join(found.text or "" for run in runs for found in run.findall(f"{MAIN}t"))


def _rows(found: Iterator[Element], texts: list[str]) -> list[list[str]]:
    rows: list[list[str]] = []
    length = 0
    for row in found:
        number = int(row.get("r", len(rows) + 1))
        if number > MAX_ROWS:
            raise BadWorkbook("too many rows")
        rows += [[] for _ in range(number - len(rows))]
        cells = rows[number - 1]
        for cell in row.findall(f"{MAIN}c"):
            place = _column(cell.get("r", "")) if cell.get("r") else len(cells)
            if place >= MAX_COLUMNS:
                continue
            text = _value(cell, texts)
            length += len(text)
            if length > MAX_TEXT:
                raise BadWorkbook("too much text")
            cells += [""] * (place + 1 - len(cells))
            cells[place] = " ".join(text.split())
    return rows


def _column(reference: str) -> int:
    """Return the index of a column: A1 is in 0, AA1 in 26."""
    number = 0
    for letter in re.match(r"[A-Z]{1,3}", reference)[0]:  # type: ignore[index]
        number = 26 * number + ord(letter) - 64
    return number - 1


def _value(cell: Element, texts: list[str]) -> str:
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(f"{MAIN}is")
        return _text(inline) if inline is not None else ""
    value = cell.find(f"{MAIN}v")
    text = (value.text or "") if value is not None else ""
    if kind == "s":
        return texts[int(text)] if text else ""
    if kind == "n" and text:
        return _number(text)
    return "" if kind == "e" else text


def _number(text: str) -> str:
    """Return a number as it was typed: 101 and not 101.0, 20260001 and not 2.0260001E7."""
    if "E" in text.upper():
        number = float(text)
        text = str(int(number)) if number.is_integer() and abs(number) < 1e15 else text
    return text.partition(".")[0] if WHOLE.fullmatch(text) else text
