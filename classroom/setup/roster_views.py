"""Import a list of students: the first POST validates and previews it, a second one with the same text stores it."""

import hashlib
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.classrooms import Classroom
from classroom.base.display import display_of
from classroom.base.setup_pages import setup_form, show, taught_classroom
from classroom.base.uploaded_lists import plain, uploaded
from classroom.setup.members import Preview, preview, register
from classroom.setup.students import import_students
from instructors.permissions import account_of
from lms.models import Class
from lms.rosters.parser import MAX_BYTES, MAX_LINES, Table, read, write
from lms.rosters.rows import Unreadable


@setup_form
def import_list(request: HttpRequest, class_id: int) -> HttpResponse:
    classroom, found = taught_classroom(request, class_id)
    limits = {"most_lines": MAX_LINES, "most_kb": MAX_BYTES // 1024}
    if display_of(request).projector or request.method != "POST":
        return show(request, classroom, "import", **limits)
    text = plain(request.POST.get("text", ""))
    try:
        text = uploaded(request, text)
        table = read(text, known=[email for email, *_ in register(classroom)])
    except Unreadable as problem:
        return show(request, classroom, "import", text=text, problem=str(problem), **limits)
    if request.POST.get("step") == "import" and table.good:
        if request.POST.get("checked") == _digest(text):
            return _import(request, classroom, found, table, limits)
        messages.warning(request, gettext("The list has changed since it was checked. Look at it again, then import."))
    return show(request, classroom, "import", text=text, **_checked(found, table, text), **limits)


def _import(
    request: HttpRequest, classroom: Classroom, found: Class, table: Table, limits: dict[str, Any]
) -> HttpResponse:
    bad = table.bad
    done = import_students(
        found, table.good, skipped=len(bad), by=account_of(request), request=request, now=timezone.now()
    )
    words = gettext("Added: %(created)d. Updated: %(updated)d. Already there: %(unchanged)d. Skipped: %(skipped)d.")
    counts = {"created": done.created, "updated": done.updated, "unchanged": done.unchanged, "skipped": len(bad)}
    messages.success(request, words % counts)
    if not bad:
        return redirect("class_students", found.pk)
    # Show the skipped lines again, to be corrected.
    text = write(line.cells for line in bad).removeprefix("\ufeff")
    try:
        left = _checked(found, read(text), text)
    except Unreadable:  # none of the skipped lines names a student
        return redirect("class_students", found.pk)
    return show(request, classroom, "import", text=plain(text), is_rest=True, **left, **limits)


def _checked(found: Class, table: Table, text: str) -> dict[str, Any]:
    shown: Preview = preview(found, table)
    return {"preview": shown, "checked": _digest(plain(text))}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
