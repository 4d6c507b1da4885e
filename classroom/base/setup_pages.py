"""Helpers of the views that are only for instructors of a class: set-up, privacy, rooms."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from classroom.base.classrooms import Classroom
from classroom.base.decorators import classroom_of
from classroom.base.js_strings import setup_texts
from lms.models import Class

View = Callable[..., HttpResponse]


def setup_form(view: View) -> View:
    """Decorate a view whose form posts to its own URL and is shown again if it is not valid."""
    methods = require_http_methods(["GET", "HEAD", "POST"])
    return wraps(view)(methods(login_required(never_cache(view))))


def taught_classroom(request: HttpRequest, class_id: int) -> tuple[Classroom, Class]:
    """Return the classroom and its class. Raises Http404 without access, PermissionDenied for assistants. One query."""
    classroom = classroom_of(request, class_id)
    if not classroom.may_teach:
        raise PermissionDenied
    assert classroom.class_ref is not None
    return classroom, classroom.class_ref


def show(request: HttpRequest, classroom: Classroom, template: str, **context: Any) -> HttpResponse:
    assert classroom.class_ref is not None
    shared = {
        "classroom": classroom,
        "now": timezone.now(),
        "setup_texts": setup_texts(),
    }
    return render(request, f"setup/{template}.html", {**shared, **context})
