"""The students of a class: listed, searched, removed, imported from a list, downloaded."""

import html
import re
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile

from instructors.models import AuditLog
from lms.models import Student, StudentClass, Team
from lms.rosters.parser import MAX_BYTES
from tests.lms.test_workbooks import MAIN, workbook

FILES = Path(__file__).parents[2] / "payloads" / "field" / "rosters"


@pytest.fixture
def students(python_class) -> str:
    return f"/classes/{python_class.pk}/setup/students/"


def text_in(page: str) -> str:
    return re.search(r'<textarea id="text"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)[1]


def check(client, students, text="", **fields):
    return client.post(f"{students}import/", {"text": text, "step": "check", **fields}).content.decode()


def import_(client, students, text, page=None, **fields):
    page = page or check(client, students, text)
    checked = re.search(r'name="checked" value="(\w+)"', page)[1]
    sent = {"text": text, "step": "import", "checked": checked, **fields}
    return client.post(f"{students}import/", sent, follow=True)


# --- The list -------------------------------------------------------------------------------------------------------


def test_it_lists_the_class_only(signed_in, hanako, aoi, stranger, students):
    page = signed_in(hanako).get(students).content.decode()
    assert "aoi@example.com" in page
    assert "stranger@example.com" not in page


@pytest.mark.parametrize(("search", "found"), [("ren", 1), ("EXAMPLE", 2), ("aoi team-1", 1), ("nobody", 0), ("\0", 2)])
def test_it_is_searched_by_name_address_and_team(signed_in, hanako, aoi, ren, students, search, found):
    Student.objects.filter(pk=aoi.pk).update(team=Team.objects.create(team_name="team-1"))
    page = signed_in(hanako).get(students, {"q": search}).content.decode()
    assert page.count('class="row"') == found


def test_it_costs_the_same_for_a_large_class(signed_in, hanako, enrol, students, django_assert_num_queries):
    for number in range(20):
        enrol(f"s{number}@example.com", name=f"Student {number}")
    client = signed_in(hanako)
    with django_assert_num_queries(6):  # session, account, class, students, their number, requests for erasure
        client.get(students)


def test_hostile_names_are_text(signed_in, hanako, enrol, students):
    enrol("eve@example.com", name="<script>alert(1)</script>")
    assert "<script>alert" not in signed_in(hanako).get(students).content.decode()


def test_a_projector_shows_no_name(signed_in, hanako, aoi, students):
    client = signed_in(hanako)
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    for path in ("", "?q=aoi", "import/"):
        page = client.get(students + path).content.decode()
        assert "Aoi" not in page
        assert "aoi@" not in page
    page = client.post(f"{students}import/", {"text": "yui@example.com,Yui"}).content.decode()
    assert "yui@" not in page
    page = client.post(f"{students}{aoi.pk}/remove/", follow=True).content.decode()
    assert f"Student {aoi.pk} is no longer in the class" in page


def test_a_student_is_removed_and_kept(signed_in, hanako, aoi, students):
    page = signed_in(hanako).post(f"{students}{aoi.pk}/remove/", follow=True).content.decode()
    assert "Aoi is no longer in the class" in page
    assert Student.objects.filter(pk=aoi.pk).exists()
    assert not aoi.classes.exists()
    entry = AuditLog.objects.get()
    assert (entry.action, entry.target_id) == ("student_remove", "aoi@example.com")


def test_who_is_not_in_the_class_is_not_removed(signed_in, hanako, stranger, students):
    for student_id in (stranger.pk, 999_999, 10**20):
        assert signed_in(hanako).post(f"{students}{student_id}/remove/").status_code == 404


# --- Importing ------------------------------------------------------------------------------------------------------


def test_a_list_is_shown_before_anything_is_stored(signed_in, hanako, ren, students):
    page = check(signed_in(hanako), students, "email,name\naoi@example.com,Aoi\nren@example.com,Renji\n")
    assert "New in the class: 1. Changed: 1. Already there: 0." in page
    assert "was: Ren" in page
    assert not Student.objects.filter(email="aoi@example.com").exists()
    assert not AuditLog.objects.exists()


def test_it_is_stored_when_it_is_sent_again(signed_in, hanako, python_class, ren, students):
    answer = import_(signed_in(hanako), students, "aoi@example.com,葵,チームA\nren@example.com,Ren,\n")
    assert answer.redirect_chain[-1][0] == students
    assert "Added: 1. Updated: 0. Already there: 1. Skipped: 0." in answer.content.decode()
    assert python_class.students.get(email="aoi@example.com").team.team_name == "チームA"
    entry = AuditLog.objects.get()
    assert (entry.action, entry.details["created"]) == ("roster_import", 1)


def test_a_list_that_has_changed_since_is_shown_again(signed_in, hanako, students):
    client = signed_in(hanako)
    page = check(client, students, "aoi@example.com,Aoi")
    answer = import_(client, students, "yui@example.com,Yui", page=page)
    assert "The list has changed since it was checked" in answer.content.decode()
    assert text_in(answer.content.decode()) == "yui@example.com,Yui"
    assert not Student.objects.exists()


def test_problems_are_said_line_by_line_and_the_list_stays(signed_in, hanako, students):
    text = "email,name\naoi@example.com,Aoi\nbad,B\naoi@example.com,Twice\n"
    page = check(signed_in(hanako), students, text)
    assert "Lines with a problem: 2" in page
    assert "Line 3: “bad” is not an e-mail address." in page
    assert "Line 4: The same address is on line 2." in page
    assert text_in(page) == text.strip()


def test_what_was_skipped_is_left_to_be_corrected(signed_in, hanako, students):
    client = signed_in(hanako)
    answer = import_(client, students, "aoi@example.com,Aoi\nyui@@example.com,Yui,=A\n").content.decode()
    assert "Added: 1. Updated: 0. Already there: 0. Skipped: 1." in answer
    left = text_in(answer)
    assert left.splitlines() == ["email,name,team,student_number,reading", "yui@@example.com,Yui,&#x27;=A,,"]
    corrected = left.replace("@@", "@").replace("&#x27;", "'")
    assert "Added: 1." in import_(client, students, corrected).content.decode()
    assert Student.objects.get(email="yui@example.com").team.team_name == "=A"


def test_what_was_skipped_and_is_no_student_is_not_left(signed_in, hanako, students):
    answer = import_(signed_in(hanako), students, "aoi@example.com,Aoi\nsum,Points Possible\n")
    assert answer.redirect_chain[-1][0] == students
    assert "Added: 1." in answer.content.decode()


def test_a_gradebook_of_canvas_is_imported_and_what_was_read_is_told(signed_in, hanako, students, python_class):
    client = signed_in(hanako)
    file = SimpleUploadedFile("grades.csv", (FILES / "roster_canvas_gradebook.csv").read_bytes())
    page = check(client, students, "", file=file)
    assert "Read from the columns: E-mail = SIS Login ID; Name = Student" in page
    assert "Lines that are not students (titles, headers, sums): 2, 3, 5" in page
    assert "Columns that are not imported: ID, Section, Homework 1 (10)" in page
    text = html.unescape(text_in(page))
    import_(client, students, text, page=page)
    assert list(python_class.students.values_list("email", "name")) == [("hana@example.com", "Sato, Hana")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_a_file_takes_the_place_of_the_text(signed_in, hanako, students, encoding):
    file = SimpleUploadedFile("名簿.csv", "氏名;メール\r\n山田 葵;aoi@example.com\r\n".encode(encoding))
    page = check(signed_in(hanako), students, "old", file=file)
    assert text_in(page) == "氏名;メール\n山田 葵;aoi@example.com"
    assert "New in the class: 1" in page


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"PK\x03\x04", "workbook"), (b"x" * (MAX_BYTES + 1), "larger than"), (b"\x81\xff", "neither")],
)
def test_a_file_that_is_no_list_leaves_what_was_typed(signed_in, hanako, students, content, words):
    page = check(signed_in(hanako), students, "aoi@example.com", file=SimpleUploadedFile("a.csv", content))
    assert words in page
    assert text_in(page) == "aoi@example.com"


