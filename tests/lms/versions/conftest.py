"""What the contract's tests of notebook versions share: two states of one notebook, and the shapes of the answers."""

import pytest

from tests.lms.conftest import rows_of
from tests.lms.notebooks.builders import code, markdown, notebook, prints

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
