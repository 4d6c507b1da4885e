"""docs/contract/http.md section 11, row by row: branches and comparisons."""

import json

import pytest

from lms.models import (
    NotebookBranch,
)
from tests.lms.notebooks.builders import code, notebook, prints
from tests.lms.versions.conftest import AT, CELL_DIFF, FIRST, PATH, SECOND, fine

pytestmark = pytest.mark.usefixtures("db", "drawn")


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
    monkeypatch.setattr("lms.versions.comparison.changes", lambda *_, **__: None)
    assert "too large" in api("GET", f"{AT}/compare/{old}/{new}").json()["detail"][0]["msg"]
    third = committed(notebook(code("c")))
    assert third["version"]["diffs"] == [], "a commit does not fail for it"
