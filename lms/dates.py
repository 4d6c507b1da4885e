"""Dates that people type and programs send: which can be meant, and to which precision they hold.

A date outside FIRST_YEAR to LAST_YEAR is a slip (year 26) or a sign for "never" (9999-12-31), and near the ends of the
calendar it cannot even be shown in every time zone. It is refused with a question wherever dates come in. A row that is
stored with one nevertheless is read as the nearest date that can be shown, so that it takes no page down.
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

# What can be shown in every time zone, with a day to add to it or take from it.
EARLIEST, LATEST = datetime(1, 1, 3, tzinfo=UTC), datetime(9999, 12, 29, 23, 59, 59, tzinfo=UTC)

WITH_A_GUESS = gettext_noop("Is %(year)d the right year? Did you mean %(meant)d?")
WITHOUT = gettext_noop("Is %(year)d the right year? It must be between %(first)d and %(last)d.")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A year that nobody can mean, and the one that may have been meant."""

    year: int
    meant: int | None

    @property
    def english(self) -> str:
        """For programs."""
        return (WITHOUT if self.meant is None else WITH_A_GUESS) % self._values

    @property
    def question(self) -> str:
        """For people, in their language."""
        return gettext(WITHOUT if self.meant is None else WITH_A_GUESS) % self._values

    @property
    def _values(self) -> dict[str, int | None]:
        return {"year": self.year, "meant": self.meant, "first": FIRST_YEAR, "last": LAST_YEAR}


def doubt(year: int, *, now: datetime) -> Doubt | None:
    """None where the year can be meant."""
    if FIRST_YEAR <= year <= LAST_YEAR:
        return None
    near = sorted(range(now.year - 50, now.year + 50), key=lambda each: abs(each - now.year))
    if year < 100:  # the two digits of a year
        return Doubt(year, next(each for each in near if each % 100 == year))
    alike = (each for each in near if abs(each - now.year) <= 10 and _is_slip(str(year), str(each)))
    return Doubt(year, next(alike, None))


def _is_slip(typed: str, meant: str) -> bool:
    """Whether one is the other with a digit left out, another digit, or two digits changed over."""
    if len(typed) == len(meant) - 1:
        return any(typed == meant[:at] + meant[at + 1 :] for at in range(len(meant)))
    wrong = [at for at, digit in enumerate(meant) if typed[at : at + 1] != digit]
    return len(wrong) == 1 or (len(wrong) == 2 and sorted(typed) == sorted(meant))


def shown(moment: datetime) -> datetime:
    """The moment, or the nearest that can be shown in every time zone."""
    return min(max(moment, EARLIEST), LATEST)


def deadline(due: datetime) -> datetime:
    """The last moment that is in time. What people type is a minute, and all of it counts; with seconds it is exact."""
    is_minute = due.second == due.microsecond == 0
    return due + timedelta(seconds=59, microseconds=999_999) if is_minute else due


def believable(moment: datetime) -> None:
    """A validator of forms. Raises ValidationError."""
    found = doubt(moment.year, now=timezone.now())
    if found is not None:
        raise ValidationError(found.question, code="year")


class MomentField(DateTimeField):
    """A time that people or programs give. To the database and to migrations it is what DateTimeField is."""

    default_validators = [believable]

    def deconstruct(self) -> Any:
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs

    def from_db_value(self, value: datetime | None, *_: Any) -> datetime | None:
        return value if value is None else shown(value)
