"""Form fields for copying: the class of the teacher's to copy into, and the number of days by which dates move."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from instructors.models import Instructor
from lms.access import classes_taught_by
from lms.copies import A_YEAR
from lms.models import Class

if TYPE_CHECKING:
    ChoiceField = forms.ModelChoiceField[Class]
else:
    ChoiceField = forms.ModelChoiceField

MAX_DAYS = 3660


class DaysField(forms.IntegerField):
    """By how many days to move the dates. The default is a year of whole weeks."""

    def __init__(self) -> None:
        limits: dict[str, Any] = {"min_value": -MAX_DAYS, "max_value": MAX_DAYS, "initial": A_YEAR}
        super().__init__(
            label=_("Move all dates by days"),
            help_text=_("364 days are 52 weeks: the day of the week and the time of day stay. 0 keeps the dates."),
            widget=forms.NumberInput(attrs={"step": 1}),
            error_messages={"invalid": _("Type a whole number of days, such as 364."), "required": _("Fill this in.")},
            **limits,
        )


class ClassChoice(ChoiceField):
    def label_from_instance(self, obj: Class) -> str:
        return f"{obj.name} ({obj.class_code})"


class IntoClassForm(forms.Form):
    """A class of the teacher's, the newest first. Subclasses say what is copied into it."""

    to = ClassChoice(
        Class.objects.none(),
        label=_("Into the class"),
        empty_label=None,
        error_messages={"invalid_choice": _("Choose a class that you teach.")},
    )

    def __init__(self, *sent: object, teacher: Instructor, **options: Any) -> None:
        super().__init__(*sent, **options)  # type: ignore[arg-type]
        self.fields["to"].queryset = classes_taught_by(teacher).order_by("-pk")  # type: ignore[attr-defined]
