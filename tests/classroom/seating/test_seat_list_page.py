"""Seats from a list: first what will happen, then it happens; what cannot be read stays to be corrected."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from instructors.models import AuditLog
from lms.models import StudentClass
from tests.lms.test_workbooks import MAIN, workbook


@pytest.fixture
def check(send, lab):
    def post(text: str = "", **fields):
        return send(f"{lab.pk}/people/list/", text=text, **fields)

    return post


@pytest.fixture
def import_(check):
    """Check, and import what was checked."""

    def post(text: str, **fields):
        shown = check(text, **fields).content.decode()
        checked = re.search(r'name="checked" value="(\w+)"', shown)[1]
        return check(text, step="import", checked=checked, **fields)

    return post


def test_what_will_happen_is_said_first(check, lab, aoi, ren, enrol, sit, sitting):
    mio = enrol("mio@example.com", name="Mio")
    sit(lab, A1=aoi, A2=ren, B1=mio)
    shown = check("A1,Aoi\nA3,Ren\nB1,Nobody\nB2,\nB3,Aoi").content.decode()
    assert "Get a seat: 0. Move: 1. Sit there already: 1." in shown
    assert "≠ moves from A2" in shown
    assert "Line 3: Nobody in this class is called “Nobody”." in " ".join(re.sub("<.*?>", " ", shown).split())
    assert "The same student is on line 1." in shown
    assert "Lines without a student:" in shown
    assert "Mio" not in shown
    assert sitting(lab) == {"A1": "Aoi", "A2": "Ren", "B1": "Mio"}


def test_the_good_lines_are_imported_and_the_others_left(import_, lab, aoi, ren, sitting):
    answer = import_("seat,name\nA1,Aoi\nA2,Nobody\nB2,Ren")
    shown = answer.content.decode()
    assert sitting(lab) == {"A1": "Aoi", "B2": "Ren"}
    assert "Seated from the list: 2. Skipped: 1." in shown
    assert "seat\tname\nA2\tNobody</textarea>" in shown
    assert AuditLog.objects.get().details == {"room": lab.pk, "seats": 2, "skipped": 1}


def test_whoever_is_not_on_the_list_may_lose_their_seat(check, import_, lab, aoi, ren, enrol, sit, sitting):
    sit(lab, A1=aoi, A2=ren, B1=enrol("mio@example.com", name="Mio"))
    text = "A1,Ren"
    shown = check(text, free="on").content.decode()
    assert "These students lose their seat:</b> Mio" in shown
    assert "Aoi has no seat then" in shown
    import_(text)
    assert sitting(lab) == {"A1": "Ren", "B1": "Mio"}
    import_(text, free="on")
    assert sitting(lab) == {"A1": "Ren"}


def test_another_list_than_was_checked_is_checked_again(check, lab, aoi, sitting):
    shown = check("A1,Aoi", step="import", checked="0" * 64).content.decode()
    assert "The list has changed since it was checked" in shown
    assert sitting(lab) == {}


def test_the_option_is_part_of_what_was_checked(check, lab, aoi, ren, sit, sitting):
    sit(lab, A2=ren)
    checked = re.search(r'name="checked" value="(\w+)"', check("A1,Aoi").content.decode())[1]
    check("A1,Aoi", step="import", checked=checked, free="on")
    assert sitting(lab) == {"A2": "Ren"}


@pytest.mark.parametrize("name", ["seats.csv", "seats.xlsx"])
def test_files(check, lab, aoi, name):
    StudentClass.objects.filter(student=aoi).update(student_number="20260001")
    rows = "<row><c t='inlineStr'><is><t>座席</t></is></c><c t='inlineStr'><is><t>学籍番号</t></is></c></row>"
    rows += "<row><c t='inlineStr'><is><t>A1</t></is></c><c><v>20260001</v></c></row>"
    sheet = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    contents = {
        "seats.csv": "座席,学籍番号\r\nA1,20260001\r\n".encode("cp932"),
        "seats.xlsx": workbook(**{"xl/worksheets/sheet1.xml": sheet}),
    }
    shown = check(file=SimpleUploadedFile(name, contents[name])).content.decode()
    assert "Get a seat: 1. Move: 0. Sit there already: 0." in shown
    assert "20260001</textarea>" in shown


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"text": ""}, "The list is empty"),
        ({"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04 broken")}, "This workbook cannot be read"),
        ({"file": SimpleUploadedFile("a.xls", b"\xd0\xcf\x11\xe0 old")}, "Save it as CSV"),
        ({"file": SimpleUploadedFile("a.csv", b"A1,x\n" * 200_000)}, "larger than 512 KB"),
    ],
)
def test_no_list(check, fields, said):
    answer = check(**fields)
    assert answer.status_code == 422
    assert said in answer.content.decode()
