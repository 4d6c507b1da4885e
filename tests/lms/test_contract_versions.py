"""docs/contract/http.md section 11, row by row."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from instructors.models import AuditLog
from lms import notebook_process
from lms.api.notebook_content import receipt
from lms.models import (
    AssignmentSubmission,
    Notebook,
    NotebookBranch,
    NotebookSnapshot,
    NotebookVersion,
    StoredNotebook,
)
from tests.lms.conftest import problem, rows_of, the_problem
from tests.lms.notebooks import code, markdown, notebook, prints

pytestmark = pytest.mark.usefixtures("db")

AT = "/notebook-version"
PATH = "lesson/loops.ipynb"
FIRST = notebook(
    markdown("# Loops", id="m"),
    code("a = 1\nprint(a)", prints("1\n"), id="c1", execution_count=3),
    kernelspec={"name": "python3", "display_name": "Python 3"},
)
SECOND = notebook(markdown("# Loops", id="m"), code("a = 2\nprint(a)", prints("2\n"), id="c1"), code("b", id="c2"))
SNAPSHOT = {
    "snapshot_id", "notebook_path", "created_at", "notebook_metadata", "kernel_spec", "cells", "total_cells",
    "total_lines", "total_characters", "code_cells_count", "markdown_cells_count", "execution_count",
    "last_execution_time",
}  # fmt: skip
CELL = {
    "cell_id", "cell_type", "source", "metadata", "execution_count", "outputs", "line_count", "character_count",
}  # fmt: skip
VERSION = {
    "version_id", "notebook_path", "created_at", "version_number", "status", "commit_message", "author_id",
    "author_name", "parent_version_id", "parent_version_number", "snapshot", "diffs", "total_changes", "cells_added",
    "cells_deleted", "cells_modified", "cells_moved", "tags", "metadata",
}  # fmt: skip
CELL_DIFF = {
    "cell_id", "change_type", "old_content", "new_content", "line_diffs", "lines_added", "lines_deleted",
    "lines_modified", "old_index", "new_index",
}  # fmt: skip
row = rows_of("http 11")


@pytest.fixture(autouse=True)
def drawn(tmp_path, settings):
    settings.DATA_DIR = tmp_path
    notebook_process._kept.cache_clear()
    yield
    notebook_process._kept.cache_clear()


def fine(response, status: int = 200) -> dict:
    assert response.status_code == status, response.content
    return response.json()


@pytest.fixture
def kept(api):
    def post(content=FIRST, path=PATH, **more):
        body = {"notebook_path": path, "notebook_content": content, **more}
        return fine(api("POST", f"{AT}/snapshot", body), 201)

    return post


@pytest.fixture
def committed(api):
    def post(content=FIRST, message="A message", path=PATH, **more):
        body = {"notebook_path": path, "notebook_content": content, "commit_message": message, **more}
        return fine(api("POST", f"{AT}/commit-direct", body), 201)

    return post


# --- snapshot --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [f"{AT}/snapshot", f"{AT}/snapshot/", f"/v1{AT}/snapshot", f"/v1{AT}/snapshot/"])
def test_snapshot(api, path):
    body = {"notebook_path": PATH, "notebook_content": FIRST, "metadata": {"week": 3}, "author_id": "hanako"}
    found = fine(api("POST", path, body), 201)
    assert set(found) == {"snapshot_id", "created_at", "metadata", "message", "snapshot"}
    assert found["message"] == "Notebook snapshot created successfully"
    assert found["snapshot_id"] == receipt(FIRST)[:16] == found["snapshot"]["snapshot_id"]
    assert found["metadata"] == {"week": 3}
    shown = found["snapshot"]
    assert set(shown) >= SNAPSHOT
    assert [set(cell) for cell in shown["cells"]] == [CELL, CELL]
    assert shown["cells"][1]["source"] == ["a = 1\n", "print(a)"]
    assert (shown["cells"][1]["line_count"], shown["cells"][1]["character_count"]) == (2, 14)
    assert (shown["total_cells"], shown["total_lines"], shown["total_characters"]) == (2, 3, 21)
    assert (shown["code_cells_count"], shown["markdown_cells_count"], shown["execution_count"]) == (1, 1, 3)
    assert shown["kernel_spec"]["name"] == "python3"
    assert (shown["author_id"], shown["author_name"]) == ("hanako", "hanako")
    assert AuditLog.objects.get().action == "notebook_snapshot"


def test_snapshot_path_in_the_query(api):
    found = fine(api("POST", f"{AT}/snapshot?notebook_path=a/b.ipynb", {"notebook_content": FIRST}), 201)
    assert found["snapshot"]["notebook_path"] == "a/b.ipynb"
    assert found["snapshot"]["author_id"] == "anonymous"
    assert Notebook.objects.get(path="a/b.ipynb").name == "b.ipynb"


def test_same_path_and_content_is_the_same_snapshot(kept):
    first, again = kept(metadata={"a": 1}), kept(metadata={"b": 2})
    assert (again["snapshot_id"], again["created_at"]) == (first["snapshot_id"], first["created_at"])
    assert again["metadata"] == {"b": 2}
    assert kept()["metadata"] == {"b": 2}, "what is not sent stays"
    other = kept(path="other.ipynb")
    assert other["snapshot_id"] == first["snapshot_id"]
    assert other["metadata"] == {}
    assert NotebookSnapshot.objects.count() == 2
    assert StoredNotebook.objects.count() == 1


def test_equal_json_has_one_hash(kept):
    changed = json.loads(json.dumps(FIRST))
    changed["cells"][0] = dict(reversed(changed["cells"][0].items()))
    assert kept(changed)["snapshot_id"] == kept()["snapshot_id"]


def test_snapshot_fills_in_what_is_missing_and_keeps_what_was_sent(api, kept):
    content = {"cells": [{"cell_type": "code", "source": ["a\n", "b"]}]}
    found = kept(content)
    assert found["snapshot"]["cells"][0]["source"] == ["a\n", "b"]
    assert found["snapshot"]["cells"][0]["cell_id"] == "cell-0"
    looked = fine(api("GET", f"{AT}/snapshot/{found['snapshot_id']}"))
    assert looked["snapshot_data"] == content


def test_snapshot_without_content_takes_the_newest_known(api, cast, kept):
    empty = fine(api("POST", f"{AT}/snapshot", {"notebook_path": PATH}), 201)
    assert empty["snapshot"]["total_cells"] == 0
    kept(FIRST)
    assert fine(api("POST", f"{AT}/snapshot", {"notebook_path": PATH}), 201)["snapshot_id"] == receipt(FIRST)[:16]
    AssignmentSubmission.objects.create(
        assignment=cast.loops, student=cast.hanako, notebook_content=SECOND, content_sha256=receipt(SECOND),
        submitted_at=datetime.now(UTC) + timedelta(seconds=5),
    )  # fmt: skip
    assert fine(api("POST", f"{AT}/snapshot", {"notebook_path": PATH}), 201)["snapshot_id"] == receipt(SECOND)[:16]


# --- commit ----------------------------------------------------------------------------------------------------------


def test_commit(api, kept):
    snapshot = kept()["snapshot_id"]
    found = fine(api("POST", f"{AT}/commit", {"snapshot_id": snapshot, "message": "Done"}), 201)
    assert set(found) >= {"commit_id", "message", "branch", "created_at", "version", "version_id", "version_number"}
    assert re.fullmatch("[0-9a-f]{12}", found["commit_id"])
    assert found["commit_id"] == found["version_id"] == found["version"]["version_id"]
    assert (found["message"], found["commit_message"], found["branch"]) == ("Done", "Done", "main")
    assert found["branch_name"] == "main"
    assert found["version_number"] == "v1.0.0"
    assert set(found["version"]) >= VERSION
    assert set(found["version"]["snapshot"]) >= SNAPSHOT
    assert (found["version"]["status"], found["version"]["diffs"]) == ("committed", [])
    assert found["version"]["notebook_path"] == PATH
    assert AuditLog.objects.order_by("-pk").first().action == "notebook_commit"


def test_commit_by_the_other_names_and_to_a_branch(api, kept):
    body = {"snapshot_id": kept()["snapshot_id"], "commit_message": "Done", "branch_name": "try", "author_name": "H"}
    numbers = [fine(api("POST", f"{AT}/commit/", body), 201)["version_number"] for _ in range(2)]
    assert numbers == ["try-v1.0.0", "try-v2.0.0"]
    assert NotebookVersion.objects.first().author_name == "H"


def test_commit_says_what_changed(committed):
    first, second = committed(FIRST), committed(SECOND)
    version = second["version"]
    assert (second["version_number"], version["parent_version_id"]) == ("v2.0.0", first["version_id"])
    assert version["parent_version_number"] == "v1.0.0"
    assert (version["total_changes"], version["cells_added"], version["cells_modified"]) == (2, 1, 1)
    assert [each["change_type"] for each in version["diffs"]] == ["modified", "added"]
    assert set(version["diffs"][0]) >= CELL_DIFF
    assert version["diffs"][0]["lines_modified"] == 1


def test_commit_under_another_path(api, kept):
    body = {"snapshot_id": kept()["snapshot_id"], "message": "Copy", "notebook_path": "copy.ipynb"}
    assert fine(api("POST", f"{AT}/commit", body), 201)["version"]["notebook_path"] == "copy.ipynb"
    assert fine(api("GET", f"{AT}/latest?notebook_path=copy.ipynb"))["version"]["commit_message"] == "Copy"
    assert api("GET", f"{AT}/latest?notebook_path={PATH}").status_code == 404


def test_commit_direct(api):
    body = {"notebook_path": PATH, "notebook_content": FIRST, "commit_message": "Direct", "branch": "main"}
    for path in (f"{AT}/commit-direct", f"{AT}/commit-direct/", f"/v1{AT}/commit-direct"):
        found = fine(api("POST", path, body), 201)
    assert set(found) >= {"message", "version", "snapshot", "version_id", "version_number"}
    assert found["message"] == "Notebook committed successfully"
    assert found["commit_message"] == "Direct"
    assert found["version_number"] == "v3.0.0"
    assert found["snapshot"]["snapshot_id"] == found["version"]["snapshot"]["snapshot_id"]


# --- history, version, latest ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", [f"{AT}/history?notebook_path={PATH}", f"{AT}/history/{PATH}", f"{AT}/history/{PATH}/"]
)
def test_history(api, committed, path):
    for message in ("one", "two", "three"):
        committed(message=message)
    found = fine(api("GET", path))
    assert set(found) == {"commits", "branch_info", "statistics", "message", "history", "notebook_path", "retrieved_at"}
    assert found["message"] == "Notebook history retrieved successfully"
    assert [each["message"] for each in found["commits"]] == ["three", "two", "one"]
    assert found["commits"] == found["history"]
    assert set(found["commits"][0]) >= VERSION
    assert found["branch_info"]["branch_name"] == found["branch_info"]["active_branch"] == "main"
    assert (found["statistics"]["total_commits"], found["statistics"]["total_snapshots"]) == (3, 1)
    assert found["notebook_path"] == PATH


def test_history_of_a_branch_and_so_many(api, committed):
    committed(message="one")
    committed(message="two", branch="try")
    committed(message="three")
    found = fine(api("GET", f"{AT}/history?notebook_path={PATH}&branch=try"))
    assert [each["message"] for each in found["commits"]] == ["two"]
    assert found["branch_info"]["branch_name"] == "try"
    assert [each["message"] for each in fine(api("GET", f"{AT}/history/{PATH}?limit=2"))["commits"]] == ["three", "two"]
    assert api("GET", f"{AT}/history/{PATH}?branch=none").status_code == 404


def test_history_of_large_notebooks_leaves_out_cells(api, committed, monkeypatch):
    monkeypatch.setattr("lms.api.version_rows.MOST_SHOWN", 1000)
    for number in range(3):
        committed(notebook(code("x" * 300 + str(number))))
    shown = fine(api("GET", f"{AT}/history/{PATH}"))["commits"]
    assert [each["snapshot"]["is_cut"] for each in shown] == [False, True, True]
    assert shown[2]["snapshot"]["cells"] == []
    assert shown[2]["snapshot"]["total_cells"] == 1


def test_history_costs_the_same_for_many(api, committed, django_assert_max_num_queries):
    for number in range(12):
        committed(message=str(number))
    with django_assert_max_num_queries(8):
        assert len(fine(api("GET", f"{AT}/history/{PATH}"))["commits"]) == 12


def test_version(api, committed):
    made = committed()["version_id"]
    found = fine(api("GET", f"{AT}/version/{made}"))
    assert set(found) == {"message", "version", "version_id", "retrieved_at"}
    assert found["message"] == "Notebook version retrieved successfully"
    assert set(found["version"]) >= VERSION


@pytest.mark.parametrize(
    "path", [f"{AT}/latest?notebook_path={PATH}", f"{AT}/latest/{PATH}", f"/v1{AT}/latest/{PATH}/"]
)
def test_latest(api, committed, path):
    committed(message="one")
    committed(message="two")
    committed(message="aside", branch="try")
    found = fine(api("GET", path))
    assert set(found) >= {"message", "version", "notebook_path", "branch_name", "retrieved_at"}
    assert found["message"] == "Latest version retrieved successfully"
    assert (found["version"]["commit_message"], found["branch_name"]) == ("two", "main")
    separator = "&" if "?" in path else "?"
    assert fine(api("GET", f"{path}{separator}branch_name=try"))["version"]["commit_message"] == "aside"


# --- branches --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["from_commit_id", "from_version_id"])
def test_branch(api, committed, name):
    start = committed()["commit_id"]
    body = {"branch_name": "try", name: start, "notebook_path": PATH, "description": "An attempt"}
    found = fine(api("POST", f"{AT}/branch", body), 201)
    assert set(found) == {"branch_id", "name", "created_at", "message", "branch", "branch_name"}
    assert (found["message"], found["name"], found["branch_name"]) == ("Branch created successfully", "try", "try")
    assert found["branch"]["branched_from_version_id"] == start
    looked = fine(api("GET", f"{AT}/branch/{found['branch_id']}"))
    assert set(looked) == {"message", "branch", "branch_id", "retrieved_at"}
    assert looked["message"] == "Branch information retrieved successfully"
    assert looked["branch"]["description"] == "An attempt"
    assert api("POST", f"{AT}/branch", body).status_code == 409


def test_commits_of_a_branch_follow_from_where_it_began(api, committed):
    start = committed()["commit_id"]
    api("POST", f"{AT}/branch", {"branch_name": "try", "from_commit_id": start})
    made = committed(SECOND, branch="try")
    assert (made["version_number"], made["version"]["parent_version_id"]) == ("try-v1.0.0", start)


def test_branches(api, committed):
    start = committed()["commit_id"]
    api("POST", f"{AT}/branch", {"branch_name": "try", "from_commit_id": start})
    found = fine(api("GET", f"{AT}/branches?notebook_path={PATH}"))
    assert set(found) == {"branches", "active_branch", "merge_status"}
    assert [each["name"] for each in found["branches"]] == ["main", "try"]
    assert found["active_branch"] == "main"
    assert found["merge_status"]["try"] == {"is_merged": False, "merged_at": None, "merged_into": None}
    committed(branch="try")
    assert fine(api("GET", f"{AT}/branches?notebook_path={PATH}"))["active_branch"] == "try"


def test_the_same_branch_name_for_another_notebook(api, committed):
    for path in (PATH, "other.ipynb"):
        start = committed(path=path)["commit_id"]
        assert api("POST", f"{AT}/branch", {"branch_name": "try", "from_commit_id": start}).status_code == 201
    assert NotebookBranch.objects.filter(branch_name="try").count() == 2


# --- compare ---------------------------------------------------------------------------------------------------------


def test_compare(api, committed):
    old, new = committed(FIRST)["commit_id"], committed(SECOND)["commit_id"]
    found = fine(api("POST", f"{AT}/compare", {"from_commit_id": old, "to_commit_id": new}))
    assert set(found) >= {"diff", "changes", "statistics", "message", "comparison"}
    assert found["message"] == "Version comparison completed successfully"
    assert "-a = 1\n+a = 2" in found["diff"]
    assert [each["change_type"] for each in found["changes"]] == ["modified", "added"]
    assert set(found["changes"][0]) >= CELL_DIFF
    assert (found["changes"][0]["old_content"], found["changes"][0]["old_index"]) == ("a = 1\nprint(a)", 1)
    assert found["statistics"] == found["comparison"]["summary"]
    assert found["statistics"] == {
        "total_changes": 2, "cells_added": 1, "cells_deleted": 0, "cells_modified": 1, "cells_moved": 0,
        "lines_added": 1, "lines_deleted": 0, "lines_modified": 1,
    }  # fmt: skip
    comparison = found["comparison"]
    assert (comparison["from_version_number"], comparison["to_version_number"]) == ("v1.0.0", "v2.0.0")
    assert 0 < comparison["similarity_score"] < 1
    assert comparison["change_significance"] == "major"
    assert comparison["recommended_actions"]
    other_names = {"from_version_id": old, "to_version_id": new}
    assert fine(api("POST", f"{AT}/compare/", other_names))["changes"] == found["changes"]
    aliased = fine(api("GET", f"{AT}/compare/{old}/{new}"))
    assert (aliased["from_version_id"], aliased["to_version_id"]) == (old, new)
    assert aliased["compared_at"]
    assert aliased["changes"] == found["changes"]


def test_compare_equal_versions(api, committed):
    old, new = committed()["commit_id"], committed()["commit_id"]
    found = fine(api("GET", f"{AT}/compare/{old}/{new}"))
    assert (found["diff"], found["changes"], found["comparison"]["similarity_score"]) == ("", [], 1.0)
    assert found["comparison"]["change_significance"] == "minor"


def test_compare_other_output_only(api, committed):
    changed = json.loads(json.dumps(FIRST))
    changed["cells"][1]["outputs"] = [prints("3\n")]
    old, new = committed(FIRST)["commit_id"], committed(changed)["commit_id"]
    [change] = fine(api("GET", f"{AT}/compare/{old}/{new}"))["changes"]
    assert (change["change_type"], change["line_diffs"], change["outputs_changed"]) == ("modified", [], True)


def test_compare_what_is_too_much(api, committed, monkeypatch):
    old, new = committed(FIRST)["commit_id"], committed(SECOND)["commit_id"]
    monkeypatch.setattr("lms.versions.comparing.changes", lambda *_, **__: None)
    assert "too large" in api("GET", f"{AT}/compare/{old}/{new}").json()["detail"][0]["msg"]
    third = committed(notebook(code("c")))
    assert third["version"]["diffs"] == [], "a commit does not fail for it"


# --- snapshot, stats -------------------------------------------------------------------------------------------------


def test_snapshot_detail(api, kept, committed):
    kept(metadata={"a": 1})
    version = committed()["version_id"]
    found = fine(api("GET", f"{AT}/snapshot/{receipt(FIRST)[:16]}"))
    assert set(found) == {
        "snapshot_data", "metadata", "related_commits", "message", "snapshot", "snapshot_id", "retrieved_at",
    }  # fmt: skip
    assert found["message"] == "Notebook snapshot retrieved successfully"
    assert (found["snapshot_data"], found["metadata"]) == (FIRST, {"a": 1})
    assert [each["version_id"] for each in found["related_commits"]] == [version]


def test_snapshot_by_its_id_alone_is_the_newest(api, kept):
    kept(path="a.ipynb")
    kept(path="b.ipynb")
    at = f"{AT}/snapshot/{receipt(FIRST)[:16]}"
    assert fine(api("GET", at))["snapshot"]["notebook_path"] == "b.ipynb"
    assert fine(api("GET", f"{at}?notebook_path=a.ipynb"))["snapshot"]["notebook_path"] == "a.ipynb"


def test_stats(api, committed):
    idle = fine(api("GET", f"{AT}/stats"))
    assert idle["stats"]["system_health"] == "idle"
    committed()
    committed(SECOND)
    committed(path="other.ipynb", branch="try")
    found = fine(api("GET", f"{AT}/stats"))
    assert set(found) == {
        "total_snapshots", "total_commits", "active_branches", "message", "stats", "retrieved_at",
    }  # fmt: skip
    assert found["message"] == "Version system stats retrieved successfully"
    assert (found["total_snapshots"], found["total_commits"], found["active_branches"]) == (3, 3, 2)
    stats = found["stats"]
    assert (stats["total_notebooks"], stats["total_versions"], stats["total_branches"]) == (2, 3, 2)
    assert (stats["system_health"], stats["average_versions_per_notebook"]) == ("healthy", 1.5)
    assert stats["average_branches_per_notebook"] == 1.0


# --- Refusals --------------------------------------------------------------------------------------------------------

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
        {**NEW, "notebook_content": {"cells": [{"cell_type": "x"}]}}, ["body", "notebook_content"], None,
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
    ("GET", "/history?notebook_path=x", None, "get notebook history"),
    ("GET", "/compare/a/b", None, "compare versions"),
    ("GET", "/stats", None, "get version system stats"),
]


@pytest.mark.parametrize(("method", "path", "body", "action"), FAILURES)
def test_what_fails_is_a_500_without_the_reason(api, cast, settings, monkeypatch, method, path, body, action):
    def fail(_):
        raise OSError("/secret")

    monkeypatch.setattr("lms.api.versions.histories_of", fail)
    monkeypatch.setattr("lms.api.versions.keep_snapshot", lambda *_, **__: fail(0))
    settings.DEBUG = False
    response = api(method, AT + path, body)
    assert (response.status_code, response.json()) == (500, {"detail": f"Failed to {action}"})
