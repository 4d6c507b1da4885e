"""What a student handed in, in a frame of its own that can do nothing, and as a file.

Three walls, each enough by itself: the HTML was cleaned (lms.notebooks.rendering), its policy lets nothing load but our
stylesheets and pictures that are in it, and both the policy and the frame put it in a sandbox: no scripts, no forms, no
windows, an origin of its own.
"""

import json
import re
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from classroom.assignments.submissions import find_submission, hash_of
from classroom.base.decorators import class_page, classroom_of
from instructors import audit
from instructors.permissions import account_of
from lms.models import AssignmentSubmission
from lms.notebooks.cells import cells_of
from lms.notebooks.render_process import html_of

POLICY = (
    "sandbox; default-src 'none'; img-src data:; style-src 'self'; frame-ancestors 'self'; base-uri 'none';"
    " form-action 'none'"
)
LEFT_OUT = '<p class="left-out"></p>'
NO_PICTURE = re.compile(r'<span class="no-picture">([^<]*)</span>')
LONGEST_TEXT = 20_000
MOST_CELLS = 500
THEMES = ("light", "dark")


@require_safe
@login_required
@never_cache
@xframe_options_sameorigin
def frame(request: HttpRequest, class_id: int, submission_id: int) -> HttpResponse:
    """The notebook; with `?plain`, or where it could not be drawn, its cells as text. `?theme=` light or dark."""
    found = find_submission(classroom_of(request, class_id), submission_id, with_content=True)
    if not is_in_frame(request):
        _note(request, found, "submission_view")
    return framed(request, found.notebook_content, sha256=hash_of(found))


def framed(request: HttpRequest, content: Any, *, sha256: str, title: str = "") -> HttpResponse:
    """A stranger's notebook as the document of a frame that can do nothing."""
    html = None
    if "plain" not in request.GET and content is not None:
        html = html_of(content, sha256=sha256)
    theme = request.GET.get("theme", "")
    cells = cells_of(content) if html is None else []
    context = {
        "title": title,
        "html": None if html is None else _with_notes(html),
        "failed": html is None and "plain" not in request.GET,
        "cells": cells[:MOST_CELLS],
        "is_cut": len(cells) > MOST_CELLS,
        "longest_text": LONGEST_TEXT,
        "theme": theme if theme in THEMES else "",
    }
    answer = render(request, "notebooks/frame.html", context)
    answer["Content-Security-Policy"] = POLICY
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _with_notes(html: str) -> str:
    """Safe because the worker cleaned it, names of pictures among it; the notes are texts of ours."""
    note = gettext("Something was left out here for safety: a script, a widget or an active picture.")
    missing = gettext("The attached picture “%(name)s” is missing or cannot be shown.")
    html = NO_PICTURE.sub(lambda m: f'<span class="no-picture">{missing % {"name": m[1]}}</span>', html)
    return mark_safe(html.replace(LEFT_OUT, f'<p class="left-out">{note}</p>'))  # noqa: S308


@class_page
def download(request: HttpRequest, class_id: int, submission_id: int) -> HttpResponse:
    """The file as it was handed in. Never shown by a browser: it is an attachment of a kind that no browser opens."""
    found = find_submission(classroom_of(request, class_id), submission_id, with_content=True)
    if found.notebook_content is None:
        raise Http404
    content = json.dumps(found.notebook_content, ensure_ascii=False, indent=1)
    answer = HttpResponse(content, content_type="application/x-ipynb+json")
    answer["Content-Disposition"] = f'attachment; filename="submission-{found.pk}.ipynb"'
    answer["X-Content-Type-Options"] = "nosniff"
    _note(request, found, "submission_download")
    return answer


def is_in_frame(request: HttpRequest) -> bool:
    """Whether a page of ours shows it (nobody else may), which has told the audit log that it does."""
    return request.headers.get("Sec-Fetch-Dest") == "iframe"


def _note(request: HttpRequest, found: AssignmentSubmission, action: str) -> None:
    audit.record(
        action=action,
        actor=account_of(request),
        request=request,
        target_type=found._meta.model_name,
        target_id=found.pk,
    )
