"""A notebook as HTML that does nothing: nbconvert draws it, nh3 keeps of it what is allowed.

Everything in a notebook is a stranger's. So each part is cleaned by itself, that none breaks out of its place, and the
whole once more. The result is shown in a frame that could run nothing anyway (classroom.notebooks.views). Two things
are of our own making: pictures that are SVG become `<img>` (lms.notebooks.svg), and formulas become MathML
(lms.notebooks.math), which is put in when all is clean: a stranger's own `<svg>` or `<math>` never passes.

This module is imported in the process that `lms.notebooks.render_worker` is, never in a web process: it takes two seconds and
eighty megabytes.
"""

import base64
import json
import re
import time
from html import escape, unescape
from typing import Any, ClassVar
from urllib.parse import unquote

import nh3
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath, MathBlockParser, MathInlineParser
from nbformat import NotebookNode, from_dict
from pygments.token import STANDARD_TYPES

from core.identity import label_key
from lms.notebooks.cells import PlainCell, cells_of, joined, joined_streams, text_of
from lms.notebooks.math import formula_in, mathml
from lms.notebooks.svg import Picture, picture_at, picture_of, with_pictures
from lms.notebooks.terminal import settled

# Put where something was left out; the page says it in the reader's language.
LEFT_OUT = '<p class="left-out"></p>'
# Put where an attached picture should be that is not there: around its name, which the page puts into a sentence.
NO_PICTURE = '<span class="no-picture">{}</span>'
LONGEST_TEXT = 100_000  # characters of one source or output
LONGEST_HTML = 8_000_000  # with the pictures in it
MOST_CELLS = 2_000
MOST_OUTPUTS = 500  # of one cell

MATH_SECONDS = 6.0  # of processor time for all formulas; the rest show their source

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
DRAWN = ("image/png", "image/jpeg")  # by nbconvert
VECTOR = "image/svg+xml"
READABLE = ("text/html", "text/markdown", *PICTURES, VECTOR, "text/latex", "application/json", "text/plain")
PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
ACTIVE = re.compile(r"<\s*(?:script|iframe|object|embed|form|svg|math|video|audio|canvas|link|meta|base)\b", re.I)
PICTURE_IN_HTML = re.compile(r"""(["']data:image/[^"'<>]*["'])""")
ATTACHED = "attachment:"
# A picture whose address is the name of an attachment as it is, blanks and round brackets in it; Markdown itself would
# want them escaped. Bounded, so that no text makes it slow.
ATTACHED_PICTURE = (
    r"!\[(?P<attached_alt>(?:[^\[\]\\]|\\.|\[[^\[\]]{0,200}\]){0,500})\]\([ \t\n]{0,3}"
    r"(?:<attachment:(?P<attached_in_angles>[^<>\n\\]{1,500})>"
    r"|attachment:(?P<attached_as_it_is>(?:[^()\n\\]|\([^()\n\\]{0,200}\)){1,500}?))"
    r"""(?:[ \t\n]{1,3}(?:"[^"]{0,500}"|'[^']{0,500}'))?[ \t\n]{0,3}\)"""
)
IMG = re.compile(r"<img\b[^<>]*>", re.I)
ATTACHED_SRC = re.compile(
    r"""(\ssrc\s*=\s*)(?:"\s*attachment:([^"]*)"|'\s*attachment:([^']*)'|attachment:([^\s"'>]+))""", re.I
)
LANGUAGE = re.compile(r"[A-Za-z0-9_+#-]{1,30}")

