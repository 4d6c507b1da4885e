r"""Conversion of TeX to MathML. A formula that cannot be converted is shown as its source.

latex2mathml builds a tree. Its own serialization is not used, because it does not escape texts: this module writes only
known elements and attributes and escapes every text, which drops `\href`, `\style` and the like. A formula that defines
commands is not converted, because it could expand without limit.

Only the worker imports this module (lms.notebooks.rendering).
"""

import re
import unicodedata
from html import escape, unescape
from xml.etree.ElementTree import Element

from latex2mathml.converter import Converter

MAX_LENGTH = 4_000  # characters of one formula
MAX_DEPTH = 100

TAGS = {
    *("mrow", "mi", "mn", "mo", "mtext", "mspace", "msub", "msup", "msubsup", "munder", "mover", "munderover"),
    *("mfrac", "msqrt", "mroot", "mstyle", "mtable", "mtr", "mtd", "mpadded", "mphantom", "menclose", "mmultiscripts"),
    *("mprescripts", "merror", "none"),
}
ATTRIBUTES = {
    *("displaystyle", "scriptlevel", "stretchy", "symmetric", "fence", "separator", "form", "largeop", "movablelimits"),
    *("accent", "accentunder", "linethickness", "lspace", "rspace", "width", "height", "depth", "minsize", "maxsize"),
    *("columnalign", "rowalign", "columnspacing", "rowspacing", "columnlines", "rowlines", "columnspan", "notation"),
    *("mathvariant", "mathcolor", "mathsize", "voffset", "align", "frame"),
}
VALUE = re.compile(r"[\w #%.,+-]{1,60}")
DEFINES = re.compile(r"\\(?:re|provide)?newcommand|\\[gex]?def\b|\\let\b|\\(?:Declare|csname|loop|require)")
MARKS = re.compile(r"\\(?:label\s*\{[^{}]*\}|nonumber\b|notag\b)")
LETTERS = {
    "bold": "BOLD",
    "italic": "ITALIC",
    "bold-italic": "BOLD ITALIC",
    "script": "SCRIPT",
    "fraktur": "FRAKTUR",
    "double-struck": "DOUBLE-STRUCK",
    "sans-serif": "SANS-SERIF",
    "monospace": "MONOSPACE",
}
WRAPPED = re.compile(r"\s*(?:\$\$(?P<a>.+?)\$\$|\$(?P<b>.+?)\$|\\\[(?P<c>.+?)\\\]|\\\((?P<d>.+?)\\\))\s*", re.DOTALL)


class _NoFormulaError(Exception):
    pass


def mathml(tex: str, *, is_block: bool) -> str | None:
    """Return a `<math>` element with the source as its alternative text; None if the source should be shown instead."""
    source = tex.strip()
    if not source or len(source) > MAX_LENGTH or DEFINES.search(source):
        return None
    try:
        inner = "".join(_written(child, 0) for child in _tree(MARKS.sub("", source), is_block=is_block))
    except Exception:  # the parser can raise anything for untrusted text
        return None
    display = ' display="block"' if is_block else ""
    return f'<math{display} alttext="{escape(source)}">{inner}</math>'


def formula_in(latex: str) -> tuple[str, bool] | None:
    """Return the formula of a `text/latex` output, and whether it is a block; None for other LaTeX."""
    found = WRAPPED.fullmatch(latex)
    if found is not None:
        return (found["a"] or found["b"] or found["c"] or found["d"]), found["d"] is None
    return (latex, True) if re.match(r"\s*\\begin\{(?!tabular|table|longtable|document)", latex) else None


def _tree(tex: str, *, is_block: bool) -> Element:
    return Converter(display="block" if is_block else "inline").convert_to_element(tex)


def _written(element: Element, depth: int) -> str:
    """Return the element as text. Raises _NoFormulaError for an unknown command, and for unbalanced braces."""
    if element.tag not in TAGS or depth > MAX_DEPTH:
        raise _NoFormulaError
    raw = element.text or ""
    if re.match(r"\\[A-Za-z]", raw) or (element.tag != "mtext" and raw in ("{", "}", "&", "\\")):
        raise _NoFormulaError
    found = {name: value for name, value in element.attrib.items() if name in ATTRIBUTES and VALUE.fullmatch(value)}
    text = _lettered(unescape(raw), found)
    if element.tag == "mi" and raw.startswith("&#x") and len(text) == 1 and text.isascii() and text.isalpha():
        found["mathvariant"] = "normal"  # an upright letter, as in `\mathrm{d}`; browsers slant single ones
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in found.items())
    inner = "".join(_written(child, depth + 1) for child in element)
    return f"<{element.tag}{attributes}>{escape(text)}{inner}</{element.tag}>"


def _lettered(text: str, attributes: dict[str, str]) -> str:
    """Replace letters by the mathematical ones of `mathvariant`: browsers support only `normal` (MathML Core)."""
    style = LETTERS.get(attributes.get("mathvariant", ""))
    if style is None:
        return text
    del attributes["mathvariant"]
    return "".join(_letter(each, style) for each in text)


def _letter(each: str, style: str) -> str:
    if not (each.isascii() and each.isalnum()):
        return each
    if each.isdigit():
        name = f"MATHEMATICAL {style} DIGIT {unicodedata.name(each).rpartition(' ')[2]}"
    else:
        name = f"MATHEMATICAL {style} {'SMALL' if each.islower() else 'CAPITAL'} {each.upper()}"
    try:
        return unicodedata.lookup(name)
    except KeyError:  # a few letters are encoded in an older block
        return each
