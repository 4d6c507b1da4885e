"""Lists as Moodle, Canvas, Google, Outlook, registers and spreadsheets around the world save them: who is on them."""

from pathlib import Path

import pytest

from lms.rosters.parser import read, text_of
from tests.lms.rosters.roster_people import HANA, people

FILES = Path(__file__).parents[2] / "payloads" / "field" / "rosters"
MISSING = "The e-mail address is missing."
BREAK = "The name contains a line break or a control character."

# (e-mail, name, team) of the lines that are imported; then number and problem of those that are not.
EXPECTED = {
    "all_commas_trailing": ([(HANA, "Hana", "")], []),
    "apostrophe": (
        [(HANA, "Hana", ""), ("o'brien@example.com", "O'Brien", ""), ("=cmd@example.com", "X", "")],
        [],
    ),
    "canvas_gradebook": ([(HANA, "Sato, Hana", "")], []),
    "comma_name_header": ([(HANA, "Hana", "")], []),
    "cp932_extension_chars": ([("taka@example.com", "髙橋①㈱", "")], []),
    "cr_only": ([(HANA, "Hana", ""), ("ken@example.com", "Ken", "")], []),
    "crlf_in_quoted_header": ([(HANA, "Hana", "")], []),
    "dup_case": ([("Hana@Example.com", "Hana", "")], [(3, "The same address is on line 2.")]),
    "euc_jp": ([("taro@example.com", "山田太郎", "")], []),
    "euc_kr": ([("kim@example.com", "김철수", "")], []),
    "fullwidth_space_name": ([(HANA, "佐藤\u3000花", "")], []),
    "gb18030": ([("wang@example.com", "王小明", "")], []),
    "google_workspace": ([(HANA, "Hana Sato", "")], []),
    "grades_export_back": ([("stu@example.com", "stu", "")], []),
    "header_twice": ([(HANA, "Hana", ""), ("ken@example.com", "Ken", "")], []),
    "html_entity": ([(HANA, "Hana & Co", "")], []),
    "iso_2022_jp": ([("taro@example.com", "山田太郎", "")], []),
    "ja_emailアドレス": ([(HANA, "佐藤花", "")], []),
    "ja_tab_paste": ([(HANA, "佐藤 花", "チームＡ")], []),
    "ja_メールアドレス_paren": ([(HANA, "佐藤花", "")], []),
    "ja_学生氏名": ([(HANA, "佐藤花", "")], []),
    "login_id": ([(HANA, "Hana", "")], []),
    "macroman": ([("helene@example.com", "Hélène Dupré", "")], []),
    "mailto": ([(HANA, "Hana", "")], []),
    "moodle_en_export": ([(HANA, "Hana Sato", "")], []),
    "moodle_ja_export": ([(HANA, "佐藤 花", "")], []),
    "na": ([(HANA, "", ""), ("ken@example.com", "", "")], [(2, MISSING)]),
    "nbgrader_ids": ([(HANA, "Hana Sato", "")], []),
    "nickname_quote": ([("bob@example.com", 'Robert "Bob" Smith', "")], []),
    "openedx_profile": ([(HANA, "Hana Sato", "")], []),
    "outlook": ([(HANA, "Hana Sato", ""), ("ken@example.com", "Ken Ito", "")], []),
    "pipe": ([(HANA, "Hana", "")], []),
    "plus_quoted": (
        [("hana+cs1@example.com", "H", ""), ("hana@例え.jp", "D", "")],
        [
            (3, '“"hana sato"@example.com” is not an e-mail address.'),
            (4, "“花@example.jp” is not an e-mail address."),
        ],
    ),
    "quoted_newline": ([(HANA, "Hana", "")], [(4, BREAK)]),
    "semicolon_in_first_name_data": ([(HANA, "Hana", "")], []),
    "sep_hint": ([(HANA, "Hana", "Team1")], []),
    "space_quote": ([(HANA, "Sato, Hana", "A")], []),
    "student_email_header": ([(HANA, "Hana", "A")], []),
    "title_lines": ([(HANA, "佐藤花", "")], []),
    "umlaut_utf8_no_bom": ([("j@example.com", "Jörg Müller-Lüdenscheidt", "")], []),
    "user_email_header": ([(HANA, "Hana", "")], []),
    "utf16_no_bom": ([(HANA, "花", "")], []),
    "utf8_one_broken_byte": ([(HANA, "Hana", "")], [(3, "“rené@example.com” is not an e-mail address.")]),
    "zenkaku_comma": ([(HANA, "花子", "")], []),
}


