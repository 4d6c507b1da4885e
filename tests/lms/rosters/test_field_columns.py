"""Which column of a list is the address, the name and the team, as headers around the world call them."""

import pytest

from lms.rosters.parser import Unreadable, read
from tests.lms.rosters.roster_people import HANA, people


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
