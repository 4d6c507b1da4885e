"""Fields that take what they say and nothing that merely looks like it: no number for a text, no boolean for a number.

Whatever they accept, PostgreSQL can hold; what it cannot is a 422 here instead of a 500 there.
"""

import math
from typing import Any

from rest_framework import serializers

from lms.api.base import LARGEST_ID
from lms.identity import visible


class Text(serializers.CharField):
    """A string, kept as sent: surrounding blanks too. NUL, which PostgreSQL cannot hold, is refused."""

    default_error_messages = {"invalid": "Input should be a valid string"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "allow_blank": True, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return data


class Name(Text):
    """A string by which people find something, so not an empty one."""

    refuses_blanks = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"allow_blank": False, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if visible(text) is None:
            self.fail("blank")
        return text


class RowId(serializers.IntegerField):
    """The id of a row, as wide as the column: `bigint`."""

    default_error_messages = {"invalid": "Input should be a valid integer"}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": -LARGEST_ID, "max_value": LARGEST_ID, **kwargs})


class Number(serializers.FloatField):
    """A finite number. The names of the others (`nan`, `inf`) are numbers to Python, and no JSON."""

    default_error_messages = {"invalid": "Input should be a valid number"}

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool):
            self.fail("invalid")
        number = super().to_internal_value(data)
        if not math.isfinite(number):
            self.fail("invalid")
        return number
