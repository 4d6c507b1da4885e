"""The forms of the set-up pages. The API accepts the same values (lms/api/classes.py)."""

from datetime import date, datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from classroom.setup.classes import CODE_LENGTH
from classroom.setup.staff import ASSISTANT, INSTRUCTOR
from core.validators import validate_address, validate_visible
from lms.dates import doubt
from lms.models import Class

ROLE_LABELS = [(INSTRUCTOR, _("Instructor: sets up and grades")), (ASSISTANT, _("Assistant: sees and helps"))]


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


USUAL = Class.AttentionList.USUAL
ATTENTION_LISTS = [
    (USUAL, _("usual")),
    (Class.AttentionList.QUIETER, _("quieter")),
    (Class.AttentionList.BUSIER, _("busier")),
]


class ClassForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=255,
        validators=[validate_visible],
        help_text=_("As students and colleagues know it."),
    )
    class_code = forms.CharField(
        label=_("Code"),
        max_length=CODE_LENGTH,
        validators=[validate_visible],
        help_text=_("Short and unique, like 2026-PY1. You may keep ours."),
    )
    description = forms.CharField(
        label=_("Description (optional)"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    start_date = forms.DateField(label=_("First day (optional)"), required=False, widget=DateInput())
    end_date = forms.DateField(label=_("Last day (optional)"), required=False, widget=DateInput())
    attention_list = forms.ChoiceField(
        label=_("The list “Needs attention now”"),
        choices=ATTENTION_LISTS,
        required=False,
        help_text=_("Quieter: fewer names, more of them right. Busier: more names, and fewer students are missed."),
    )

    asks_if_stuck = forms.BooleanField(
        label=_("Ask students whether they are stuck"),
        required=False,
        help_text=_(
            "A student of whom the list is unsure sees one question in JupyterLab, at most every 15 minutes: “Yes, "
            "help me” asks for help, “I’m fine” counts for ten minutes. Each student can switch it off."
        ),
    )

    def clean_start_date(self) -> date | None:
        return _plausible(self.cleaned_data["start_date"])

    def clean_end_date(self) -> date | None:
        return _plausible(self.cleaned_data["end_date"])

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        start, end = found.get("start_date"), found.get("end_date")
        if start and end and end < start:
            self.add_error("end_date", gettext("The last day is before the first."))
        return found

    def columns(self, before: Class | None = None) -> dict[str, Any]:
        """Return the values of the columns; an unchanged day keeps its time of day."""
        found = self.cleaned_data
        start, end = found["start_date"], found["end_date"]
        return {
            "name": found["name"],
            "class_code": found["class_code"],
            "description": found["description"] or (before.description if before and not before.description else None),
            "start_date": _moment(start, before.start_date if before else None, time.min),
            "end_date": _moment(end, before.end_date if before else None, time(23, 59, 59)),
            "attention_list": found["attention_list"] or (before.attention_list if before else USUAL),
            "asks_if_stuck": found["asks_if_stuck"],
        }

    @staticmethod
    def values_of(class_ref: Class) -> dict[str, Any]:
        return {
            "name": class_ref.name,
            "class_code": class_ref.class_code,
            "description": class_ref.description or "",
            "start_date": _day(class_ref.start_date),
            "end_date": _day(class_ref.end_date),
            "attention_list": class_ref.attention_list,
            "asks_if_stuck": class_ref.asks_if_stuck,
        }


class InviteForm(forms.Form):
    email = forms.CharField(
        label=_("E-mail"),
        max_length=255,
        validators=[validate_address],
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(label=_("Role"), choices=ROLE_LABELS, initial=INSTRUCTOR)


def _day(moment: datetime | None) -> date | None:
    return timezone.localtime(moment).date() if moment else None


def _plausible(day: date | None) -> date | None:
    """Return the day; raise ValidationError for an implausible year."""
    found = doubt(day.year, now=timezone.now()) if day else None
    if found is not None:
        raise forms.ValidationError(found.question, code="year")
    return day


def _moment(day: date | None, before: datetime | None, hour: time) -> datetime | None:
    if day is None:
        return None
    if before is not None and _day(before) == day:
        return before
    return timezone.make_aware(datetime.combine(day, hour))
