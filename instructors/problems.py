"""What is wrong with what somebody typed, in the reader's words.

The pages check with the API's serializers, so that both take the same; those speak to programs, in English.
"""

import unicodedata
from collections.abc import Mapping
from typing import Any, cast

from django.utils.translation import gettext
from rest_framework.serializers import BaseSerializer

Problems = dict[str, str]


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


def number_typed(text: str) -> str:
    """Digits as a Japanese keyboard may have left them, full width, become plain ones."""
    return unicodedata.normalize("NFKC", text).strip()
