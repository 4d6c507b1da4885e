"""GET /assignments/{id}/starter: docs/contract/http.md section 4."""

import nbformat
import pytest

from lms.api.notebook_content import receipt
from lms.models import AssignmentStarter
from tests.lms.conftest import key_of

pytestmark = pytest.mark.usefixtures("redis")

CODE = {"cell_type": "code", "source": ["x = 1\n", "x"], "metadata": {}, "outputs": [], "execution_count": None}
TEXT = {"cell_type": "markdown", "source": "# Loops", "metadata": {}}
KERNEL = {"name": "python3", "display_name": "Python 3"}
OLD = {"cells": [TEXT, CODE, CODE], "metadata": {"kernelspec": KERNEL}, "nbformat": 4, "nbformat_minor": 2}


@pytest.fixture
def starter(cast):
    def give(content):
        columns = {"content": content, "content_sha256": receipt(content)}
        return AssignmentStarter.objects.update_or_create(assignment=cast.loops, defaults=columns)[0]

    return give


@pytest.fixture
def fetch(api, cast):
    def get(**more):
        return api("GET", f"/assignments/{cast.loops.pk}/starter", **more)

    return get


def ids_in(response):
    return [cell["id"] for cell in response.json()["content"]["cells"]]


def test_what_students_receive(cast, starter, fetch):
    stored = starter(OLD)
    response = fetch()
    assert response.status_code == 200
    answer = response.json()
    content = answer.pop("content")
    assert answer == {
        "assignment_id": cast.loops.pk, "filename": "loops.ipynb", "content_sha256": receipt(content),
    }  # fmt: skip
    assert response.headers["ETag"] == f'"{receipt(content)}"'
    nbformat.validate(content)
    assert (content["nbformat"], content["nbformat_minor"]) == (4, 5)
    assert content["metadata"] == {
        "kernelspec": KERNEL,
        "cell_monitor": {"assignment": cast.loops.pk, "path": "lesson/loops.ipynb"},
    }
    without_ids = [{name: value for name, value in cell.items() if name != "id"} for cell in content["cells"]]
    assert without_ids == OLD["cells"], "the cells themselves are as they were uploaded"
    stored.refresh_from_db()
    assert stored.content == OLD


def test_ids_are_each_others_equals_for_everybody_and_after_a_change(starter, fetch):
    starter(OLD)
    first, code, same_code = ids_in(fetch())
    assert len({first, code, same_code}) == 3
    assert ids_in(fetch()) == [first, code, same_code]
    starter({**OLD, "cells": [TEXT, {**TEXT, "source": "new"}, CODE, CODE]})
    found = ids_in(fetch())
    assert [found[0], *found[2:]] == [first, code, same_code]


@pytest.mark.parametrize("bad", [None, "", "a b", "x" * 65, 7, "own", "ä"], ids=repr)
def test_valid_ids_stay_and_others_are_replaced(starter, fetch, bad):
    starter({**OLD, "nbformat_minor": 5, "cells": [{**TEXT, "id": "own"}, {**CODE, "id": bad}]})
    response = fetch()
    assert ids_in(response)[0] == "own"
    assert ids_in(response)[1] not in (bad, "own")
    nbformat.validate(response.json()["content"])


def test_renamed_notebook_is_named(cast, starter, fetch):
    starter(OLD)
    before = fetch().headers["ETag"]
    cast.notebook.path = "week 2/ループ"
    cast.notebook.save()
    response = fetch()
    assert response.json()["content"]["metadata"]["cell_monitor"]["path"] == "week 2/ループ"
    assert response.json()["filename"] == "ループ.ipynb"
    assert response.headers["ETag"] != before


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_known_version_is_not_sent_again(starter, fetch, form):
    starter(OLD)
    tag = fetch().headers["ETag"]
    again = fetch(**{"If-None-Match": form.format(tag)})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    starter({**OLD, "cells": [CODE]})
    assert fetch(**{"If-None-Match": tag}).status_code == 200


def test_old_formats_become_new_ones(starter, fetch):
    cells = [
        {"cell_type": "code", "input": "1", "outputs": [], "language": "python"},
        {"cell_type": "heading", "level": 2, "source": "A"},
    ]
    starter({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "n"}, "worksheets": [{"cells": cells}]})
    content = fetch().json()["content"]
    nbformat.validate(content)
    assert [(cell["cell_type"], cell["source"]) for cell in content["cells"]] == [("code", "1"), ("markdown", "## A")]


def test_without_a_starter_or_an_assignment(api, cast, fetch):
    found = fetch()
    assert found.status_code == 404
    assert found.json() == {"detail": f"Assignment with id {cast.loops.pk} has no starter notebook"}
    assert api("GET", "/assignments/999999/starter").json() == {"detail": "Assignment with id 999999 not found"}


def test_class_key_opens_the_starters_of_its_class(cast, starter, fetch, locked):
    starter(OLD)
    assert fetch(key=key_of(cast.python, "key")).status_code == 200
    assert fetch(key=key_of(cast.rust, "other")).status_code == 404
    assert fetch(key="wrong").status_code == 401
    assert fetch().status_code == 403
    assert fetch(user=cast.sato).status_code == 200
    assert fetch(user=cast.suzuki).status_code == 404
