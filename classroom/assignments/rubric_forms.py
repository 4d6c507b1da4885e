"""The forms of a rubric: a form for each item, and a few empty ones."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from classroom.assignments.fields import NumberField, TextField
from lms.models import RubricItem

EMPTY = 3  # forms for new items
MOST = 50  # items of a rubric


class ItemForm(forms.Form):
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)
    text = TextField(label=_("What it is for"), required=False, max_length=500)
    points = NumberField(
        label=_("Points"),
        required=False,
        error_messages={"invalid": _("Type a number such as 2, 0.5 or -1.")},
    )

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        if self.is_removed or "text" not in found or "points" not in found:
            return found
        if not found["text"].strip():
            if found["points"] is not None:
                self.add_error("text", gettext("Say what the points are for."))
        elif found["points"] is None:
            self.add_error("points", gettext("Type a number such as 2, 0.5 or -1."))
        return found

    @property
    def is_removed(self) -> bool:
        return bool(self.cleaned_data.get("DELETE"))

    @property
    def is_gone(self) -> bool:
        return self.is_removed or not self.cleaned_data["text"].strip()


if TYPE_CHECKING:
    ItemForms = forms.BaseFormSet[ItemForm]
else:
    ItemForms = forms.BaseFormSet


class RubricForms(ItemForms):
    def items(self) -> list[dict[str, Any]]:
        """Return the values of the items to keep, in their order; `number` is the id of one that is there already."""
        kept = (form.cleaned_data for form in self.forms if form.cleaned_data and not form.is_gone)
        return [{name: each[name] for name in ("number", "text", "points")} for each in kept]

    def removed(self) -> set[int]:
        """Return the ids of the items whose text was emptied, or that are to be removed."""
        gone = (form.cleaned_data["number"] for form in self.forms if form.cleaned_data and form.is_gone)
        return {number for number in gone if number is not None}


Forms = forms.formset_factory(
    ItemForm, formset=RubricForms, extra=EMPTY, can_delete=True, max_num=MOST, validate_max=True, absolute_max=MOST + 50
)


def rubric_forms(items: Sequence[RubricItem], data: Any = None) -> RubricForms:
    initial = [{"number": item.pk, "text": item.text, "points": f"{item.points:.10g}"} for item in items]
    return cast(RubricForms, Forms(data, initial=initial, prefix="item"))
