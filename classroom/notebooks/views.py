"""Serve a submitted notebook in a sandboxed frame, and as a file.

Three independent protections: the HTML is sanitized (lms.notebooks.sanitizing); the Content-Security-Policy allows only
our stylesheets and embedded pictures; and both the policy and the frame put it in a sandbox, without scripts, forms and
windows and with an origin of its own.
"""

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
from core.json_values import indented
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
MAX_TEXT_LENGTH = 20_000
MAX_CELLS = 500
THEMES = ("light", "dark")


@require_safe
@login_required
@never_cache
@xframe_options_sameorigin
def frame(request: HttpRequest, class_id: int, submission_id: int) -> HttpResponse:
    """Render a submission; with `?plain`, or if rendering failed, its cells as text. `?theme=` is light or dark."""
    found = find_submission(classroom_of(request, class_id), submission_id, with_content=True)
    if not is_in_frame(request):
        _record(request, found, "submission_view")
    return framed(request, found.notebook_content, sha256=hash_of(found))


def framed(request: HttpRequest, content: Any, *, sha256: str, title: str = "") -> HttpResponse:
    """Render an untrusted notebook as the document of a sandboxed frame."""
    html = None
    if "plain" not in request.GET and content is not None:
        html = html_of(content, sha256=sha256)
    theme = request.GET.get("theme", "")
    cells = cells_of(content) if html is None else []
    context = {
        "title": title,
        "html": None if html is None else _with_messages(html),
        "failed": html is None and "plain" not in request.GET,
        "cells": cells[:MAX_CELLS],
        "is_cut": len(cells) > MAX_CELLS,
        "max_text_length": MAX_TEXT_LENGTH,
        "theme": theme if theme in THEMES else "",
    }
    response = render(request, "notebooks/frame.html", context)
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _with_messages(html: str) -> str:
    """Insert messages where content was left out. Safe: the worker sanitized the HTML, including picture names."""
    note = gettext("Something was left out here for safety: a script, a widget or an active picture.")
    missing = gettext("The attached picture “%(name)s” is missing or cannot be shown.")
    html = NO_PICTURE.sub(lambda m: f'<span class="no-picture">{missing % {"name": m[1]}}</span>', html)
    return mark_safe(html.replace(LEFT_OUT, f'<p class="left-out">{note}</p>'))  # noqa: S308


@class_page
def download(request: HttpRequest, class_id: int, submission_id: int) -> HttpResponse:
    """Return the submitted file as an attachment, with a content type that browsers do not open."""
    found = find_submission(classroom_of(request, class_id), submission_id, with_content=True)
    if found.notebook_content is None:
        raise Http404
    content = indented(found.notebook_content)
    response = HttpResponse(content, content_type="application/x-ipynb+json")
    response["Content-Disposition"] = f'attachment; filename="submission-{found.pk}.ipynb"'
    response["X-Content-Type-Options"] = "nosniff"
    _record(request, found, "submission_download")
    return response


def is_in_frame(request: HttpRequest) -> bool:
    """Return whether one of our own pages shows it in a frame; that page has already written the audit log."""
    return request.headers.get("Sec-Fetch-Dest") == "iframe"


def _record(request: HttpRequest, found: AssignmentSubmission, action: str) -> None:
    audit.record(action, found, actor=account_of(request), request=request)
