"""What changed between two notebooks, cell by cell."""

import pytest

from tests.lms.notebooks.builders import code, markdown, notebook, prints
from tests.lms.notebooks.drawing import diff_cells, line_changes

A, B, C = code("a = 1\nb = 2", id="a"), markdown("# Task", id="b"), code("c = 3", id="c")


def kinds(old, new):
    return [change.kind for change in diff_cells(old, new)]


def test_nothing_changed():
    assert kinds(notebook(A, B, C), notebook(A, B, C)) == ["unchanged"] * 3


def test_a_changed_line_is_marked():
    [change, _] = diff_cells(notebook(A, B), notebook({**A, "source": "a = 1\nb = 5"}, B))
    assert (change.kind, change.lines) == ("modified", [(" ", "a = 1"), ("-", "b = 2"), ("+", "b = 5")])
    assert (change.lines_added, change.lines_deleted) == (1, 1)
    assert (change.old_source, change.new_source) == ("a = 1\nb = 2", "a = 1\nb = 5")
    assert (change.old_index, change.new_index, change.cell_type, change.cell_id) == (0, 0, "code", "a")


def test_added_and_deleted_cells():
    new = code("print('mine')", id="n")
    found = diff_cells(notebook(A, B), notebook(A, new, B))
    assert [change.kind for change in found] == ["unchanged", "added", "unchanged"]
    assert (found[1].old_index, found[1].new_index, found[1].lines) == (None, 1, [("+", "print('mine')")])
    [_, gone, _] = diff_cells(notebook(A, B, C), notebook(A, C))
    assert (gone.kind, gone.old_index, gone.new_index, gone.lines) == ("deleted", 1, None, [("-", "# Task")])


def test_a_moved_cell_is_no_other_cell():
    found = diff_cells(notebook(A, B, C), notebook(C, A, B))
    assert [(change.kind, change.cell_id) for change in found] == [
        ("moved", "c"),
        ("unchanged", "a"),
        ("unchanged", "b"),
    ]
    assert (found[0].old_index, found[0].new_index, found[0].lines) == (2, 0, [])


def test_a_moved_cell_may_have_changed():
    moved = {**C, "source": "c = 4"}
    found = {change.cell_id: change for change in diff_cells(notebook(A, B, C), notebook(moved, A, B))}
    assert found["c"].kind == "moved"
    assert ("+", "c = 4") in found["c"].lines


def test_a_cell_in_the_place_of_another_is_not_it():
    found = diff_cells(notebook(A, B, C), notebook(C, A, B, code("d", id="d")))
    assert [change.kind for change in found] == ["moved", "unchanged", "unchanged", "added"]


def test_without_ids_the_text_tells():
    one, two = {"cell_type": "code", "source": "x = 1\ny = 2"}, {"cell_type": "code", "source": "z"}
    old, new = {"cells": [one, two]}, {"cells": [{**one, "source": "x = 1\ny = 3"}, two]}
    assert kinds(old, new) == ["modified", "unchanged"]


def test_outputs_are_told_apart_but_not_how_often_it_ran():
    ran = {**A, "outputs": [prints("1")], "execution_count": 9}
    assert [c.outputs_changed for c in diff_cells(notebook(A), notebook(ran))] == [True]
    again = {**ran, "execution_count": 10}
    assert [c.outputs_changed for c in diff_cells(notebook(ran), notebook(again))] == [False]


@pytest.mark.parametrize("other", [{}, None, {"cells": []}, {"cells": 5}])
def test_against_nothing_everything_is_new(other):
    assert kinds(other, notebook(A, B)) == ["added", "added"]
    assert kinds(notebook(A, B), other) == ["deleted", "deleted"]


def test_every_cell_of_both_is_told_once():
    old = notebook(*(code(f"x = {n}", id=f"i{n}") for n in range(20)))
    new = notebook(*(code(f"x = {n}" if n % 3 else "changed", id=f"i{n}") for n in reversed(range(5, 25))))
    found = diff_cells(old, new)
    assert sorted(c.old_index for c in found if c.old_index is not None) == list(range(20))
    assert [c.new_index for c in found if c.new_index is not None] == list(range(20))


def test_lines():
    assert line_changes("", "a") == [("+", "a")]
    assert line_changes("a\nb", "a") == [(" ", "a"), ("-", "b")]
