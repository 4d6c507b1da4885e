"""The cell map of a classroom (students × cells of a notebook), and the fragments that its script requests."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext

from classroom.base.classrooms import Classroom
from classroom.base.decorators import class_page, classroom_of, is_fragment
from classroom.base.display import display_of
from classroom.base.student_filters import requested_students
from classroom.cells.map_options import SORTS, MapOptions
from classroom.cells.selectors import SIGNS, STATE_WORDS, CellMap, cell_details, cell_map, members_of, notebook_in_use
from classroom.errors.clusters import clusters_of
from classroom.notebooks.selectors import notebooks_in_use, visible_notebook
from core.identity import row_number
from instructors.permissions import account_of
from lms.system_settings import current


@class_page
def cells(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Return the page, or only the map for a page that has missed messages."""
    classroom, now, choice = classroom_of(request, class_id), timezone.now(), MapOptions.of(request.GET)
    members = members_of(classroom, now=now, display=display_of(request))
    wanted = choice.notebook_id or notebook_in_use(members)
    notebook = visible_notebook(classroom, account_of(request), wanted) if wanted else None
    found = cell_map(classroom, members, notebook=notebook, choice=choice)
    context: dict[str, Any] = {
        "classroom": classroom,
        "now": now,
        "map": found,
        "choice": choice,
        "all_cells": choice.query(cells="all"),
    }
    if is_fragment(request):
        return render(request, "cells/_map.html", context)
    context |= {
        "notebooks": notebooks_in_use([member.student_id for member in members], scope=classroom.scope),
        "sorts": [(choice.query(sort=key), word, key == choice.sort) for key, word in SORTS.items()],
        "threshold": current()["consecutive_error_threshold"],
        "clusters": clusters_of(classroom, viewer=account_of(request), now=now, display=display_of(request)),
        "texts": _texts(),
    }
    return render(request, "cells/cells.html", context)


@class_page
def states(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Return the states of the students of `?student=`, or of all students; and the figures of the columns."""
    classroom, now, choice = classroom_of(request, class_id), timezone.now(), MapOptions.of(request.GET)
    found = _map_of(classroom, request, choice)
    requested = requested_students(request.GET)
    rows = [row for row in found.rows if row.student_id in requested] if requested else found.rows
    return render(request, "cells/_states.html", {"classroom": classroom, "now": now, "map": found, "rows": rows})


@class_page
def details(request: HttpRequest, class_id: int | None = None) -> HttpResponse:
    """Return runs and errors of one student (`?student=`) in the notebook, one line per cell."""
    classroom, choice = classroom_of(request, class_id), MapOptions.of(request.GET)
    notebook = visible_notebook(classroom, account_of(request), choice.notebook_id or 0)
    found = cell_details(classroom, student_id=row_number(request.GET.get("student", "")) or 0, notebook=notebook)
    return render(request, "cells/_cell_detail.html", {"details": found, "now": timezone.now()})


def _texts() -> dict[str, object]:
    return {
        "states": {state: str(word) for state, word in STATE_WORDS.items()},
        "signs": SIGNS,
        "cell": gettext("cell {number}"),
        "open": gettext("Open {name}"),
        "shares": gettext("{ok} of {all} ok, {failing} failing now"),
    }


def _map_of(classroom: Classroom, request: HttpRequest, choice: MapOptions) -> CellMap:
    members = members_of(classroom, now=timezone.now(), display=display_of(request))
    notebook = visible_notebook(classroom, account_of(request), choice.notebook_id or 0)
    return cell_map(classroom, members, notebook=notebook, choice=choice)
