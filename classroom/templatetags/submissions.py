"""Filters for submissions: lateness, points and state."""

from datetime import datetime, timedelta

from django import template
from django.utils.translation import gettext, gettext_lazy

from lms import submissions

register = template.Library()

STATES = {
    "missing": ("○", gettext_lazy("Not handed in")),
    "ungraded": ("●", gettext_lazy("To be graded")),
    "graded": ("✓", gettext_lazy("Graded")),
    "returned": ("↩", gettext_lazy("Returned")),
}
CHANGES = {
    "added": ("+", gettext_lazy("Added")),
    "deleted": ("−", gettext_lazy("Deleted")),
    "modified": ("±", gettext_lazy("Changed")),
    "moved": ("↕", gettext_lazy("Moved")),
    "unchanged": ("=", gettext_lazy("The same")),
}
MARKS = {"+": "added", "-": "deleted", " ": "same"}


@register.filter
def late(by: timedelta | None) -> str:
    """Return `3 hr late`; empty if it was in time."""
    if by is None:
        return ""
    minutes = int(by.total_seconds()) // 60
    if minutes < 60:
        return gettext("%(count)d min late") % {"count": max(1, minutes)}
    if minutes < 48 * 60:
        return gettext("%(count)d hr late") % {"count": minutes // 60}
    return gettext("%(count)d days late") % {"count": minutes // (24 * 60)}  # never one


@register.filter
def is_over(due: datetime | None, now: datetime) -> bool:
    """Return whether the due date has passed."""
    return submissions.is_over(due, now=now)


@register.filter
def points(value: float | None) -> str:
    """Return `8` for 8.0, `7.5` for 7.5; a dash for None."""
    return "–" if value is None else f"{value:.10g}"


@register.filter
def signed(value: float) -> str:
    """Return `+2`, `−0.5`, `0`: the points of a line of a rubric."""
    return f"{value:+.10g}".replace("-", "−") if value else "0"


@register.filter
def state_symbol(state: str) -> str:
    return STATES[state][0]


@register.filter
def state_word(state: str) -> str:
    return str(STATES[state][1])


@register.filter
def change_symbol(kind: str) -> str:
    return CHANGES[kind][0]


@register.filter
def change_word(kind: str) -> str:
    return str(CHANGES[kind][1])


@register.filter
def mark_class(mark: str) -> str:
    """Return the CSS class of a diff line."""
    return MARKS[mark]
