"""Rendering of a notebook as safe HTML: nbconvert renders it, `lms.notebooks.sanitizing` cleans the result.

All contents of a notebook are untrusted. Each part is sanitized by itself, so that none breaks out of its place, and
the whole once more. The result is shown in a sandboxed frame without scripts (classroom.notebooks.views). SVG pictures
become `<img>` (lms.notebooks.svg). Formulas become MathML (lms.notebooks.math), which is inserted after sanitizing: an
`<svg>` or `<math>` of the notebook itself is always removed.

Only `lms.notebooks.render_worker` imports this module, never a web process: it takes two seconds and eighty megabytes.
"""

import base64
import re
from html import escape
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import MarkdownWithMath, MathBlockParser
from nbformat import NotebookNode, from_dict

from core.json_values import indented
from lms.notebooks.cells import PlainCell, cells_of, joined, joined_streams, text_of
from lms.notebooks.markdown_cells import Formulas, InlineParser, Renderer
from lms.notebooks.math import formula_in
from lms.notebooks.sanitizing import clean
from lms.notebooks.svg import Picture, picture_at, picture_of, with_pictures
from lms.notebooks.terminal import settled

# A placeholder for removed content; the page shows a translated text in it.
LEFT_OUT = '<p class="left-out"></p>'
MAX_TEXT = 100_000  # characters of one source or output
MAX_HTML = 8_000_000  # with the pictures in it
MAX_CELLS = 2_000
MAX_OUTPUTS = 500  # of one cell

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
DRAWN = ("image/png", "image/jpeg")  # by nbconvert
VECTOR = "image/svg+xml"
READABLE = ("text/html", "text/markdown", *PICTURES, VECTOR, "text/latex", "application/json", "text/plain")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
ACTIVE = re.compile(r"<\s*(?:script|iframe|object|embed|form|svg|math|video|audio|canvas|link|meta|base)\b", re.I)
PICTURE_IN_HTML = re.compile(r"""(["']data:image/[^"'<>]*["'])""")
LANGUAGE = re.compile(r"[A-Za-z0-9_+#-]{1,30}")


class SafeExporter(HTMLExporter):
    """nbconvert's HTML exporter. `embed_images` must stay off: it would read files."""

    formulas: Formulas

    def markdown2html(self, context: Any, source: str) -> str:
        """Return Markdown as HTML; as plain text if it cannot be parsed (missing pictures, hundreds of nested
        lists)."""
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = Renderer(self.formulas, escape=False, attachments=attachments, exclude_anchor_links=True)
        try:
            parser = MarkdownWithMath(renderer, block=MathBlockParser(), inline=InlineParser(hard_wrap=False))
            return clean(parser.render(source))
        except Exception:  # the parser can raise anything for untrusted text; the other cells are still shown
            return f"<pre>{escape(source)}</pre>"

    markdown2html.jinja_pass_arg = HTMLExporter.markdown2html.jinja_pass_arg  # type: ignore[attr-defined]


def draw(content: Any) -> str:
    """Return safe HTML of all cells. What cannot be shown safely is replaced by LEFT_OUT."""
    exporter = SafeExporter(template_name="basic", exclude_anchor_links=True)  # type: ignore[no-untyped-call]
    exporter.formulas = Formulas()
    html, _ = exporter.from_notebook_node(_notebook(content, exporter.formulas))
    return exporter.formulas.insert_into(clean(html))


def _notebook(content: Any, formulas: Formulas) -> NotebookNode:
    """Return a new notebook with the cells to show, without metadata, which could hide cells."""
    cells = cells_of(content)
    made = [_cell(cell, number, formulas) for number, cell in enumerate(cells[:MAX_CELLS])]
    if len(cells) > MAX_CELLS:
        made.append({"cell_type": "markdown", "metadata": {}, "source": LEFT_OUT, "id": "rest"})
    metadata = {"language_info": {"name": "python", "pygments_lexer": _language(content)}}
    return from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made})  # type: ignore[no-any-return,no-untyped-call]


def _language(content: Any) -> str:
    metadata = content.get("metadata") if isinstance(content, dict) else None
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    name = info.get("name") if isinstance(info, dict) else None
    return name if isinstance(name, str) and LANGUAGE.fullmatch(name) else "python"


