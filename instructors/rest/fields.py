"""Serializer fields that accept one JSON type only: no number for a text, no boolean for a number.

PostgreSQL can store every value that they accept. A value that it cannot store is a 422, not a 500.
"""

import math
from typing import Any

from rest_framework import serializers

from core.identity import visible
from core.validators import MAX_BIGINT


class Text(serializers.CharField):
    """A string. Other types are refused, and so is NUL, which PostgreSQL cannot store."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class RawText(Text):
    """A string that is stored as sent, with its surrounding blanks. It may be empty."""

    default_error_messages = {"invalid": "Input should be a valid string"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True, **kwargs})


class Name(RawText):
    """A string with at least one visible character, stored as sent."""

    refuses_blanks = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_blank": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if visible(text) is None:
            self.fail("blank")
        return text


class RowId(serializers.IntegerField):
    """The id of a row, within the bounds of the column type `bigint`."""

    default_error_messages = {"invalid": "Input should be a valid integer"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": -MAX_BIGINT, "max_value": MAX_BIGINT, **kwargs})


class Number(serializers.FloatField):
    """A finite number. Python also parses `nan` and `inf`, which JSON cannot express; they are refused."""

    default_error_messages = {"invalid": "Input should be a valid number"}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            self.fail("invalid")
        number = super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number
