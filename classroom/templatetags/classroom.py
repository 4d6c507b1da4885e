"""Filters for times, texts and numbers. `static/js/base/time.js` formats times in the same way."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from classroom.base.ansi import code_to_html, to_html
from classroom.base.classrooms import Classroom
from classroom.base.highlight import highlighted
from classroom.base.js_strings import live_texts
from classroom.base.markdown import markdown as markdown_to_html
from classroom.base.rooms import chosen_room, seats_text
from classroom.base.tabs import Link, tabs_of
from classroom.privacy.services import open_requests
from core import time_formats

register = template.Library()

EPOCH = datetime.fromtimestamp(0, UTC)


@register.filter
def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago: `3 min. ago`."""
    if moment is None:
        return gettext("never")
    seconds = max(0, int((now - moment).total_seconds()))
    if seconds < 5:
        return gettext("now")
    if seconds < 60:
        return gettext("%(count)d sec. ago") % {"count": seconds}
    if seconds < 3600:
        return gettext("%(count)d min. ago") % {"count": seconds // 60}
    if seconds < 86_400:
        return gettext("%(count)d hr. ago") % {"count": seconds // 3600}
    return gettext("%(count)d days ago") % {"count": seconds // 86_400}


@register.simple_tag(takes_context=True)
def apart(context: dict[str, Any], student_id: int) -> str:
    """Return what tells a student apart from others of the same name, to stand behind the name; often nothing."""
    if context["display"].projector:
        return ""
    text = context["classroom"].apart.get(student_id)
    return format_html(' <span class="apart">{}</span>', text) if text else ""


@register.simple_tag(takes_context=True)
def seat(context: dict[str, Any], student_id: int) -> str:
    """Return where a student sits, `Seat B4 · Room 2`; often nothing."""
    classroom, request = context["classroom"], context.get("request")
    seats = classroom.seats.get(student_id)
    if not seats:
        return ""
    chosen = chosen_room(request, classroom.class_ref.pk) if request else ""
    return format_html('<span class="seat-of">{}</span>', seats_text(seats, chosen))


@register.filter
def waiting(moment: datetime | None, now: datetime) -> str:
    """Return for how long: `3 min`."""
    seconds = max(0, int((now - moment).total_seconds())) if moment else 0
    if seconds < 60:
        return gettext("%(count)d sec") % {"count": seconds}
    if seconds < 3600:
        return gettext("%(count)d min") % {"count": seconds // 60}
    return gettext("%(count)d hr") % {"count": seconds // 3600}


@register.filter
def lasting(span: timedelta | None) -> str:
    """Return the duration: `3 min`."""
    return "–" if span is None else waiting(EPOCH, EPOCH + span)


@register.filter
def moment(value: datetime | None, precision: str = "") -> str:
    """Return `2026-11-28 16:31`; with `moment:"seconds"` to the second."""
    return time_formats.moment_text(value, seconds=precision == "seconds")


@register.filter
def day(value: datetime | None) -> str:
    """Return `2026-11-28`."""
    return time_formats.day_text(value)


@register.filter
def clock(value: datetime | None, precision: str = "") -> str:
    """Return `16:31`; with `clock:"seconds"` to the second."""
    return time_formats.clock_text(value, seconds=precision == "seconds")


@register.filter
def clock_after(value: datetime | None, since: datetime) -> str:
    """Return the time of day of what began at `since`; with the day, where that is another."""
    is_same_day = time_formats.day_text(value) == time_formats.day_text(since)
    return time_formats.clock_text(value) if is_same_day else time_formats.moment_text(value)


@register.filter
def span(since: datetime, until: datetime) -> str:
    """Return `2026-11-28 10:00–11:30`."""
    return time_formats.span_text(since, until)


@register.simple_tag
def zone() -> str:
    """Return the name of the time zone of all times on the pages."""
    return time_formats.zone_name()


@register.filter
def iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


@register.filter
def terminal(text: str | None) -> SafeString:
    """Return program output as HTML, as a terminal shows it."""
    return to_html(text)


@register.filter
def source(text: str | None) -> SafeString:
    """Return code as HTML."""
    return code_to_html(text)


@register.filter
def python(text: str | None) -> SafeString:
    """Return Python code as HTML, highlighted."""
    return highlighted(text)


@register.filter
def markdown(text: str | None) -> SafeString:
    """Return Markdown as safe HTML."""
    return markdown_to_html(text)


@register.filter
def seconds(duration: float | None) -> str:
    """Return the duration of a run in milliseconds or seconds."""
    if duration is None:
        return ""
    if duration < 1:
        return gettext("%(count)d ms") % {"count": round(duration * 1000)}
    return gettext("%(count).1f s") % {"count": duration}


@register.filter
def tabs(classroom: Classroom, path: str) -> list[Link]:
    return tabs_of(classroom, path)


@register.filter
def of(values: Mapping[Any, Any] | None, key: Any) -> Any:
    """Return the value of a key that is a template variable; empty if there is none."""
    return values.get(key, "") if values else ""


@register.filter
def percent(share: float | None) -> str:
    """Format a share from 0 to 1: `37 %`."""
    return "–" if share is None else f"{round(100 * share)} %"


@register.filter
def width(share: float) -> SafeString:
    """Format a share as a length in an SVG, with a decimal point."""
    return mark_safe(f"{100 * share:.2f}")  # noqa: S308  (digits and a point)


@register.filter
def minutes(seconds: float) -> str:
    """Format seconds as `2:05`."""
    return f"{round(seconds) // 60}:{round(seconds) % 60:02d}"


@register.simple_tag(takes_context=True)
def page_texts(context: Mapping[str, Any]) -> dict[str, object]:
    """Return the texts for scripts: those of every class page, and the page's own."""
    return {**live_texts(), **(context.get("texts") or {})}


@register.filter
def open_erasures(classroom: Classroom) -> int:
    """Return how many requests for erasure are open in the class. One query."""
    return open_requests(classroom.class_ref.pk).count() if classroom.class_ref else 0
