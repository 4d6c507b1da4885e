"""Rendering of a notebook as safe HTML: nbconvert renders it, nh3 sanitizes the result.

All contents of a notebook are untrusted. Each part is sanitized by itself, so that none breaks out of its place, and
the whole once more. The result is shown in a sandboxed frame without scripts (classroom.notebooks.views). SVG pictures
become `<img>` (lms.notebooks.svg). Formulas become MathML (lms.notebooks.math), which is inserted after sanitizing: an
`<svg>` or `<math>` of the notebook itself is always removed.

Only `lms.notebooks.render_worker` imports this module, never a web process: it takes two seconds and eighty megabytes.
"""

import base64
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
from core.json_values import indented
from lms.notebooks.cells import PlainCell, cells_of, joined, joined_streams, text_of
from lms.notebooks.math import formula_in, mathml
from lms.notebooks.svg import Picture, picture_at, picture_of, with_pictures
from lms.notebooks.terminal import settled

# A placeholder for removed content; the page shows a translated text in it.
LEFT_OUT = '<p class="left-out"></p>'
# A placeholder for a missing attachment, with its name; the page shows a translated sentence.
NO_PICTURE = '<span class="no-picture">{}</span>'
MAX_TEXT = 100_000  # characters of one source or output
MAX_HTML = 8_000_000  # with the pictures in it
MAX_CELLS = 2_000
MAX_OUTPUTS = 500  # of one cell

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
# A picture whose URL is the name of an attachment, unescaped, with blanks and round brackets; Markdown would require
# escapes. Bounded, so that no text makes it slow.
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
# The placeholder of a formula. Its text is the source, which remains where tags are removed, as in `alt` of a picture.
PLACEHOLDER = re.compile(r'<span data-tex="(\d{1,6})">[^<]*</span>')
# `$5 and $10` is money, `$HOME/$PATH` is a shell's: a formula's dollars are both beside it, or both apart from it.
AMOUNT = re.compile(r"[\d.,]+ (?:[^\\^_={}]* )?[^\W\d_]{2,}")
SURELY_TEX = re.compile(r"[\\^_=+*/<>|{}-]|\A[^\W\d_]\Z")
OF_TEX = re.compile(r"[\\^_=+*/<>|{}-]|\A\w{1,3}\Z")


class Formulas:
    """The formulas of a notebook, inserted after everything else is sanitized."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.until = time.process_time() + MATH_SECONDS

    def html_of(self, tex: str, *, shown: str, is_block: bool) -> str:
        """Return the placeholder of a formula; `shown`, its source, if it cannot be converted."""
        found = mathml(tex, is_block=is_block) if time.process_time() < self.until else None
        if found is None:
            return f'<code class="tex">{escape(shown)}</code>'
        self.made.append(found)
        return f'<span data-tex="{len(self.made) - 1}">{escape(shown)}</span>'

    def insert_into(self, html: str) -> str:
        """Replace the placeholders by formulas. In sanitized HTML no text or attribute can contain one, because quotes
        and angle brackets are escaped there."""
        return PLACEHOLDER.sub(lambda m: self.made[int(m[1])] if int(m[1]) < len(self.made) else "", html)


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
        """Return an `<img>` of HTML with its attachment embedded; unchanged if it shows none."""
        found = ATTACHED_SRC.search(tag[0])
        if found is None:
            return tag[0]
        name = unescape(found[2] or found[3] or found[4] or "")
        if (address := self._address(name)) is None:
            return _no_picture(name)
        return f'{tag[0][: found.start()]}{found[1]}"{address}"{tag[0][found.end() :]}'

    def _address(self, name: str) -> str | None:
        """Return the picture attached under this name, or under an equivalent one: names may be escaped, and macOS
        uses another Unicode normalization."""
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
    r"""nbconvert's parser, with `\(…\)` and `\[…\]`, without formulas between dollars that are amounts of money, and
    with unescaped names of attachments."""

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
        """Parse an escaped bracket of Markdown."""
        state.append_token({"type": "text", "raw": m[0][1]})
        return m.start() + 2


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


def _no_picture(name: str) -> str:
    return NO_PICTURE.format(escape(unquote(name).strip()))


def _display(data: dict[str, str]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def _html(html: str) -> dict[str, Any]:
    return _display({"text/html": html})


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n…"
