"""Who calls."""

from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.request import Request

from instructors.models import Instructor


def account_of(request: Request) -> Instructor:
    """The account of a view that wants a token."""
    assert isinstance(request.user, Instructor)
    return request.user


def known_caller(request: Request) -> Instructor | None:
    """The account, where a token that opens something came along; a view that wants none takes a bad one for none."""
    try:
        user = request.user
    except APIException:
        return None
    return user if isinstance(user, Instructor) else None


def refuse_unless(allowed: bool) -> None:
    """Raises PermissionDenied."""
    if not allowed:
        raise PermissionDenied("Not enough permissions")
