"""The tabs of a class: which pages there are about a room, in the order of their use in a lesson."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from instructors.queries.classroom import Room


@dataclass(frozen=True, kw_only=True)
class Tab:
    label: str | Promise
    of_class: str  # the name of its address, which takes the class's id
    of_everybody: str | None = None  # and that for the room of everybody, where the page makes sense there
    needs_teaching: bool = False  # not for assistants


@dataclass(frozen=True)
class Link:
    label: str
    address: str


TABS = (
    Tab(label=_("Live"), of_class="class_live", of_everybody="everybody"),
    Tab(label=_("Assignments"), of_class="class_assignments"),
)


def tabs_of(room: Room) -> list[Link]:
    return [Link(str(tab.label), address) for tab in TABS if (address := _address(tab, room))]


def _address(tab: Tab, room: Room) -> str | None:
    if room.class_ref is None:
        return reverse(tab.of_everybody) if tab.of_everybody else None
    if tab.needs_teaching and not room.may_teach:
        return None
    return reverse(tab.of_class, args=[room.class_ref.pk])
