"""Authentication of students' devices by `Authorization: Student <token>` (docs/contract/http.md section 5b)."""

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from lms.credential_holders import StudentTokenHolder, holder_of_token, record_token_use

UNKNOWN = "Unknown student token"
WAITING = (
    "This device is not confirmed yet: confirm it on a device that you use already, or ask your teacher to confirm it"
)
NOT_ACTIVE = "This class is not active"


class StudentTokenAuthentication(BaseAuthentication):
    """Authenticate a student's device. No such header: anonymous. Unknown or revoked token: 401. Class not active, or
    device not confirmed: 403, the latter unless the view sets `takes_waiting`. Two statements.

    Views with `token_methods` use it (`lms.api.base.ApiView`).
    """

    def authenticate(self, request: Request) -> tuple[StudentTokenHolder, str] | None:
        token = student_token_of(request)
        if token is None:
            return None
        holder = holder_of_token(token)
        if holder is None:
            raise AuthenticationFailed(UNKNOWN)
        if not holder.is_active:
            raise PermissionDenied(NOT_ACTIVE)
        if not holder.is_confirmed and not getattr(request.parser_context["view"], "takes_waiting", False):
            raise PermissionDenied(WAITING)
        record_token_use(holder)
        return holder, token

    def authenticate_header(self, request: Request) -> str:
        return "Student"


def student_token_of(request: Request) -> str | None:
    """Return the student token in the request, "" for an empty one; None without one."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "student" else None