def good(text, **known):
    return [(line.email, line.name, line.team) for line in read(text, **known).good]


def test_every_file_is_expected_to_be_something():
    assert {file.name for file in FILES.iterdir()} == {f"roster_{name}.csv" for name in EXPECTED}


@pytest.mark.parametrize("name", sorted(EXPECTED), ids=ascii)
def test_a_file_of_the_field_is_read_as_people_meant_it(name):
    table = read(text_of((FILES / f"roster_{name}.csv").read_bytes()))
    lines, problems = EXPECTED[name]
    assert [(line.email, line.name, line.team) for line in table.good] == lines
    assert [(line.number, line.problem) for line in table.bad] == problems


def test_what_was_read_as_what_is_told():
    canvas = read(text_of((FILES / "roster_canvas_gradebook.csv").read_bytes()))
    assert canvas.columns == {"email": ["SIS Login ID"], "name": ["Student"]}
    assert (canvas.left_out, [line.number for line in canvas.lines]) == ([2, 3, 5], [4])
    title = read(text_of((FILES / "roster_title_lines.csv").read_bytes()))
    assert (title.left_out, title.ignored, title.lines[0].number) == ([1, 2], [], 5)
    moodle = read("名,姓,メールアドレス\n花,佐藤,hana@example.com")
    assert moodle.columns["name"] == ["名", "姓"]


# --- Cells ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cell",
    [
        "'hana@example.com", "'hana@example.com'", "’hana@example.com", '"hana@example.com "',
        " hana@example.com\u00a0",
        "mailto:hana@example.com", "MAILTO:hana@example.com?subject=Hi", "smtp:hana@example.com", "<hana@example.com>",
        "hana&#64;example.com", "hana&#x40;example.com", "hana@example.com;", "\u200bhana@example.com",
        "ｈａｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "[hana@example.com](mailto:hana@example.com)", "(hana@example.com)",
        "\ufeffhana@example.com", "hana@exam\u00adple.com", '"=""hana@example.com"""',
    ],
    ids=ascii,
)  # fmt: skip
def test_addresses_as_they_are_wrapped(cell):
    assert people(f"email,name\n{cell},Hana\n") == [(HANA, "Hana", "")]


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("Hana &amp; Co", "Hana & Co"), ("Ren&eacute;e", "Renée"), ("AT&T", "AT&T"), ("'t Hooft", "'t Hooft"),
        ("O'Brien", "O'Brien"), ("'Hana'", "Hana"), ("#N/A", ""), ("#NAME?", ""), ("#BEZUG!", ""), ("N/A", ""),
        ("NULL", ""), ("Christopher Null", "Christopher Null"), ("Null", "Null"),
        ("\u3000佐藤\u3000花\u3000", "佐藤\u3000花"),
        ("\u200b", ""), ("“Hana”", "Hana"), ('"Bob" Smith', '"Bob" Smith'), ("'=1+1", "=1+1"),
        ('"=""Hana"""', "Hana"),
    ],
    ids=ascii,
)  # fmt: skip
def test_names_as_they_are_wrapped(cell, name):
    assert people(f"email,name\nhana@example.com,{cell}\n") == [(HANA, name, "")]


