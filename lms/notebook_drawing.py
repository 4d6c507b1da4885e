"""A notebook as HTML that does nothing: nbconvert draws it, nh3 keeps of it what is allowed.

Everything in a notebook is a stranger's. So each part is cleaned by itself, that none breaks out of its place, and the
whole once more. The result is shown in a frame that could run nothing anyway (instructors.pages.notebooks).

This module is imported in the process that `lms.notebook_worker` is, never in a web process: it takes two seconds and
eighty megabytes.
"""

import json
import re
from html import escape
from typing import Any

import nh3
from nbconvert.exporters import HTMLExporter
from nbformat import NotebookNode, from_dict
from pygments.token import STANDARD_TYPES

from lms.notebook_cells import PlainCell, cells_of, joined, text_of

# Put where something was left out; the page says it in the reader's language.
LEFT_OUT = '<p class="left-out"></p>'
LONGEST_TEXT = 100_000  # characters of one source or output
MOST_CELLS = 2_000
MOST_OUTPUTS = 500  # of one cell

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
READABLE = ("text/html", "text/markdown", *PICTURES, "text/latex", "application/json", "text/plain")
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
ACTIVE = re.compile(r"<\s*(?:script|iframe|object|embed|form|svg|math|video|audio|canvas|link|meta|base)\b", re.I)
ATTACHED = re.compile(r"attachment:([^\s()\"'<>]*)")
LANGUAGE = re.compile(r"[A-Za-z0-9_+#-]{1,30}")

TAGS = nh3.ALLOWED_TAGS - {"a", "area", "map", "data", "nav", "header", "footer", "time"} | {"figure", "figcaption"}
GONE_WITH_CONTENT = {"script", "style", "iframe", "object", "embed", "template", "noscript", "svg", "math", "select"}
ATTRIBUTES = {
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "details": {"open"},
}
BLOCKS = {
    *("cell", "text_cell", "code_cell", "inner_cell", "input", "input_prompt", "output_prompt", "prompt", "input_area"),
    *("output_wrapper", "output", "output_area", "output_subarea", "output_stream", "output_stderr", "output_error"),
    *("output_html", "output_text", "output_png", "output_jpeg", "rendered_html", "text_cell_render", "highlight"),
}
COLOURS = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
TERMINAL = {f"ansi-{each}{part}" for each in COLOURS for part in ("-fg", "-intense-fg")} | {"ansi-bold"}
CLASSES = {
    "div": BLOCKS,
    "p": {"left-out"},
    "span": {name for name in STANDARD_TYPES.values() if name} | TERMINAL,
    "table": {"dataframe"},
}


class SafeExporter(HTMLExporter):
    """`embed_images` stays off: it would read files."""

    def markdown2html(self, context: Any, source: str) -> str:
        """What cannot be read as Markdown (pictures that are missing, hundreds of nested lists) is shown as text."""
        try:
            return clean(super().markdown2html(context, source))
        except Exception:  # whatever a stranger's text made of a parser; the other cells are still worth seeing
            return f"<pre>{escape(source)}</pre>"

    markdown2html.jinja_pass_arg = HTMLExporter.markdown2html.jinja_pass_arg  # type: ignore[attr-defined]


def draw(content: Any) -> str:
    """Safe HTML of all its cells. What cannot be shown safely is replaced by LEFT_OUT."""
    exporter = SafeExporter(template_name="basic", exclude_anchor_links=True)  # type: ignore[no-untyped-call]
    html, _ = exporter.from_notebook_node(_notebook(content))
    return clean(html)


def clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=TAGS,
        clean_content_tags=GONE_WITH_CONTENT,
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        allowed_classes=CLASSES,
        url_schemes={"data"},
        url_relative="deny",
        link_rel=None,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if PICTURE.fullmatch(value) else None
    return value


def _notebook(content: Any) -> NotebookNode:
    """A notebook of our own making with what is worth showing: no metadata, which could hide cells."""
    cells = cells_of(content)
    made = [_cell(cell, number) for number, cell in enumerate(cells[:MOST_CELLS])]
    if len(cells) > MOST_CELLS:
        made.append({"cell_type": "markdown", "metadata": {}, "source": LEFT_OUT, "id": "rest"})
    metadata = {"language_info": {"name": "python", "pygments_lexer": _language(content)}}
    return from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made})  # type: ignore[no-any-return,no-untyped-call]


def _language(content: Any) -> str:
    metadata = content.get("metadata") if isinstance(content, dict) else None
    info = metadata.get("language_info") if isinstance(metadata, dict) else None
    name = info.get("name") if isinstance(info, dict) else None
    return name if isinstance(name, str) and LANGUAGE.fullmatch(name) else "python"


def _cell(cell: PlainCell, number: int) -> dict[str, Any]:
    made: dict[str, Any] = {"cell_type": cell.kind, "metadata": {}, "source": _cut(cell.source), "id": f"c{number}"}
    if cell.kind == "code":
        made["execution_count"] = cell.count
        outputs = [shown for output in cell.outputs[:MOST_OUTPUTS] for shown in _outputs(output)]
        made["outputs"] = outputs + ([_html(LEFT_OUT)] if len(cell.outputs) > MOST_OUTPUTS else [])
    else:
        kept = {name: _pictures(data) for name, data in cell.attachments.items() if isinstance(data, dict)}
        made["attachments"] = {name: pictures for name, pictures in kept.items() if pictures}
        made["source"] = ATTACHED.sub(lambda m: m[0] if m[1] in made["attachments"] else m[1], made["source"])
    return made


def _outputs(output: dict[str, Any]) -> list[dict[str, Any]]:
    """The one form of an output that is shown, and a note where a better one had to go."""
    data = output.get("data")
    if not isinstance(data, dict):
        if output.get("output_type") in ("error", "pyerr"):
            lines = [_cut(text_of(output))]
            return [{"output_type": "error", "ename": "", "evalue": "", "traceback": lines}]
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return [{"output_type": "stream", "name": name, "text": _cut(text_of(output))}]
    html = joined(data.get("text/html"))
    is_active = bool(ACTIVE.search(html)) or bool(set(data) - set(READABLE))
    shown = _chosen(data, html, is_active=is_active)
    return [*([shown] if shown else []), *([_html(LEFT_OUT)] if is_active or not shown else [])]


def _chosen(data: dict[str, Any], html: str, *, is_active: bool) -> dict[str, Any] | None:
    pictures = _pictures(data)
    if html.strip() and not (is_active and pictures) and (cleaned := clean(html[:LONGEST_TEXT])).strip():
        return _html(cleaned)
    if pictures:
        return _display(pictures)
    for kind in ("text/markdown", "text/latex", "text/plain"):
        if text := joined(data.get(kind)):
            return _display({kind: _cut(text)})
    if "application/json" in data:
        return _display({"text/plain": _cut(json.dumps(data["application/json"], ensure_ascii=False, indent=1))})
    return None


def _pictures(data: dict[str, Any]) -> dict[str, str]:
    """The first picture of a kind that can hold nothing but a picture."""
    for kind in PICTURES:
        text = joined(data.get(kind))
        if text and BASE64.fullmatch(text):
            return {kind: "".join(text.split())}
    return {}


def _display(data: dict[str, str]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _html(html: str) -> dict[str, Any]:
    return _display({"text/html": html})


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}\n…"
