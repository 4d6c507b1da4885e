"""What every page about a class shares: who may open it, and which room it is about."""

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
    """A page to look at: signed in, never cached, changes nothing."""
    return wraps(view)(require_safe(login_required(never_cache(view))))


def class_action(view: View) -> View:
    """A form or a button: signed in, POST only, with the CSRF token that every POST of the pages needs. Who is signed
    out comes back to the page of the form."""
    answer = never_cache(view)

    @require_POST
    def act(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return answer(request, *args, **kwargs) if request.user.is_authenticated else log_in_and_return(request)

    return wraps(view)(act)


def classroom_of(request: HttpRequest, class_id: int | None) -> Classroom:
    """The room of the address; 404 for one that is not this account's."""
    user = account_of(request)
    return classroom_of_everybody(user=user) if class_id is None else classroom_of_class(user=user, class_id=class_id)


def is_fragment(request: HttpRequest) -> bool:
    """Whether a script of ours asks, which wants the changed part only. People without scripts get whole pages."""
    return request.headers.get("X-Requested-With", "") == "fragment"
