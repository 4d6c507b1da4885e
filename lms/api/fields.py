"""Fields that take what they say and nothing that merely looks like it: no number for a text, no boolean for a number.

Whatever they accept, PostgreSQL can hold; what it cannot is a 422 here instead of a 500 there.
"""

import math
import re
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from rest_framework import serializers

from core.identity import visible
from core.validators import MAX_BIGINT
from lms.dates import doubt

GAP = gettext_noop("On %(day)s the clocks are put forward, and %(time)s does not exist. Choose another time.")
DAY = re.compile(r"\d{4}-?\d\d-?\d\d")


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
        super().__init__(**{"min_value": -MAX_BIGINT, "max_value": MAX_BIGINT, **kwargs})


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


class Moment(serializers.DateTimeField):
    """A time in a year that somebody can mean (lms.dates). With `context={"is_page": True}` it speaks the reader's
    language.

    Without a zone it is one of the current time zone. Where clocks are put back it is the later of the two, so that
    both count as in time; where they are put forward it may not exist, and is refused. With `whole_day` a date alone
    means until the end of that day.
    """

    def __init__(self, *, whole_day: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.whole_day = whole_day

    def to_internal_value(self, value: Any) -> datetime:
        if self.whole_day and isinstance(value, str) and DAY.fullmatch(value.strip()):
            value = f"{value.strip()}T23:59"
        return super().to_internal_value(value)

    def enforce_timezone(self, value: datetime) -> datetime:
        found = doubt(value.year, now=timezone.now())
        if found is not None:
            words = found.question if self._is_page else found.english
            raise serializers.ValidationError(words, code="year" if _is_in_utc(value) else "overflow")
        if timezone.is_aware(value):
            return super().enforce_timezone(value)
        zone = timezone.get_current_timezone()
        later = value.replace(tzinfo=zone, fold=1)
        if later.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != value:
            words = gettext(GAP) if self._is_page else GAP
            raise serializers.ValidationError(
                words % {"day": f"{value:%Y-%m-%d}", "time": f"{value:%H:%M}"}, code="gap"
            )
        return later

    @property
    def _is_page(self) -> bool:
        return bool(self.context.get("is_page"))


def _is_in_utc(moment: datetime) -> bool:
    """Whether the calendar of UTC has it."""
    try:
        return moment.utcoffset() is None or bool(moment.astimezone(UTC))
    except OverflowError:
        return False
