"""The account that calls an endpoint."""

from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request

from instructors.models import Instructor


def account_of(request: Request) -> Instructor:
    """Return the account of a request to a view with `LoginRequired`."""
    assert isinstance(request.user, Instructor)
    return request.user


def known_caller(request: Request) -> Instructor | None:
    """Return the account of a request to a view without required login; None without a valid token."""
    try:
        user = request.user
    except APIException:
        return None
    return user if isinstance(user, Instructor) else None


def refuse_unless(allowed: bool) -> None:
    """Raise PermissionDenied if not allowed."""
    if not allowed:
        raise PermissionDenied("Not enough permissions")
