"""The cell map: which state stands where, whose, and what it costs."""

import re
from datetime import UTC, datetime

import pytest
from django.conf import settings as django_settings

from core.postgres import PREPARE_AFTER, fetch_all
from events.models import CellProgress
from lms.models import Cell, Class, ClassStaff, Notebook, Student, StudentClass
from tests.classroom.cells.cells import a_class_of, cells_of, progress, ran

STATES = re.compile(r'data-student="(\d+)" data-states="(\d*)"')
ROW = re.compile(r'<tr data-student="(\d+)">.*?</tr>', re.S)
COLUMN = re.compile(r'data-cell="(\d+)"')


@pytest.fixture
def page(signed_in, hanako, python_class):
    client = signed_in(hanako)
    return lambda rest="", **more: client.get(f"/classes/{python_class.pk}/cells/{rest}", **more).content.decode()


@pytest.fixture
def cells(notebook) -> list[Cell]:
    return cells_of(notebook, 4)


def states(page, notebook, query=""):
    return {int(pk): text for pk, text in STATES.findall(page(f"states/?notebook={notebook.pk}{query}"))}


def test_each_state_stands_in_the_column_of_its_cell(page, notebook, cells, aoi, ren):
    progress(aoi, cells[0], "1")
    progress(aoi, cells[2], "3")
    progress(ren, cells[1], "2")
    progress(ren, cells[3], "1")
    assert states(page, notebook) == {aoi.pk: "1030", ren.pk: "0201"}
    html = page()
    assert COLUMN.findall(html) == [str(cell.pk) for cell in cells]
    row = next(found.group() for found in ROW.finditer(html) if found[1] == str(aoi.pk))
    signs = re.findall(r'<td class="s(\d)(?: median)?">(.?)</td>', row)
    assert signs == [("1", "○"), ("0", ""), ("3", "×"), ("0", "")]


def test_the_page_and_its_fragments_agree(page, notebook, cells, aoi):
    progress(aoi, cells[0], "1")
    assert 'id="map-table"' in page()
    fragment = page("", headers={"X-Requested-With": "fragment"})
    assert "<html" not in fragment
    table = re.compile(r'<table class="map-table".*?</table>', re.S)
    assert table.search(page()).group() == table.search(fragment).group()


def test_each_load_is_planned_for_its_students(page, notebook, cells, aoi):
    """A plan for any number of students took twenty times as long."""
    uses = "SELECT count(*), sum(generic_plans + custom_plans) FROM pg_prepared_statements"
    progress(aoi, cells[0], "1")
    before = fetch_all(uses)
    for _ in range(2 * PREPARE_AFTER + 1):
        page()
    assert fetch_all(uses) == before


def test_a_count_at_the_threshold_is_repeated_without_the_flag(page, notebook, cells, aoi):
    progress(aoi, cells[0], "2", consecutive_error_count=3)
    progress(aoi, cells[1], "2", consecutive_error_count=2)
    progress(aoi, cells[2], "1", consecutive_error_count=5)
    assert states(page, notebook) == {aoi.pk: "321"}


def test_markdown_and_what_never_really_ran_are_left_out(page, notebook, cells, aoi):
    Cell.objects.filter(pk=cells[1].pk).update(cell_type="markdown")
    progress(aoi, cells[0], "1")
    progress(aoi, cells[1], "1")
    progress(aoi, cells[2], "1", run_count=0, last_status="aborted")
    progress(aoi, cells[3], "1")
    assert states(page, notebook) == {aoi.pk: "11"}


def test_cells_stand_in_the_order_of_the_notebook_and_twins_have_names_of_their_own(page, notebook, aoi):
    last, first, twin, lost = (
        Cell.objects.create(notebook=notebook, cell_id=name, position=place)
        for name, place in (("z", 7), ("a", 1), ("b", 1), ("c", -1))
    )
    for cell in (last, first, twin, lost):
        progress(aoi, cell, "1")
    html = page()
    assert COLUMN.findall(html) == [str(cell.pk) for cell in (first, twin, last, lost)]
    assert re.findall(r'data-cell="\d+"[^>]*>([^<]*)<', html) == ["2", "2b", "8", "?"]


