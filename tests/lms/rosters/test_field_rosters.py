"""Lists as Moodle, Canvas, Google, Outlook, registers and spreadsheets around the world save them: who is on them."""

from pathlib import Path

import pytest

from lms.rosters.parser import Unreadable, read, text_of

FILES = Path(__file__).parents[2] / "payloads" / "field" / "rosters"
HANA = "hana@example.com"
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


def people(text):
    """Everybody on a list of which every line is good."""
    table = read(text)
    assert not table.bad
    return [(line.email, line.name, line.team) for line in table.lines]


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
    assert (title.left_out, title.ignored, title.lines[0].number) == ([1, 2], ["学籍番号"], 5)
    moodle = read("名,姓,メールアドレス\n花,佐藤,hana@example.com")
    assert moodle.columns["name"] == ["名", "姓"]


# --- Columns --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "E-mail,Name", "Email Address [Required],Full name", "Student Email,Student", "school e-mail,Display Name",
        "メールアドレス（大学）,氏名", "学生メールアドレス,学生氏名", "大学メール,受講者氏名",
        "メール（必須）,氏名（漢字）",
        "E-Mail-Adresse,Teilnehmer", "Adresse de courriel,Nom complet", "Correo electrónico,Nombre completo",
        "Dirección de correo,Nombre", "Indirizzo email,Nome completo", "이메일 주소,성명", "邮箱地址,学生姓名",
        "電子郵件,姓名", "Primary Email,Learner name", "UPN,Name", "ユーザーID,氏名",
        "メールアドレス / E-mail,氏名 Name",
        "ＭＡＩＬ,ｼﾒｲ 氏名", "Электронная почта,ФИО", "連絡先,氏名", "*Email:,*Name:",
    ],
)  # fmt: skip
def test_headers_in_many_words(header):
    assert people(f"{header}\nhana@example.com,佐藤花\n") == [(HANA, "佐藤花", "")]


@pytest.mark.parametrize(
    "header",
    [
        "Địa chỉ email,Họ và tên,Nhóm", "Adres e-mail,Imię i nazwisko,Grupa", "Διεύθυνση email,Ονοματεπώνυμο,Ομάδα",
        "E-posta,Adı Soyadı,Grup", "อีเมล,ชื่อ-นามสกุล,กลุ่ม", "البريد الإلكتروني,الاسم الكامل,المجموعة",
        'דוא"ל,שם מלא,קבוצה', "E-mailová adresa,Jméno a příjmení,Skupina", "E-mail cím,Teljes név,Csoport",
        "Електронна пошта,ПІБ,Група", "Alamat surel,Nama Lengkap,Kelompok", "E-mailadres,Volledige naam,Groep",
        "E-postadress,Namn,Grupp", "E-mailadresse,Navn,Hold", "E-post,Fullt navn,Gruppe", "Sähköposti,Nimi,Ryhmä",
    ],
    ids=ascii,
)  # fmt: skip
def test_headers_in_many_languages(header):
    assert people(f"{header}\nhana@example.com,Hana Sato,A\n") == [(HANA, "Hana Sato", "A")]


@pytest.mark.parametrize(
    "header",
    [
        "MSSV,Họ,Tên", "Nr albumu,Nazwisko,Imię", "Αριθμός Μητρώου,Επώνυμο,Όνομα", "Öğrenci No,Soyadı,Adı",
        "รหัสนักศึกษา,นามสกุล,ชื่อ", "الرقم الجامعي,اسم العائلة,الاسم الأول", "מספר סטודנט,שם משפחה,שם פרטי",
        "Osobní číslo,Příjmení,Jméno", "Neptun kód,Vezetéknév,Keresztnév", "Номер студента,Прізвище,Ім'я",
        "NIM,Nama belakang,Nama depan", "Studentnummer,Achternaam,Voornaam", "Personnummer,Efternamn,Förnamn",
        "Studienummer,Efternavn,Fornavn", "Studentnr,Etternavn,Fornavn", "Opiskelijanumero,Sukunimi,Etunimi",
    ],
    ids=ascii,
)  # fmt: skip
def test_headers_of_parts_of_names_in_many_languages(header):
    assert people(f"{header},email\n17,Sato,Hana,hana@example.com\n") == [(HANA, "Hana Sato", "")]


