"""Importing a list of students: checked and shown first, stored only when it is sent a second time unchanged."""

import hashlib
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from instructors.auth import account_of
from instructors.display import display_of
from instructors.pages.setup.frame import setup_form, show, taught_room
from instructors.queries.classroom import Room
from instructors.queries.members import Preview, preview, register
from instructors.setup.students import import_students
from lms.models import Class
from lms.roster_csv import LARGEST, MOST_LINES, Table, read, text_of, too_large, write
from lms.roster_rows import Unreadable


@setup_form
def import_list(request: HttpRequest, class_id: int) -> HttpResponse:
    room, found = taught_room(request, class_id)
    limits = {"most_lines": MOST_LINES, "most_kb": LARGEST // 1024}
    if display_of(request).projector or request.method != "POST":
        return show(request, room, "import", **limits)
    text = _plain(request.POST.get("text", ""))
    try:
        text = _sent(request, text)
        table = read(text, known=[email for email, _, _ in register(room)])
    except Unreadable as problem:
        return show(request, room, "import", text=text, problem=str(problem), **limits)
    if request.POST.get("step") == "import" and table.good:
        if request.POST.get("checked") == _digest(text):
            return _import(request, room, found, table, limits)
        messages.warning(request, gettext("The list has changed since it was checked. Look at it again, then import."))
    return show(request, room, "import", text=text, **_checked(found, table, text), **limits)


def _import(request: HttpRequest, room: Room, found: Class, table: Table, limits: dict[str, Any]) -> HttpResponse:
    bad = table.bad
    done = import_students(
        found, table.good, skipped=len(bad), by=account_of(request), request=request, now=timezone.now()
    )
    words = gettext("Added: %(created)d. Updated: %(updated)d. Already there: %(unchanged)d. Skipped: %(skipped)d.")
    counts = {"created": done.created, "updated": done.updated, "unchanged": done.unchanged, "skipped": len(bad)}
    messages.success(request, words % counts)
    if not bad:
        return redirect("class_students", found.pk)
    # What was skipped stays, to be corrected.
    text = write((line.email, line.name, line.team) for line in bad).removeprefix("\ufeff")
    try:
        left = _checked(found, read(text), text)
    except Unreadable:  # what was skipped was no student
        return redirect("class_students", found.pk)
    return show(request, room, "import", text=_plain(text), is_rest=True, **left, **limits)


def _checked(found: Class, table: Table, text: str) -> dict[str, Any]:
    shown: Preview = preview(found, table)
    return {"preview": shown, "checked": _digest(_plain(text))}


def _sent(request: HttpRequest, text: str) -> str:
    """A chosen file comes before what stands in the field. Raises Unreadable."""
    file = request.FILES.get("file")
    if file is None:
        return text
    if (file.size or 0) > LARGEST:
        raise Unreadable(too_large())
    return _plain(text_of(file.read()))


def _plain(text: str) -> str:
    """As a text field sends it back: a field's line ends are the browser's."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").strip("\n")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
