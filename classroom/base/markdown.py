"""Teachers' Markdown as safe HTML: no raw HTML, no pictures, and headings below those of the page."""

from typing import Any

import mistune
import nh3
from django.utils.html import linebreaks
from django.utils.safestring import SafeString, mark_safe

TAGS = {"p", "br", "hr", "strong", "em", "del", "code", "pre", "blockquote", "ul", "ol", "li", "a"} | {
    *("h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
SCHEMES = {"http", "https", "mailto"}
LINK_REL = "noopener noreferrer nofollow"
PAGE_LEVELS = 2  # of headings above
MAX_LENGTH = 20_000  # characters; a longer text stays plain


class Renderer(mistune.HTMLRenderer):
    def heading(self, text: str, level: int, **attrs: Any) -> str:
        return super().heading(text, min(level + PAGE_LEVELS, 6))


_to_html = mistune.create_markdown(
    escape=True, hard_wrap=True, renderer=Renderer(escape=True), plugins=["strikethrough", "table", "url"]
)


def markdown(text: str | None) -> SafeString:
    """Return Markdown as HTML; a line break stays one."""
    if text and len(text) > MAX_LENGTH:
        return mark_safe(linebreaks(text, autoescape=True))  # noqa: S308 - it escapes
    html = str(_to_html(text or ""))
    clean = nh3.clean(html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel=LINK_REL)
    return mark_safe(clean)  # noqa: S308 - sanitized
