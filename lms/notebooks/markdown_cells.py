"""Markdown of notebooks as nbconvert reads it, with formulas as MathML and pictures of attachments.

The result is not safe yet: `lms.notebooks.rendering` sanitizes it.
"""

import re
import time
from html import escape, unescape
from typing import Any, ClassVar
from urllib.parse import unquote

from nbconvert.filters.markdown_mistune import IPythonRenderer, MathInlineParser

from core.identity import label_key
from lms.notebooks.math import mathml

# A placeholder for a missing attachment, with its name; the page shows a translated sentence.
NO_PICTURE = '<span class="no-picture">{}</span>'
MATH_SECONDS = 6.0  # of processor time for all formulas; the rest show their source

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


def _no_picture(name: str) -> str:
    return NO_PICTURE.format(escape(unquote(name).strip()))