def test_cells_of_single_students_are_left_out_of_a_class_until_asked_for(page, notebook, cells, python_class):
    students = a_class_of(python_class, 12)
    for student in students:
        progress(student, cells[0], "1")
    progress(students[3], cells[1], "2")
    assert set(states(page, notebook).values()) == {"1"}
    assert "1 cell that only one student has is left out." in page()
    assert states(page, notebook, "&cells=all")[students[3].pk] == "12"


def test_the_notebook_is_the_one_most_of_the_class_is_in(page, notebook, aoi, ren, enrol):
    other = Notebook.objects.create(path="course/week2.ipynb", name="week2.ipynb")
    (here,), (there,) = cells_of(notebook, 1), cells_of(other, 1)
    progress(aoi, here, "1")
    progress(ren, there, "1")
    progress(enrol("mio@example.com", name="Mio"), there, "1")
    assert f'data-notebook="{other.pk}"' in page()
    assert f'data-notebook="{notebook.pk}"' in page(f"?notebook={notebook.pk}")
    html = page(f"?notebook={notebook.pk}&sort=name")
    assert f'value="{notebook.pk}" selected>course/week1.ipynb (1 student)<' in html
    assert f'value="{other.pk}">course/week2.ipynb (2 students)<' in html


@pytest.mark.parametrize(
    ("sort", "names"),
    [("name", ["Aoi", "Ren", "Zen"]), ("progress", ["Zen", "Ren", "Aoi"]), ("trouble", ["Ren", "Zen", "Aoi"])],
)
def test_rows_stand_in_the_chosen_order(page, cells, aoi, ren, enrol, sort, names):
    zen = enrol("zen@example.com", name="Zen")
    progress(aoi, cells[0], "1")
    progress(ren, cells[1], "3")
    progress(zen, cells[2], "2")
    html = page(f"?sort={sort}")
    assert re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', html) == names
    assert re.search(rf'sort={sort}" aria-current="true"', html)


def test_the_median_is_that_of_those_who_are_here(page, cells, python_class, notebook):
    here, further, gone = a_class_of(python_class, 3)
    progress(here, cells[1], "1")
    progress(further, cells[2], "1")
    progress(gone, cells[3], "1", ago=7200)
    html = page()
    assert 'data-median="1"' in html  # of columns 1 and 2 the lower; cell 4 is of who has left
    assert "<b data-median-number>2</b>" in html
    assert html.count("median") >= 5


def test_the_head_says_how_the_class_does_with_each_cell(page, notebook, cells, aoi, ren):
    progress(aoi, cells[0], "1")
    progress(ren, cells[0], "3")
    progress(ren, cells[1], "1")
    html = page(f"states/?notebook={notebook.pk}")
    assert 'data-shares="50,50,1,1,2;50,0,1,0,2"' in html


@pytest.mark.parametrize("path", ["", "states/?notebook={}", "details/?notebook={}&student=1", "errors/"])
def test_another_instructors_class_does_not_exist(signed_in, taro, python_class, notebook, path):
    address = f"/classes/{python_class.pk}/cells/{path.format(notebook.pk)}"
    assert signed_in(taro).get(address).status_code == 404
    assert signed_in(taro).get(f"/everybody/cells/{path.format(notebook.pk)}").status_code == 404


def test_another_classs_students_are_in_no_cell_and_no_figure(page, notebook, cells, aoi, stranger):
    progress(aoi, cells[0], "1")
    progress(stranger, cells[0], "3")
    progress(stranger, cells[1], "3")
    assert states(page, notebook) == {aoi.pk: "1"}
    assert states(page, notebook, f"&student={stranger.pk}") == {}
    assert 'data-shares="100,0,1,0,1"' in page(f"states/?notebook={notebook.pk}")
    assert "(1 student)" in page()


def test_an_assistant_sees_the_map(signed_in, taro, python_class, cells, aoi):
    ClassStaff.objects.create(class_ref=python_class, instructor=taro, role="assistant")
    progress(aoi, cells[0], "1")
    assert "Aoi" in signed_in(taro).get(f"/classes/{python_class.pk}/cells/").content.decode()


def test_everybody_is_who_has_to_do_with_the_notebook(signed_in, kaoru, cells, stranger, ren):
    progress(stranger, cells[0], "2")
    html = signed_in(kaoru).get("/everybody/cells/").content.decode()
    assert [found[1] for found in ROW.finditer(html)] == [str(stranger.pk)]


