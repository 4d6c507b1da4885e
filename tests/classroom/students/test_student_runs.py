"""The runs on a student's page: tries of one cell together, each cell's history, filters, what is new."""

from datetime import UTC, datetime, timedelta

import pytest

from lms.models import Cell, Notebook

FRAGMENT = {"X-Requested-With": "fragment"}


@pytest.fixture
def other_cell(notebook):
    return Cell.objects.create(notebook=notebook, cell_id="c2", position=4)


@pytest.fixture
def tries(run, ren, other_cell):
    """Of the first cell: one, then another cell, then three more."""
    start = datetime.now(UTC) - timedelta(minutes=10)
    codes = [("x = 1", None), ("other", other_cell), ("x = 1", None), ("x = 2", None), ("x = 3", None)]
    made = []
    for number, (code, cell) in enumerate(codes):
        place = {"cell": cell} if cell else {}
        failed = {"status": "error", "error_message": "NameError: y"} if number == 3 else {}
        made.append(
            run_of(run, ren, code_content=code, executed_at=start + timedelta(minutes=number), **place, **failed)
        )
    return made


def run_of(run, student, *, cell=None, **fields):
    made = run(student, **fields)
    if cell is not None:
        made.cell = cell
        made.save()
    return made


@pytest.fixture
def fetch(signed_in, hanako, python_class, ren):
    client = signed_in(hanako)
    address = f"/classes/{python_class.pk}/students/{ren.pk}/"

    def get(query="", **headers):
        return client.get(address + query, headers=headers)

    return get


def timeline(answer):
    return answer.context["page"].timeline.runs


def test_tries_of_a_cell_in_a_row_belong_together(fetch, tries):
    runs = timeline(fetch())
    assert [run.is_retry for run in runs] == [False, True, True, False, False]
    assert [run.tries for run in runs] == [3, 2, 1, 1, 1]
    assert [run.is_open for run in runs] == [True, False, False, True, True]
    assert "3 tries" in fetch().content.decode()


def test_each_run_says_what_changed_since_the_one_of_its_cell_before(fetch, tries):
    changes = [run.change for run in timeline(fetch())]
    assert [(change.added, change.removed) if change else None for change in changes] == [
        (1, 1), (1, 1), (0, 0), None, None,
    ]  # fmt: skip
    assert "Same code as before" in fetch().content.decode()


def test_the_history_of_a_cell_shows_its_changes_line_by_line(fetch, tries):
    answer = fetch(f"?cell={tries[0].cell_id}")
    runs, html = timeline(answer), answer.content.decode()
    assert [run.code.shown for run in runs] == ["x = 3", "x = 2", "x = 1", "x = 1"]
    assert "<ins>+ x = 3</ins>" in html
    assert "<del>− x = 2</del>" in html
    assert [run.is_open for run in runs] == [True, True, False, True]  # an unchanged one is closed


def test_code_in_a_change_is_text(fetch, run, ren):
    start = datetime.now(UTC)
    run(ren, code_content="<b>", executed_at=start)
    last = run(ren, code_content="<script>alert(1)</script>", executed_at=start + timedelta(seconds=1))
    html = fetch(f"?cell={last.cell_id}").content.decode()
    assert "<ins>+ &lt;script&gt;alert(1)&lt;/script&gt;</ins>" in html
    assert "<script>alert" not in html


def test_filters_live_in_the_address(fetch, tries, other_cell, notebook):
    assert [run.pk for run in timeline(fetch("?errors=1"))] == [tries[3].pk]
    assert [run.pk for run in timeline(fetch(f"?cell={other_cell.pk}"))] == [tries[1].pk]
    assert len(timeline(fetch(f"?notebook={notebook.pk}"))) == 5
    nothing = fetch("?cell=999999")
    assert timeline(nothing) == []
    assert "No run is like this." in nothing.content.decode()


def test_a_cell_of_another_notebook_gives_way_to_the_notebook(fetch, tries, run, ren):
    empty = Notebook.objects.create(path="x.ipynb", name="x.ipynb")
    answer = fetch(f"?notebook={empty.pk}&cell={tries[0].cell_id}")
    assert answer.context["page"].query.chosen.cell is None


@pytest.mark.parametrize("query", ["?cell=abc", "?notebook=-1", "?cell=" + "9" * 40, "?part=nonsense", "?cell=²"])
def test_what_makes_no_sense_in_the_address_is_left_out(fetch, tries, query):
    assert len(timeline(fetch(query))) == 5


def test_older_runs_keep_the_filter(fetch, run, ren):
    now = datetime.now(UTC)
    for number in range(60):
        run(ren, executed_at=now - timedelta(minutes=number), status="error")
    html = fetch("?errors=1").content.decode()
    assert "?errors=1&amp;before=" in html


def test_only_what_came_after_a_run_is_drawn_again(fetch, tries, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        answer = fetch(f"?after={tries[3].pk}", **FRAGMENT)
    html = answer.content.decode()
    assert f'data-run="{tries[4].pk}"' in html
    assert f'data-run="{tries[3].pk}"' not in html
    assert "3 tries" in html
    assert "<html" not in html
    assert "data-head" in html


def test_a_fragment_is_the_page_without_its_frame(fetch, tries):
    whole, fragment = fetch().content.decode(), fetch(**FRAGMENT).content.decode()
    assert "<html" in whole
    assert "<html" not in fragment
    assert "<h3" in fragment
    assert "3 tries" in fragment


@pytest.mark.parametrize("kind", ["markdown", "raw"])
def test_text_cells_are_not_runs(fetch, run, ren, other_cell, kind):
    run(ren, code_content="x = 1", cell_type="code")
    run_of(run, ren, cell=other_cell, code_content="# Title", cell_type=kind)
    answer = fetch()
    assert [one.code.shown for one in timeline(answer)] == ["x = 1"]
    assert answer.context["page"].place.number is None, "the last cell is that of the code"


def test_a_run_of_an_old_sender_has_no_kind(fetch, run, ren):
    run(ren, code_content="x = 1", cell_type=None)
    assert len(timeline(fetch())) == 1


def test_the_place_that_ipython_made_up_is_no_part_of_the_error(fetch, run, ren):
    run(ren, status="error", error_message="SyntaxError: invalid syntax (2359142045.py, line 1)")
    [found] = timeline(fetch())
    assert found.error_line == "SyntaxError: invalid syntax"
    assert not found.has_more_error


def test_code_is_highlighted(fetch, run, ren):
    run(ren, code_content='for x in "<b>": pass')
    html = fetch().content.decode()
    assert '<span class="code-keyword">for</span>' in html
    assert "&lt;b&gt;" in html
