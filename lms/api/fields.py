"""The serializer field of dates and times. The other fields are in `instructors.rest.fields`."""

import re
from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop
from rest_framework import serializers

from lms.dates import doubt

GAP = gettext_noop("On %(day)s the clocks are put forward, and %(time)s does not exist. Choose another time.")
DAY = re.compile(r"\d{4}-?\d\d-?\d\d")


class PlausibleDateTime(serializers.DateTimeField):
    """A time in a plausible year (lms.dates). With `is_page` its errors are translated.

    A time without a zone is in the current time zone. Where clocks are put back it is the later of the two moments, so
    that both are before the deadline. Where clocks are put forward it may not exist, and is refused. With `whole_day` a
    date without a time means the end of that day.
    """

    def __init__(self, *, whole_day: bool = False, is_page: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.whole_day, self.is_page = whole_day, is_page

    def to_internal_value(self, value: Any) -> datetime:
        if self.whole_day and isinstance(value, str) and DAY.fullmatch(value.strip()):
            value = f"{value.strip()}T23:59"
        return super().to_internal_value(value)

    def enforce_timezone(self, value: datetime) -> datetime:
        found = doubt(value.year, now=timezone.now())
        if found is not None:
            words = found.question if self.is_page else found.english
            raise serializers.ValidationError(words, code="year" if _is_in_utc(value) else "overflow")
        if timezone.is_aware(value):
            return super().enforce_timezone(value)
        zone = timezone.get_current_timezone()
        later = value.replace(tzinfo=zone, fold=1)
        if later.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != value:
            words = gettext(GAP) if self.is_page else GAP
            raise serializers.ValidationError(
                words % {"day": f"{value:%Y-%m-%d}", "time": f"{value:%H:%M}"}, code="gap"
            )
        return later


def _is_in_utc(moment: datetime) -> bool:
    """Return whether the moment can be converted to UTC."""
    try:
        return moment.utcoffset() is None or bool(moment.astimezone(UTC))
    except OverflowError:
        return False
