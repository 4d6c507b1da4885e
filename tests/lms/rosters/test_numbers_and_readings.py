"""Which columns are the student number and the reading, and which only look like them."""

from pathlib import Path

import pytest

from lms.rosters.parser import read, text_of

FILES = Path(__file__).parents[2] / "payloads" / "field" / "rosters"


def known(text):
    [line] = read(text).good
    return line.student_number, line.reading


@pytest.mark.parametrize(
    "header",
    [
        "学籍番号", "学生番号", "学生証番号", "Student number", "student_id", "Student ID", "ID number", "IDナンバー",
        "学籍番号（必須）", "学籍番号 / Student ID", "Matrikelnummer", "학번", "学号", "SIS User ID", "学生ID",
    ],
)  # fmt: skip
def test_headers_of_numbers(header):
    assert known(f"{header},氏名,メール\n2401-234A,佐藤 花,hana@example.com\n") == ("2401-234A", "")


@pytest.mark.parametrize("header", ["No", "番号", "出席番号", "id", "連番", "Login ID", "個人番号", "Personnummer"])
def test_numbers_of_rows_systems_and_the_state_are_none(header):
    assert known(f"{header},氏名,メール\n17,佐藤 花,hana@example.com\n") == ("", "")


@pytest.mark.parametrize(
    "header",
    [
        "ふりがな",
        "フリガナ",
        "ﾌﾘｶﾞﾅ",
        "氏名（カナ）",
        "氏名カナ",
        "よみ",
        "Kana",
        "Reading",
        "氏名(ふりがな)",
        "読み仮名",
    ],
)
def test_headers_of_readings(header):
    assert known(f"氏名,{header},メール\n佐藤 花,さとう はな,hana@example.com\n") == ("", "さとう はな")


@pytest.mark.parametrize("header", ["セイ,メイ", "姓（カナ）,名（カナ）", "姓ふりがな,名ふりがな"])
def test_a_reading_in_two_columns(header):
    text = f"姓,名,{header},メール\n佐藤,花,サトウ,ハナ,hana@example.com\n"
    [line] = read(text).good
    assert (line.name, line.reading) == ("佐藤 花", "サトウ ハナ")


@pytest.mark.parametrize(
    ("cell", "number"),
    [("００１２３", "00123"), ('"=""00123"""', "00123"), ("'00123", "00123"), ("#N/A", ""), ("NULL", "")],
)
def test_values_as_spreadsheets_wrap_them(cell, number):
    assert known(f"email,student number\nhana@example.com,{cell}\n")[0] == number


@pytest.mark.parametrize(
    ("file", "number"),
    [
        ("roster_ja_学生氏名.csv", "100"),
        ("roster_moodle_ja_export.csv", "100"),
        ("roster_moodle_en_export.csv", "100"),
        ("roster_title_lines.csv", "100"),
        ("roster_login_id.csv", "77"),
        ("roster_openedx_profile.csv", ""),
        ("roster_nbgrader_ids.csv", ""),
        ("roster_grades_export_back.csv", ""),
    ],
)
def test_lists_from_the_field(file, number):
    found = read(text_of((FILES / file).read_bytes())).good
    assert found[0].student_number == number
    assert "@" in found[0].email


def test_a_login_id_is_no_address_and_no_number():
    table = read("Name,Login ID,学籍番号,Email\nHana,hana77,2401,hana@example.com\n")
    [line] = table.good
    assert (line.email, line.student_number) == ("hana@example.com", "2401")
    assert "Login ID" in table.ignored


def test_what_was_read_is_named():
    table = read("学籍番号,氏名,セイ,メイ,メール\n1,佐藤 花,サトウ,ハナ,hana@example.com\n")
    assert table.columns == {
        "email": ["メール"], "name": ["氏名"], "reading": ["セイ", "メイ"], "number": ["学籍番号"],
    }  # fmt: skip