@pytest.mark.parametrize(
    "header", ["Email rodzica", "Veli e-posta", "อีเมลผู้ปกครอง", "E-mail ouder", "בדואל הורה"], ids=ascii
)
def test_an_address_of_somebody_else_in_other_languages(header):
    assert people(f"{header},email\nmother@example.com,hana@example.com\n") == [(HANA, "", "")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Ainm,email\nHana Sato,hana@example.com\nKen,ken@example.com\n", ["Hana Sato", "Ken"]),
        ("Nr,Ainm,email\n1,佐藤 花,hana@example.com\n2,伊藤 健,ken@example.com\n", ["佐藤 花", "伊藤 健"]),
        (",email\nHana,hana@example.com\nKen,ken@example.com\n", ["Hana", "Ken"]),
        ("Rang,email\nGuest,hana@example.com\nGuest,ken@example.com\n", ["", ""]),
        ("Seen,email\n2024-04-01,hana@example.com\n2024-04-02,ken@example.com\n", ["", ""]),
        ("Ainm,Cathair,email\nHana,Kyoto,hana@example.com\nKen,Nara,ken@example.com\n", ["", ""]),
        ("Ainm,name,email\nX,Hana,hana@example.com\nY,Ken,ken@example.com\n", ["Hana", "Ken"]),
        ("Site,email\nhttps://a.example,hana@example.com\nhttps://b.example,ken@example.com\n", ["", ""]),
    ],
)
def test_the_one_column_of_texts_is_the_name(text, names):
    assert [line.name for line in read(text).good] == names


@pytest.mark.parametrize(
    "text",
    [
        '"name,email"\n"Hana,hana@example.com"\n"""Ito, Ken"",ken@example.com"\n',
        'name,email\r\n"Hana,hana@example.com"\r\n"""Ito, Ken"",ken@example.com"\r\n',
        '"name;email";\n\n"Hana;hana@example.com";\n"Ito, Ken;ken@example.com";\n',
        '"hana@example.com,Hana"\n"ken@example.com,""Ito, Ken"""\n',
    ],
)
def test_quotation_marks_around_whole_lines(text):
    assert people(text) == [(HANA, "Hana", ""), ("ken@example.com", "Ito, Ken", "")]


def test_quotation_marks_around_the_only_column_are_those_of_its_cells():
    assert people('"email"\n"hana@example.com"\n') == [(HANA, "", "")]
    assert people('"Sato, Hana <hana@example.com>"\n"Ito, Ken <ken@example.com>"\n')[0][0] == HANA


@pytest.mark.parametrize(
    "header", ["team", "Team Name", "グループ名", "班", "グループ", "小组", "팀", "Gruppe", "Équipe"]
)
def test_headers_of_teams(header):
    assert people(f"email,{header},name\nhana@example.com,A,Hana\n") == [(HANA, "Hana", "A")]


@pytest.mark.parametrize(
    ("header", "cells", "name"),
    [
        ("First name,Last name", "Hana,Sato", "Hana Sato"),
        ("Last Name,First Name", "Sato,Hana", "Hana Sato"),
        ("Surname,Given names", "Sato,Hana Maria", "Hana Maria Sato"),
        ("First Name,Middle Name,Last Name", "John,Fitzgerald,Kennedy", "John Fitzgerald Kennedy"),
        ("Name,Vorname", "Müller,Jörg", "Jörg Müller"),
        ("Nom,Prénom", "Dupré,Hélène", "Hélène Dupré"),
        ("Nombre,Apellido(s)", "José,Muñoz", "José Muñoz"),
        ("姓,名", "佐藤,花", "佐藤 花"),
        ("名,姓", "花,佐藤", "佐藤 花"),
        ("氏名（姓）,氏名（名）", "佐藤,花", "佐藤 花"),
        ("姓,名", "SATO,Hana", "SATO Hana"),
        ("名,姓", "Hana,Sato", "Hana Sato"),
        ("First name,Last name", "花,佐藤", "佐藤 花"),
        ("성,이름", "김,철수", "김철수"),
        ("First name,Last name", "Hana,", "Hana"),
        ("Name,First name,Last name", "Sato Hana,Hana,Sato", "Sato Hana"),
        ("Name,First name", "Hana Sato,Hana", "Hana Sato"),
        ("username,First name,Last name", "h7,Hana,Sato", "Hana Sato"),
        ("username,name", "h7,Hana", "Hana"),
        ("username", "Hana", "Hana"),
        ("ふりがな,氏名", "さとう はな,佐藤 花", "佐藤 花"),
        ("氏名（カナ）,氏名（漢字）", "サトウ ハナ,佐藤 花", "佐藤 花"),
        ("氏名カナ,氏名", "サトウ,佐藤", "佐藤"),
        ("セイ,メイ,姓,名", "サトウ,ハナ,佐藤,花", "佐藤 花"),
        ("フリガナ", "サトウ ハナ", ""),
        ("学籍番号,氏名", "123,佐藤花", "佐藤花"),
        ("学籍番号", "123", ""),
        ("Student ID,Student name", "123,Hana", "Hana"),
        ("Class name,Course name,Name", "PY,Python,Hana", "Hana"),
        ("保護者氏名,氏名", "佐藤母,佐藤花", "佐藤花"),
        ("担当教員氏名,氏名", "田中,佐藤花", "佐藤花"),
    ],
)
def test_names_in_parts_readings_and_numbers(header, cells, name):
    assert people(f"{header},email\n{cells},hana@example.com\n") == [(HANA, name, "")]


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("Email,Parent email", "hana@example.com,mother@example.com"),
        ("保護者メールアドレス,メールアドレス", "mother@example.com,hana@example.com"),
        ("個人メールアドレス,大学メールアドレス", "hana@home.example,hana@example.com"),
        ("Recovery Email,Email Address", "x@home.example,hana@example.com"),
        ("Personal Email,Email", "x@home.example,hana@example.com"),
        ("メールアドレス（個人）,メールアドレス（学校）", "x@home.example,hana@example.com"),
        ("メール配信,E-mail", "可,hana@example.com"),
        ("Login ID,Email", "hana7,hana@example.com"),
        ("Email,User Principal Name", "hana@example.com,hana@tenant.example"),
        ("Instructor email,Contact", "prof@example.com,hana@example.com"),
    ],
)
def test_the_address_is_the_students(header, cells):
    assert people(f"{header}\n{cells}\n") == [(HANA, "", "")]


