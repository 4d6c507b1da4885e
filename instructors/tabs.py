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

    @property
    def name(self) -> str:
        """Without "class_": what its keyboard shortcut is called after."""
        return self.of_class.removeprefix("class_")


@dataclass(frozen=True)
class Link:
    label: str
    address: str
    name: str


TABS = (
    Tab(label=_("Live"), of_class="class_live", of_everybody="everybody"),
    Tab(label=_("Cells"), of_class="class_cells", of_everybody="everybody_cells"),
    Tab(label=_("Room"), of_class="class_room", of_everybody="everybody_room"),
    Tab(label=_("Activity"), of_class="class_activity", of_everybody="everybody_activity"),
    Tab(label=_("Assignments"), of_class="class_assignments"),
    Tab(label=_("Environments"), of_class="class_environments"),
    Tab(label=_("Set-up"), of_class="class_setup", needs_teaching=True),
)


def tabs_of(room: Room) -> list[Link]:
    return [Link(str(tab.label), address, tab.name) for tab in TABS if (address := _address(tab, room))]


def _address(tab: Tab, room: Room) -> str | None:
    if room.class_ref is None:
        return reverse(tab.of_everybody) if tab.of_everybody else None
    if tab.needs_teaching and not room.may_teach:
        return None
    return reverse(tab.of_class, args=[room.class_ref.pk])
