"""The cells of a snapshot in API responses (http.md section 11). No function raises, whatever the content is."""

from datetime import datetime
from typing import Any

from lms.notebooks.cells import cells_of

TIMES = ("shell.execute_reply", "iopub.status.idle")  # JupyterLab sets these when it records timing


def shown_cells(content: Any) -> list[dict[str, Any]]:
    return [
        {
            "cell_id": cell.cell_id or f"cell-{index}",
            "cell_type": cell.kind,
            "source": cell.source.splitlines(keepends=True),
            "metadata": cell.metadata,
            "execution_count": cell.count,
            "outputs": cell.outputs,
            "line_count": len(cell.source.splitlines()),
            "character_count": len(cell.source),
        }
        for index, cell in enumerate(cells_of(content))
    ]


def last_execution_time(content: Any) -> str | None:
    """Return the latest time at which a cell ran, as JupyterLab recorded it; None without recorded times."""
    found = []
    for cell in cells_of(content):
        execution = cell.metadata.get("execution")
        for text in [execution.get(name) for name in TIMES] if isinstance(execution, dict) else ():
            try:
                moment = datetime.fromisoformat(text) if isinstance(text, str) else None
            except ValueError:
                continue
            if moment is not None and moment.tzinfo is not None:
                found.append((moment, text))
    return max(found)[1] if found else None


def metadata_of(content: Any) -> dict[str, Any]:
    metadata = content.get("metadata") if isinstance(content, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def kernel_of(content: Any) -> dict[str, Any]:
    kernel = metadata_of(content).get("kernelspec")
    return kernel if isinstance(kernel, dict) else {}
