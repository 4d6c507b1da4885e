r"""TeX as MathML, which browsers draw and read aloud by themselves. What cannot be converted is shown as its source.

latex2mathml makes a tree. Of its text form nothing is used (it writes texts without escaping them): the tree is copied
here, elements and attributes that are known only, every text escaped. `\href`, `\style` and the like lose their
attribute so; a formula that defines commands, which could grow without end, is not converted.

Imported by the worker only (lms.notebooks.rendering).
"""

import re
import unicodedata
from html import escape, unescape
from xml.etree.ElementTree import Element

from latex2mathml.converter import Converter

LONGEST = 4_000  # characters of one formula
DEEPEST = 100

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
    """`<math>` with the source as its alternative text; None where the source is what should be shown."""
    source = tex.strip()
    if not source or len(source) > LONGEST or DEFINES.search(source):
        return None
    try:
        inner = "".join(_written(child, 0) for child in _tree(MARKS.sub("", source), is_block=is_block))
    except Exception:  # a stranger's text makes a parser fail in every way there is
        return None
    display = ' display="block"' if is_block else ""
    return f'<math{display} alttext="{escape(source)}">{inner}</math>'


def formula_in(latex: str) -> tuple[str, bool] | None:
    """The formula of an output of kind `text/latex`, and whether it stands by itself; None for other LaTeX."""
    found = WRAPPED.fullmatch(latex)
    if found is not None:
        return (found["a"] or found["b"] or found["c"] or found["d"]), found["d"] is None
    return (latex, True) if re.match(r"\s*\\begin\{(?!tabular|table|longtable|document)", latex) else None


def _tree(tex: str, *, is_block: bool) -> Element:
    return Converter(display="block" if is_block else "inline").convert_to_element(tex)


def _written(element: Element, depth: int) -> str:
    """Raises _NoFormulaError for a command that is not known, and for braces that do not match."""
    if element.tag not in TAGS or depth > DEEPEST:
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
    """Letters of their own instead of `mathvariant`, of which browsers know only `normal` (MathML Core)."""
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
    except KeyError:  # a few have older places
        return each