def test_a_teachers_or_parents_address_is_never_taken_for_a_students():
    with pytest.raises(Unreadable, match="only 氏名, 保護者メール"):
        read("氏名,保護者メール\n佐藤花,mother@example.com\n")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "学籍番号,氏名\n100,佐藤花\n",
            "The header on line 1 names no column with e-mail addresses, only 学籍番号, 氏名: call that column"
            " “email”.",
        ),
        (
            "履修者名簿\n\nName,Login ID\nHana,hana7\n",
            "The header on line 3 names no column with e-mail addresses, only Name, Login ID: call that column"
            " “email”.",
        ),
        (
            "Name,Email\nSato,Hana,hana@example.com\nIto,Ken,ken@example.com\n",
            "The lines have more columns than the header on line 1. If names contain a comma, put them in quotation"
            ' marks: "Sato, Hana".',
        ),
    ],
)
def test_a_list_without_addresses_says_what_it_has(text, sentence):
    with pytest.raises(Unreadable) as refused:
        read(text)
    assert str(refused.value) == sentence


def test_the_column_of_addresses_may_have_no_header():
    assert people("Name,Team\nHana,A,hana@example.com\n") == [(HANA, "Hana", "A")]


def test_title_lines_may_hold_anything_but_addresses():
    head = "1. Summary\nMeeting title\tPython\nAttended participants\t2\n\n2. Participants\n"
    text = f"{head}Name\tFirst Join\tEmail\tRole\nHana Sato\t10:00\thana@example.com\tPresenter\n"
    assert people(text) == [(HANA, "Hana Sato", "")]


def test_lists_that_were_put_together_may_order_their_columns_differently():
    text = "email,name\nhana@example.com,Hana\nname,team,email\nKen,B,ken@example.com\n"
    assert people(text) == [(HANA, "Hana", ""), ("ken@example.com", "Ken", "B")]


def test_sums_below_a_list_are_no_student():
    text = "Name,Email,Team,Points\nHana,hana@example.com,A,8\n,,,8\n,,1 team,8\n"
    assert people(text) == [(HANA, "Hana", "A")]
    assert read(text).left_out == [3, 4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("佐藤花,hana@example.com", (HANA, "佐藤花", "")),
        ("100,佐藤花,hana@example.com", (HANA, "佐藤花", "")),
        ("1\tさとう はな\t佐藤花\thana@example.com\tA", (HANA, "佐藤花", "A")),
        ("s2024001,hana@example.com,佐藤花,A", (HANA, "佐藤花", "A")),
        ("hana@example.com,Hana,1", (HANA, "Hana", "1")),
        ("hana@example.com,100,", (HANA, "100", "")),
    ],
)
def test_without_a_header_the_address_is_found(text, expected):
    assert people(f"{text}\n") == [expected]


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
    assert (bad.number, bad.problem) == (2, "A quotation mark is not closed or stands inside a text.")


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


# --- Encodings ------------------------------------------------------------------------------------------------------

