"""Decorators of all class pages, and the classroom of a request."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from classroom.base.classrooms import Classroom, classroom_of_class, classroom_of_everybody
from classroom.base.return_to import log_in_and_return
from instructors.permissions import account_of

View = Callable[..., HttpResponse]


def class_page(view: View) -> View:
    """Decorate a read-only page: GET and HEAD only, login required, never cached."""
    return wraps(view)(require_safe(login_required(never_cache(view))))


def class_action(view: View) -> View:
    """Decorate a form action: POST only, login required, never cached.

    After the login the user returns to the page of the form.
    """
    uncached = never_cache(view)

    @require_POST
    def act(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return uncached(request, *args, **kwargs) if request.user.is_authenticated else log_in_and_return(request)

    return wraps(view)(act)


def classroom_of(request: HttpRequest, class_id: int | None) -> Classroom:
    """Return the classroom for the URL. Raises Http404 if it is not this account's."""
    user = account_of(request)
    return classroom_of_everybody(user=user) if class_id is None else classroom_of_class(user=user, class_id=class_id)


def is_fragment(request: HttpRequest) -> bool:
    """Return whether a script of the pages requests only the changed part."""
    return request.headers.get("X-Requested-With", "") == "fragment"
