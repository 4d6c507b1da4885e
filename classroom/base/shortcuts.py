"""The keyboard of the pages: which actions there are, their usual keys, and the words scripts need for them.

A page offers an action by an element with `data-shortcut="<name>"`, or by `offer(name, …)` of static/js/base/actions.js.
Each reader may change the keys on their device, or switch off those that are single letters.
"""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from classroom.base.tabs import TABS


@dataclass(frozen=True)
class Shortcut:
    """`keys` is a chord ("c", "Shift+j", "Ctrl+Enter") or two in a row ("g l"); "" waits for the reader to choose."""

    name: str
    keys: str
    label: str | Promise
    of_student: bool = False  # acts on the student in focus, and never on another one
    in_fields: bool = False  # works while text is typed too; its keys then need Ctrl, Alt or Meta


ACTIONS = (
    Shortcut("next-student", "j", _("Next student in the list")),
    Shortcut("previous-student", "k", _("Previous student in the list")),
    Shortcut("claim", "c", _("I'm going"), of_student=True),
    Shortcut("resolve", "r", _("Helped"), of_student=True),
    Shortcut("snooze", "z", _("Later"), of_student=True),
    Shortcut("dismiss", "x", _("Not needed"), of_student=True),
    Shortcut("search", "/", _("Search")),
    Shortcut("next", "n", _("Next one that waits for you")),
    Shortcut("save-next", "Ctrl+Enter", _("Save and go to the next"), in_fields=True),
    Shortcut("projector", "p", _("Projector: hide or show names")),
    Shortcut("walking", "w", _("Walking: large targets")),
    Shortcut("theme", "t", _("Change the theme")),
    Shortcut("keyboard", "?", _("This list of keys")),
    Shortcut("home", "g h", _("Go to: my classes")),
)

# After `g`, a letter for each tab. The addresses are named class_<tab>.
TAB_KEYS = {
    "live": "g l",
    "cells": "g c",
    "room": "g r",
    "activity": "g a",
    "report": "g p",
    "assignments": "g w",  # the class's work; `a` is taken
    "notebooks": "g n",
    "setup": "g s",
    "environments": "g e",
}


def shortcut_list() -> list[Shortcut]:
    tabs = [
        Shortcut(f"tab-{tab.name}", TAB_KEYS.get(tab.name, ""), gettext("Go to: %(page)s") % {"page": tab.label})
        for tab in TABS
    ]
    return [*ACTIONS, *tabs]


def shortcut_texts() -> dict[str, object]:
    actions = [
        {
            "name": shortcut.name,
            "keys": shortcut.keys,
            "label": str(shortcut.label),
            "ofStudent": shortcut.of_student,
            "inFields": shortcut.in_fields,
        }
        for shortcut in shortcut_list()
    ]
    return {"actions": actions, "texts": _texts()}


def _texts() -> dict[str, str]:
    return {
        "then": gettext("then"),
        "none": gettext("none"),
        "change": gettext("Change"),
        "changeOf": gettext("Change the keys for: {action}"),
        "press": gettext("Press the keys…"),
        "pressing": gettext(
            "Press the new keys for “{action}”, one or two in a row. Escape keeps the old ones, Backspace removes them."
        ),
        "changed": gettext("“{action}” now has: {keys}"),
        "removed": gettext("“{action}” has no keys now."),
        "taken": gettext("{keys} is already in use for “{action}”. Nothing was changed: choose other keys."),
        "begins": gettext("{keys} begins like the keys for “{action}”. Nothing was changed: choose other keys."),
        "reserved": gettext("{keys} is needed to move around the page. Nothing was changed: choose other keys."),
        "needsModifier": gettext("“{action}” works while you type: its keys need Ctrl, Alt or ⌘. Nothing was changed."),
        "kept": gettext("Nothing was changed."),
        "reset": gettext("All keys are as they were at first."),
        "switchedOff": gettext("Keys without Ctrl, Alt or ⌘ are off. The menu still opens this list."),
        "switchedOn": gettext("Keys without Ctrl, Alt or ⌘ are on."),
        "notHere": gettext("Nothing here for “{action}”."),
    }


def shortcuts(request: HttpRequest) -> dict[str, object]:
    """The context processor. Only a whole page calls it; a fragment pays nothing."""
    return {"shortcuts": shortcut_texts}
