"""docs/contract/http.md section 11, row by row: commits, and what is read of them."""

import re

import pytest

from instructors.models import AuditLog
from lms.models import (
    NotebookVersion,
)
from tests.lms.notebooks.builders import code, notebook
from tests.lms.versions.conftest import AT, CELL_DIFF, FIRST, PATH, SECOND, SNAPSHOT, VERSION, fine

pytestmark = pytest.mark.usefixtures("db", "drawn")


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
    monkeypatch.setattr("lms.api.version_selectors.MAX_CONTENT_BYTES", 1000)
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