TAGS = nh3.ALLOWED_TAGS - {"a", "area", "map", "data", "nav", "header", "footer", "time"} | {"figure", "figcaption"}
GONE_WITH_CONTENT = {"script", "style", "iframe", "object", "embed", "template", "noscript", "svg", "math", "select"}
ATTRIBUTES = {
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align", "scope"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "details": {"open"},
    "span": {"data-tex"},
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
    "span": {name for name in STANDARD_TYPES.values() if name} | TERMINAL | {"no-picture"},
    "table": {"dataframe"},
    "code": {"tex"},
}
# Where a formula goes. Its text is the source: what is left where tags are taken away, as in the `alt` of a picture.
PLACE = re.compile(r'<span data-tex="(\d{1,6})">[^<]*</span>')
# `$5 and $10` is money, `$HOME/$PATH` is a shell's: a formula's dollars are both beside it, or both apart from it.
AMOUNT = re.compile(r"[\d.,]+ (?:[^\\^_={}]* )?[^\W\d_]{2,}")
SURELY_TEX = re.compile(r"[\\^_=+*/<>|{}-]|\A[^\W\d_]\Z")
OF_TEX = re.compile(r"[\\^_=+*/<>|{}-]|\A\w{1,3}\Z")


class Formulas:
    """The formulas of a notebook, kept until all else is clean."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.until = time.process_time() + MATH_SECONDS

    def html_of(self, tex: str, *, shown: str, is_block: bool) -> str:
        """The place of a formula; the source, as `shown`, where it cannot be drawn."""
        found = mathml(tex, is_block=is_block) if time.process_time() < self.until else None
        if found is None:
            return f'<code class="tex">{escape(shown)}</code>'
        self.made.append(found)
        return f'<span data-tex="{len(self.made) - 1}">{escape(shown)}</span>'

    def put_in(self, html: str) -> str:
        """In clean HTML a tag is only ever a tag: in texts and attributes quotes and angle brackets are escaped."""
        return PLACE.sub(lambda m: self.made[int(m[1])] if int(m[1]) < len(self.made) else "", html)


class Renderer(IPythonRenderer):
    def __init__(self, formulas: Formulas, **options: Any) -> None:
        super().__init__(**options)
        self.formulas = formulas
        self.alike = {label_key(unquote(name)): name for name in reversed(self.attachments)}

    def image(self, text: str, url: str, title: str | None = None) -> str:
        if url.startswith(ATTACHED):
            name = url.removeprefix(ATTACHED)
            if (address := self._address(name)) is None:
                return _no_picture(name)
            url = address
        return super().image(text, url, title)

    def block_html(self, html: str) -> str:
        return super().block_html(IMG.sub(self._with_attachment, html))

    def inline_html(self, html: str) -> str:
        return super().inline_html(IMG.sub(self._with_attachment, html))

    def _with_attachment(self, tag: re.Match[str]) -> str:
        """An `<img>` of HTML with the attachment in it; as it was where it shows none."""
        found = ATTACHED_SRC.search(tag[0])
        if found is None:
            return tag[0]
        name = unescape(found[2] or found[3] or found[4] or "")
        if (address := self._address(name)) is None:
            return _no_picture(name)
        return f'{tag[0][: found.start()]}{found[1]}"{address}"{tag[0][found.end() :]}'

    def _address(self, name: str) -> str | None:
        """The picture attached under this name, else under one that is the same to a reader: a name may be escaped, and
        a Mac spells it otherwise than the program that wrote the text."""
        for known in (name, unquote(name), self.alike.get(label_key(unquote(name)))):
            if known in self.attachments:
                [(kind, picture)] = self.attachments[known].items()
                return f"data:{kind};base64,{picture}"
        return None

    def inline_math(self, body: str) -> str:
        return self.formulas.html_of(body, shown=f"${body}$", is_block=False)

    def block_math(self, body: str) -> str:
        return self.formulas.html_of(body, shown=f"$${body}$$", is_block=True)

    def latex_environment(self, name: str, body: str) -> str:
        whole = f"\\begin{{{name}}}{body}\\end{{{name}}}"
        return self.formulas.html_of(whole, shown=whole, is_block=True)


class InlineParser(MathInlineParser):
    r"""As nbconvert's; `\(…\)` and `\[…\]` too, and a dollar that is money is none of mathematics. Names of attachments
    need no escapes."""

    SPECIFICATION: ClassVar[dict[str, str]] = {
        **MathInlineParser.SPECIFICATION,
        "block_math_latex": r"(?<!\\)\\{1,2}\[(?P<math_block_latex>(?s:.{1,4000}?))\\{1,2}\]",
        "inline_math_latex": r"(?<!\\)\\{1,2}\((?P<math_inline_latex>(?s:.{1,4000}?))\\{1,2}\)",
        "attached_picture": ATTACHED_PICTURE,
    }
    DEFAULT_RULES = ("attached_picture", *MathInlineParser.DEFAULT_RULES)

    def parse_attached_picture(self, m: re.Match[str], state: Any) -> int:
        name = (m["attached_in_angles"] or m["attached_as_it_is"]).strip().removeprefix("<").removesuffix(">")
        alt = [{"type": "text", "raw": m["attached_alt"]}]
        state.append_token({"type": "image", "children": alt, "attrs": {"url": f"{ATTACHED}{unescape(name)}"}})
        return m.end()

    def parse_inline_math_tex(self, m: re.Match[str], state: Any) -> int | None:  # type: ignore[override]
        body, after = m["math_inline_tex"], m.string[m.end() : m.end() + 2]
        is_apart = body[0].isspace() and body[-1].isspace()
        if after[:1].isdigit() or re.fullmatch(r"[A-Z_]{2}", after) or AMOUNT.match(body):
            return None
        if not is_apart and (body[0].isspace() or body[-1].isspace()):
            return None
        if is_apart and not OF_TEX.search(body.strip()):
            return None
        return super().parse_inline_math_tex(m, state)

    def parse_inline_math_latex(self, m: re.Match[str], state: Any) -> int | None:  # type: ignore[override]
        if not m[0].startswith("\\\\") and not SURELY_TEX.search(m["math_inline_latex"].strip()):
            return self._escaped(m, state)
        return super().parse_inline_math_latex(m, state)

    def parse_block_math_latex(self, m: re.Match[str], state: Any) -> int | None:  # type: ignore[override]
        if not m[0].startswith("\\\\") and not SURELY_TEX.search(m["math_block_latex"].strip()):
            return self._escaped(m, state)
        return super().parse_block_math_latex(m, state)

    def _escaped(self, m: re.Match[str], state: Any) -> int:
        """A bracket that Markdown escapes."""
        state.append_token({"type": "text", "raw": m[0][1]})
        return m.start() + 2


class SafeExporter(HTMLExporter):
    """`embed_images` stays off: it would read files."""

    formulas: Formulas

    def markdown2html(self, context: Any, source: str) -> str:
        """What cannot be read as Markdown (pictures that are missing, hundreds of nested lists) is shown as text."""
        attachments = context.get("cell", {}).get("attachments", {})
        renderer = Renderer(self.formulas, escape=False, attachments=attachments, exclude_anchor_links=True)
        try:
            parser = MarkdownWithMath(renderer, block=MathBlockParser(), inline=InlineParser(hard_wrap=False))
            return clean(parser.render(source))
        except Exception:  # whatever a stranger's text made of a parser; the other cells are still worth seeing
            return f"<pre>{escape(source)}</pre>"

    markdown2html.jinja_pass_arg = HTMLExporter.markdown2html.jinja_pass_arg  # type: ignore[attr-defined]


def draw(content: Any) -> str:
    """Safe HTML of all its cells. What cannot be shown safely is replaced by LEFT_OUT."""
    exporter = SafeExporter(template_name="basic", exclude_anchor_links=True)  # type: ignore[no-untyped-call]
    exporter.formulas = Formulas()
    html, _ = exporter.from_notebook_node(_notebook(content, exporter.formulas))
    return exporter.formulas.put_in(clean(html))


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
        if PICTURE.fullmatch(value):
            return value
        found = picture_at(value)
        return found.address if found is not None else None
    if name == "data-tex":
        return value if value.isdigit() else None
    return value


def _notebook(content: Any, formulas: Formulas) -> NotebookNode:
    """A notebook of our own making with what is worth showing: no metadata, which could hide cells."""
    cells = cells_of(content)
    made = [_cell(cell, number, formulas) for number, cell in enumerate(cells[:MOST_CELLS])]
    if len(cells) > MOST_CELLS:
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
    if cell.kind == "raw":  # as it was typed; nbconvert would take it for HTML
        made |= {"cell_type": "markdown", "source": f"<pre>{escape(made['source'])}</pre>"}
    elif cell.kind == "code":
        made["execution_count"] = cell.count
        joined_up = list(joined_streams(cell.outputs))
        outputs = [shown for output in joined_up[:MOST_OUTPUTS] for shown in _outputs(output, formulas)]
        made["outputs"] = outputs + ([_html(LEFT_OUT)] if len(joined_up) > MOST_OUTPUTS else [])
    else:
        kept = {name: _attached(data) for name, data in cell.attachments.items() if isinstance(data, dict)}
        made["attachments"] = {name: pictures for name, pictures in kept.items() if pictures}
    return made


def _outputs(output: dict[str, Any], formulas: Formulas) -> list[dict[str, Any]]:
    """The one form of an output that is shown, and a note where a better one had to go."""
    data = output.get("data")
    if not isinstance(data, dict):
        text = settled(text_of(output), most=LONGEST_TEXT)
        if output.get("output_type") in ("error", "pyerr"):
            return [{"output_type": "error", "ename": "", "evalue": "", "traceback": [text]}]
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return [{"output_type": "stream", "name": name, "text": text}]
    html = with_pictures(joined(data.get("text/html"))[:LONGEST_HTML])
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
        # nbconvert's template draws no other kinds
        return _display(pictures) if kind in DRAWN else _html(f'<img src="data:{kind};base64,{picture}">')
    if drawing is not None:
        alt = f' alt="{escape(drawing.title)}"' if drawing.title else ""
        return _html(f'<img src="{drawing.address}"{alt}>')
    if text := joined(data.get("text/markdown")):
        return _display({"text/markdown": _cut(text)})
    latex, text = joined(data.get("text/latex")), joined(data.get("text/plain"))
    if found := formula_in(latex[:LONGEST_TEXT]):
        return _html(formulas.html_of(found[0], shown=latex, is_block=found[1]))
    if text:
        return _display({"text/plain": settled(text, most=LONGEST_TEXT)})
    if latex:
        return _html(f'<pre><code class="tex">{escape(_cut(latex))}</code></pre>')
    if "application/json" in data:
        return _display({"text/plain": _cut(json.dumps(data["application/json"], ensure_ascii=False, indent=1))})
    return None


def _cleaned_cut(html: str) -> str:
    """Of long HTML the beginning; pictures in it do not count, or a plot would be cut in two."""
    budget, parts = LONGEST_TEXT, []
    for part in PICTURE_IN_HTML.split(html):
        if not part[1:].startswith("data:image/"):
            part = part[:budget]
            budget -= len(part)
        parts.append(part)
        if budget <= 0:
            break
    return clean("".join(parts))


def _pictures(data: dict[str, Any]) -> dict[str, str]:
    """The first picture of a kind that can hold nothing but a picture."""
    for kind in PICTURES:
        text = joined(data.get(kind))
        if text and BASE64.fullmatch(text):
            return {kind: "".join(text.split())}
    return {}


def _attached(data: dict[str, Any]) -> dict[str, str]:
    """The same of an attachment, which may be a drawing, as text or as JupyterLab keeps it: in base64."""
    found, vector = _pictures(data), joined(data.get(VECTOR))
    if found or not vector:
        return found
    drawing = picture_of(vector) or picture_at(f"data:{VECTOR};base64,{vector}")
    return {VECTOR: base64.b64encode(drawing.text.encode()).decode()} if drawing is not None else {}


def _no_picture(name: str) -> str:
    return NO_PICTURE.format(escape(unquote(name).strip()))


def _display(data: dict[str, str]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _html(html: str) -> dict[str, Any]:
    return _display({"text/html": html})


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}\n…"
