"""Form errors in the user's language.

The pages validate with the API's serializers, so that both accept the same; their messages are English, for programs.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from django.utils.translation import gettext
from rest_framework.serializers import BaseSerializer

from core.identity import number_form

Problems = dict[str, str]

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


def problems_of(serializer: BaseSerializer[Any]) -> Problems:
    """Return the first error of each field; call `is_valid` first."""
    errors = cast(Mapping[str, Any], serializer.errors)
    return {field: _sentence(details[0]) for field, details in errors.items() if details}


def _sentence(detail: Any) -> str:
    words = {
        "required": gettext("Fill this in."),
        "null": gettext("Fill this in."),
        "blank": gettext("Fill this in."),
        "max_length": gettext("This is too long. Shorten it."),
        "null_characters_not_allowed": gettext("This holds a character that cannot be stored. Type it again."),
    }
    return words.get(getattr(detail, "code", ""), str(detail))


class NoNumber(Exception):
    """The text is not a number; the message may say more."""


def number_typed(text: str) -> float | None:
    """Return the number typed into a field; None if empty. Raises NoNumber.

    Digits and signs may be full width or of another script, as their keyboards leave them; invisible characters, which
    come along with a copied text, do not count; ², ½, ⑧ and Ⅷ are refused. The decimal sign may be a comma, and
    thousands may be grouped (1,234.5; 1.234,5; 1 234,5; 1'234.5). `1,234` alone is refused as ambiguous.
    """
    plain = number_form(text).translate(SIGNS)
    if not plain:
        return None
    if UNCLEAR.fullmatch(plain):
        both = {"whole": plain.replace(",", ""), "part": plain.replace(",", ".")}
        raise NoNumber(gettext("The comma can be read in two ways. Type %(whole)s or %(part)s.") % both)
    for grouped, signs in GROUPED:
        if grouped.fullmatch(plain):
            plain = plain.translate(signs)
            break
    if not PLAIN.fullmatch(plain):
        raise NoNumber
    return float(plain.replace(",", "."))