def test_a_workbook_is_read_as_a_csv_is(signed_in, hanako, students):
    cells = [["氏名", "ふりがな", "学籍番号", "メールアドレス"], ["佐藤 花", "さとう はな", "2601", "hana@example.com"]]
    rows = "".join(
        "<row>" + "".join(f"<c t='inlineStr'><is><t>{text}</t></is></c>" for text in row) + "</row>" for row in cells
    )
    sheet = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    file = SimpleUploadedFile("名簿.xlsx", workbook(**{"xl/worksheets/sheet1.xml": sheet}))
    page = check(signed_in(hanako), students, file=file)
    assert "New in the class: 1." in page
    assert text_in(page).splitlines()[1] == "佐藤 花\tさとう はな\t2601\thana@example.com"


def test_nothing_is_not_a_list(signed_in, hanako, students):
    assert "The list is empty" in check(signed_in(hanako), students)


def test_who_is_known_elsewhere_is_not_told(signed_in, hanako, stranger, students):
    page = check(signed_in(hanako), students, "stranger@example.com,Somebody")
    assert "Stranger" not in page
    assert "New in the class: 1" in page


def test_an_import_costs_the_same_for_a_long_list(signed_in, hanako, students, django_assert_max_num_queries):
    client = signed_in(hanako)
    text = "\n".join(f"s{number}@example.com,Student {number},T{number % 9}" for number in range(200))
    page = check(client, students, text)
    with django_assert_max_num_queries(30):
        import_(client, students, text, page=page)
    assert Student.objects.count() == 200


