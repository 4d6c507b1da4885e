"""The cells of a notebook as plain values. The parser is lenient and never raises.

Notebooks are stored as sent, and Jupyter opens many that break the format. So all code that reads contents uses this
module. It accepts nbformat 1 to 4, sources as a text or as lines, and parts that are missing, null or of a wrong type.

It also defines equality: cells that differ only in line ends are equal (`PlainCell.lines`), and so are outputs that are
shown the same (`outputs_key`).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from core.line_diff import lines_in
from lms.notebooks.terminal import plain, settled

KINDS = ("code", "markdown", "raw")
NEWEST = 4  # the nbformat that everything older is read as
MAX_OUTPUT_TEXT = 20_000  # characters of one output as plain text

# The names of media types in outputs of nbformat 3.
OLD_MEDIA_TYPES = {
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
    outputs: list[dict[str, Any]] = field(default_factory=list)  # of nbformat 4, as they were sent; objects only
    attachments: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The lines of the source, by which cells are compared."""
        return lines_in(self.source)

    @property
    def shown_outputs(self) -> list[str]:
        """The texts of the outputs as a terminal finally shows them."""
        texts = (settled(text_of(output), maximum=MAX_OUTPUT_TEXT) for output in joined_streams(self.outputs))
        return [text for text in texts if text]


def cells_of(content: Any) -> list[PlainCell]:
    """Return the cells of a notebook. Duplicate ids are dropped after the first, as Jupyter replaces them."""
    found, ids = [], set()
    for raw in _raw_cells(content):
        cell_id = raw.get("id")
        is_own = isinstance(cell_id, str) and cell_id and cell_id not in ids
        ids.add(cell_id if is_own else None)
        found.append(_cell(raw, cell_id if is_own else None))
    return found


def version_of(content: dict[str, Any]) -> int | None:
    """Return the nbformat, a number or the text of one; without it, derive it from the structure. Return None if it is
    unknown."""
    value = content.get("nbformat")
    if value is None:
        return NEWEST if "cells" in content else 3
    number = _number(value)
    return number if number is not None and 1 <= number <= NEWEST else None


def has_cells(content: dict[str, Any]) -> bool:
    """Return whether the content is a notebook: it has a list of cells or worksheets, which is empty or contains at
    least one object."""
    sheets = content.get("worksheets")
    holders = [content, *(sheets if isinstance(sheets, list) else [])]
    lists = [cells for each in holders if isinstance(each, dict) and isinstance(cells := each.get("cells"), list)]
    inside = [cell for cells in lists for cell in cells]
    return bool(lists or sheets == []) and (not inside or any(isinstance(cell, dict) for cell in inside))


def joined(text: Any) -> str:
    """Return a text that nbformat stores as one string or as a list of lines; a number as its text."""
    if isinstance(text, list):
        return "".join(joined(part) for part in text)
    if isinstance(text, int | float):
        return json.dumps(text)
    return text if isinstance(text, str) else ""


def text_of(output: dict[str, Any]) -> str:
    """Return the raw text of an output; of an error, its traceback."""
    data = output.get("data")
    if isinstance(data, dict):
        return joined(data.get("text/plain"))
    if output.get("output_type") in ("error", "pyerr"):
        traceback = output.get("traceback")
        lines = [joined(line) for line in traceback] if isinstance(traceback, list) else [joined(traceback)]
        name, message = joined(output.get("ename")), joined(output.get("evalue"))
        return "\n".join(lines) or (f"{name}: {message}" if message else name)
    return joined(output.get("text"))


def joined_streams(outputs: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the outputs, with consecutive outputs of one stream joined: a progress bar comes in pieces."""
    for name, same in groupby(outputs, key=_stream):
        if name is None:
            yield from same
        else:
            yield {"output_type": "stream", "name": name, "text": "".join(text_of(each) for each in same)}


def _stream(output: dict[str, Any]) -> str | None:
    """Return the name of the output's stream; None for other outputs."""
    if output.get("output_type") != "stream":
        return None
    return "stderr" if "stderr" in (output.get("name"), output.get("stream")) else "stdout"


def outputs_key(cell: PlainCell) -> str:
    """Return a key that is equal for outputs that are shown the same. It ignores the execution count."""
    return json.dumps([_shown(each) for each in joined_streams(cell.outputs)], sort_keys=True)


def _shown(output: dict[str, Any]) -> Any:
    data = output.get("data")
    if isinstance(data, dict):
        return [(media, plain(text) if (text := joined(value)) else value) for media, value in sorted(data.items())]
    return [_stream(output) or "", plain(text_of(output))]


def _raw_cells(content: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(content, dict):
        return
    sheets = content.get("worksheets")  # nbformat 3
    holders = [content, *(sheets if isinstance(sheets, list) else [])]
    for holder in holders:
        cells = holder.get("cells") if isinstance(holder, dict) else None
        yield from (cell for cell in (cells if isinstance(cells, list) else []) if isinstance(cell, dict))


def _cell(raw: dict[str, Any], cell_id: str | None) -> PlainCell:
    kind, source = raw.get("cell_type"), joined(raw.get("source"))
    if kind == "code" or (kind not in KINDS and raw.get("outputs")):
        kind, source = "code", source or joined(raw.get("input")) or joined(raw.get("code"))
    elif kind == "heading":  # nbformat 3
        level = _number(raw.get("level"))
        kind, source = "markdown", f"{'#' * (level if level is not None and 0 < level < 7 else 1)} {source}"
    elif kind == "text":  # nbformat 1
        kind, source = "markdown", source or joined(raw.get("text"))
    outputs, attachments = raw.get("outputs"), raw.get("attachments")
    metadata = raw.get("metadata")
    count = _number(raw.get("execution_count", raw.get("prompt_number")))
    return PlainCell(
        kind=kind if kind in KINDS else "raw",
        source=source,
        cell_id=cell_id,
        count=count if count is not None and count >= 0 else None,
        outputs=[_output(each) for each in _objects(outputs)],
        attachments=attachments if isinstance(attachments, dict) else {},
        metadata=metadata if isinstance(metadata, dict) else {},
    )


def _objects(outputs: Any) -> list[dict[str, Any]]:
    """Return the objects of a list; a single output counts as a list of one."""
    listed = outputs if isinstance(outputs, list) else [outputs]
    return [each for each in listed if isinstance(each, dict)]


def _number(value: Any) -> int | None:
    """Return a whole number, also from its text; None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 10:
        return int(value)
    return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else None


def _output(raw: dict[str, Any]) -> dict[str, Any]:
    kind = raw.get("output_type")
    if isinstance(raw.get("data"), dict) or kind not in ("pyout", "display_data", "execute_result"):
        return raw
    return {"output_type": kind, "data": {media: raw[name] for name, media in OLD_MEDIA_TYPES.items() if name in raw}}
