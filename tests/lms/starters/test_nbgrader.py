"""The version for students of an nbgrader notebook: nothing that students must not see is left, its points are read.

The checksums of this file were computed by nbgrader 0.9.6 from the same cells.
"""

import json

import pytest

from lms.nbgrader import BadRegion, OldFormat, points_of, release

SECRET = "SECRET"


def cell(kind, source, **settings):
    made = {"cell_type": kind, "metadata": {}, "source": source}
    if settings:
        plain = {"schema_version": 3, "grade": False, "solution": False, "locked": False, "task": False}
        made["metadata"]["nbgrader"] = {**plain, **settings}
    if kind == "code":
        output = {"output_type": "stream", "name": "stdout", "text": SECRET}
        made |= {"outputs": [output], "execution_count": 3}
    return made


def notebook(*cells, language="python"):
    metadata = {"kernelspec": {"language": language}, "celltoolbar": "Create Assignment"}
    return {"cells": list(cells), "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


SOURCE = notebook(
    cell("markdown", "# Loops"),
    cell("markdown", "read only", grade_id="ro", locked=True),
    cell(
        "code",
        f"def f(x):\n    ### BEGIN SOLUTION\n    return x + 1  # {SECRET}\n    ### END SOLUTION\n\ndef g(): pass",
        grade_id="a1",
        solution=True,
    ),
    cell("code", f"whole = '{SECRET}'", grade_id="a2", solution=True),
    cell(
        "code",
        f"assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert {SECRET}\n### END HIDDEN TESTS",
        grade_id="t1",
        grade=True,
        locked=True,
        points=3,
    ),
    cell("markdown", f"It is {SECRET}.", grade_id="m1", grade=True, solution=True, points=2.5),
    cell(
        "markdown",
        f"Do this\n=== BEGIN MARK SCHEME ===\n{SECRET}\n=== END MARK SCHEME ===",
        grade_id="k1",
        task=True,
        points=4,
    ),
    cell("code", "print(1)"),
)


def test_nothing_secret_is_left_and_the_rest_is():
    made = release(SOURCE)
    assert SECRET not in json.dumps(made.content)
    assert [each["source"] for each in made.content["cells"]] == [
        "# Loops",
        "read only",
        "def f(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()\n\ndef g(): pass",
        "# YOUR CODE HERE\nraise NotImplementedError()",
        "assert f(1) == 2",
        "YOUR ANSWER HERE",
        "Do this",
        "print(1)",
    ]
    assert (made.solutions, made.hidden, made.points) == (3, 2, 9.5)
    assert "celltoolbar" not in made.content["metadata"]
    assert SECRET in json.dumps(SOURCE), "what was given is not changed"


def test_metadata_are_those_of_nbgrader():
    cells = release(SOURCE).content["cells"]
    assert [each["metadata"].get("nbgrader", {}).get("checksum") for each in cells] == [
        None,
        "d99f330b07fbfbfe3951d01dca724918",
        "0421a8a83a493b008b01604f4bc10a45",
        "5428fc3a91ca047fbeaa26cf756fe990",
        "ccce78225b5b9da5b857618ad45a15f8",
        "633affcec6b6d45d69e30d79bbec8995",
        None,
        None,
    ]
    locks = [(each["metadata"].get("deletable"), each["metadata"].get("editable")) for each in cells]
    assert (
        locks
        == [(None, None), (False, False), (False, None), (False, None), (False, False), (False, None)]
        + [(None, None)] * 2
    )


def test_what_was_released_before_stays():
    once = release(SOURCE).content
    again = release(once)
    assert (again.content, again.solutions, again.hidden) == (once, 0, 0)


def test_a_solution_with_an_old_checksum_is_taken_out():
    once = release(SOURCE).content
    once["cells"][3]["source"] = f"# YOUR CODE HERE\nx = '{SECRET}'"
    assert SECRET not in json.dumps(release(once).content)


@pytest.mark.parametrize(
    "source",
    [
        "### BEGIN SOLUTION\nx",
        "### BEGIN SOLUTION\n### BEGIN SOLUTION\nx\n### END SOLUTION",
        "### BEGIN SOLUTIN\nx\n### END SOLUTION",
        "### BEGIN SOLUTION\n### END HIDDEN TESTS\n### END SOLUTION",
        "### BEGIN HIDDEN TESTS\nx",
    ],
)
def test_a_region_without_a_partner_is_refused(source):
    with pytest.raises(BadRegion) as refused:
        release(notebook(cell("markdown", "# Loops"), cell("code", source, grade_id="a", solution=True)))
    assert refused.value.number == 2


def test_regions_count_without_metadata_and_in_lines():
    lines = ["a = 1\n", "  # BEGIN SOLUTION\n", f"  {SECRET}\n", "  # END SOLUTION\n", "b = 2"]
    made = release(notebook(cell("code", lines)))
    assert made.content["cells"][0]["source"] == "a = 1\n  # YOUR CODE HERE\n  raise NotImplementedError()\nb = 2"
    assert made.points is None


def test_windows_line_ends_and_attachments():
    answer = cell("markdown", f"### BEGIN SOLUTION\r\n{SECRET}\r\n### END SOLUTION\r\nEnd", grade_id="m", solution=True)
    answer["attachments"] = {"a.png": {"image/png": SECRET}}
    assert SECRET not in json.dumps(release(notebook(answer)).content)


@pytest.mark.parametrize(("language", "stub"), [("R", "fail()"), ("sas", "%notImplemented"), ("apl", "# YOUR CODE")])
def test_stubs_of_other_languages(language, stub):
    made = release(notebook(cell("code", SECRET, grade_id="a", solution=True), language=language))
    assert stub in made.content["cells"][0]["source"]


def test_another_notebook_is_not_touched():
    plain = notebook(cell("code", "print(1)"), cell("markdown", "# The solution is near"))
    assert release(plain).content is plain


def test_an_old_format_with_solutions_is_refused():
    source = f"### BEGIN SOLUTION\n{SECRET}\n### END SOLUTION"
    old = {"nbformat": 3, "worksheets": [{"cells": [{"cell_type": "code", "language": "python", "input": source}]}]}
    with pytest.raises(OldFormat):
        release(old)
    assert release({"nbformat": 3, "worksheets": []}).solutions == 0


@pytest.mark.parametrize("odd", [None, 5, "text", [], {"nbgrader": 7}, {"nbgrader": {"points": "3", "grade": True}}])
def test_odd_metadata_break_nothing(odd):
    broken = notebook({"cell_type": "code", "metadata": odd, "source": None}, None, 7)
    assert points_of(broken) is None
    assert release(broken).solutions == 0


@pytest.mark.parametrize("points", [10**400, 1e308, "3", True, None], ids=str)
def test_points_that_are_no_number_that_can_be_stored_are_left_out(points):
    cells = [cell("code", "x", grade_id=name, grade=True, solution=True, points=points) for name in ("a", "b")]
    made = release(notebook(*cells))
    assert made.points is None
    assert made.solutions == 2