# --- Files ----------------------------------------------------------------------------------------------------------


def test_the_download_can_be_imported_again(signed_in, hanako, enrol, students):
    enrol("aoi@example.com", name="=1+1")
    client = signed_in(hanako)
    answer = client.get(f"{students}list.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="class-')
    text = answer.content.decode("utf-8-sig")
    assert text == "email,name,team,student_number,reading\r\naoi@example.com,'=1+1,,,\r\n"
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "Already there: 1" in check(client, students, text)
    assert [entry.action for entry in AuditLog.objects.all()] == ["roster_export"]


def test_the_template_is_a_header(signed_in, hanako, students):
    assert (
        signed_in(hanako).get(f"{students}template.csv").content.decode("utf-8-sig")
        == "email,name,team,student_number,reading\r\n"
    )


# --- Number and reading ---------------------------------------------------------------------------------------------

LIST = """学籍番号,氏名,フリガナ,メール
00123,佐藤 花,サトウ ハナ,hana@example.com
００１２４,青木 蓮,アオキ レン,ren2@example.com
"""


def registered():
    rows = StudentClass.objects.order_by("student__email")
    return [tuple(row) for row in rows.values_list("student__email", "student_number", "reading")]


def test_number_and_reading_are_shown_before_and_stored_after(signed_in, hanako, students):
    client = signed_in(hanako)
    page = check(client, students, LIST)
    assert "Student number = 学籍番号" in page
    assert "Reading = フリガナ" in page
    assert "<td>00123</td>" in page
    assert "<td>00124</td>" in page
    import_(client, students, LIST, page=page)
    assert registered() == [("hana@example.com", "00123", "サトウ ハナ"), ("ren2@example.com", "00124", "アオキ レン")]
    assert "Already there: 2." in check(client, students, LIST)


def test_an_empty_number_changes_nothing_and_another_one_says_what_it_replaces(signed_in, hanako, students):
    client = signed_in(hanako)
    import_(client, students, LIST)
    import_(client, students, "email,student number,reading\nhana@example.com,,\n")
    assert registered()[0] == ("hana@example.com", "00123", "サトウ ハナ")
    page = check(client, students, "email,student number\nhana@example.com,00999\n")
    assert "Changed: 1." in page
    assert "was: 佐藤 花, 00123, サトウ ハナ" in page


def test_the_list_is_sorted_by_reading_name_or_number(signed_in, hanako, ren, students):
    client = signed_in(hanako)
    import_(client, students, LIST)

    def order(query=""):
        page = client.get(students + query).content.decode()
        return sorted(("Ren<", "佐藤 花<", "青木 蓮<"), key=page.index)

    assert order() == ["青木 蓮<", "佐藤 花<", "Ren<"]  # who has no reading comes last
    assert order("?sort=number") == ["佐藤 花<", "青木 蓮<", "Ren<"]
    assert order("?sort=name")[0] == "Ren<"
    assert order("?sort=nonsense") == order()


@pytest.mark.parametrize("search", ["サトウ", "00123"])
def test_it_is_searched_by_reading_and_number(signed_in, hanako, ren, students, search):
    client = signed_in(hanako)
    import_(client, students, LIST)
    page = client.get(students, {"q": search}).content.decode()
    assert page.count('class="row"') == 1
    assert "佐藤 花" in page


def test_the_download_has_them_and_can_be_imported_again(signed_in, hanako, students):
    client = signed_in(hanako)
    import_(client, students, LIST)
    text = client.get(f"{students}list.csv").content.decode("utf-8-sig")
    assert "hana@example.com,佐藤 花,,00123,サトウ ハナ" in text
    assert "Already there: 2." in check(client, students, text)


def test_a_number_that_is_too_long_is_a_problem_of_its_line(signed_in, hanako, students):
    page = check(signed_in(hanako), students, f"email,student number\nhana@example.com,{'0' * 65}\nken@example.com,7\n")
    assert "Line 2: The student number is longer than 64 characters." in page
    assert "New in the class: 1." in page
