"""Plausibility and precision of dates that people or programs enter.

A date outside FIRST_YEAR to LAST_YEAR is a slip (year 26) or means "never" (9999-12-31), and near the ends of the
calendar it cannot be shown in every time zone. Input with such a date is refused with a question. A stored one is read
as the nearest date that can be shown, so that no page fails.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

if TYPE_CHECKING:
    DateTimeField = models.DateTimeField[Any, Any]
else:
    DateTimeField = models.DateTimeField

FIRST_YEAR, LAST_YEAR = 1970, 2200
REST_OF_THE_MINUTE = timedelta(seconds=59, microseconds=999_999)

# The times that can be shown in every time zone, with a day added or subtracted.
EARLIEST, LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, 23, 59, 59, tzinfo=UTC)

WITH_A_GUESS = gettext_noop("Is %(year)d the right year? Did you mean %(meant)d?")
WITHOUT = gettext_noop("Is %(year)d the right year? It must be between %(first)d and %(last)d.")


@dataclass(frozen=True, slots=True)
class Doubt:
    """An implausible year, and the one that may have been meant."""

    year: int
    meant: int | None

    @property
    def english(self) -> str:
        """The question in English, for programs."""
        return (WITHOUT if self.meant is None else WITH_A_GUESS) % self._values

    @property
    def question(self) -> str:
        """The question in the reader's language."""
        return gettext(WITHOUT if self.meant is None else WITH_A_GUESS) % self._values

    @property
    def _values(self) -> dict[str, int | None]:
        return {"year": self.year, "meant": self.meant, "first": FIRST_YEAR, "last": LAST_YEAR}


def doubt(year: int, *, now: datetime) -> Doubt | None:
    """Return a Doubt about an implausible year, else None."""
    if FIRST_YEAR <= year <= LAST_YEAR:
        return None
    near = sorted(range(now.year - 50, now.year + 50), key=lambda each: abs(each - now.year))
    if year < 100:  # the two digits of a year
        return Doubt(year, next(each for each in near if each % 100 == year))
    alike = (each for each in near if abs(each - now.year) <= 10 and _is_slip(str(year), str(each)))
    return Doubt(year, next(alike, None))


def _is_slip(typed: str, meant: str) -> bool:
    """Return whether `typed` is `meant` with a digit left out, one wrong digit, or two digits swapped."""
    if len(typed) == len(meant) - 1:
        return any(typed == meant[:at] + meant[at + 1 :] for at in range(len(meant)))
    wrong = [at for at, digit in enumerate(meant) if typed[at : at + 1] != digit]
    return len(wrong) == 1 or (len(wrong) == 2 and sorted(typed) == sorted(meant))


def shown(moment: datetime) -> datetime:
    """Return the nearest time that can be shown in every time zone."""
    return min(max(moment, EARLIEST), LATEST)


def deadline(due: datetime) -> datetime:
    """Return the last moment that is in time. A due time without seconds counts until the end of its minute.

    `lms.submissions.DEADLINE` is the same rule in SQL, `dueAt` in extension/src/words.ts the one of the panel.
    tests/lms/test_lateness.py and texts.test.ts hold all three to extension/src/__tests__/lateness.json.
    """
    is_whole_minute = due.second == due.microsecond == 0
    return due + REST_OF_THE_MINUTE if is_whole_minute else due


def validate_plausible_year(moment: datetime) -> None:
    """Validate that the year is plausible. Raises ValidationError."""
    found = doubt(moment.year, now=timezone.now())
    if found is not None:
        raise ValidationError(found.question, code="year")


class PlausibleDateTimeField(DateTimeField):
    """A time that people or programs enter. For the database and migrations it is a DateTimeField."""

    default_validators = [validate_plausible_year]

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs

    def from_db_value(self, value: datetime | None, *_: Any) -> datetime | None:
        return value if value is None else shown(value)
