"""Real notebooks through everything: `python -m tests.lms.notebooks.real_notebooks FOLDER` drives each .ipynb in it.

Each is checked as a hand-in is; what passes is drawn, compared with an empty notebook and with a changed copy of
itself, and told as the API tells it. What is no notebook must be refused with a sentence. Nothing is executed, and
nothing may raise. Good folders are the test files of nbformat and nbconvert, which are in their source packages:

    pip download --no-deps --no-binary :all: nbformat nbconvert && tar xf nbformat-*.tar.gz && tar xf nbconvert-*.tar.gz
"""

import json
import os
import sys
from collections import Counter
from copy import deepcopy
from pathlib import Path
from typing import Any

CHANGED = "# changed by the sweep"


def sweep(content: Any) -> str:
    """What became of one: `refused: …`, `too much`, or `fine: n cells`. Raises AssertionError where it went wrong."""
    from rest_framework.exceptions import ValidationError

    from lms.api.notebook_content import NotebookContent, receipt
    from lms.notebooks.cells import cells_of
    from lms.notebooks.render_process import html_of
    from lms.notebooks.sanitizing import clean
    from lms.versions.cells import last_execution_time, shown_cells
    from lms.versions.comparison import TooDifferent, compare
    from lms.versions.lookup import empty_notebook
    from lms.versions.snapshots import counters

    try:
        checked = NotebookContent().run_validation(content)
    except ValidationError as error:
        return f"refused: {str(error.detail[0])[:60]}"  # type: ignore[index]
    changed = with_one_more_cell(checked)
    json.dumps(shown_cells(checked))
    last_execution_time(checked)
    assert counters(cells_of(checked))["total_cells"] == len(shown_cells(checked))
    html = html_of(checked, sha256=receipt(checked) or "")
    assert html is None or clean(html) == html, "what is drawn is harmless"
    try:
        for old, new, least in (
            (checked, checked, 0),
            (checked, changed, 1),
            (changed, checked, 1),
            (empty_notebook(), checked, len(cells_of(checked))),
        ):
            found = compare(stored(old), stored(new))
            assert len(found.changed) >= least
            assert 0 <= found.similarity <= 1
            assert bool(found.unified("old", "new")) is bool(found.changed)
            assert found.summary["total_changes"] == len(found.cell_diffs)
    except TooDifferent:
        return "too much"
    return f"fine: {len(cells_of(checked))} cells{'' if html is not None else ', not drawn'}"


def with_one_more_cell(content: dict[str, Any]) -> dict[str, Any]:
    changed = deepcopy(content)
    sheets = changed.get("worksheets")
    cells = (
        sheets[0].setdefault("cells", []) if isinstance(sheets, list) and sheets else changed.setdefault("cells", [])
    )
    cells.append({"cell_type": "markdown", "metadata": {}, "source": CHANGED})
    return changed


def stored(content: Any) -> Any:
    from lms.api.notebook_content import receipt
    from lms.models import StoredNotebook

    return StoredNotebook(sha256=receipt(content) or "", content=content, size=0)


def main() -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ.setdefault("DATABASE_URL", "postgres://nobody@localhost/none")  # nothing is stored
    django.setup()
    results: Counter[str] = Counter()
    for file in sorted(Path(sys.argv[1]).rglob("*.ipynb")):
        try:
            said = sweep(json.loads(file.read_text("utf-8-sig")))
        except ValueError:
            said = "refused: no JSON"
        results[said.partition(":")[0]] += 1
        sys.stdout.write(f"{said:70} {file.name}\n")
    sys.stdout.write(f"{dict(results)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
