"""Sanitizing of untrusted HTML with nh3: no script, no style, no address but that of a picture in the page itself."""

import re

import nh3
from pygments.token import STANDARD_TYPES

from lms.notebooks.svg import picture_at

PICTURE = re.compile(r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
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
