"""docs/contract/http.md section 11, row by row: snapshots, and the figures of all."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from instructors.models import AuditLog
from lms.api.notebook_content import receipt
from lms.models import (
    AssignmentSubmission,
    Notebook,
    NotebookSnapshot,
    StoredNotebook,
)
from tests.lms.versions.conftest import AT, CELL, FIRST, PATH, SECOND, SNAPSHOT, fine

pytestmark = pytest.mark.usefixtures("db", "drawn")


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