def _cell(cell: PlainCell, number: int, formulas: Formulas) -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": cell.kind, "metadata": {}, "source": _cut(cell.source), "id": f"c{number}"}
    if cell.kind == "raw":  # shown as typed; nbconvert would treat it as HTML
        made |= {"cell_type": "markdown", "source": f"<pre>{escape(made['source'])}</pre>"}
    elif cell.kind == "code":
        made["execution_count"] = cell.count
        joined_up = list(joined_streams(cell.outputs))
        outputs = [shown for output in joined_up[:MAX_OUTPUTS] for shown in _outputs(output, formulas)]
        made["outputs"] = outputs + ([_html(LEFT_OUT)] if len(joined_up) > MAX_OUTPUTS else [])
    else:
        kept = {name: _attached(data) for name, data in cell.attachments.items() if isinstance(data, dict)}
        made["attachments"] = {name: pictures for name, pictures in kept.items() if pictures}
    return made


def _outputs(output: dict[str, Any], formulas: Formulas) -> list[dict[str, Any]]:
    """Return the output in the one media type to show, and LEFT_OUT if a better one was removed."""
    data = output.get("data")
    if not isinstance(data, dict):
        text = settled(text_of(output), maximum=MAX_TEXT)
        if output.get("output_type") in ("error", "pyerr"):
            return [{"output_type": "error", "ename": "", "evalue": "", "traceback": [text]}]
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return [{"output_type": "stream", "name": name, "text": text}]
    html = with_pictures(joined(data.get("text/html"))[:MAX_HTML])
    drawing = picture_of(vector) if (vector := joined(data.get(VECTOR))) else None
    known = {kind for kind in data if kind in READABLE and (kind != VECTOR or drawing is not None)}
    is_active = bool(ACTIVE.search(html)) or bool(set(data) - known)
    shown = _chosen(data, html, drawing, formulas, is_active=is_active)
    is_whole = shown is not None and not is_active and (drawing is None or drawing.is_whole)
    return [*([shown] if shown else []), *([] if is_whole else [_html(LEFT_OUT)])]


def _chosen(
    data: dict[str, Any], html: str, drawing: Picture | None, formulas: Formulas, *, is_active: bool
) -> dict[str, Any] | None:
    pictures = _pictures(data)
    has_picture = bool(pictures) or drawing is not None
    if html.strip() and not (is_active and has_picture) and (cleaned := _cleaned_cut(html)).strip():
        return _html(cleaned)
    for kind, picture in pictures.items():
        # nbconvert's template renders no other types
        return _display(pictures) if kind in DRAWN else _html(f'<img src="data:{kind};base64,{picture}">')
    if drawing is not None:
        alt = f' alt="{escape(drawing.title)}"' if drawing.title else ""
        return _html(f'<img src="{drawing.address}"{alt}>')
    if text := joined(data.get("text/markdown")):
        return _display({"text/markdown": _cut(text)})
    latex, text = joined(data.get("text/latex")), joined(data.get("text/plain"))
    if found := formula_in(latex[:MAX_TEXT]):
        return _html(formulas.html_of(found[0], shown=latex, is_block=found[1]))
    if text:
        return _display({"text/plain": settled(text, maximum=MAX_TEXT)})
    if latex:
        return _html(f'<pre><code class="tex">{escape(_cut(latex))}</code></pre>')
    if "application/json" in data:
        return _display({"text/plain": _cut(indented(data["application/json"]))})
    return None


def _cleaned_cut(html: str) -> str:
    """Cut long HTML and sanitize it. Pictures do not count, so that a plot is not cut in two."""
    budget, parts = MAX_TEXT, []
    for part in PICTURE_IN_HTML.split(html):
        if not part[1:].startswith("data:image/"):
            part = part[:budget]
            budget -= len(part)
        parts.append(part)
        if budget <= 0:
            break
    return clean("".join(parts))


def _pictures(data: dict[str, Any]) -> dict[str, str]:
    """Return the first picture of a raster type."""
    for kind in PICTURES:
        text = joined(data.get(kind))
        if text and BASE64.fullmatch(text):
            return {kind: "".join(text.split())}
    return {}


def _attached(data: dict[str, Any]) -> dict[str, str]:
    """Return the picture of an attachment, which may also be SVG, as text or, as JupyterLab stores it, in base64."""
    found, vector = _pictures(data), joined(data.get(VECTOR))
    if found or not vector:
        return found
    drawing = picture_of(vector) or picture_at(f"data:{VECTOR};base64,{vector}")
    return {VECTOR: base64.b64encode(drawing.text.encode()).decode()} if drawing is not None else {}


def _display(data: dict[str, str]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _html(html: str) -> dict[str, Any]:
    return _display({"text/html": html})


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n…"
