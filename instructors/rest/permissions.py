"""Permissions of endpoints. A view names its `permission_classes`; the default is `LoginIfRequired`.

The tables of docs/contract/http.md name them as follows:

    open         AllowAny           no credentials; a token that is not valid is ignored
    open*        LoginIfRequired    none while no login is required (core/login_requirement.py), else a Bearer token
    bearer       LoginRequired      an instructor's Bearer token
    admin        AdminRequired      the same, of an admin
    class key    lms.api.permissions.ClassKeyRequired
    student      lms.api.permissions.StudentTokenRequired
"""

from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from core.login_requirement import logins_required
from instructors.models import Instructor


class LoginIfRequired(BasePermission):
    def is_login_needed(self) -> bool:
        return logins_required()

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True. Raises PermissionDenied with the contract's text, AuthenticationFailed for an invalid token."""
        # A student's device may be known here too (`lms.api.authentication`); it is no login.
        if self.is_login_needed() and not isinstance(request.user, Instructor):
            raise PermissionDenied("Not authenticated")
        return True


class LoginRequired(LoginIfRequired):
    def is_login_needed(self) -> bool:
        return True


class AdminRequired(LoginRequired):
    def has_permission(self, request: Request, view: APIView) -> bool:
        super().has_permission(request, view)
        if not getattr(request.user, "is_admin", False):
            raise PermissionDenied("Not enough permissions")
        return True
