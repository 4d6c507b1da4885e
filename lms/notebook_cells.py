"""The cells of a notebook as plain values, whatever shape the notebook is in. Nothing here raises.

What was handed in was checked when it came (lms.api.notebook_content); rows of another origin were not. So whoever
reads content goes through here: nbformat 3 and 4, sources as a text or as lines, parts that are missing or no such
thing.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

KINDS = ("code", "markdown", "raw")

# nbformat 3 kept the forms of an output beside each other under these names.
OLD_FORMS = {
    "html": "text/html",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "svg": "image/svg+xml",
    "latex": "text/latex",
    "javascript": "application/javascript",
    "text": "text/plain",
}


@dataclass(frozen=True, kw_only=True)
class PlainCell:
    kind: str  # one of KINDS
    source: str
    cell_id: str | None = None
    count: int | None = None  # the number in `In [3]:`
    outputs: list[dict[str, Any]] = field(default_factory=list)  # of nbformat 4, objects only
    attachments: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def shown_outputs(self) -> list[str]:
        """What the outputs say, as far as they say it in text."""
        return [text for output in self.outputs if (text := text_of(output))]


def cells_of(content: Any) -> list[PlainCell]:
    return [_cell(raw) for raw in _raw_cells(content)]


def joined(text: Any) -> str:
    """nbformat keeps a text as one string or as its lines."""
    if isinstance(text, list):
        return "".join(part for part in text if isinstance(part, str))
    return text if isinstance(text, str) else ""


def text_of(output: dict[str, Any]) -> str:
    """The text of an output; of an error its traceback."""
    data = output.get("data")
    if isinstance(data, dict):
        return joined(data.get("text/plain"))
    if output.get("output_type") in ("error", "pyerr"):
        traceback = output.get("traceback")
        lines = [line for line in traceback if isinstance(line, str)] if isinstance(traceback, list) else []
        return "\n".join(lines) or f"{joined(output.get('ename'))}: {joined(output.get('evalue'))}"
    return joined(output.get("text"))


def outputs_key(cell: PlainCell) -> str:
    """Equal for outputs that say the same; how often the cell had run is not what it says."""
    plain = [{k: v for k, v in each.items() if k not in ("execution_count", "metadata")} for each in cell.outputs]
    return json.dumps(plain, sort_keys=True)


def _raw_cells(content: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(content, dict):
        return
    sheets = content.get("worksheets")  # nbformat 3
    holders = [content, *(sheets if isinstance(sheets, list) else [])]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from (cell for cell in (cells if isinstance(cells, list) else []) if isinstance(cell, dict))


def _cell(raw: dict[str, Any]) -> PlainCell:
    kind, source = raw.get("cell_type"), joined(raw.get("source"))
    if kind == "code":
        source = source or joined(raw.get("input"))
    if kind == "heading":  # nbformat 3
        level = raw.get("level")
        kind, source = "markdown", f"{'#' * (level if isinstance(level, int) and 0 < level < 7 else 1)} {source}"
    outputs, attachments = raw.get("outputs"), raw.get("attachments")
    metadata = raw.get("metadata")
    cell_id, count = raw.get("id"), raw.get("execution_count", raw.get("prompt_number"))
    return PlainCell(
        kind=kind if kind in KINDS else "raw",
        source=source,
        cell_id=cell_id if isinstance(cell_id, str) else None,
        count=count if isinstance(count, int) else None,
        outputs=[_output(each) for each in outputs if isinstance(each, dict)] if isinstance(outputs, list) else [],
        attachments=attachments if isinstance(attachments, dict) else {},
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _output(raw: dict[str, Any]) -> dict[str, Any]:
    kind = raw.get("output_type")
    if isinstance(raw.get("data"), dict) or kind not in ("pyout", "display_data", "execute_result"):
        return raw
    return {"output_type": kind, "data": {form: raw[name] for name, form in OLD_FORMS.items() if name in raw}}
