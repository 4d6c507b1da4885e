"""Lists of students as people really save them, and as they get them wrong."""

import pytest

from lms.rosters import parser as rosters_parser
from lms.rosters.parser import Unreadable, read, text_of, write

ROWS = [("aoi@example.com", "山田 葵", "チームA"), ("ren@example.com", "Ren", "")]


def people(table):
    return [(line.email, line.name, line.team) for line in table.lines]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    "header",
    [
        None,
        ["email", "name", "team"],
        ["E-Mail", "Full name", "Team_Name"],
        ["メールアドレス", "氏名", "チーム"],
        ["ｅメール", "お名前", "班"],
    ],
)
def test_headers_and_delimiters(header, delimiter):
    lines = ([delimiter.join(header)] if header else []) + [delimiter.join(row) for row in ROWS]
    assert people(read("\r\n".join(lines))) == ROWS


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
def test_encodings(encoding):
    text = "氏名,メール\n山田 葵①,aoi@example.com\n"
    assert people(read(text_of(text.encode(encoding)))) == [("aoi@example.com", "山田 葵①", "")]


def test_columns_come_in_any_order_and_others_are_left_out():
    table = read("出席番号,氏名,メールアドレス\n17,Aoi,aoi@example.com\n")
    assert people(table) == [("aoi@example.com", "Aoi", "")]
    assert table.ignored == ["出席番号"]


def test_blank_lines_do_not_count_and_numbers_are_those_of_an_editor():
    table = read('email,name\n\n"aoi@example.com","Aoi, the first"\n,\nno address,B\n')
    assert [(line.number, bool(line.problem)) for line in table.lines] == [(3, False), (5, True)]
    assert table.lines[0].name == "Aoi, the first"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (",Aoi,", "The e-mail address is missing."),
        ("aoi,Aoi,", "“aoi” is not an e-mail address."),
        ("aoi@@example.com,,", "“aoi@@example.com” is not an e-mail address."),
        (f"{'a' * 250}@example.com,,", "The e-mail is longer than 254 characters."),
        (f"aoi@example.com,{'a' * 256},", "The name is longer than 255 characters."),
        (f"aoi@example.com,,{'a' * 256}", "The team is longer than 255 characters."),
        ('aoi@example.com,"Aoi\nYamada",', "The name contains a line break or a control character."),
        ("aoi@example.com,A\0oi,", "The name contains a line break or a control character."),
        ("REN@example.com,,", "The same address is on line 1."),
    ],
)
def test_every_line_has_its_problem_and_the_others_stay_good(line, problem):
    table = read(f"ren@example.com,Ren,\n{line}\nyui@example.com,Yui,\n")
    assert [found.problem for found in table.bad] == [problem]
    assert [found.email for found in table.good] == ["ren@example.com", "yui@example.com"]


def test_full_width_letters_of_an_address_are_meant():
    assert people(read("ａｏｉ＠example.com,葵"))[0][0] == "aoi@example.com"


def test_an_identity_that_is_known_needs_no_form():
    assert not read("s1234,Aoi\n", known=["S1234"]).bad


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("  \n,,\n", "empty"),
        ("email,name\n", "no student below"),
        ("氏名,班\nAoi,A\n", "names no column"),
        ('aoi@example.com,"Aoi\n', "Line 1 cannot be read"),
        ("a@example.com\n" * (rosters_parser.MAX_LINES + 1), "More than 2000 lines"),
        ("x" * (rosters_parser.MAX_BYTES + 1), "larger than 512 KB"),
    ],
)
def test_what_cannot_be_read_says_why(text, words):
    with pytest.raises(Unreadable, match=words):
        read(text)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"PK\x03\x04 and more", "workbook"),
        (b"\xd0\xcf\x11\xe0 and more", "workbook"),
        (b"\xff\x81\xff\xff", "neither UTF-8 nor Shift_JIS"),
        (b"\xff\xfea", "neither UTF-8 nor Shift_JIS"),
        (b"a" * (rosters_parser.MAX_BYTES + 1), "larger than"),
    ],
)
def test_files_that_are_no_list_say_why(content, words):
    with pytest.raises(Unreadable, match=words):
        text_of(content)


def test_what_is_written_is_read_again_and_never_a_formula():
    rows = [*ROWS, ("+81@example.com", "=HYPERLINK(1)", "@SUM(A1)"), ("q@example.com", 'says "hi", and\'', "-1")]
    text = write(rows)
    assert text.startswith("\ufeffemail,name,team")
    assert ",'=HYPERLINK(1)," in text
    assert people(read(text)) == rows


def test_a_line_of_thousands_of_columns_is_refused():
    """Each of them would be looked for in each line."""
    rows = "\n".join(f"s{number}@example.com,Name {number}" for number in range(100))
    with pytest.raises(Unreadable, match="Line 1 has more than 500 columns"):
        read(f"email,name{',x' * 5000}\n{rows}")
