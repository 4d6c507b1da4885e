"""The base class of API views: authentication order, body limit, UTC, pagination, audit log."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, NoReturn, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.views import APIView

from instructors import audit
from instructors.models import Instructor
from instructors.rest.exceptions import TooLarge, too_large_for
from instructors.rest.pagination import SkipLimitPagination
from instructors.rest.parsers import GzipJSONParser
from instructors.rest.permissions import LoginIfRequired

Row = TypeVar("Row", bound=Model)


class ApiView(APIView):
    """An endpoint. Credentials are checked before path ids and body."""

    permission_classes: Sequence[Any] = (LoginIfRequired,)
    parser_classes: Sequence[type[BaseParser]] = (GzipJSONParser,)
    metadata_class = None  # OPTIONS would publish docstrings; the OpenAPI document describes the API
    # A 500 answers "Failed to <action>" (http.md section 1.4).
    action: ClassVar[str] = "answer the request"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with timezone.override("UTC"):
            return super().dispatch(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        """Do nothing: permissions authenticate, because an invalid token is ignored while no login is required."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        limit: int | None = getattr(request, "too_large", None)  # config/body_limits.py
        if limit is not None:
            self.refuse_size(limit)

    def refuse_size(self, limit: int) -> NoReturn:
        """Raise TooLarge: the body exceeded `limit` bytes and was dropped."""
        raise TooLarge(too_large_for(limit))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Let no cache keep an answer, which has personal data or a token, unless the view says how long."""
        found = super().finalize_response(request, response, *args, **kwargs)
        found.headers.setdefault("Cache-Control", "private, no-store")
        return found

    def is_login_needed(self) -> bool:
        permissions = self.get_permissions()
        return any(isinstance(each, LoginIfRequired) and each.is_login_needed() for each in permissions)

    @property
    def caller(self) -> Instructor | None:
        """Return the account that is logged in, or None. A token that is not valid counts as none."""
        try:
            user = self.request.user
        except APIException:
            return None
        return user if isinstance(user, Instructor) else None

    def paginate_queryset(self, rows: QuerySet[Row]) -> list[Row]:
        """Return the rows that the parameters `skip` and `limit` select. Raises Unprocessable."""
        return SkipLimitPagination().paginate_queryset(rows, self.request, view=self)

    def record_change(
        self, action: str, row: Model, *, fields: Iterable[str] = (), details: dict[str, Any] | None = None
    ) -> None:
        """Record in the audit log that the caller created, changed or deletes this row. One insert.

        Call it in the transaction of the write, before a deletion. `fields` are the names of the columns that were
        written. Their values (grades, notebooks) are never recorded.
        """
        audit.record(
            action,
            row,
            actor=self.caller,
            request=self.request,
            details={"fields": sorted(fields)} if details is None else details,
        )
