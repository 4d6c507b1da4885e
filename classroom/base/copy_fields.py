"""The form field of a copy's dates."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from lms.copies import A_YEAR

MOST_DAYS = 3660


class DaysField(forms.IntegerField):
    """By how many days to move the dates. The default is a year of whole weeks."""

    def __init__(self) -> None:
        limits: dict[str, Any] = {"min_value": -MOST_DAYS, "max_value": MOST_DAYS, "initial": A_YEAR}
        super().__init__(
            label=_("Move all dates by days"),
            help_text=_("364 days are 52 weeks: the day of the week and the time of day stay. 0 keeps the dates."),
            widget=forms.NumberInput(attrs={"step": 1}),
            error_messages={"invalid": _("Type a whole number of days, such as 364."), "required": _("Fill this in.")},
            **limits,
        )
