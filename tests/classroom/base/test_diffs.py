"""What changed between two versions of a cell."""

import random
import time

from hypothesis import given
from hypothesis import strategies as st

from classroom.students.run_diffs import MAX_LINES, compare


def shown(old: str, new: str) -> list[str]:
    return [f"{line.sign}{line.text}" for line in compare(old, new).lines]


def test_a_changed_line_is_removed_and_added():
    assert shown("a = 1\nprint(a)", "a = 2\nprint(a)") == ["-a = 1", "+a = 2", " print(a)"]


def test_the_same_code_is_no_change():
    change = compare("x\r\ny\n", "x\ny")
    assert change.is_nothing
    assert change.lines == []


def test_spaces_at_the_end_of_a_line_and_indentation_count():
    assert compare("if x:\n  y", "if x:\n    y").added == 1


def test_long_unchanged_stretches_are_folded():
    old = "\n".join(f"line {number}" for number in range(30))
    lines = compare(old, old + "\nnew").lines
    assert [line.folded for line in lines if line.sign == "…"] == [27]
    assert [line.text for line in lines[1:]] == ["line 27", "line 28", "line 29", "new"]


def test_a_rewrite_too_long_to_compare_says_so():
    change = compare("\n".join("a" * MAX_LINES), "\n".join("b" * (MAX_LINES + 1)))
    assert change.is_too_long
    assert (change.added, change.removed, change.lines) == (MAX_LINES + 1, MAX_LINES, [])


def test_hostile_lines_take_no_time():
    rng = random.Random(1)
    old, new = ("\n".join(rng.choice("ab") for _ in range(MAX_LINES - 2)) for _ in range(2))
    started = time.process_time()
    for _ in range(50):
        compare(f"x\n{old}\ny", f"y\n{new}\nx")
    assert time.process_time() - started < 2.0


@given(st.text(alphabet="ab\n", max_size=200), st.text(alphabet="ab\n", max_size=200))
def test_the_lines_tell_the_truth(old, new):
    change = compare(old, new)
    lines = [line for line in change.lines if line.sign != "…"]
    assert sum(line.sign == "+" for line in lines) == change.added
    assert sum(line.sign == "-" for line in lines) == change.removed
    if change.lines and not any(line.sign == "…" for line in change.lines):
        kept = [line.text for line in lines if line.sign != "-"]
        assert kept == new.rstrip("\n").split("\n")
        assert [line.text for line in lines if line.sign != "+"] == old.rstrip("\n").split("\n")
