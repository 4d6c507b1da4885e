"""Permissions of endpoints that students call: with the key of their class (`X-Class-Key`, or `?key=`), or with a token
of their own (`Authorization: Student …`).

A view names in `key_methods` the methods that accept a key, and in `token_methods` those that accept a token. Where
both are sent, the token counts.
"""

from typing import TYPE_CHECKING, Any

from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from instructors.rest.permissions import LoginIfRequired
from lms.access import may_teach_class
from lms.api.authentication import student_token_of
from lms.credential_holders import ClassKeyHolder, StudentTokenHolder, holder_of_key, record_key_use

if TYPE_CHECKING:
    from lms.access import User


class ClassKeyOrLogin(LoginIfRequired):
    """Allow requests with a student token or class key, else as LoginIfRequired does. One that is sent is always
    checked."""

    def has_permission(self, request: Request, view: Any) -> bool:
        view.holder = token_holder_of(request, view)
        if view.holder is None and request.method in view.key_methods:
            view.holder = holder_of(request)
        return view.holder is not None or super().has_permission(request, view)


class ClassKeyRequired(BasePermission):
    """Allow only requests with a class key, or a student token where the view accepts one. Raises AuthenticationFailed
    without one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        view.holder = token_holder_of(request, view) or holder_of(request)
        if view.holder is None:
            raise AuthenticationFailed("A class key is required: send X-Class-Key, or add ?key=<class key>")
        return True


class StudentTokenRequired(BasePermission):
    """Allow only requests with a student token. Raises AuthenticationFailed without one."""

    def has_permission(self, request: Request, view: Any) -> bool:
        view.holder = token_holder_of(request, view)
        if view.holder is None:
            raise AuthenticationFailed("A student token is required: send Authorization: Student <token>")
        return True


def token_holder_of(request: Request, view: Any) -> StudentTokenHolder | None:
    """Return the holder of the student token in the request; None without one, or where the view accepts none. Raises
    what `StudentTokenAuthentication` raises."""
    if request.method not in view.token_methods or student_token_of(request) is None:
        return None
    return request.user if isinstance(request.user, StudentTokenHolder) else None


def holder_of(request: Request) -> ClassKeyHolder | None:
    """Return the holder of the class key in the request; None without one. Two queries. Raises AuthenticationFailed for
    an unknown key, PermissionDenied for a class that is not active."""
    key = request.headers.get("X-Class-Key") or request.query_params.get("key")
    if not key:
        return None
    holder = holder_of_key(key.strip())
    if holder is None:
        raise AuthenticationFailed("Unknown class key")
    if not holder.is_active:
        raise PermissionDenied("This class is not active")
    record_key_use(holder)
    return holder


def refuse_unless_taught(viewer: "User", class_id: int) -> None:
    """Raise PermissionDenied if the viewer is only an assistant in this class. One query."""
    if not may_teach_class(viewer, class_id):
        raise PermissionDenied("Assistants see and help in this class; only its instructors may change it")
