"""Sanitizing of SVG pictures, and conversion to `data:` URLs for `<img>`.

Inside `<img>` a browser runs no script of an SVG, loads nothing for it and ignores clicks (SVG 2, "secure static
mode"). The policy of the frame forbids the same: `img-src data:`, no scripts, a sandbox. As a further defence, the SVG
is parsed as XML without entities and rewritten with only the elements and attributes that draw:

- with scripts, event handlers or foreign elements such as HTML, the picture is refused (the page says so);
- URLs other than `#…` and raster pictures in `data:` are removed, with the elements that need them;
- what could overload a browser (entities, `<use>` of `<use>` of …, huge sizes, filters, animation) is limited or
  removed.

Only the worker imports this module (lms.notebooks.rendering).
"""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes
from xml.etree.ElementTree import Element, register_namespace, tostring

from defusedxml.ElementTree import fromstring

MAX_LENGTH = 4_000_000  # characters
MAX_ELEMENTS = 50_000  # as drawn: elements that `<use>` repeats count each time
MAX_DEPTH = 100
MAX_SIDE = 2_000  # pixels

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
HREF = f"{{{XLINK}}}href"
SHAPES = {"path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "image", "use"}
AROUND = {
    *("svg", "g", "defs", "symbol", "switch", "a", "title", "desc", "style", "tspan", "textPath", "clipPath", "mask"),
    *("pattern", "marker", "linearGradient", "radialGradient", "stop"),
}
ACTIVE = {"script", "foreignObject", "handler", "listener", "iframe", "video", "audio", "canvas", "object", "embed"}

RASTER = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
DATA = re.compile(r"data:image/svg\+xml(?P<options>(?:;[^,]{0,100})?),", re.I)
ELSEWHERE = re.compile(r"url\s*\(\s*['\"]?\s*(?!#)|@import|image-set\s*\(|\\", re.I)
FOREIGN = re.compile(r"javascript:|vbscript:", re.I)
LENGTH = re.compile(r"\s*\+?((?:\d{1,9}(?:\.\d{0,20})?|\.\d{1,20})(?:e[+-]?\d)?)(px|pt|pc|in|cm|mm|em|ex)?\s*")
PIXELS = {"pt": 4 / 3, "pc": 16, "in": 96, "cm": 37.8, "mm": 3.78, "em": 16, "ex": 8}
QUOTED = re.compile(r""""(data:image/svg\+xml[^"]*)"|'(data:image/svg\+xml[^']*)'""", re.I)
INLINE = re.compile(r"<svg\b[^>]*>|</svg\s*>", re.I)

register_namespace("", SVG)
register_namespace("xlink", XLINK)


@dataclass
class Picture:
    """A sanitized SVG. `title` is its own title, for screen readers; `is_whole`: nothing visible was removed."""

    text: str
    title: str = ""
    is_whole: bool = True

    @property
    def address(self) -> str:
        return "data:image/svg+xml;base64," + base64.b64encode(self.text.encode()).decode()


@dataclass
class _Work:
    is_whole: bool = True
    shapes: int = 0
    by_id: dict[str, Element] = field(default_factory=dict)


class _NoPictureError(Exception):
    pass


def picture_of(text: str) -> Picture | None:
    """Return the SVG in a text, sanitized; None if it is no SVG, contains active content, or draws nothing."""
    try:
        root = _parsed(text)
        work = _Work()
        made = _cleaned(root, work, 0)
        if made is None or not work.shapes or _drawn(made, work.by_id, {}) > MAX_ELEMENTS:
            return None
    except Exception:  # the parser can raise anything for untrusted text
        return None
    _sized(made)
    title = next((each.text for each in made if each.tag in (f"{{{SVG}}}title", f"{{{SVG}}}desc")), None)
    said = (title or made.get("aria-label") or "").strip()
    return Picture(text=tostring(made, encoding="unicode"), title=said[:300], is_whole=work.is_whole)


def picture_at(address: str) -> Picture | None:
    """Return the picture of a `data:image/svg+xml` URL, as `picture_of` does."""
    found = DATA.match(address)
    if found is None or len(address) > 2 * MAX_LENGTH:
        return None
    # Browsers accept missing base64 padding, and ignore excess padding.
    rest = unquote_to_bytes(address[found.end() :])
    try:
        content = base64.b64decode(rest + b"==") if ";base64" in found["options"].lower() else rest
        return picture_of(content.decode())
    except ValueError:
        return None


def with_pictures(html: str) -> str:
    """Replace the outermost `<svg>` elements in HTML by `<img>`, if they are pictures. Angle brackets of SVG in URLs
    are encoded."""
    html = QUOTED.sub(_respelled, html)
    parts, depth, start, done = [], 0, 0, 0
    for tag in INLINE.finditer(html):
        if tag[0].endswith("/>") and not depth:
            continue
        if not tag[0].startswith("</"):
            if not depth:
                start = tag.start()
            depth += not tag[0].endswith("/>")
        elif depth:
            depth -= 1
            if not depth and (found := picture_of(html[start : tag.end()])) is not None:
                parts += [html[done:start], f'<img src="{found.address}"{_alt(found)}>']
                done = tag.end()
    return "".join([*parts, html[done:]])


def _respelled(found: re.Match[str]) -> str:
    picture = picture_at(found[1] or found[2])
    return found[0] if picture is None else f'"{picture.address}"'


def _alt(found: Picture) -> str:
    escaped = found.title.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    return f' alt="{escaped}"' if escaped else ""


def _parsed(text: str) -> Element:
    """Parse XML. Raises any exception of the parser, above all for entities, which could expand without limit."""
    start = text.find("<svg")
    if start < 0 or len(text) > MAX_LENGTH:
        raise _NoPictureError
    opening = text[start : text.find(">", start)]
    added = "" if re.search(r"\sxmlns\s*=", opening) else f' xmlns="{SVG}"'
    if "xlink:" in text and "xmlns:xlink" not in text:
        added += f' xmlns:xlink="{XLINK}"'
    head = text[:start].lstrip("\ufeff \t\r\n")
    whole = f"{head}<svg{added}{text[start + 4 :]}"
    found: Element = fromstring(whole, forbid_dtd=False, forbid_entities=True, forbid_external=True)
    return found


def _cleaned(element: Element, work: _Work, depth: int) -> Element | None:
    """Return a copy with the elements that draw; None if it draws nothing. Raises _NoPictureError for active
    content."""
    if not isinstance(element.tag, str):
        return None  # type: ignore[unreachable]  # a comment, which the stubs do not know
    namespace, _, name = element.tag.rpartition("}")
    if name in ACTIVE or depth > MAX_DEPTH or any(key.lower().startswith("on") for key in element.attrib):
        raise _NoPictureError
    if namespace != f"{{{SVG}" or name not in SHAPES | AROUND:
        return None
    made = Element(element.tag, _attributes(name, element.attrib))
    made.text, made.tail = element.text, element.tail
    if name == "style" and ELSEWHERE.search("".join(element.itertext())):
        return None
    if name == "image" and "href" not in made.attrib and HREF not in made.attrib:
        work.is_whole = False
        return None
    work.shapes += name in SHAPES
    if "id" in made.attrib:
        work.by_id.setdefault(made.attrib["id"], made)
    made.extend(each for child in element if (each := _cleaned(child, work, depth + 1)) is not None)
    return made


def _attributes(name: str, found: dict[str, str]) -> dict[str, str]:
    kept = {}
    for key, value in found.items():
        if FOREIGN.search(value):
            raise _NoPictureError
        if key in ("href", HREF):
            is_kept = name != "a" and (value.startswith("#") or (name == "image" and bool(RASTER.fullmatch(value))))
        elif key.startswith("{"):
            is_kept = key.startswith("{http://www.w3.org/XML/1998/namespace}") and not key.endswith("}base")
        else:
            is_kept = key != "filter" and not ELSEWHERE.search(value) and not (key == "style" and "filter" in value)
        if is_kept:
            kept[key] = value
    return kept


def _drawn(element: Element, by_id: dict[str, Element], known: dict[int, int]) -> int:
    """Return the number of elements that a browser draws, counting those of `<use>` again. Raises _NoPictureError for
    an element that uses itself."""
    if (count := known.get(id(element))) is not None:
        if count < 0:
            raise _NoPictureError
        return count
    known[id(element)] = -1
    count = 1 + sum(_drawn(child, by_id, known) for child in element)
    target = element.get("href") or element.get(HREF) or ""
    if element.tag == f"{{{SVG}}}use" and (used := by_id.get(target[1:])) is not None:
        count += _drawn(used, by_id, known)
    known[id(element)] = count
    return count


def _sized(root: Element) -> None:
    """Set width and height in pixels, at most MAX_SIDE; without a size, use that of the view box."""
    width, height = _pixels(root.get("width")), _pixels(root.get("height"))
    box = [_pixels(each) for each in re.split(r"[\s,]+", root.get("viewBox", "").strip())[2:4]]
    if len(box) == 2 and all(box):
        if width is None and height is None:
            width, height = box
        elif width is None or height is None:
            ratio = (box[0] or 1) / (box[1] or 1)
            width, height = width or (height or 1) * ratio, height or (width or 1) / ratio
    for name in ("width", "height", "x", "y", "preserveAspectRatio"):
        if name != "preserveAspectRatio" or root.get(name) == "none":
            root.attrib.pop(name, None)
    if not width or not height:
        return
    if "viewBox" not in root.attrib:
        root.set("viewBox", f"0 0 {width:g} {height:g}")
    scale = min(1.0, MAX_SIDE / max(width, height))
    root.set("width", f"{max(1.0, width * scale):.6g}")
    root.set("height", f"{max(1.0, height * scale):.6g}")


def _pixels(text: str | None) -> float | None:
    found = LENGTH.fullmatch(text or "")
    if found is None:
        return None
    return float(found[1]) * PIXELS.get(found[2] or "", 1) or None
