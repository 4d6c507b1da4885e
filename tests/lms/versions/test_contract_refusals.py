"""docs/contract/http.md section 11, row by row: what is refused, and how."""

import pytest

from lms.models import (
    StoredNotebook,
)
from tests.lms.conftest import problem, the_problem
from tests.lms.notebooks.builders import code, notebook
from tests.lms.versions.conftest import AT, FIRST, PATH, row

pytestmark = pytest.mark.usefixtures("db", "drawn")


MISSING = [
    row(
        "commit unknown snapshot", "POST", "/commit", {"snapshot_id": "none", "message": "m"}, "Snapshot none not found"
    ),
    row("history of nothing", "GET", f"/history?notebook_path={PATH}", None, "No version history found"),
    row("history of nothing, by path", "GET", f"/history/{PATH}", None, "No version history found"),
    row("version", "GET", "/version/5", None, "Version 5 not found"),
    row("latest of nothing", "GET", f"/latest/{PATH}", None, "No version history found"),
    row("branch from nothing", "POST", "/branch", {"branch_name": "b", "from_commit_id": "5"}, "Version 5 not found"),
    row("branches of nothing", "GET", f"/branches?notebook_path={PATH}", None, "No version history found"),
    row("branch", "GET", "/branch/abc", None, "Branch abc not found"),
    row("branch uuid", "GET", "/branch/3f0c7c2e-6a1f-4f0e-9a35-2f1f2b7f9a10", None, "Branch 3f0c"),
    row("compare", "POST", "/compare", {"from_commit_id": "a", "to_commit_id": "b"}, "Version a not found"),
    row("compare by path", "GET", "/compare/a/b", None, "Version a not found"),
    row("snapshot", "GET", "/snapshot/abc", None, "Snapshot abc not found"),
]


@pytest.mark.parametrize(("method", "path", "body", "detail"), MISSING)
def test_what_is_not_there_is_404(api, method, path, body, detail):
    response = api(method, AT + path, body)
    assert response.status_code == 404, response.content
    assert response.json()["detail"].startswith(detail)


NEW = {"notebook_path": PATH, "notebook_content": FIRST}
REFUSED = [
    row("snapshot without path", "POST", "/snapshot", {}, ["body", "notebook_path"], "missing"),
    row("snapshot blank path", "POST", "/snapshot", {**NEW, "notebook_path": " "}, ["body", "notebook_path"], None),
    row("snapshot long path", "POST", "/snapshot", {**NEW, "notebook_path": "漢" * 900}, ["body", "notebook_path"],
        None),
    row("snapshot list", "POST", "/snapshot", [], ["body"], "dict_type"),
    row("snapshot metadata", "POST", "/snapshot", {**NEW, "metadata": 5}, ["body", "metadata"], None),
    row("snapshot text", "POST", "/snapshot", {**NEW, "notebook_content": "x"}, ["body", "notebook_content"], None),
    row("snapshot bad", "POST", "/snapshot", {**NEW, "notebook_content": {}}, ["body", "notebook_content"], None),
    row(
        "snapshot bad cell", "POST", "/snapshot",
        {**NEW, "notebook_content": {"cells": ["x"]}}, ["body", "notebook_content"], None,
    ),
    row("commit without snapshot", "POST", "/commit", {"message": "m"}, ["body", "snapshot_id"], "missing"),
    row("commit without message", "POST", "/commit", {"snapshot_id": "x"}, ["body", "message"], "missing"),
    row("commit blank message", "POST", "/commit", {"snapshot_id": "x", "message": " "}, ["body", "message"],
        "missing"),
    row("direct without content", "POST", "/commit-direct", {"notebook_path": "a", "commit_message": "m"},
        ["body", "notebook_content"], "missing"),
    row("direct without message", "POST", "/commit-direct", NEW, ["body", "commit_message"], "missing"),
    row("history without path", "GET", "/history", None, ["query", "notebook_path"], "missing"),
    row("history limit 0", "GET", f"/history?notebook_path={PATH}&limit=0", None, ["query", "limit"], None),
    row("history limit 1001", "GET", f"/history?notebook_path={PATH}&limit=1001", None, ["query", "limit"], None),
    row("latest without path", "GET", "/latest", None, ["query", "notebook_path"], "missing"),
    row("branch without name", "POST", "/branch", {"from_commit_id": "x"}, ["body", "branch_name"], "missing"),
    row("branch without start", "POST", "/branch", {"branch_name": "x"}, ["body", "from_commit_id"], "missing"),
    row("branches without path", "GET", "/branches", None, ["query", "notebook_path"], "missing"),
    row("compare without to", "POST", "/compare", {"from_commit_id": "x"}, ["body", "to_commit_id"], "missing"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "place", "kind"), REFUSED)
def test_what_cannot_be_is_422(api, method, path, body, place, kind):
    found = the_problem(api(method, AT + path, body))
    assert found["loc"] == place
    assert kind is None or found == problem(place, kind)
    assert not StoredNotebook.objects.exists()


def test_one_that_is_too_large_is_413(api, settings):
    settings.SUBMISSION_BYTES_LIMIT = 100
    assert api("POST", f"{AT}/snapshot", NEW).status_code == 413


def test_what_postgresql_cannot_hold_is_held_as_well_as_it_can(kept):
    assert kept(notebook(code("a\0b")))["snapshot"]["cells"][0]["source"] == ["a\ufffdb"]


FAILURES = [
    ("POST", "/snapshot", NEW, "create notebook snapshot"),
    ("POST", "/commit", {"snapshot_id": "x", "message": "m"}, "commit notebook version"),
    ("POST", "/commit-direct", {**NEW, "commit_message": "m"}, "commit notebook version"),
    ("GET", "/history?notebook_path=x", None, "get notebook history"),
    ("GET", "/history/x", None, "get notebook history"),
    ("GET", "/compare/a/b", None, "compare versions"),
    ("GET", "/stats", None, "get version system stats"),
]


@pytest.mark.parametrize(("method", "path", "body", "action"), FAILURES)
def test_what_fails_is_a_500_without_the_reason(api, cast, settings, monkeypatch, method, path, body, action):
    def fail(_):
        raise OSError("/secret")

    monkeypatch.setattr("lms.api.versions.histories_of", fail)
    monkeypatch.setattr("lms.api.versions.store_snapshot", lambda *_, **__: fail(0))
    settings.DEBUG = False
    response = api(method, AT + path, body)
    assert (response.status_code, response.json()) == (500, {"detail": f"Failed to {action}"})