ENCODED = {
    "cp932": ["hana@example.com,佐藤花\nken@example.com,髙橋健\n", "a@b.jp,葵", "a@b.jp,凜", "a@b.jp,ｻﾄｳ ﾊﾅ,チームA"],
    "euc_jp": ["氏名,メール\n山田 葵,a@b.jp\n", "a@b.jp,伊藤さくら", "a@b.jp,高橋一郎", "a@b.jp,渡邊恵,A班"],
    "iso2022_jp": ["氏名,メール\n山田 葵,a@b.jp\n", "a@b.jp,佐藤花"],
    "cp949": ["a@b.kr,김철수\nb@b.kr,이영희\n", "이름,이메일\n최민수,a@b.kr\n", "a@b.kr,똠방각하"],
    "gb18030": ["a@b.cn,王小明\nb@b.cn,李伟\n", "姓名,邮箱\n刘强,a@b.cn\n", "a@b.cn,欧阳娜娜"],
    "big5": ["姓名,電子郵件\n林志豪,a@b.tw\n", "a@b.tw,張雅婷"],
    "cp1252": ["a@e.de,Jörg Müller", "a@e.fr,Élodie", "a@e.es,José Muñoz", "a@e.de,MÜLLER", "a@e.is,Þórður Ægisson",
               "a@e.com,O’Brien"],
    "mac_roman": ["a@e.fr,Hélène Dupré\nb@e.fr,François", "a@e.de,Jörg Weiß", "a@e.dk,Søren Åberg"],
    "cp1250": ["a@e.pl,Łukasz Wiśniewski", "a@e.cz,Jiří Dvořák"],
    "cp1251": ["a@e.ru,Иванов Иван", "a@e.ua,Шевченко Олексій\nb@e.ua,Андрій Коваленко"],
    "koi8_r": ["a@e.ru,Иванов Иван\nb@e.ru,Петрова Мария", "a@e.ru,СМИРНОВ АЛЕКСЕЙ"],
    "koi8_u": ["a@e.ua,Андрій Коваленко"],
    "cp866": ["a@e.ru,Иванов Иван\nb@e.ru,Петрова Мария"],
    "iso8859_5": ["a@e.ru,Иванов Иван\nb@e.ru,Петрова Мария"],
    "cp1254": ["a@e.tr,Ayşe Yılmaz\nb@e.tr,Mehmet Doğan", "a@e.tr,Barış Şahin", "a@e.tr,AYŞE YILDIRIM"],
    "cp857": ["a@e.tr,Barış Şahin\nb@e.tr,Işık Yıldız"],
    "cp1253": ["a@e.gr,Γιώργος Παπαδόπουλος", "a@e.gr,ΚΩΝΣΤΑΝΤΙΝΟΣ ΙΩΑΝΝΟΥ"],
    "iso8859_7": ["a@e.gr,Δημήτρης Αντωνίου"],
    "cp1255": ["a@e.il,דוד כהן\nb@e.il,שרה לוי", "a@e.il,יעל מזרחי"],
    "cp1256": ["a@e.eg,محمد أحمد\nb@e.eg,فاطمة علي"],
    "cp874": ["a@e.th,สมชาย ใจดี\nb@e.th,สุดา แก้วมณี"],
    "cp1257": ["a@e.lt,Jūratė Kazlauskienė\nb@e.lt,Šarūnas Žukauskas", "a@e.lv,Jānis Bērziņš"],
    "cp850": ["a@e.de,Jörg Müller", "a@e.fr,Hélène Dupré\nb@e.fr,François Noël", "a@e.es,José Muñoz", "a@e.de,MÜLLER"],
    "cp852": ["a@e.pl,Łukasz Wiśniewski", "a@e.cz,Jiří Dvořák"],
    "iso8859_2": ["a@e.pl,Małgorzata Dąbrowska", "a@e.cz,Tomáš Novotný", "a@e.hu,Győző Szűcs"],
    "utf-16": ["メール,氏名\na@b.jp,佐藤"],
    "utf-16-le": ["メール,氏名\na@b.jp,佐藤"],
    "utf-16-be": ["メール,氏名\na@b.jp,佐藤"],
    "utf-8": ["a@e.de,Jörg", "a@b.jp,花"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("encoding", "text"), [(name, text) for name, texts in ENCODED.items() for text in texts], ids=ascii
)
def test_the_encoding_is_told_by_what_it_says(encoding, text):
    assert text_of(text.encode(encoding)) == text


def test_circled_numbers_of_windows_in_iso_2022_jp():
    assert text_of(b"a@b.jp,\x1b$B-!\x1b(B") == "a@b.jp,①"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("a@e.tr,Hasan Şen", "cp1254"), ("a@b.jp,ﾔﾏﾀﾞ ﾀﾛｳ", "cp932"), ("a@b.jp,葵", "euc_jp")],
    ids=ascii,
)
def test_names_that_read_as_well_in_another_encoding_are_refused(text, encoding):
    with pytest.raises(Unreadable, match="Save it as “CSV UTF-8”"):
        text_of(text.encode(encoding))


def test_accents_that_are_written_as_characters_of_their_own_are_put_together():
    content = b"a@e.vn," + b"Nguy\xea\xden V\xe3n Anh"
    assert text_of(content) == "a@e.vn,Nguyễn Văn Anh"
