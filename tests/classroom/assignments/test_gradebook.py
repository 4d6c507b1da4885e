"""The gradebook: every state told in words, totals, order, the CSV, who sees it, and what it costs."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from instructors.models import AuditLog, Instructor
from lms.enrolment import save_register
from lms.models import AssignmentSubmission, ClassAssignment, DueDateExtension, Student, StudentClass

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


@pytest.fixture
def client(signed_in, hanako):
    return signed_in(hanako)


@pytest.fixture
def at(python_class):
    return f"/classes/{python_class.pk}/assignments/gradebook"


@pytest.fixture
def assign(python_class, notebook):
    def make(title="Loops", due=NOW - DAY, points=10, **fields):
        return ClassAssignment.objects.create(
            class_ref=python_class, notebook=notebook, title=title, due_date=due, points=points, **fields
        )

    return make


def hand_in(assignment, student, at=NOW - 2 * DAY, **fields):
    return AssignmentSubmission.objects.create(assignment=assignment, student=student, submitted_at=at, **fields)


def rows_of(client, at, query=""):
    book = client.get(f"{at}/{query}").context["book"]
    return {row.name: row for row in book.rows}


def states(row):
    return [(cell.mark.state, cell.is_late) for cell in row.cells]


def test_the_states_are_told_apart_in_words(client, at, assign, aoi, ren, enrol):
    yui, mei, rio = (enrol(f"{name}@example.com", name=name) for name in ("Yui", "Mei", "Rio"))
    loops, project = assign(), assign("Project", due=NOW + DAY)
    hand_in(loops, aoi, grade=7.5, status="graded")
    hand_in(loops, ren, at=NOW - DAY / 2)
    hand_in(loops, yui, status="returned")
    hand_in(project, mei)
    hand_in(loops, rio, at=NOW - DAY / 2, grade=6)
    found = rows_of(client, at)
    assert states(found["Aoi"]) == [("graded", False), ("open", False)]
    assert states(found["Ren"]) == [("ungraded", True), ("open", False)]
    assert states(found["Yui"]) == [("returned", False), ("open", False)]
    assert states(found["Mei"]) == [("missing", False), ("ungraded", False)]
    assert states(found["Rio"]) == [("graded", True), ("open", False)]
    html = client.get(f"{at}/").content.decode()
    for words in ("7.5", "not graded yet", "late", "no grade", "missing", "not handed in yet"):
        assert f">{words}<" in html


def test_totals_and_means(client, at, assign, aoi, ren):
    loops, project = assign(weight=1), assign("Project", points=20, weight=3, due=NOW + DAY)
    hand_in(loops, aoi, grade=5)
    hand_in(project, aoi, grade=15)
    found = rows_of(client, at)
    assert found["Aoi"].total.percent == pytest.approx((50 + 3 * 75) / 4)
    assert found["Ren"].total.percent == 0  # Loops is missing, the project is not due yet
    book = client.get(f"{at}/").context["book"]
    assert book.means == [5, 15]
    assert book.mean_total == pytest.approx(68.75 / 2)


def test_the_newest_hand_in_counts(client, at, assign, aoi):
    loops = assign()
    hand_in(loops, aoi, at=NOW - 3 * DAY, grade=9)
    hand_in(loops, aoi, at=NOW - 2 * DAY)
    row = rows_of(client, at)["Aoi"]
    assert states(row) == [("ungraded", False)]
    assert row.total.percent is None


def test_an_extension_moves_what_is_late_and_missing(client, at, assign, aoi, ren):
    loops = assign()
    hand_in(loops, aoi, at=NOW - DAY / 2, grade=10)
    for student in (aoi, ren):
        DueDateExtension.objects.create(assignment=loops, student=student, due_date=NOW + DAY)
    found = rows_of(client, at)
    assert states(found["Aoi"]) == [("graded", False)]
    assert states(found["Ren"]) == [("open", False)]
    assert found["Ren"].total.percent is None
    assert "extended to" in client.get(f"{at}/").content.decode()


def test_who_has_left_is_listed_with_what_they_handed_in(client, at, assign, aoi, stranger):
    hand_in(assign(), stranger, grade=4)
    assign("Project")
    row = rows_of(client, at)["stranger@example.com"]
    assert states(row) == [("graded", False), ("none", False)]
    assert row.total.percent == 40  # what they did not hand in is not theirs any more


def test_assignments_are_in_the_order_of_their_due_dates(client, at, assign, aoi):
    for title, due in (("Later", NOW + DAY), ("Never", None), ("Sooner", NOW - DAY)):
        assign(title, due=due)
    assert [each.title for each in client.get(f"{at}/").context["book"].assignments] == ["Sooner", "Later", "Never"]


def test_the_lowest_total_comes_first_and_those_without_last(client, at, assign, aoi, ren, enrol):
    loops = assign(due=NOW + DAY)
    enrol("yui@example.com", name="Yui")
    hand_in(loops, aoi, grade=9)
    hand_in(loops, ren, grade=3)
    assert list(rows_of(client, at)) == ["Aoi", "Ren", "Yui"]
    assert list(rows_of(client, at, "?sort=total")) == ["Ren", "Aoi", "Yui"]
    assert list(rows_of(client, at, "?sort=nothing")) == ["Aoi", "Ren", "Yui"]


def test_without_assignments_or_students_it_says_so(client, at, assign):
    assert "There are no assignments yet." in client.get(f"{at}/").content.decode()
    assign()
    assert "Nobody is in this class yet." in client.get(f"{at}/").content.decode()


def test_every_cell_has_the_heads_of_its_row_and_column(client, at, assign, aoi, ren):
    assign(), assign("Project")
    html = client.get(f"{at}/").content.decode()
    table = html[html.index('<table class="gradebook"') : html.index("</table>")]
    assert table.count('scope="col"') == 4
    assert table.count('scope="row"') == 3  # two students and the mean
    assert len(re.findall(r"<td ", table)) == 3 * 3


def test_the_projector_shows_no_names(client, at, assign, aoi):
    assign()
    client.cookies[settings.DISPLAY_COOKIE_NAME] = "projector"
    html = client.get(f"{at}/").content.decode()
    assert "Aoi" not in html
    assert "aoi@example.com" not in html


# --- The CSV --------------------------------------------------------------------------------------------------------


def table_of(client, at, query="", delimiter=","):
    answer = client.get(f"{at}.csv{query}")
    assert answer.content.startswith(b"\xef\xbb\xbf")  # without it Excel misreads Japanese
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=delimiter))


def test_the_csv(client, at, assign, aoi, ren, python_class):
    loops = assign()
    save_register(python_class.pk, [(aoi.pk, "0042", "あおい")])
    work = hand_in(loops, aoi, at=NOW - DAY / 2, grade=7.5)
    DueDateExtension.objects.create(assignment=loops, student=ren, due_date=NOW + DAY)
    title = f"Loops [{loops.pk}]"
    head, first, second = table_of(client, at)
    assert head == [
        "class_code", "student_number", "name", "reading", "email", "in_class", "total_percent", "counted",
        f"{title} (10 points, weight 1)", f"{title}: state", f"{title}: submitted_at (Asia/Tokyo)",
        f"{title}: extended_to (Asia/Tokyo)",
    ]  # fmt: skip
    time = timezone.localtime(work.submitted_at).isoformat(sep=" ", timespec="seconds")
    assert re.search(r"[+-]\d\d:\d\d$", time)
    assert first == [
        "PY", "0042", "Aoi", "あおい", "aoi@example.com", "yes", "75.0", "1", "7.5", "graded, late", time, "",
    ]  # fmt: skip
    assert second[:11] == ["PY", "", "Ren", "", "ren@example.com", "yes", "", "0", "", "not handed in yet", ""]
    assert datetime.fromisoformat(second[11]) == NOW + DAY
    entry = AuditLog.objects.get(action="grades_export")
    assert (entry.target_type, entry.target_id) == ("class", str(python_class.pk))


def test_by_reading_and_two_of_one_name_are_told_apart(client, at, assign, aoi, ren, enrol, python_class):
    assign()
    other = enrol("aoi2@example.com", name="Aoi")
    save_register(python_class.pk, [(ren.pk, None, "アア"), (other.pk, "0043", "おあ"), (aoi.pk, "0042", "いい")])
    rows = client.get(f"{at}/").context["book"].rows
    assert [row.person.student_id for row in rows] == [ren.pk, aoi.pk, other.pk]
    page = client.get(f"{at}/").content.decode()
    assert page.count('class="apart"') == 2
    assert "0042" in page
    assert "0043" in page
    client.cookies[settings.DISPLAY_COOKIE_NAME] = "projector"
    projected = client.get(f"{at}/").content.decode()
    assert "0042" not in projected


def test_with_decimal_commas(client, at, assign, aoi):
    hand_in(assign(), aoi, grade=7.5)
    _, line = table_of(client, at, "?decimal=comma", delimiter=";")
    assert (line[6], line[8]) == ("75,0", "7,5")


def test_nothing_is_run_as_a_formula(client, at, assign, enrol):
    enrol("=cmd@example.com", name="=HYPERLINK(1)")
    assign("=1+1")
    for query, delimiter in (("", ","), ("?decimal=comma", ";")):
        head, line = table_of(client, at, query, delimiter)
        assert line[2:5] == ["'=HYPERLINK(1)", "", "'=cmd@example.com"]
        assert head[8].startswith("'=1+1")


# --- Who, and what it costs -----------------------------------------------------------------------------------------


def test_an_assistant_sees_it_and_others_do_not(signed_in, assistant, at, assign):
    assign()
    assert signed_in(assistant).get(f"{at}/").status_code == 200
    assert signed_in(assistant).get(f"{at}.csv").status_code == 200
    other = Instructor.objects.create_user("other@example.com", "correct horse", name="Other")
    for path in (f"{at}/", f"{at}.csv"):
        assert signed_in(other).get(path).status_code == 404


def test_it_costs_the_same_for_a_whole_term(client, at, assign, python_class, django_assert_max_num_queries):
    students = Student.objects.bulk_create([Student(email=f"s{n}@example.com", name=f"S {n}") for n in range(200)])
    StudentClass.objects.bulk_create(
        [StudentClass(student=each, class_ref=python_class, name=each.name) for each in students]
    )
    term = [assign(f"Week {number}", due=NOW - number * DAY) for number in range(15)]
    big = {"cells": [], "x": "y" * 1000}
    AssignmentSubmission.objects.bulk_create(
        [
            AssignmentSubmission(assignment=work, student=each, notebook_content=big, grade=5)
            for work in term
            for each in students[:150]
        ]
    )
    DueDateExtension.objects.bulk_create(
        [DueDateExtension(assignment=term[0], student=each, due_date=NOW + DAY) for each in students]
    )
    for path in (f"{at}/", f"{at}.csv"):
        with django_assert_max_num_queries(10):
            assert client.get(path).status_code == 200
