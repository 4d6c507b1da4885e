"""Many at once: each commit has a number of its own, and the same content is kept once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from lms.models import NotebookBranch, NotebookHistory, NotebookSnapshot, NotebookVersion, StoredNotebook
from tests.lms.notebooks.builders import code, notebook

AT_ONCE = 8


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("contents", [1, AT_ONCE])
def test_commits_at_once(api, monkeypatch, contents):
    """Of one content, and each of another. What changed is compared elsewhere: it takes a process each."""
    monkeypatch.setattr("lms.versions.comparison.changes", lambda *_, **__: None)
    start = Barrier(AT_ONCE)

    def commit(number):
        start.wait(60)
        try:
            content = notebook(code(str(number % contents)))
            body = {"notebook_path": "race.ipynb", "notebook_content": content, "commit_message": str(number)}
            return api("POST", "/notebook-version/commit-direct", body).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        assert list(pool.map(commit, range(AT_ONCE))) == [201] * AT_ONCE
    numbers = set(NotebookVersion.objects.values_list("version_number", flat=True))
    assert numbers == {f"v{number}.0.0" for number in range(1, AT_ONCE + 1)}
    assert NotebookBranch.objects.get().total_versions == AT_ONCE
    assert NotebookHistory.objects.count() == 1
    assert NotebookSnapshot.objects.count() == StoredNotebook.objects.count() == contents
    chain = dict(NotebookVersion.objects.values_list("version_number", "parent_version__version_number"))
    assert chain == {f"v{n}.0.0": f"v{n - 1}.0.0" if n > 1 else None for n in range(1, AT_ONCE + 1)}
