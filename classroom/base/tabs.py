"""The tabs of a class: which pages there are about a room, in the order of their use in a lesson."""

from dataclasses import dataclass

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from classroom.base.classrooms import Classroom


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
    current: str  # for aria-current: this very page, or one below it


TABS = (
    Tab(label=_("Live"), of_class="class_live", of_everybody="everybody"),
    Tab(label=_("Cells"), of_class="class_cells", of_everybody="everybody_cells"),
    Tab(label=_("Room"), of_class="class_room", of_everybody="everybody_room"),
    Tab(label=_("Activity"), of_class="class_activity", of_everybody="everybody_activity"),
    Tab(label=_("Report"), of_class="class_report"),
    Tab(label=_("Assignments"), of_class="class_assignments"),
    Tab(label=_("Notebooks"), of_class="class_notebooks"),
    Tab(label=_("Environments"), of_class="class_environments"),
    Tab(label=_("Set-up"), of_class="class_setup", needs_teaching=True),
)


# Pages that stand under a tab's address no more than by what they are about.
BELOW = {"assignments": "submissions/"}


def tabs_of(classroom: Classroom, path: str) -> list[Link]:
    """The tabs that this account sees, as the page at `path` shows them."""
    found = ((tab, _address(tab, classroom)) for tab in TABS)
    return [
        Link(str(tab.label), address, tab.name, _current(tab, address, classroom, path))
        for tab, address in found
        if address
    ]


def _current(tab: Tab, address: str, classroom: Classroom, path: str) -> str:
    if path == address:
        return "page"
    below = [address] if address != classroom.address else []  # every page of a room stands below the live one
    if tab.name in BELOW:
        below.append(classroom.address + BELOW[tab.name])
    return "true" if path.startswith(tuple(below)) else ""


def _address(tab: Tab, classroom: Classroom) -> str | None:
    if classroom.class_ref is None:
        return reverse(tab.of_everybody) if tab.of_everybody else None
    if tab.needs_teaching and not classroom.may_teach:
        return None
    return reverse(tab.of_class, args=[classroom.class_ref.pk])
