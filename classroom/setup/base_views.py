"""What the set-up pages share: whoever may not teach in the class is refused."""

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
    """A page with a form that is sent to its own address, so that what was typed stays when it is refused."""
    methods = require_http_methods(["GET", "HEAD", "POST"])
    return wraps(view)(methods(login_required(never_cache(view))))


def taught_room(request: HttpRequest, class_id: int) -> tuple[Classroom, Class]:
    """404 for a class that is not this account's; 403 for one in which it assists. One query."""
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
