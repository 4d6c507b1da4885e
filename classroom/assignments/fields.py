"""Form fields of assignments and grades. The API accepts the same values (lms/api)."""

import re
from datetime import datetime
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import ValidationError

from core.identity import number_form, visible
from lms.api.fields import PlausibleDateTime

# Full stops, commas and minus signs of other keyboards; what `number_form` leaves as it is.
SIGNS = str.maketrans({"。": ".", "、": ",", "٫": ".", "٬": ",", "−": "-", "–": "-", "ー": "-", "’": "'"})
PLAIN = re.compile(r"[+-]?(?:\d{1,15}(?:[.,]\d{0,15})?|[.,]\d{1,15})(?:[eE][+-]?\d{1,2})?", re.ASCII)
UNCLEAR = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
GROUPED = (
    (re.compile(r"[+-]?[1-9]\d{0,2}(?:[, ']\d{3})+(?:\.\d+)?", re.ASCII), str.maketrans("", "", ", '")),
    (
        re.compile(r"[+-]?[1-9]\d{0,2}(?:[. ']\d{3})+,\d+", re.ASCII),
        str.maketrans({".": "", " ": "", "'": "", ",": "."}),
    ),
    (re.compile(r"[+-]?[1-9]\d{0,2}(?:\.\d{3}){2,}", re.ASCII), str.maketrans("", "", ".")),
)


class TextField(forms.CharField):
    """A text with "\\n" as line end; if it is required, with at least one visible character."""

    default_error_messages = {
        "required": _("Fill this in."),
        "max_length": _("This is too long. Shorten it."),
        "null_characters_not_allowed": _("This contains a character that cannot be stored. Type it again."),
    }

    def to_python(self, value: Any) -> str | None:
        text = super().to_python(value.replace("\r\n", "\n") if value else value)
        return self.empty_value if self.required and visible(text) is None else text


class NumberField(forms.FloatField):
    """A number in the digits and signs of any keyboard.

    Digits and signs may be full width or of another script, and invisible characters, which come along with a copied
    text, do not count; ², ½, ⑧ and Ⅷ are refused. The decimal sign may be a comma, and thousands may be grouped
    (1,234.5; 1.234,5; 1 234,5; 1'234.5). `1,234` alone is refused as ambiguous.
    """

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> float | None:  # type: ignore[override]
        plain = number_form(value or "").translate(SIGNS)
        if not plain:
            return None
        if UNCLEAR.fullmatch(plain):
            both = {"whole": plain.replace(",", ""), "part": plain.replace(",", ".")}
            raise forms.ValidationError(
                gettext("The comma can be read in two ways. Type %(whole)s or %(part)s.") % both, code="unclear"
            )
        for grouped, signs in GROUPED:
            if grouped.fullmatch(plain):
                plain = plain.translate(signs)
                break
        if not PLAIN.fullmatch(plain):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return float(plain.replace(",", "."))


class LocalDateTimeField(forms.Field):
    """A time in the time zone of the pages, by the rules of `PlausibleDateTime`; its day may have slashes."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"})
    default_error_messages = {"invalid": _("This is not a date and time. Choose one, or leave it empty.")}

    def to_python(self, value: Any) -> datetime | None:
        text = number_form(value or "").replace("/", "-")
        try:
            return PlausibleDateTime(whole_day=True, is_page=True).run_validation(text) if text else None
        except ValidationError as error:
            code, words = error.get_codes()[0], error.detail[0]  # type: ignore[index]
            raise forms.ValidationError(
                str(words) if code in ("year", "gap") else self.error_messages["invalid"]
            ) from None
