"""The span of time that a page is about: typed in two fields, or the week, or the term of a class.

Days and times are in the zone of the pages. A day means from its first moment to its last, also where clocks are put
forward or back on it. A time that the clock shows twice means the span that holds both.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from classroom.base.classrooms import Classroom
from core.identity import number_form
from core.time_formats import clock_text, day_text, moment_text
from lms.api.fields import DAY, PlausibleDateTime
from lms.dates import FIRST_YEAR, LAST_YEAR

LONGEST = timedelta(days=366)
WITH_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Span:
    """From `since` up to `until`, which is not in it; both in UTC."""

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since

    @property
    def query(self) -> str:
        """The part of an address that names it."""
        typed = (_typed(self.since), _typed(self.until, is_end=True))
        since, until = (text.replace(" ", "T").replace("+", "%2B") for text in typed)
        return f"from={since}&to={until}"


class SpanEdgeField(forms.CharField):
    """A day, or a day and a time; a moment in UTC. `is_end`: the day's last moment, and of two moments the later."""

    default_error_messages = {
        "invalid": _("This is neither a day nor a time. Write it like 2026-11-28 or 2026-11-28 10:00."),
        "required": _("Write a day or a day and a time."),
    }

    def __init__(self, *, is_end: bool = False, **kwargs: Any) -> None:
        super().__init__(max_length=100, **kwargs)
        self.is_end = is_end

    def clean(self, value: Any) -> datetime | None:
        text = number_form(super().clean(value)).replace("/", "-")
        if not text:
            return None
        try:
            if DAY.fullmatch(text):
                day = PlausibleDateTime(is_page=True).run_validation(f"{text}T12:00").date()
                return start_of(day + timedelta(days=1) if self.is_end else day)
            found: datetime = PlausibleDateTime(is_page=True).run_validation(text.replace(" ", "T", 1))
        except ValidationError as error:
            code, words = error.get_codes()[0], error.detail[0]  # type: ignore[index]
            known = str(words) if code in ("year", "gap") else self.error_messages["invalid"]
            raise forms.ValidationError(known, code="invalid") from None
        local = timezone.localtime(found)
        if local.fold and not self.is_end and not WITH_OFFSET.search(text):
            local = local.replace(fold=0)
        return local.astimezone(UTC)


class SpanForm(forms.Form):
    """The fields *From* and *To*. Valid with both, or with *From* alone, which means until now."""

    def __init__(self, data: QueryDict | None, *, now: datetime) -> None:
        super().__init__({"from": data.get("from"), "to": data.get("to")} if data is not None else None)
        self.now = now
        options: dict[str, Any] = {"required": False, "widget": forms.TextInput(attrs={"autocomplete": "off"})}
        self.fields["from"] = SpanEdgeField(label=_("From"), **options)
        self.fields["to"] = SpanEdgeField(label=_("To"), is_end=True, **options)

    def clean(self) -> dict[str, Any]:
        found = self.cleaned_data
        if "from" not in found or "to" not in found:
            return found
        since, until = found["from"], found["to"] or self.now
        if since is None:
            self.add_error("from", gettext("Write from when."))
        elif since >= until:
            self.add_error("to" if found["to"] else "from", gettext("The end must be after the beginning."))
        elif until - since > LONGEST:
            words = gettext("At most %(days)d days fit in one view. Choose a shorter span.") % {"days": LONGEST.days}
            self.add_error("to" if found["to"] else "from", words)
        return found

    @property
    def span(self) -> Span | None:
        """The span, if both fields are right."""
        if not self.is_bound or not self.is_valid():
            return None
        return Span(self.cleaned_data["from"], self.cleaned_data["to"] or self.now)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpanChoice:
    """What a page offers: the form, and spans to choose with one press."""

    form: SpanForm
    span: Span | None  # that was typed
    shown: Span | None  # that, or what the page shows without one
    links: list[tuple[str, Span]]

    @property
    def is_wrong(self) -> bool:
        return self.form.is_bound and self.span is None


def span_choice(query: QueryDict, classroom: Classroom, *, now: datetime, shown: Span | None = None) -> SpanChoice:
    """Return the choice for an address. `shown`: what the page shows if the address has neither `from` nor `to`."""
    is_typed = bool(query.get("from") or query.get("to"))
    form = SpanForm(query if is_typed else None, now=now)
    span = form.span
    if not is_typed and shown is not None:
        form.initial = {"from": _typed(shown.since), "to": _typed(shown.until, is_end=True)}
    links = [(gettext("This week"), week_of(now))]
    if (term := term_of(classroom, now=now)) is not None:
        links.append((gettext("The whole term"), term))
    return SpanChoice(form=form, span=span, shown=span or shown, links=links)


def week_of(now: datetime) -> Span:
    """Return the week from Monday to Sunday."""
    today = timezone.localtime(now).date()
    monday = today - timedelta(days=today.weekday())
    return Span(start_of(monday), start_of(monday + timedelta(days=7)))


def term_of(classroom: Classroom, *, now: datetime) -> Span | None:
    """Return the term: the days of the class, if they are known, otherwise since it was made, up to now. At most
    LONGEST, of a longer term the end. None for all students."""
    found = classroom.class_ref
    if found is None:
        return None
    until = start_of(timezone.localtime(now).date() + timedelta(days=1))
    begun, ends = _plausible(found.start_date) or found.created_at, _plausible(found.end_date)
    if ends is not None and ends < until:
        until = start_of(timezone.localtime(ends).date() + timedelta(days=1))
    since = start_of(timezone.localtime(begun).date())
    if since >= until:  # it has not begun: what was tried before
        since = min(start_of(timezone.localtime(found.created_at).date()), until - timedelta(days=1))
    return Span(max(since, until - LONGEST), until)


def _plausible(moment: datetime | None) -> datetime | None:
    """Return the date of a class, unless it is a slip or means "never" (lms.dates)."""
    return moment if moment and FIRST_YEAR <= moment.year <= LAST_YEAR else None


def start_of(day: date) -> datetime:
    """Return the first moment of a day, in UTC."""
    return datetime.combine(day, time.min, tzinfo=timezone.get_current_timezone()).astimezone(UTC)


def _typed(moment: datetime, *, is_end: bool = False) -> str:
    """Return what to type for a moment: a day where that says it, else a time, with its offset where it is needed."""
    if clock_text(moment) == "00:00":
        return day_text(moment - moment.resolution) if is_end else day_text(moment)
    return moment_text(moment)