def test_marks_of_a_spreadsheet_go_from_the_name_as_well():
    assert people("email,name\n'hana@example.com,'Hana\nken@example.com,'T Hooft\n") == [
        (HANA, "Hana", ""),
        ("ken@example.com", "'T Hooft", ""),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Hana Sato <hana@example.com>; Ken Ito <ken@example.com>",
        "Hana Sato <hana@example.com>, Ken Ito <ken@example.com>;\n",
        '"Hana Sato" <hana@example.com>\n\nKen Ito <ken@example.com>\n',
        "To: Hana Sato <hana@example.com>; Ken Ito ＜ken@example.com＞",
        "Hana Sato <hana@example.com>；Ken Ito <ken@example.com>",
        "Hana Sato <hana@example.com>、Ken Ito <ken@example.com>",
        "Hana Sato <hana@example.com>，Ken Ito <ken@example.com>",
        "Hana Sato <hana@example.com>\tKen Ito <ken@example.com>",
        "email\nHana Sato <hana@example.com>\nKen Ito <ken@example.com>\n",
        "name,email\n,Hana Sato <hana@example.com>\nKen Ito,ken@example.com\n",
    ],
)
def test_lists_of_mail_programs(text):
    assert people(text) == [(HANA, "Hana Sato", ""), ("ken@example.com", "Ken Ito", "")]


def test_family_names_first_stay_together():
    expected = [(HANA, "Sato, Hana", ""), ("ken@example.com", "Ito, Ken", "")]
    assert people("Sato, Hana <hana@example.com>; Ito, Ken <ken@example.com>") == expected
    assert people("hana@example.com;Sato, Hana\nken@example.com;Ito, Ken\n") == expected
    assert people("Sato, Hana\thana@example.com\nIto, Ken\tken@example.com\n") == expected


def test_addresses_alone_on_one_line():
    for between in (", ", ";", "、", "；", "，", "\t"):
        assert people(f"hana@example.com{between}ken@example.com") == [(HANA, "", ""), ("ken@example.com", "", "")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "，", "；", "、", "｜", ", ", " ; "])
def test_delimiters(delimiter):
    rows = [["メール", "氏名", "チーム"], [HANA, "佐藤花", "A"], ["ken@example.com", "伊藤健", "B"]]
    assert people("\n".join(delimiter.join(row) for row in rows)) == [
        (HANA, "佐藤花", "A"),
        ("ken@example.com", "伊藤健", "B"),
    ]


@pytest.mark.parametrize("hint", ["sep=;", "SEP=;", '"sep=;"', "sep=;;;"])
def test_the_hint_for_a_spreadsheet_is_followed(hint):
    table = read(f"{hint}\r\nemail;name\r\nhana@example.com;Sato, Hana\r\n")
    assert [(line.number, line.email, line.name) for line in table.lines] == [(3, HANA, "Sato, Hana")]


# --- What is wrong costs no other -----------------------------------------------------------------------------------


def test_a_quotation_mark_that_is_not_closed_costs_one_line():
    table = read('email,name\nhana@example.com,"Hana\nken@example.com,Ken\nyui@example.com,"Yui"\n')
    assert [line.email for line in table.good] == ["ken@example.com", "yui@example.com"]
    [bad] = table.bad
    assert (bad.number, bad.problem) == (2, "A quotation mark is not closed or is inside a text.")


def test_two_of_them_do_not_swallow_what_is_between():
    table = read('email,name\na@example.com,"A\nb@example.com,B\nc@example.com,C"\nd@example.com,D\n')
    assert [line.email for line in table.good] == ["b@example.com", "d@example.com"]
    assert [line.number for line in table.bad] == [2, 4]


def test_one_address_is_one_person_however_it_is_written():
    table = read("email\nhana@example.com\nHANA@example.com\nｈａｎａ@example.com\nhana\u200b@example.com\n")
    assert [(line.number, line.problem) for line in table.bad] == [
        (number, "The same address is on line 2.") for number in (3, 4, 5)
    ]


def test_a_byte_that_is_broken_costs_one_line():
    content = "email,name\nhana@example.com,佐藤花\nken@example.com,伊藤健\n".encode()
    table = read(text_of(content.replace("健".encode(), "健".encode()[:2])))
    assert [line.name for line in table.good] == ["佐藤花"]
    assert [(line.number, line.problem) for line in table.bad] == [
        (3, "The name contains a character that could not be read.")
    ]


def test_an_identity_of_the_class_is_taken_as_it_is():
    known = ["'hana", "ken (old)", "<x>"]
    assert good("email,name\n'hana,Hana\nken (old),Ken\n<x>,X\n", known=known) == [
        ("'hana", "Hana", ""),
        ("ken (old)", "Ken", ""),
        ("<x>", "X", ""),
    ]
