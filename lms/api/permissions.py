"""Endpoints that students call with their class's key (`X-Class-Key`, or `?key=`) instead of a token.

A view names in `key_methods` the methods for which a key counts.
"""

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from instructors.rest.permissions import LoginIfRequired
from lms.access import KeyHolder, holder_of_key, may_teach_class, note_key_used

if TYPE_CHECKING:
    from lms.access import User


class ClassKeyOrLogin(LoginIfRequired):
    """A key, where one is sent, is checked first, also where no login is required."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.method in view.key_methods:
            view.holder = holder_of(request)
        return view.holder is not None or super().has_permission(request, view)


class ClassKeyRequired(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        view.holder = holder_of(request)
        if view.holder is None:
            raise AuthenticationFailed("A class key is required: send X-Class-Key, or add ?key=<class key>")
        return True


def holder_of(request: Request) -> KeyHolder | None:
    """Return the class whose key came along; None without one. Two queries. Raises AuthenticationFailed for a key that
    is unknown, PermissionDenied for a class that is not active."""
    key = request.headers.get("X-Class-Key") or request.query_params.get("key")
    if not key:
        return None
    holder = holder_of_key(key)
    if holder is None:
        raise AuthenticationFailed("Unknown class key")
    if not holder.is_active:
        raise PermissionDenied("This class is not active")
    note_key_used(holder)
    return holder


def refuse_unless_taught(viewer: "User", class_id: int) -> None:
    """For what sets up or grades in a class that the viewer sees. Raises PermissionDenied. One query."""
    if not may_teach_class(viewer, class_id):
        raise PermissionDenied("Assistants see and help in this class; only its instructors may change it")
