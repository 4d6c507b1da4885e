"""What is wrong with what somebody typed, in the reader's words.

The pages check with the API's serializers, so that both take the same; those speak to programs, in English.
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
    """Per field the first problem, and what to do about it. The serializer has been asked whether it `is_valid`."""
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
    """What was typed is none; where more can be said than that, the text says it."""


def number_typed(text: str) -> float | None:
    """The number that somebody typed; None for an empty field. Raises NoNumber.

    Digits and signs may be full width or of another script, as their keyboards leave them; invisible characters, which
    come along with a copied text, do not count; ², ½, ⑧ and Ⅷ are refused. The decimal sign may be a comma, and
    thousands may be grouped (1,234.5; 1.234,5; 1 234,5; 1'234.5). `1,234` alone is asked about.
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