@pytest.mark.parametrize(
    "query", ["?notebook=abc", "?notebook=-1", "?notebook=" + "9" * 30, "?sort=x&cells=y", "?notebook=²"]
)
def test_an_address_that_means_nothing_shows_what_there_is(page, cells, aoi, query):
    progress(aoi, cells[0], "1")
    assert 'id="map-table"' in page(query)


def test_a_notebook_that_does_not_exist(signed_in, hanako, python_class, aoi):
    client, address = signed_in(hanako), f"/classes/{python_class.pk}/cells/"
    for path in ("?notebook=999999", "states/?notebook=999999", "states/", "details/?notebook=999999&student=1"):
        assert client.get(address + path).status_code == 404


def test_empty_rooms_say_what_will_happen(page, notebook, python_class):
    assert "Nobody has opened a notebook yet." in page()
    student = a_class_of(python_class, 1)[0]
    Student.objects.filter(pk=student.pk).update(current_notebook=notebook)
    assert "Nobody has run a cell of this notebook yet." in page()


def test_details_tell_runs_errors_and_the_last_error(page, notebook, cells, aoi):
    ran(aoi, cells[0], "KeyError: 'price'")
    progress(aoi, cells[0], "3")
    html = page(f"details/?notebook={notebook.pk}&student={aoi.pk}")
    assert f'<li data-cell="{cells[0].pk}">3 runs · 3 errors · 3 errors in a row · last run' in html
    assert "last error KeyError" in html


@pytest.mark.parametrize("asked", ["", "abc", "-1", "9" * 30])
def test_details_of_nobody(signed_in, hanako, python_class, notebook, asked):
    address = f"/classes/{python_class.pk}/cells/details/?notebook={notebook.pk}&student={asked}"
    assert signed_in(hanako).get(address).status_code == 404


def test_details_of_another_classs_student(signed_in, hanako, python_class, notebook, stranger):
    address = f"/classes/{python_class.pk}/cells/details/?notebook={notebook.pk}&student={stranger.pk}"
    assert signed_in(hanako).get(address).status_code == 404


def test_a_projector_shows_numbers_for_names(signed_in, hanako, python_class, cells, aoi):
    progress(aoi, cells[0], "1")
    client = signed_in(hanako)
    client.cookies[django_settings.DISPLAY_COOKIE_NAME] = "projector"
    html = client.get(f"/classes/{python_class.pk}/cells/").content.decode()
    assert f"Student {aoi.pk}" in html
    assert "Aoi" not in html
    assert "aoi@example.com" not in html


def test_names_are_text_and_nothing_is_inline(page, cells, enrol):
    progress(enrol("x@example.com", name="<script>alert(1)</script>"), cells[0], "1")
    html = page()
    assert "<script>alert" not in html
    assert not re.search(r"<style|\sstyle=|\son\w+=", html)


@pytest.mark.parametrize(("path", "most"), [("", 10), ("states/?notebook={}", 7), ("states/?notebook={}&student=1", 7)])
def test_twenty_students_and_twenty_cells_cost_what_two_cost(
    signed_in, hanako, python_class, notebook, django_assert_max_num_queries, path, most
):
    students, cells = a_class_of(python_class, 20), cells_of(notebook, 20)
    now = datetime.now(UTC)
    CellProgress.objects.bulk_create(
        [
            CellProgress(
                student=student, cell=cell, notebook=notebook, run_count=1, last_status="success", last_run_at=now
            )
            for student in students
            for cell in cells
        ]
    )
    Student.objects.update(current_notebook=notebook)
    client, address = signed_in(hanako), f"/classes/{python_class.pk}/cells/{path.format(notebook.pk)}"
    client.get(address)  # a process remembers system settings
    with django_assert_max_num_queries(most):
        html = client.get(address).content.decode()
    if path == "":
        assert len(ROW.findall(html)) == 20
        assert html.count('<td class="s1') == 400


def test_a_student_of_two_classes_stands_once(page, notebook, cells, aoi, hanako):
    second = Class.objects.create(class_code="PY2", name="二組", instructor=hanako)
    StudentClass.objects.create(student=aoi, class_ref=second)
    progress(aoi, cells[0], "1")
    assert len(ROW.findall(page())) == 1
