"""The forms of rooms: their name, rows and columns of seats, one seat."""

import math
import re
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from classroom.base.copy_fields import IntoClassForm
from core.identity import label_key, number_form, row_number, visible
from core.validators import validate_visible
from lms.models.rooms import MAX_ROOM_NAME, MAX_SEAT_LABEL
from lms.rooms import Seated
from lms.seat_grid import MAX_COLUMNS, MAX_ROWS, MAX_SEATS, Grid, PlacedSeat

NUMBER = {"inputmode": "numeric"}


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Name of the room"),
        max_length=MAX_ROOM_NAME,
        validators=[validate_visible],
        help_text=_("What it is called at your school, such as Room 2 or PC lab B."),
    )


class GridForm(forms.Form):
    """Rows and columns; both empty for a room whose seats are placed one by one."""

    rows = forms.IntegerField(
        label=_("Number of rows"),
        min_value=1,
        max_value=MAX_ROWS,
        required=False,
        widget=forms.NumberInput(attrs=NUMBER),
    )
    columns = forms.IntegerField(
        label=_("Seats in a row"),
        min_value=1,
        max_value=MAX_COLUMNS,
        required=False,
        widget=forms.NumberInput(attrs=NUMBER),
    )
    aisles = forms.CharField(
        label=_("Aisles behind the seats (optional)"),
        max_length=200,
        required=False,
        help_text=_("The numbers of the seats, from the left, like 2, 6."),
    )

    def clean_aisles(self) -> list[int]:
        typed = number_form(self.cleaned_data["aisles"])
        parts = [part for part in re.split(r"[,;、，\s]+", typed) if part]
        numbers = [row_number(part) for part in parts]
        if None in numbers:
            raise forms.ValidationError(gettext("Type numbers with commas between them, like 2, 6."))
        return [number for number in numbers if number is not None]

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        rows, columns = found.get("rows"), found.get("columns")
        if self.errors:
            return found
        if (rows is None) != (columns is None):
            self.add_error("columns" if rows else "rows", gettext("Fill in both, or neither."))
        elif rows and columns and rows * columns > MAX_SEATS:
            self.add_error("columns", gettext("A room takes at most %(most)d seats.") % {"most": MAX_SEATS})
        elif rows and columns and any(not 1 <= aisle < columns for aisle in found["aisles"]):
            self.add_error("aisles", gettext("An aisle is behind seat 1 to %(last)d.") % {"last": columns - 1})
        return found

    def seats(self) -> list[PlacedSeat]:
        """Return the seats of a valid form; none if it was left empty."""
        found = self.cleaned_data
        if not found["rows"]:
            return []
        return Grid(rows=found["rows"], columns=found["columns"], aisles=found["aisles"]).seats()


class NewRoomForm(GridForm):
    """The name first, then the seats."""

    name = NameForm.base_fields["name"]
    field_order = ["name", "rows", "columns", "aisles"]


class CopyForm(IntoClassForm):
    copy_name = forms.CharField(label=_("Name of the copy"), max_length=MAX_ROOM_NAME, validators=[validate_visible])


class BadSeat(ValueError):
    """A seat as it was typed cannot be stored. The message says why."""


def typed_seat(label: str, x: str, y: str, *, elsewhere: tuple[float, float]) -> PlacedSeat:
    """Return a seat as it was typed; without numbers at `elsewhere`. Raises BadSeat."""
    label = " ".join((visible(label) or "").split())
    if not label_key(label):
        raise BadSeat(gettext("Type a label for the seat."))
    if len(label) > MAX_SEAT_LABEL or not label.isprintable():
        raise BadSeat(gettext("A label has at most %(most)d characters.") % {"most": MAX_SEAT_LABEL})
    if not x.strip() and not y.strip():
        return PlacedSeat(label, *elsewhere)
    return PlacedSeat(label, percent(x), percent(y))


def percent(text: str) -> float:
    """Return a share of the room as it was typed. Raises BadSeat for what is no number from 0 to 100."""
    try:
        plain = number_form(text).replace(",", ".")
        number = math.nan if "_" in plain else float(plain)  # Python reads 1_0 as 10
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and 0 <= number <= 100):
        raise BadSeat(gettext("Type two numbers from 0 to 100: percent from the left and from the top."))
    return number


class SeatRow:
    """One seat of the form of all seats, as stored or as typed."""

    def __init__(self, seat: Seated, sent: QueryDict | None = None) -> None:
        self.seat = seat
        point = (f"{seat.x:.2f}".rstrip("0").rstrip("."), f"{seat.y:.2f}".rstrip("0").rstrip("."))
        stored = (seat.label, *point)
        names = [f"{name}-{seat.seat_id}" for name in ("label", "x", "y")]
        self.label, self.x, self.y = (
            stored if sent is None else tuple(sent.get(name, was) for name, was in zip(names, stored, strict=True))
        )
        self.is_removed = sent is not None and f"remove-{seat.seat_id}" in sent
        self.is_changed = (self.label, self.x, self.y) != stored
        self.problem = ""

    def placed(self) -> PlacedSeat:
        """Return the seat as typed. Raises BadSeat."""
        return typed_seat(self.label, self.x, self.y, elsewhere=(self.seat.x, self.seat.y))
